/**
 * A child that will never end: it sleeps, uses no processor time and says nothing.
 *
 * THREAT: git opens what a repository holds under names that it knows (`.gitignore`, `HEAD`, an object); a fifo there is
 * waited on for ever. A child that waits for a disk is in another state (`D`) and is left alone.
 */
import { readFileSync } from 'node:fs'

/** LIMIT: a file system in user space may be as slow as this before it is called a stall. */
const stallMs = 10_000
const lookEveryMs = 500

/** Calls `onStall` once; `touch` tells that the child said something. */
export function watchForStall(
  pid: number | undefined,
  onStall: () => void,
): Readonly<{ touch(): void; [Symbol.dispose](): void }> {
  let usedBefore = ''
  let quietSinceMs = performance.now()
  const timer = setInterval(() => {
    const used = asleepAfter(pid)
    if (used === undefined || used !== usedBefore) quietSinceMs = performance.now()
    usedBefore = used ?? ''
    if (performance.now() - quietSinceMs < stallMs) return
    clearInterval(timer)
    onStall()
  }, lookEveryMs)
  timer.unref()
  return {
    touch: () => {
      quietSinceMs = performance.now()
    },
    [Symbol.dispose]: () => clearInterval(timer),
  }
}

/** The processor time that a sleeping process has used, as text; undefined when it does not sleep. */
function asleepAfter(pid: number | undefined): string | undefined {
  try {
    // proc(5): after the command's `)` come the state and, ten fields on, the ticks in user and kernel mode.
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
    return fields[0] === 'S' ? `${fields[11]} ${fields[12]}` : undefined
  } catch {
    return undefined // INVARIANT: no such process any more, or no /proc: nothing is said to have stalled.
  }
}
