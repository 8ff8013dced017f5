/**
 * Ends the process when one input takes too long: the only thing that can be done about a loop without end. The input lies
 * in memory that both threads see, and is written down first.
 */
import { Worker } from 'node:worker_threads'
import { maxInputBytes } from './mutate.ts'
import { headerBytes, nameBytes } from './watchdog-memory.ts'

export type Watchdog = Readonly<{
  /** Before each input. */
  begin(target: string, bytes: Uint8Array): void
  stop(): Promise<void>
}>

/** @param folder where the input goes that never ended */
export function watch(folder: string, limitMs: number): Watchdog {
  const shared = new SharedArrayBuffer(headerBytes + nameBytes + maxInputBytes)
  const header = new Uint32Array(shared, 0, 2)
  const name = Buffer.from(shared, headerBytes, nameBytes)
  const input = Buffer.from(shared, headerBytes + nameBytes)
  const worker = new Worker(new URL('./watchdog-thread.ts', import.meta.url), {
    workerData: { shared, folder, limitMs },
  })
  worker.unref()
  return {
    begin: (target, bytes) => {
      name.fill(0)
      name.write(target)
      input.set(bytes.subarray(0, maxInputBytes))
      header[1] = Math.min(bytes.length, maxInputBytes)
      Atomics.add(header, 0, 1)
    },
    stop: async () => {
      await worker.terminate()
    },
  }
}
