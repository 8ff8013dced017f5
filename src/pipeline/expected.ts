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

/** The shell that every stage is started by. */
const shells: ReadonlySet<string> = new Set(['sh', 'dash', 'bash'])

/** One sentence for each thing that is not as expected. */
export function unexpected(expected: Expectation, used: ResourceUse): readonly string[] {
  const { timeMs, cpuMs, memoryBytes, programs } = expected
  return [
    ...outside('it took', used.wallMs, timeMs, formatDuration),
    ...outside('it used processor time of', used.cpuMs, cpuMs, formatDuration),
    ...outside('it used memory of', used.memoryPeakBytes, memoryBytes, formatSize),
    ...others(used.programs, programs),
  ]
}

/** INVARIANT: a stage whose programs nobody saw is not as expected: no sandbox, or it ended before the first look. */
function others(seen: readonly string[] | undefined, expected: readonly string[] | undefined): readonly string[] {
  if (expected === undefined) return []
  if (seen === undefined)
    return [
      `nobody saw which programs ran (it was over too soon, or ran without a sandbox), only ${expected.join(', ')} may`,
    ]
  return seen.filter((name) => !shells.has(name) && !expected.includes(name)).map((name) => `it started \`${name}\``)
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
