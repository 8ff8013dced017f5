/**
 * A run of a stage against earlier runs (`usual-history.ts`): what is unlike them, in words. Pure.
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
  /** By system calls. */
  ioReadBytes?: number
  ioWrittenBytes?: number
  /** Over the proxy. */
  sentBytes?: number
  receivedBytes?: number
  deniedAttempts: number
  programs: readonly string[]
  /** Bytes of all inputs: runs on data of another size are no measure. */
  inputBytes: number
}>

/** LIMIT: fewer earlier runs say nothing. */
export const leastRuns = 5
const threshold = 6
/** What is compared, in words, and a difference that is no matter however large a part it is: a stage of a second varies by more. */
const measures = [
  ['wallMs', 'time', 2000],
  ['cpuMs', 'processor time', 2000],
  ['memoryPeakBytes', 'memory', 64 * 1024 ** 2],
  ['ioReadBytes', 'bytes read', 256 * 1024 ** 2],
  ['ioWrittenBytes', 'bytes written', 64 * 1024 ** 2],
  ['sentBytes', 'bytes sent', 1024 ** 2],
  ['receivedBytes', 'bytes received', 64 * 1024 ** 2],
] as const satisfies readonly (readonly [keyof UsualRun, string, number])[]
/** Runs vary by a tenth even where five of them did not. */
const leastSpread = Math.log(1.1)
/** Inputs within this factor are of the same scale. */
const sameScale = 2
/** SOURCE: the 0.75 quantile of the normal distribution, which makes the deviation comparable to a standard one. */
const consistency = 0.6745

export function usualOf(used: ResourceUse, deniedAttempts: number, inputBytes: number): UsualRun {
  const measured = measures.flatMap(([name]) => (used[name] === undefined ? [] : [[name, used[name]] as const]))
  return {
    wallMs: used.wallMs,
    ...Object.fromEntries(measured),
    deniedAttempts,
    programs: used.programs ?? [],
    inputBytes,
  }
}

/** Whether the inputs of two runs are of one scale. */
export function isOfScale(one: Pick<UsualRun, 'inputBytes'>, other: Pick<UsualRun, 'inputBytes'>): boolean {
  return one.inputBytes <= other.inputBytes * sameScale && other.inputBytes <= one.inputBytes * sameScale
}

/**
 * One sentence for each thing that is unlike earlier runs; none while these are too few.
 *
 * @param shell name of the file that the stage's `/bin/sh` is, which may be another than then
 */
export function unusual(run: UsualRun, earlier: readonly UsualRun[], shell: string): readonly string[] {
  const alike = earlier.filter((each) => isOfScale(each, run))
  if (alike.length < leastRuns) return []
  const known = new Set([...alike.flatMap(({ programs }) => programs), shell, 'sh'])
  const attempts = alike.map((each) => each.deniedAttempts)
  return [
    ...measures.flatMap(([name, words, trifle]) =>
      far(
        words,
        run[name],
        alike.flatMap((each) => each[name] ?? []),
        trifle,
      ),
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
