/**
 * Poison in small doses: versions each below every threshold, together a campaign. Looks at signed statistics of all
 * versions since the anchor, oldest first.
 *
 * What is counted are rows of each check beyond what the anchor makes expect. A cumulative sum with no slack tells a
 * steady trickle from chance; a drift budget tells how much has come in all. An honest slow drift moves distributions
 * and does not make labels contradict them, so it is summed separately and reported as drift.
 */

import { type Measure, timesUntilLarge } from '../statistics/index.ts'
import { normalCdf, normalQuantile } from '../statistics/intervals.ts'
import { alpha, type Increment, type PoisonName } from './report.ts'

/** What is new in one version: what a verdict keeps, signed. */
export type Version = Readonly<{ increments: readonly Increment[]; drift: readonly DriftObservation[] }>

/** The largest effect of each column against the anchor, in units of its threshold. */
export type DriftObservation = Readonly<{ column: string; effect: number }>

export type Trend = Readonly<{
  kind: 'poison' | 'drift'
  name: PoisonName | 'drift'
  column: string | null
  part: string
  verdict: 'pass' | 'warn' | 'fail'
  /** Since which version, 1-based, the sum has not been at rest; 0 when it is. */
  since: number
  /** Rows too many in all versions together; for drift, effects by threshold. */
  sum: number
  low: number
  because: string
}>

export type HistoryBudget = Readonly<{
  /** Share of the rows of all versions that may be beyond expectation. */
  poisonShare: number
  /** Rows that may be beyond expectation in all versions, when that is fewer. */
  poisonRows?: number
  /** Times the threshold that a column may move away from the anchor, in one direction, before it must be reviewed. */
  driftThresholds: number
  /** From here on it fails. */
  largeThresholds: number
  /** From here on it excuses poison; `largeThresholds` when left out. */
  excusesFrom?: number
}>

export const defaultHistoryBudget: HistoryBudget = {
  poisonShare: 0.01,
  driftThresholds: 1,
  largeThresholds: timesUntilLarge.divergence,
}

/**
 * @param versions since the anchor, oldest first; each compared with the anchor, never with the version before it
 * @returns one trend a check and column, and one a column that drifts
 */
export function decideHistory(
  versions: readonly Version[],
  budget: HistoryBudget = defaultHistoryBudget,
): readonly Trend[] {
  const keys = new Map<string, Pick<Increment, 'name' | 'column' | 'part'>>()
  for (const { increments } of versions) {
    for (const { name, column, part } of increments)
      keys.set(JSON.stringify([name, column, part]), { name, column, part })
  }
  const poison = [...keys.values()].map((key) => poisonTrend(key, versions, { budget, family: keys.size }))
  const columns = new Set(versions.flatMap(({ drift }) => drift.map(({ column }) => column)))
  return [...poison, ...[...columns].map((column) => driftTrend(column, versions, budget))]
}

type Key = Pick<Increment, 'name' | 'column' | 'part'>

/**
 * The sum of `found - expected` is a random walk when nothing happens. Its variance is that of the counts and that of
 * the anchor, which all versions share. Looked at after each version, so the level is that of a walk's maximum.
 *
 * Source: Page (1954), Continuous inspection schemes, section 2; the reflection principle for the maximum of a walk.
 */
function poisonTrend(
  { name, column, part }: Key,
  versions: readonly Version[],
  { budget, family }: Readonly<{ budget: HistoryBudget; family: number }>,
): Trend {
  const level = -normalQuantile(alpha / 2 / (2 * Math.max(1, family)))
  let sum = 0
  let own = 0
  let shared = 0
  let rows = 0
  let since = 0
  for (const [index, { increments }] of versions.entries()) {
    const one = increments.find((other) => other.name === name && other.column === column && other.part === part)
    if (one === undefined) continue
    sum += one.found - one.expected
    own += one.expected
    shared += one.expected * one.expectedError
    rows += one.of
    // Page's rule: what went below expectation is no credit for what comes later.
    if (sum <= 0) {
      sum = 0
      own = 0
      shared = 0
      rows = 0
      since = 0
    } else if (since === 0) since = index + 1
  }
  const low = Math.max(0, sum - level * Math.hypot(Math.sqrt(own + 1), shared))
  const verdict =
    low > Math.min(budget.poisonRows ?? rows, budget.poisonShare * rows) ? 'fail' : low > 0 ? 'warn' : 'pass'
  const because =
    since === 0
      ? `no more rows than the anchor makes expect`
      : `since version ${since}, ${sum.toFixed(0)} rows too many among ${rows}, ${(100 * (1 - 2 * normalCdf(-sum / Math.hypot(Math.sqrt(own + 1), shared)))).toFixed(1)} % sure`
  return { kind: 'poison', name, column, part, verdict, since, sum, low, because }
}

/** Exponentially weighted, so that one odd version is not a trend. Source: Roberts (1959), equation 2, weight 0.3. */
function driftTrend(column: string, versions: readonly Version[], budget: HistoryBudget): Trend {
  const weight = 0.3
  let mean = 0
  let since = 0
  for (const [index, { drift }] of versions.entries()) {
    const one = drift.find((other) => other.column === column)
    if (one === undefined) continue
    mean += weight * (one.effect - mean)
    if (mean > budget.driftThresholds) since = since === 0 ? index + 1 : since
    else since = 0
  }
  const verdict = mean > budget.largeThresholds ? 'fail' : since > 0 ? 'warn' : 'pass'
  const because =
    since > 0
      ? `away from the anchor by ${mean.toFixed(2)} times the threshold since version ${since}: review, and anchor anew`
      : `away from the anchor by ${mean.toFixed(2)} times the threshold`
  return { kind: 'drift', name: 'drift', column, part: 'all', verdict, since, sum: mean, low: mean, because }
}

/**
 * What a verdict keeps of its measures of drift: of each column the effect that is largest by its threshold, half way
 * between the estimate and its lower bound, and only when it surely is not nothing: the largest of many estimates of a
 * small version is mostly chance.
 */
export function driftObservations(measures: readonly Measure[]): readonly DriftObservation[] {
  const largest = new Map<string, number>()
  for (const { column, effect, threshold } of measures) {
    const careful = threshold > 0 && effect.low > 0 ? (effect.value + effect.low) / 2 / threshold : 0
    largest.set(column, Math.max(largest.get(column) ?? 0, careful))
  }
  return [...largest].map(([column, effect]) => ({ column, effect }))
}
