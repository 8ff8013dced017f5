/** What /proc tells about a process, for those who must know whether it is still there. */
import { readFileSync, statSync } from 'node:fs'

/** State letter and start time (clock ticks since boot); undefined when there is no such process. */
export function processState(pid: number): Readonly<{ state: string; startTicks: string }> | undefined {
  try {
    // the second field is the command's name, which may hold spaces and brackets: count from its end
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
    return { state: fields[0] ?? '?', startTicks: fields[19] ?? '0' }
  } catch {
    return undefined // INVARIANT: no such process; whoever asks treats it as ended.
  }
}

/** Ended, or a zombie: a zombie runs no more, and a zombie that was first of its pid namespace means that all are dead. */
export function isOver(pid: number, startTicks: string): boolean {
  const now = processState(pid)
  return now === undefined || now.startTicks !== startTicks || now.state === 'Z' || now.state === 'X'
}

/** Inode of the own pid namespace: pids of another one mean nothing here. */
export function pidNamespace(): number {
  return statSync('/proc/self/ns/pid').ino
}

/** The system error's code (`ENOENT`), or undefined when it is none. */
export function errnoOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined
}
