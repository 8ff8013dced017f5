/**
 * How much data may do before a check warns or fails, where a user says so: thresholds of drift, budgets of poison. One
 * list, the same in assay.yaml once it is read, in the question to the validator and in the signed verdict; what it does
 * not name is assay's own. Every bound lets more through the larger it is. Pure.
 */
import { defaultHistoryBudget, type HistoryBudget } from './poison/history.ts'
import { type Budget, defaultBudgets, type PoisonName } from './poison/report.ts'
import { defaultThresholds, type ThresholdOf, timesUntilLarge } from './statistics/drift.ts'

export type Bound = Readonly<{
  /** As the checks are called: `drift/psi`, `poison/label-flip`, `poison/history`, `drift/history`. */
  check: string
  /** Of this column alone; of all that have none of their own, when left out. */
  column?: string
  of: BoundKind
  value: number
  /** Assay's own; left out where assay sets no end. */
  own?: number
}>

/** `threshold` in the unit of the statistic; `rows` and `share` are a budget, the lesser of the two; `times` the threshold. */
export type BoundKind = 'threshold' | 'rows' | 'share' | 'times'

const poisonNames = Object.keys(defaultBudgets) as readonly PoisonName[] // as: exactly those

/** Check -> what assay itself lets through. */
export const ownBounds: ReadonlyMap<string, Readonly<Partial<Record<BoundKind, number>>>> = new Map<
  string,
  Partial<Record<BoundKind, number>>
>([
  ...Object.entries(defaultThresholds).map(([name, threshold]) => [name, { threshold }] as const),
  ...Object.entries(defaultBudgets),
  ['poison/history', { share: defaultHistoryBudget.poisonShare }],
  ['drift/history', { times: defaultHistoryBudget.driftThresholds }],
])

/** Undefined where neither the user nor assay sets an end. */
function boundIn(bounds: readonly Bound[], check: string, of: BoundKind, column?: string): number | undefined {
  const named = bounds.filter((bound) => bound.check === check && bound.of === of)
  const found = named.find((bound) => bound.column === column) ?? named.find((bound) => bound.column === undefined)
  return found?.value ?? ownBounds.get(check)?.[of]
}

export function thresholdsIn(bounds: readonly Bound[]): ThresholdOf {
  return (name, column) => boundIn(bounds, name, 'threshold', column) ?? defaultThresholds[name]
}

export function budgetsIn(bounds: readonly Bound[]): Readonly<Record<PoisonName, Budget>> {
  const budgets = poisonNames.map((name): [PoisonName, Budget] => [
    name,
    { rows: boundIn(bounds, name, 'rows') ?? 0, share: boundIn(bounds, name, 'share') ?? 0 },
  ])
  return Object.fromEntries(budgets) as Record<PoisonName, Budget> // as: one entry a name
}

export function historyIn(bounds: readonly Bound[]): HistoryBudget {
  const rows = boundIn(bounds, 'poison/history', 'rows')
  const times = boundIn(bounds, 'drift/history', 'times') ?? defaultHistoryBudget.driftThresholds
  return {
    poisonShare: boundIn(bounds, 'poison/history', 'share') ?? defaultHistoryBudget.poisonShare,
    ...(rows === undefined ? {} : { poisonRows: rows }),
    driftThresholds: times,
    largeThresholds: times * timesUntilLarge.divergence,
    excusesFrom: Math.max(times, defaultHistoryBudget.driftThresholds) * timesUntilLarge.divergence * tightest(bounds),
  }
}

/**
 * How many times assay's own threshold holds the tightest one of a user.
 *
 * THREAT: history is in units of tightened thresholds; a drift that is large by these alone excuses no poison.
 */
function tightest(bounds: readonly Bound[]): number {
  const own = Object.entries(defaultThresholds)
  return Math.max(
    1,
    ...bounds.flatMap(({ check, value }) => own.flatMap(([name, is]) => (name === check ? [is / value] : []))),
  )
}

/** Ends of what can be meant of a threshold: a share has no more than 1. */
export const largestThresholds: ReadonlyMap<string, number> = new Map(
  Object.keys(defaultThresholds).map((name) => [name, /(psi|mean|quantile)$/.test(name) ? 10 : 1]),
)

/** THREAT: whoever may edit assay.yaml widens what passes: a bound beyond assay's own never goes unsaid. */
export function isLooser({ value, own }: Bound): boolean {
  return own !== undefined && value > own
}
