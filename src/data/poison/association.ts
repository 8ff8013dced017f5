/**
 * How much more an item goes with one class than is to be expected, in a way that a rare item and a common one can be
 * compared, and that judges an item against the others of its column.
 *
 * Log-odds of the class among the item's rows, shrunk by a Dirichlet prior at the expected rate, minus the log-odds of
 * that rate. Its variance has three parts: of the item's own rows, of what the anchor knows of it, and `spread`, how far
 * items of this column honestly lie from expectation: where a column determines the label, everything does.
 * Source: Monroe, Colaresi and Quinn (2008), Fightin' Words, equations 15 to 22; the spread as in a random-effects
 * meta-analysis (DerSimonian and Laird 1986), by a quantile, which a few poisoned items do not move.
 */

import { wilson } from '../statistics/intervals.ts'

/** Rows of the item, and those of them with the class. */
export type Counts = Readonly<{ rows: number; hits: number }>

/** A log-odds and its variance. */
export type LogOdds = Readonly<{ value: number; variance: number }>

/** Variance of log-odds that an item of the anchor may have before its rows are looked at. */
const leastPrior = 1
/** Rows that the prior is worth. */
const priorRows = 1

export function logOddsOf({ rows, hits }: Counts, expectedShare: number): LogOdds {
  const share = Math.min(1 - 1e-6, Math.max(1e-6, expectedShare))
  const yes = hits + priorRows * share
  const no = rows - hits + priorRows * (1 - share)
  return { value: Math.log(yes / no) - Math.log(share / (1 - share)), variance: 1 / yes + 1 / no }
}

/**
 * Expectation after the anchor was seen: a normal prior of variance `spread` around none, and the anchor's own rows, by
 * the most likely deviation and the curvature there (Laplace), since log-odds of a pure item are anything but normal.
 *
 * @param share the class's share in the anchor
 */
export function expectationOf(known: Counts | undefined, share: number, spread: number): LogOdds {
  if (known === undefined || known.rows === 0) return { value: 0, variance: spread }
  // What the anchor's own rows say is believed, however little items of this column differ otherwise.
  const prior = Math.max(spread, leastPrior)
  const value = likeliest(known, share, { value: 0, variance: prior })
  const found = shareAt(share, value)
  return { value, variance: 1 / (1 / prior + known.rows * found * (1 - found)) }
}

/**
 * How surprising the counts are, in standard deviations, and the lower end (95 %) of the excess in log-odds.
 *
 * Twice the log-likelihood that the best deviation takes back from the observed share, each deviation paying for its
 * distance from expectation: a likelihood ratio, since normal log-odds say nothing of an item that is pure.
 */
export function surpriseOf(
  { rows, hits }: Counts,
  share: number,
  expected: LogOdds,
): Readonly<{ z: number; low: number }> {
  const deviation = likeliest({ rows, hits }, share, expected)
  const distance = deviation - expected.value
  const penalty = expected.variance > 0 ? (distance * distance) / expected.variance : 0
  const z = Math.sqrt(2 * rows * divergence(hits / rows, shareAt(share, deviation)) + penalty)
  const lowest = logit(wilson(hits, rows, 1.645).low) - logit(share)
  return { z, low: lowest - expected.value - 1.645 * Math.sqrt(expected.variance) }
}

/** The deviation where the pull of the rows, `hits - rows * share`, and that of expectation are equal. */
function likeliest({ rows, hits }: Counts, share: number, { value, variance }: LogOdds): number {
  if (variance <= 0) return value
  const isMore = hits > rows * shareAt(share, value)
  let low = isMore ? value : value - 50
  let high = isMore ? value + 50 : value
  for (let step = 0; step < 50; step += 1) {
    const middle = (low + high) / 2
    if (hits - rows * shareAt(share, middle) > (middle - value) / variance) low = middle
    else high = middle
  }
  return low
}

/** Kullback-Leibler divergence of two coins, in nats. */
function divergence(observed: number, expected: number): number {
  const part = (p: number, q: number): number => (p > 0 ? p * Math.log(p / Math.max(1e-300, q)) : 0)
  return Math.max(0, part(observed, expected) + part(1 - observed, 1 - expected))
}

function logit(share: number): number {
  const inside = Math.min(1 - 1e-9, Math.max(1e-9, share))
  return Math.log(inside / (1 - inside))
}

/** The share whose log-odds deviate so much from those of `share`. */
export function shareAt(share: number, deviation: number): number {
  return 1 / (1 + Math.exp(-logit(share) - deviation))
}

/** Square of the quantile of a chi-square with one degree of freedom, by probability. */
const levels = [
  [0.5, 0.455],
  [0.75, 1.323],
  [0.9, 2.706],
  [0.99, 6.635],
] as const

/**
 * The variance that items have beyond that of their rows, from quantiles: the largest that the middle, the upper
 * quarter, tenth and hundredth ask for. The most extreme items, two to five, have no say.
 */
export function spreadOf(items: readonly LogOdds[]): number {
  let spread = 0
  const unheard = items.length < 20 ? 2 : items.length < 60 ? 3 : 5
  for (const [level, wanted] of levels) {
    const place = Math.min(Math.floor(level * items.length), items.length - 1 - unheard)
    if (level !== 0.5 && place < items.length * (level - 0.05)) continue
    spread = Math.max(spread, solve(items, Math.max(place, Math.floor(items.length / 2)), wanted))
  }
  return spread
}

/** The variance that makes the item at `place`, in the order of surprise, as surprising as it should be. */
function solve(items: readonly LogOdds[], place: number, wanted: number): number {
  if (items.length === 0) return 0
  const surpriseAt = (spread: number): number =>
    Float64Array.from(items, ({ value, variance }) => (value * value) / (variance + spread)).sort()[place] ?? 0
  if (surpriseAt(0) <= wanted) return 0
  let low = 0
  let high = 100
  for (let step = 0; step < 24; step += 1) {
    const middle = (low + high) / 2
    if (surpriseAt(middle) > wanted) low = middle
    else high = middle
  }
  return high
}
