/** How far two columns of categories are apart, from their counts. */
import { largestDifference } from './divergence.ts'
import type { Finding } from './drift.ts'
import { differenceOf, type Estimate, familyWiseZ, magnitudeOf, tailOf, wilson } from './intervals.ts'
import { divergences, harmonicRows, percent } from './measure-numbers.ts'
import type { CategoryCounts } from './profile.ts'
import { plainSpelling } from './spelling.ts'

/** PSI is used over some ten bins: the anchor's commonest categories, and one for all others. */
const namedBins = 10

/**
 * Order: a new category is judged by its rows, whichever of the lists it comes from.
 *
 * @param options.isLabel a label's balance stands for its L-infinity distance
 */
export function measureCategories(
  candidate: CategoryCounts,
  anchor: CategoryCounts,
  { z, isLabel }: Readonly<{ z: number; isLabel: boolean }>,
): readonly Finding[] {
  if (candidate.count === 0 || anchor.count === 0) return []
  const counts = alignedCounts(candidate, anchor)
  const [now, before] = [binned(counts.now), binned(counts.before)]
  return [
    ...divergences(now, before, harmonicRows(candidate.count, anchor.count), z),
    measureShares(counts, { z, name: isLabel ? 'drift/label-balance' : 'drift/l-infinity' }),
    isLabel
      ? heldAsClasses(measureNew(counts, candidate, anchor, z), counts, anchor)
      : measureNew(counts, candidate, anchor, z),
    measureLost(counts, candidate, anchor, z),
  ]
}

/** Each named category of the anchor, those of the candidate alone, and last the rows that no name stands for. */
type Aligned = Readonly<{ values: readonly string[]; now: Float64Array; before: Float64Array; anchored: number }>

function alignedCounts(candidate: CategoryCounts, anchor: CategoryCounts): Aligned {
  const known = new Set(anchor.values)
  const added = candidate.values.filter((value) => !known.has(value))
  const values = [...anchor.values, ...added]
  return { values, now: placed(candidate, values), before: placed(anchor, values), anchored: anchor.values.length }
}

function placed({ values, counts, count }: CategoryCounts, order: readonly string[]): Float64Array {
  const countOf = new Map(values.map((value, index) => [value, counts[index] ?? 0]))
  const named = order.map((value) => countOf.get(value) ?? 0)
  return Float64Array.of(...named, Math.max(0, count - named.reduce((sum, rows) => sum + rows, 0)))
}

function binned(counts: Float64Array): Float64Array {
  const rest = counts.subarray(namedBins).reduce((sum, count) => sum + count, 0)
  return Float64Array.of(...counts.subarray(0, namedBins), ...(counts.length > namedBins ? [rest] : []))
}

function measureShares(
  { values, now, before }: Aligned,
  { z, name }: Readonly<{ z: number; name: 'drift/label-balance' | 'drift/l-infinity' }>,
): Finding {
  const [rowsNow, rowsThen] = [sumOf(now), sumOf(before)]
  // Each category is a statement of its own, so the interval of the largest holds for all of them.
  const wider = familyWiseZ(tailOf(z), values.length)
  let largest: Estimate & Readonly<{ at: number }> = { value: 0, low: 0, high: 0, at: 0 }
  let surest = 0
  for (let at = 0; at < now.length; at += 1) {
    const left = wilson(now[at] ?? 0, rowsNow, wider)
    const difference = magnitudeOf(differenceOf(left, wilson(before[at] ?? 0, rowsThen, wider)))
    surest = Math.max(surest, difference.low)
    if (difference.value > largest.value || at === 0) largest = { ...difference, at }
  }
  const { at, value, high } = largest
  const what = at < values.length ? `category ${at + 1} of the anchor's order` : 'all other categories together'
  const because = `the share of ${what} went from ${percent((before[at] ?? 0) / rowsThen)} to ${percent((now[at] ?? 0) / rowsNow)}`
  return { name, value: largestDifference(now, before), effect: { value, low: surest, high }, because }
}

function sumOf(counts: Float64Array): number {
  return counts.reduce((sum, count) => sum + count, 0)
}

/**
 * Rows of categories that the anchor has not. A sample leaves out about as much as its singletons are, so that much is
 * no news.
 *
 * Source: Good (1953), equation 9, for the mass that a sample has not met.
 */
function measureNew(counts: Aligned, candidate: CategoryCounts, anchor: CategoryCounts, z: number): Finding {
  const complete = anchor.distinct === anchor.values.length
  const added = complete ? sumOf(counts.now.subarray(counts.anchored)) : sumOf(counts.now.subarray(counts.anchored, -1))
  const found = wilson(added, candidate.count, z)
  const unmet = wilson(anchor.singletons, anchor.count, z)
  const effect = clipped(differenceOf(found, unmet))
  const because = `${added} rows have categories that the anchor has not, ${percent(found.value)}`
  return { name: 'drift/new-categories', value: found.value, effect, because }
}

/**
 * A class that nobody approved is told however few its rows are, since no model says what they should be; one that is an
 * approved class but for its spelling is that class to whoever trims or lower-cases before training.
 */
function heldAsClasses(finding: Finding, { values, now, anchored }: Aligned, anchor: CategoryCounts): Finding {
  if (finding.value === 0 || anchor.distinct > anchor.values.length) return finding
  const known = new Set(anchor.values.map(plainSpelling))
  const alike = values.reduce(
    (sum, value, at) => sum + (at >= anchored && known.has(plainSpelling(value)) ? (now[at] ?? 0) : 0),
    0,
  )
  if (alike === 0) return { ...finding, atLeast: 'warn' }
  return {
    ...finding,
    atLeast: 'fail',
    because: `${finding.because}; ${alike} have a class that is one of the anchor's but for its spelling`,
  }
}

/** Rows of the anchor whose categories are gone; a category that so few rows would miss by chance does not count. */
function measureLost(counts: Aligned, candidate: CategoryCounts, anchor: CategoryCounts, z: number): Finding {
  const complete = candidate.distinct === candidate.values.length
  let lost = 0
  let surely = 0
  for (let at = 0; complete && at < counts.anchored; at += 1) {
    const before = counts.before[at] ?? 0
    if ((counts.now[at] ?? 0) > 0) continue
    lost += before
    const low = wilson(before, anchor.count, z).low
    if (low > wilson(0, candidate.count, z).high) surely += before
  }
  const value = lost / anchor.count
  const effect = { value: surely / anchor.count, low: wilson(surely, anchor.count, z).low, high: value }
  return {
    name: 'drift/lost-categories',
    value,
    effect,
    because: `categories of ${percent(value)} of the anchor's rows are gone`,
  }
}

/** A difference that counts in one direction only. */
function clipped({ value, low, high }: Estimate): Estimate {
  return { value: Math.max(0, value), low: Math.max(0, low), high: Math.max(0, high) }
}
