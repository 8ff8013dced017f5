/**
 * Which programs a stage runs: the shell that it is started by, which is known, and what is seen by looks at its
 * processes, often at the beginning.
 *
 * LIMIT: what starts and ends between two looks is not seen: it is a measure of what is usual, and no wall.
 */
import { readFileSync, readlinkSync } from 'node:fs'
import { basename } from 'node:path'
import { hasOwnRoot, numberWithin, quietly } from './process-facts.fs.ts'

export type ProgramWatch = Readonly<{
  look(pids: readonly number[]): void
  names(): readonly string[]
}>

/** When to look, in milliseconds since the start, before the looks at equal distances begin. */
export const earlyLooksMs = [3, 6, 12, 24, 48, 96, 192]

/** LIMIT: processes that are looked at, and names that are kept. */
const mostPrograms = 200
const mostLetters = 200
/** What the first processes of a pid namespace are, one after the other, before they are the stage's shell. */
const onTheWay: ReadonlySet<string> = new Set(['bwrap', 'env', 'unshare', 'setpriv', 'prlimit'])
/** Where a stage can put a program of its own, under any name, or reach one: `/proc/self/cwd` is its own folder. */
const ownPlaces = /^\/(project|tmp|var\/tmp|home\/stage|dev\/shm|dev\/fd|proc|run|memfd:)/

/** @param shell path of the file that the stage's `/bin/sh` is, links followed */
export function watchPrograms(firstPid: number, shell: string): ProgramWatch {
  const names = new Set([nameOfProgram(shell)])
  return {
    look: (pids) => {
      if (!hasOwnRoot(firstPid)) return
      for (const pid of pids.slice(0, mostPrograms)) {
        const path = quietly(() => readlinkSync(`/proc/${pid}/exe`))
        const name = path === undefined ? undefined : nameOfStarted(path, () => argumentsOf(pid))
        if (name !== undefined && !isOurs(name, () => numberWithin(pid)) && names.size < mostPrograms) names.add(name)
      }
    },
    names: () => [...names].toSorted(),
  }
}

/**
 * Whether a program is no stage's, but what its shell is started by.
 *
 * A program without a name has its file in no folder (`/`): runc, on its way; a stage can mount nothing.
 *
 * @param number of the process in its innermost pid namespace
 */
export function isOurs(name: string, number: () => number | undefined): boolean {
  return name === '' || (onTheWay.has(name) && [1, 2].includes(number() ?? 0))
}

function argumentsOf(pid: number): readonly string[] {
  return (quietly(() => readFileSync(`/proc/${pid}/cmdline`, 'latin1')) ?? '').split('\0')
}

/** Many programs in one file, which runs the one that its first argument names. */
const manyInOne: ReadonlySet<string> = new Set(['busybox', 'toybox'])

/**
 * As `nameOfProgram`; of BusyBox and its like the program that it is started as: `wget`.
 *
 * THREAT: where the shell is BusyBox, which is expected, all else that it can be would be too. LIMIT: what the shell does
 * without starting a process is the shell's.
 *
 * @param words of its command line
 */
export function nameOfStarted(path: string, words: () => readonly string[]): string {
  const name = nameOfProgram(path)
  if (!manyInOne.has(name)) return name
  const [first, second] = words().map((word) => basename(word).replace(/^-/, '').slice(0, mostLetters))
  return (manyInOne.has(first ?? '') ? second : first) || name
}

/**
 * The name of the file that runs, which a process cannot choose as it chooses its own name.
 *
 * THREAT: a stage may copy a program to /tmp under the name of one that is expected: there it is called by its path.
 */
export function nameOfProgram(path: string): string {
  const there = path.replace(/ \(deleted\)$/, '')
  return (ownPlaces.test(there) ? there : basename(there)).slice(0, mostLetters)
}
