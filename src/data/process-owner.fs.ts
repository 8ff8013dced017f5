/**
 * Which process a file belongs to, told by the file's name: `<pid>.<start time>.<random>`.
 *
 * The start time (clock ticks since boot) keeps a new process with an old number from being taken for the owner.
 * LIMIT: processes of another pid namespace look dead; that is why whoever sweeps also asks for age.
 */
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'

const ownedName = /^(\d{1,10})\.(\d{1,20})\.[0-9a-f]{16}$/

let own: string | undefined

/** A new name that says that this process owns it. */
export function nameOfOwn(): string {
  own ??= `${process.pid}.${startOf(process.pid) ?? '0'}`
  return `${own}.${randomBytes(8).toString('hex')}`
}

/** Whether the owner lives; undefined when the name is not one of ours. */
export function isOwnerAlive(name: string): boolean | undefined {
  const [, pid, start] = ownedName.exec(name) ?? []
  if (pid === undefined) return undefined
  return startOf(Number(pid)) === start
}

/** Field 22 of `/proc/PID/stat`; the second field may hold spaces and brackets, so count from its end. */
function startOf(pid: number): string | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return text.slice(text.lastIndexOf(')') + 2).split(' ')[19]
  } catch {
    return undefined // INVARIANT: no such process, so nobody owns the name.
  }
}
