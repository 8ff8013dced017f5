/** What lies where in the memory that the fuzzer and its watchdog share: counter and length, name, input. */
export const headerBytes = 8
export const nameBytes = 200
