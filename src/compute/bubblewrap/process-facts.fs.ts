/** What /proc tells about a process, for those who must know whether it is still there. */
import { readdirSync, readFileSync, statSync } from 'node:fs'

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

/** SOURCE: proc_pid_statm(5): a process that has ended, and one that is ending, has no memory any more. */
export function isAlive(pid: number): boolean {
  const pages = quietly(() => readFileSync(`/proc/${pid}/statm`, 'utf8'))?.split(' ')[0]
  return pages !== undefined && pages !== '0' && !['Z', 'X'].includes(processState(pid)?.state ?? 'X')
}

const ofTheGone: ReadonlySet<string> = new Set(['ENOENT', 'ESRCH', 'EACCES', 'EPERM'])

/**
 * Whether a look at a process failed since it has ended, or is ending. INVARIANT: nothing else is harmless: one that lives,
 * and what says nothing of the process (no descriptor left, a disk), has not been looked at.
 */
export function isGone(pid: number, error: unknown): boolean {
  const code = errnoOf(error)
  if (code === undefined) throw error
  return ofTheGone.has(code) && !isAlive(pid)
}

/** A process and all below it; orphans are children of the first. */
export function treeOf(pid: number): readonly number[] {
  return [pid, ...childrenOf(pid).flatMap(treeOf)]
}

export function childrenOf(pid: number): readonly number[] {
  const threads = quietly(() => readdirSync(`/proc/${pid}/task`)) ?? []
  return threads.flatMap((thread) =>
    (quietly(() => readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8')) ?? '')
      .split(' ')
      .filter(Boolean)
      .map(Number),
  )
}

/**
 * Whether the sandbox is set up, by its first process; false where we may not look.
 *
 * INVARIANT: until then its first process still has the root of the machine, whose /tmp and programs are not the stage's.
 */
export function hasOwnRoot(pid: number): boolean {
  const [root, ours] = [`/proc/${pid}/root/`, '/'].map((path) => quietly(() => statSync(path)))
  return root !== undefined && !(root.dev === ours?.dev && root.ino === ours.ino)
}

/** Undefined for a process or file that is gone, or that we may not look at. */
export function quietly<T>(look: () => T): T | undefined {
  try {
    return look()
  } catch (error) {
    if (errnoOf(error) === undefined) throw error
    return undefined
  }
}

/**
 * Processes of a pid namespace within that of the first process: those of a stage whose engine runs beside it in the box.
 * SOURCE: proc_pid_status(5), NSpid: one number for each nested namespace.
 */
export function within(firstPid: number, pids: readonly number[]): readonly number[] {
  const depth = numbersOf(firstPid).length
  return pids.filter((pid) => numbersOf(pid).length > depth)
}

/** Of a process in its innermost pid namespace, where the first is 1; undefined for one that is gone. */
export function numberWithin(pid: number): number | undefined {
  const text = numbersOf(pid).at(-1)
  return text === undefined ? undefined : Number(text)
}

function numbersOf(pid: number): readonly string[] {
  const text = quietly(() => readFileSync(`/proc/${pid}/status`, 'utf8')) ?? ''
  return /^NSpid:\s+(.+)$/m.exec(text)?.[1]?.split(/\s+/) ?? []
}
