/**
 * Bytes that a stage's processes read and wrote by system calls, from files, pipes and sockets alike.
 *
 * Calls and not disks: what a disk is asked for depends on what is in memory already, so that the second of two equal runs
 * reads nothing. What is read by mapping a file into memory is in neither. SOURCE: proc_pid_io(5); a process that has
 * ended counts with its parent once that has waited for it, and so do its page faults (Linux, kernel/exit.c,
 * wait_task_zombie).
 *
 * THREAT: a parent that ignores SIGCHLD waits for none. What was seen of a process that ended counts by itself, unless its
 * parent's counts grew by as much. LIMIT: one that nobody waits for, and that starts and ends between two looks, is not seen;
 * of one that ended, what it did after the last look is not either.
 * LIMIT: what `splice` moves, and what is read or written by a shared mapping, is in neither count: a stage that means to
 * goes past a limit that is held so.
 */
import { readFileSync } from 'node:fs'
import { isGone } from './process-facts.fs.ts'

export type IoSum = Readonly<{ ioReadBytes?: number; ioWrittenBytes?: number }>

export type IoWatch = Readonly<{
  /** @returns whether one of them could not be looked at */
  look(pids: readonly number[]): Readonly<{ hidden: boolean }>
  /** Whether the process is the one that was looked at last, and not another that has its number now. */
  isSame(pid: number): boolean
  /** So far; empty where the machine does not tell. */
  sum(): IoSum
}>

/** `faults`: its own and those of whom it waited for. */
type Counts = Readonly<{ read: number; written: number; faults: number }>
type Seen = Readonly<{
  pid: number
  parent: number
  counts: Counts
  /** Page faults of those that it waited for. */
  waited: number
  /** By how much that grew since the look before, as far as nobody who ended accounts for it. */
  grown: Counts
}>

const nothing: Counts = { read: 0, written: 0, faults: 0 }

export function watchIo(): IoWatch {
  let living: Living = new Map()
  /** Gone at the last look: their parent may have been read before it waited for them. */
  let leaving: readonly Seen[] = []
  let ended = nothing
  let highest: Required<IoSum> | undefined
  let seen: ReadonlySet<string> = new Set()
  return {
    isSame: (pid) => {
      const stat = statOf(pid)
      return typeof stat !== 'string' && seen.has(keyOf(pid, stat))
    },
    look: (pids) => {
      const { now, hidden, keys } = readLiving(pids, living)
      seen = keys
      if (now.size === 0 && living.size === 0) return { hidden }
      const gone = [...living].flatMap(([key, seen]) => (now.has(key) ? [] : [seen]))
      const pools = new Map(
        [...now].map(([key, { pid, grown }]) => [pid, plus(grown, living.get(key)?.grown ?? nothing)]),
      )
      const parents = new Map([...living.values(), ...leaving].map(({ pid, parent }) => [pid, parent]))
      const unwaited = (seen: readonly Seen[]): readonly Seen[] =>
        seen
          .toSorted((one, other) => sizeOf(other.counts) - sizeOf(one.counts))
          .filter(({ parent, counts }) => {
            // an orphan is waited for by the first
            return ![nearest(parent, parents, pools), pids[0] ?? 0].some((pid) => take(pools, pid, counts))
          })
      ended = sumOf([ended, ...unwaited(leaving).map(({ counts }) => counts)])
      leaving = unwaited(gone)
      living = new Map(
        [...now].map(([key, seen]) => [key, { ...seen, grown: least(seen.grown, pools.get(seen.pid) ?? nothing) }]),
      )
      const total = sumOf([ended, ...[...living.values(), ...leaving].map(({ counts }) => counts)])
      highest = {
        ioReadBytes: Math.max(highest?.ioReadBytes ?? 0, total.read),
        ioWrittenBytes: Math.max(highest?.ioWrittenBytes ?? 0, total.written),
      }
      return { hidden }
    },
    sum: () => highest ?? {},
  }
}

/** By pid and start. */
type Living = ReadonlyMap<string, Seen>

