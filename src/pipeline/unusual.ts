/**
 * A run of a stage against earlier runs of the same commands: what is unlike them, in words. Pure.
 *
 * SOURCE: distance from the median in median absolute deviations, of logarithms (Iglewicz and Hoaglin, How to Detect and
 * Handle Outliers, 1993, equation 3.3, with their threshold raised from 3.5): a machine that is busy doubles times.
 */
import type { ResourceUse } from '../compute/index.ts'

/** What is kept of a run to compare later ones with. */
export type UsualRun = Readonly<{
  wallMs: number
  cpuMs?: number
  memoryPeakBytes?: number
  deniedAttempts: number
  programs: readonly string[]
  /** Bytes of all inputs: runs on data of another size are no measure. */
  inputBytes: number
}>

/** LIMIT: fewer earlier runs say nothing, more are not kept. */
const leastRuns = 5
export const mostRuns = 30
const threshold = 6
/** Runs vary by a tenth even where five of them did not; a stage of a second or of 64 MiB varies by more than that. */
const leastSpread = Math.log(1.1)
const trifles = { wallMs: 2000, cpuMs: 2000, memoryPeakBytes: 64 * 1024 ** 2 }
/** Inputs within this factor are of the same scale. */
const sameScale = 2
/** SOURCE: the 0.75 quantile of the normal distribution, which makes the deviation comparable to a standard one. */
const consistency = 0.6745

export function usualOf(used: ResourceUse, deniedAttempts: number, inputBytes: number): UsualRun {
  const { wallMs, cpuMs, memoryPeakBytes, programs = [] } = used
  return {
    ...{ wallMs, deniedAttempts, programs, inputBytes },
    ...(cpuMs === undefined ? {} : { cpuMs }),
    ...(memoryPeakBytes === undefined ? {} : { memoryPeakBytes }),
  }
}

/** One sentence for each thing that is unlike earlier runs; none while these are too few. */
export function unusual(run: UsualRun, earlier: readonly UsualRun[]): readonly string[] {
  const alike = earlier.filter(({ inputBytes }) => {
    return inputBytes <= run.inputBytes * sameScale && run.inputBytes <= inputBytes * sameScale
  })
  if (alike.length < leastRuns) return []
  const known = new Set(alike.flatMap(({ programs }) => programs))
  const attempts = alike.map((each) => each.deniedAttempts)
  return [
    ...far(
      'time',
      run.wallMs,
      alike.map(({ wallMs }) => wallMs),
      trifles.wallMs,
    ),
    ...far(
      'processor time',
      run.cpuMs,
      alike.flatMap(({ cpuMs }) => cpuMs ?? []),
      trifles.cpuMs,
    ),
    ...far(
      'memory',
      run.memoryPeakBytes,
      alike.flatMap((each) => each.memoryPeakBytes ?? []),
      trifles.memoryPeakBytes,
    ),
    ...(run.deniedAttempts > Math.max(...attempts)
      ? [`network attempts: ${run.deniedAttempts}, usual ${median(attempts)}`]
      : []),
    ...run.programs.filter((name) => !known.has(name)).map((name) => `started \`${name}\`, never seen before`),
  ]
}

function far(what: string, value: number | undefined, earlier: readonly number[], trifle: number): readonly string[] {
  if (value === undefined || earlier.length < leastRuns) return []
  const usual = median(earlier)
  if (Math.abs(value - usual) < trifle) return []
  const logs = earlier.map((each) => Math.log(Math.max(1, each)))
  const middle = median(logs)
  const spread = Math.max(leastSpread, median(logs.map((each) => Math.abs(each - middle))))
  const distance = (consistency * (Math.log(Math.max(1, value)) - middle)) / spread
  if (Math.abs(distance) < threshold) return []
  const share = value / Math.max(1, usual)
  return [distance < 0 ? `${what}: ${percent(share)} of the usual` : `${what}: ${share.toFixed(1)} times the usual`]
}

function percent(share: number): string {
  return `${share < 0.1 ? (share * 100).toPrecision(1) : Math.round(share * 100)} %`
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((left, right) => left - right)
  const middle = Math.floor(sorted.length / 2)
  const upper = sorted[middle] ?? 0
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? 0) + upper) / 2
}
