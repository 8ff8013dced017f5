/** Whether a stage used what its definition says that it uses: pure. `expect` in assay.yaml. */
import type { ResourceUse } from '../compute/index.ts'
import { formatDuration, formatSize } from '../core/index.ts'

/** Both ends belong to it. */
export type Range = Readonly<{ least?: number; most?: number }>

export type Expectation = Readonly<{
  timeMs?: Range
  cpuMs?: Range
  memoryBytes?: Range
  /** Names of the programs that it may start, beside the shell. */
  programs?: readonly string[]
}>

/**
 * One sentence for each thing that is not as expected.
 *
 * @param shell name of the file that the stage's `/bin/sh` is, which starts it
 */
export function unexpected(expected: Expectation, used: ResourceUse, shell: string): readonly string[] {
  const { timeMs, cpuMs, memoryBytes, programs } = expected
  return [
    ...outside('it took', used.wallMs, timeMs, formatDuration),
    ...outside('it used processor time of', used.cpuMs, cpuMs, formatDuration),
    ...outside('it used memory of', used.memoryPeakBytes, memoryBytes, formatSize),
    ...others(used.programs, programs, shell),
  ]
}

/** LIMIT: what `/bin/sh` is on the systems that there are. */
const shells: ReadonlySet<string> = new Set(['ash', 'bash', 'busybox', 'dash', 'ksh', 'mksh', 'toybox', 'zsh'])

/** The same of a run that was, of which only the programs are on record: one of them was the shell that started it. */
export function unexpectedThen(expected: Expectation, used: ResourceUse): readonly string[] {
  const told = (used.programs ?? []).filter((name) => shells.has(name)).map((name) => unexpected(expected, used, name))
  return told.toSorted((one, other) => one.length - other.length)[0] ?? unexpected(expected, used, 'sh')
}

/**
 * INVARIANT: a stage whose programs nobody looked at is not as expected.
 *
 * THREAT: a shell that is not the one by which stages are started is a program as any other.
 */
function others(
  seen: readonly string[] | undefined,
  expected: readonly string[] | undefined,
  shell: string,
): readonly string[] {
  if (expected === undefined) return []
  if (seen === undefined)
    return [`nobody saw which programs ran, since it ran without a sandbox, and only ${expected.join(', ')} may`]
  const known = new Set([...expected, shell, 'sh'])
  return seen.filter((name) => !namesFor(name).some((each) => known.has(each))).map((name) => `it started \`${name}\``)
}

/** `python3.11` is what `python3` and `python` are links to. */
function namesFor(name: string): readonly string[] {
  return [name, name.replace(/(\d)(\.\d+)+$/, '$1'), name.replace(/\d+(\.\d+)*$/, '')]
}

/** INVARIANT: what was not measured is not as expected. */
function outside(
  what: string,
  value: number | undefined,
  range: Range | undefined,
  print: (value: number) => string,
): readonly string[] {
  if (range === undefined) return []
  const { least = 0, most = Number.POSITIVE_INFINITY } = range
  if (value !== undefined && value >= least && value <= most) return []
  const ends = `${range.least === undefined ? '' : print(least)}..${range.most === undefined ? '' : print(most)}`
  return [
    value === undefined
      ? `${what} nobody knows what, ${ends} is expected`
      : `${what} ${print(value)}, ${ends} is expected`,
  ]
}