/** @returns `keys` also of those whose counts are not told */
function readLiving(
  pids: readonly number[],
  living: Living,
): Readonly<{ now: Living; hidden: boolean; keys: ReadonlySet<string> }> {
  const asked = new Set(pids)
  const keys = new Set<string>()
  const now = new Map<string, Seen>()
  let hidden = false
  // a list of processes that was made while some ended may miss others
  for (const pid of new Set([...pids, ...[...living.values()].map((seen) => seen.pid)])) {
    const stat = statOf(pid)
    hidden ||= stat === 'hidden' && asked.has(pid)
    if (typeof stat === 'string') continue
    const key = keyOf(pid, stat)
    const before = living.get(key)
    if (before === undefined && !asked.has(pid)) continue // the number is another's now
    keys.add(key)
    const io = ioOf(pid)
    hidden ||= io === 'hidden'
    const { parent, faults, waited } = stat
    const counts = typeof io === 'string' ? before?.counts : { ...io, faults: faults + waited }
    if (counts === undefined) continue
    const grown = before === undefined ? nothing : { ...less(counts, before.counts), faults: waited - before.waited }
    now.set(key, { pid, parent, counts, waited, grown })
  }
  return { now, hidden, keys }
}

function keyOf(pid: number, { start }: Readonly<{ start: string }>): string {
  return `${pid} ${start}`
}

/** The one that is left of its parents, as they were. */
function nearest(parent: number, parents: ReadonlyMap<number, number>, left: ReadonlyMap<number, unknown>): number {
  let pid = parent
  for (let steps = parents.size; steps > 0 && !left.has(pid); steps -= 1) pid = parents.get(pid) ?? 0
  return pid
}

/** THREAT: what a parent reads itself is no child's: its count of faults of children grows by waiting alone. */
function take(pools: Map<number, Counts>, pid: number, counts: Counts): boolean {
  const pool = pools.get(pid)
  if (pool === undefined) return false
  const left = less(pool, counts)
  if (left.read < 0 || left.written < 0 || left.faults < 0) return false
  pools.set(pid, left)
  return true
}

function plus(one: Counts, other: Counts): Counts {
  return { read: one.read + other.read, written: one.written + other.written, faults: one.faults + other.faults }
}

function less(one: Counts, other: Counts): Counts {
  return { read: one.read - other.read, written: one.written - other.written, faults: one.faults - other.faults }
}

function least(one: Counts, other: Counts): Counts {
  return {
    read: Math.min(one.read, other.read),
    written: Math.min(one.written, other.written),
    faults: Math.min(one.faults, other.faults),
  }
}

function sumOf(all: readonly Counts[]): Counts {
  return all.reduce(plus, nothing)
}

function sizeOf({ read, written }: Counts): number {
  return read + written
}

type Stat = Readonly<{ parent: number; faults: number; waited: number; start: string }>

/** SOURCE: proc_pid_stat(5), fields 4, 10, 11 and 22. */
function statOf(pid: number): Stat | 'hidden' | 'gone' {
  const text = textOf(pid, 'stat')
  if (typeof text === 'string') return text
  // the second field is the command's name, which may hold spaces and brackets: count from its end
  const fields = text.said.slice(text.said.lastIndexOf(')') + 2).split(' ')
  const at = (field: number): number => Number(fields[field - 3] ?? 0)
  return { parent: at(4), faults: at(10), waited: at(11), start: fields[22 - 3] ?? '0' }
}

function ioOf(pid: number): Readonly<{ read: number; written: number }> | 'hidden' | 'gone' {
  const text = textOf(pid, 'io')
  return typeof text === 'string' ? text : { read: numberIn(text.said, 'rchar'), written: numberIn(text.said, 'wchar') }
}

function textOf(pid: number, file: string): Readonly<{ said: string }> | 'hidden' | 'gone' {
  try {
    return { said: readFileSync(`/proc/${pid}/${file}`, 'utf8') }
  } catch (error) {
    return isGone(pid, error) ? 'gone' : 'hidden'
  }
}

function numberIn(text: string, name: string): number {
  return Number(new RegExp(`^${name}: (\\d+)$`, 'm').exec(text)?.[1] ?? 0)
}
