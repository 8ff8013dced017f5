/** Differences of numbers, added up one after the other, and what they come to. Pure; the one definition of a measure. */
import type { Measure } from './compared.ts'
import type { Bound } from './tolerance.ts'

/** Grows; `bins` by the exponent bits of |a - b| as a double. */
export type Tally = {
  elements: number
  differing: number
  outside: number
  bitsOnly: number
  withoutDistance: number
  maxAbs: number
  maxRel: number
  maxUlp: number
  worst: number
  bins: Float64Array<ArrayBuffer>
}

export function newTally(): Tally {
  return {
    elements: 0,
    differing: 0,
    outside: 0,
    bitsOnly: 0,
    withoutDistance: 0,
    maxAbs: 0,
    maxRel: 0,
    maxUlp: 0,
    worst: -1,
    bins: new Float64Array(2047),
  }
}

const scratch = new Float64Array(1)
const words = new Uint32Array(scratch.buffer) // little-endian, as every machine that Node runs on

/**
 * Two numbers in other bits.
 *
 * @param ulp steps between them; Infinity when the type has none
 * @param at where they stand, 0-based
 */
export function addPair(tally: Tally, a: number, b: number, ulp: number, at: number, bound: Bound): void {
  if (a === b || (Number.isNaN(a) && Number.isNaN(b))) {
    tally.bitsOnly += 1
    return
  }
  tally.differing += 1
  let abs = Math.abs(a - b)
  let rel = abs / Math.max(Math.abs(a), Math.abs(b))
  if (!(abs < Number.POSITIVE_INFINITY)) {
    if (!Number.isFinite(a) || !Number.isFinite(b)) {
      tally.withoutDistance += 1
      tally.outside += 1
      return
    }
    abs = Number.MAX_VALUE // the difference of two numbers is beyond what a double holds
    rel = Math.abs(a / 2 - b / 2) / Math.max(Math.abs(a / 2), Math.abs(b / 2))
  }
  addDifference(tally, abs, rel, ulp, at)
  if (!(abs <= bound.abs || rel <= bound.rel || ulp <= bound.ulp)) tally.outside += 1
}

/** Integers, whose difference is exact: |a - b|, which may be beyond what a double holds, and the larger magnitude. */
export function addIntegers(tally: Tally, abs: number, magnitude: number, at: number, bound: Bound): void {
  tally.differing += 1
  const finite = Math.min(abs, Number.MAX_VALUE)
  addDifference(tally, finite, finite / magnitude, 0, at)
  if (!(abs <= bound.abs)) tally.outside += 1
}

/** What has no distance: a text, a boolean, a record. */
export function addOther(tally: Tally): void {
  tally.differing += 1
  tally.withoutDistance += 1
  tally.outside += 1
}

function addDifference(tally: Tally, abs: number, rel: number, ulp: number, at: number): void {
  if (abs > tally.maxAbs) {
    tally.maxAbs = abs
    tally.worst = at
  }
  if (rel > tally.maxRel) tally.maxRel = rel
  if (ulp > tally.maxUlp) tally.maxUlp = ulp
  scratch[0] = abs
  const bin = (words[1] as number) >>> 20 // INVARIANT: two words
  tally.bins[bin] = (tally.bins[bin] as number) + 1 // INVARIANT: abs is finite, so the exponent is below 2047
}

/** A tally that is put aside: of its bins only those with something in them, since all of them are 16 KB. */
export type KeptTally = Omit<Tally, 'bins'> & Readonly<{ bins: readonly (readonly [bin: number, count: number])[] }>

export function kept(tally: Tally): KeptTally {
  return { ...tally, bins: [...tally.bins.entries()].filter(([, count]) => count > 0) }
}

/** Puts the parts of one tensor together, in any order. */
export function mergeTallies(parts: readonly KeptTally[]): Tally {
  const sum = newTally()
  for (const part of parts) {
    if (part.maxAbs > sum.maxAbs || (part.maxAbs === sum.maxAbs && part.worst >= 0 && part.worst < sum.worst))
      sum.worst = part.worst
    for (const name of ['elements', 'differing', 'outside', 'bitsOnly', 'withoutDistance'] as const)
      sum[name] += part[name]
    for (const name of ['maxAbs', 'maxRel', 'maxUlp'] as const) sum[name] = Math.max(sum[name], part[name])
    for (const [bin, count] of part.bins) sum.bins[bin] = (sum.bins[bin] ?? 0) + count
  }
  return sum
}

export function measureOf(name: string, type: string, tally: Tally, hasUlp: boolean): Measure {
  const { elements, differing, outside, bitsOnly, withoutDistance, maxAbs, maxRel, maxUlp, worst } = tally
  return {
    name,
    type,
    elements,
    differing,
    outside,
    bitsOnly,
    withoutDistance,
    maxAbs,
    maxRel,
    maxUlp: hasUlp ? maxUlp : null,
    ...(worst < 0 ? {} : { worst }),
    histogram: [...tally.bins.entries()].flatMap(([bin, count]) => (count === 0 ? [] : [[bin - 1023, count] as const])),
  }
}
