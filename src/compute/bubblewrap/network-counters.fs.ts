/**
 * Attempts to leave the sandbox, counted by the kernel in the sandbox's own network namespace.
 *
 * There is no interface but loopback, so every attempt finds no route: refused connects and sends, UDP, IPv6, multicast
 * and non-blocking ones too. Loopback itself is not counted: it stays inside.
 */
import { closeSync, existsSync, openSync, readSync } from 'node:fs'

export type NetworkCounters = Readonly<{ deniedAttempts(): number; close(): void }>

/**
 * Opened while the first process of the sandbox waits; an open file keeps the namespace, so it can be read after the
 * end. With `traced` look-ups go to a closed port of loopback and are counted there.
 */
export function openNetworkCounters(pid: number, traced: boolean): NetworkCounters {
  const four = openSync(`/proc/${pid}/net/snmp`, 'r')
  // a kernel without IPv6 has no such sockets either, so there is nothing to count
  const six = existsSync(`/proc/${pid}/net/snmp6`) ? openSync(`/proc/${pid}/net/snmp6`, 'r') : undefined
  return {
    deniedAttempts() {
      const first = readAgain(four)
      const second = six === undefined ? undefined : readAgain(six)
      const count = (name: string): number => (second === undefined ? 0 : namedField(second, name))
      const lookups = traced ? headedField(first, 'Udp', 'NoPorts') + count('Udp6NoPorts') : 0
      return headedField(first, 'Ip', 'OutNoRoutes') + count('Ip6OutNoRoutes') + lookups
    },
    close: () => {
      closeSync(four)
      if (six !== undefined) closeSync(six)
    },
  }
}

function readAgain(fd: number): string {
  const buffer = Buffer.alloc(65_536)
  return buffer.toString('latin1', 0, readSync(fd, buffer, 0, buffer.length, 0))
}

/** Two lines a protocol: `Ip: names...`, `Ip: values...`. @throws Error when the kernel does not have the counter */
export function headedField(text: string, protocol: string, name: string): number {
  const [names, values] = text
    .split('\n')
    .filter((line) => line.startsWith(`${protocol}: `))
    .map((line) => line.split(' '))
  return whole(values?.[names?.indexOf(name) ?? -1], name)
}

/** One line a counter: `Ip6OutNoRoutes  3`. */
export function namedField(text: string, name: string): number {
  return whole(new RegExp(`^${name}\\s+(\\d+)`, 'm').exec(text)?.[1], name)
}

/** INVARIANT: a counter that cannot be read is not zero. */
function whole(text: string | undefined, name: string): number {
  const value = Number(text)
  if (text === undefined || !Number.isSafeInteger(value)) throw new Error(`the kernel does not count ${name}`)
  return value
}
