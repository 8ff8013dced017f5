/** How far two columns of numbers are apart, from their sketches. */
import { jensenShannon, populationStability, smoothedShares } from './divergence.ts'
import type { Finding } from './drift.ts'
import { differenceOf, divergenceInterval, type Estimate, magnitudeOf, tailOf, wilson } from './intervals.ts'
import { quantileOf, rowsBelow, type Sketch } from './sketch.ts'

/** The anchor's tenths: the bins that PSI is used with. */
const tenths = 10

/** Empty when one side has no value: that is a matter of nulls. */
export function measureNumbers(candidate: Sketch, anchor: Sketch, z: number): readonly Finding[] {
  if (candidate.count === 0 || anchor.count === 0) return []
  return [
    ...measureBins(candidate, anchor, z),
    measureDistribution(candidate, anchor, z),
    measureMean(candidate, anchor, z),
    measureQuantiles(candidate, anchor, z),
  ]
}

export function measureNulls(
  candidate: Readonly<{ rows: number; nulls: number }>,
  anchor: Readonly<{ rows: number; nulls: number }>,
  z: number,
): Finding {
  const [now, before] = [wilson(candidate.nulls, candidate.rows, z), wilson(anchor.nulls, anchor.rows, z)]
  const effect = magnitudeOf(differenceOf(now, before))
  const because = `nulls went from ${percent(before.value)} to ${percent(now.value)}`
  return { name: 'drift/nulls', value: effect.value, effect, because }
}

/** The size of a sample that would differ from the population as two samples differ from each other. */
export function harmonicRows(left: number, right: number): number {
  return (left * right) / (left + right)
}

function measureBins(candidate: Sketch, anchor: Sketch, z: number): readonly Finding[] {
  const edges = edgesOf(anchor)
  const [now, before] = [massesOf(candidate, anchor, edges), massesOf(anchor, anchor, edges)]
  return divergences(now, before, harmonicRows(candidate.count, anchor.count), z)
}

/** PSI and Jensen-Shannon of counts over the same bins. */
export function divergences(now: Float64Array, before: Float64Array, rows: number, z: number): readonly Finding[] {
  const psi = populationStability(smoothedShares(before), smoothedShares(now))
  const js = jensenShannon(before, now)
  const bins = now.reduce((used, mass, bin) => used + (mass + (before[bin] ?? 0) > 0 ? 1 : 0), 0)
  // Near equality Jensen-Shannon in nats is an eighth of PSI (both are chi-square at heart), hence its interval.
  const scale = 8 * Math.LN2
  const jsInterval = scaled(divergenceInterval(js * scale, bins, rows, z), 1 / scale)
  return [
    {
      name: 'drift/psi',
      value: psi,
      effect: divergenceInterval(psi, bins, rows, z),
      because: `population stability index ${psi.toFixed(4)} over ${bins} bins`,
    },
    { name: 'drift/js', value: js, effect: jsInterval, because: `Jensen-Shannon divergence ${js.toFixed(4)} bit` },
  ]
}

function scaled({ value, low, high }: Estimate, factor: number): Estimate {
  return { value: value * factor, low: low * factor, high: high * factor }
}

/** Distinct beginnings of the anchor's tenths, ascending, from its smallest value. */
function edgesOf(anchor: Sketch): readonly number[] {
  const edges: number[] = []
  let below = 0
  for (const [bin, count] of anchor.counts.entries()) {
    const tenth = Math.floor((below / anchor.count) * tenths)
    const begins = bin === 0 || Math.floor(((below - (anchor.counts[bin - 1] ?? 0)) / anchor.count) * tenths) < tenth
    if (begins) edges.push(anchor.lows[bin] ?? 0)
    below += count
  }
  return edges
}

/** Rows from each edge to the next, the last one up to the anchor's largest value; before the rows outside. */
function massesOf(sketch: Sketch, anchor: Sketch, edges: readonly number[]): Float64Array {
  const upToLast = rowsBelow(sketch, anchor.highs.at(-1) ?? 0).upTo
  const begins = [...edges.map((edge) => rowsBelow(sketch, edge).below), upToLast]
  const inside = edges.map((_, bin) => Math.max(0, (begins[bin + 1] ?? 0) - (begins[bin] ?? 0)))
  return Float64Array.of(...inside, Math.max(0, sketch.count - upToLast) + (begins[0] ?? 0))
}

function measureDistribution(candidate: Sketch, anchor: Sketch, z: number): Finding {
  const distance = sketchDistance(candidate, anchor)
  // Dvoretzky-Kiefer-Wolfowitz with Massart's constant: both distribution functions lie within their bands.
  const alpha = tailOf(z)
  const band = Math.sqrt(-Math.log(alpha / 2) / 2 / harmonicRows(candidate.count, anchor.count))
  const effect = { value: distance, low: Math.max(0, distance - band), high: Math.min(1, distance + band) }
  return {
    name: 'drift/ks',
    value: distance,
    effect,
    because: `distribution functions are up to ${distance.toFixed(4)} apart`,
  }
}

/** The Kolmogorov-Smirnov statistic at all ends of bins; off by at most the mass of one bin that is no single value. */
export function sketchDistance(left: Sketch, right: Sketch): number {
  const ends = Float64Array.of(...left.lows, ...left.highs, ...right.lows, ...right.highs).sort()
  let largest = 0
  const [walkLeft, walkRight] = [walkOf(left), walkOf(right)]
  for (const end of ends) {
    const [a, b] = [walkLeft(end), walkRight(end)]
    largest = Math.max(largest, Math.abs(a.below - b.below), Math.abs(a.upTo - b.upTo))
  }
  return largest
}

/** Shares below and up to ascending values, in one walk. */
function walkOf({ lows, highs, counts, count }: Sketch): (value: number) => Readonly<{ below: number; upTo: number }> {
  let bin = 0
  let passed = 0
  return (value) => {
    while (bin < counts.length && (highs[bin] ?? 0) < value) passed += counts[bin++] ?? 0
    const here = {
      lows: lows.slice(bin, bin + 1),
      highs: highs.slice(bin, bin + 1),
      counts: counts.slice(bin, bin + 1),
    }
    const { below, upTo } = rowsBelow(here, value)
    return { below: (passed + below) / count, upTo: (passed + upTo) / count }
  }
}

function measureMean(candidate: Sketch, anchor: Sketch, z: number): Finding {
  const scale = anchor.deviation > 0 ? anchor.deviation : candidate.deviation > 0 ? candidate.deviation : 1
  const value = candidate.mean / scale - anchor.mean / scale
  // Welch's standard error, in the same unit.
  const error = Math.hypot(
    candidate.deviation / scale / Math.sqrt(candidate.count),
    anchor.deviation / scale / Math.sqrt(anchor.count),
  )
  const effect = magnitudeOf({ value, low: value - z * error, high: value + z * error })
  const because = `mean went from ${short(anchor.mean)} to ${short(candidate.mean)}`
  return { name: 'drift/mean', value: effect.value, effect, because }
}

const watched = [0.05, 0.25, 0.5, 0.75, 0.95] as const

function measureQuantiles(candidate: Sketch, anchor: Sketch, z: number): Finding {
  const range = (quantileOf(anchor, 0.75) - quantileOf(anchor, 0.25)) / 1.349
  const scale = range > 0 ? range : anchor.deviation > 0 ? anchor.deviation : 1
  const moves = watched.map((share) => {
    const [now, before] = [quantileInterval(candidate, share, z), quantileInterval(anchor, share, z)]
    return { share, now, before, effect: scaled(gapOf(now, before), 1 / scale) }
  })
  const [first, ...rest] = moves.toSorted((left, right) => right.effect.value - left.effect.value)
  const surest = Math.max(...moves.map(({ effect }) => effect.low))
  if (first === undefined || rest.length === 0) throw new Error('no quantile is watched')
  const effect = { ...first.effect, low: surest }
  const because = `the ${first.share * 100} % quantile went from ${short(first.before.value)} to ${short(first.now.value)}`
  return { name: 'drift/quantile', value: effect.value, effect, because }
}

/** Source: David and Nagaraja (2003), Order Statistics, 7.1: the ranks of a quantile are binomial. */
function quantileInterval(sketch: Sketch, share: number, z: number): Estimate {
  const half = z * Math.sqrt((share * (1 - share)) / sketch.count)
  return {
    value: quantileOf(sketch, share),
    low: quantileOf(sketch, share - half),
    high: quantileOf(sketch, share + half),
  }
}

function gapOf(left: Estimate, right: Estimate): Estimate {
  return {
    value: Math.abs(left.value - right.value),
    low: Math.max(0, left.low - right.high, right.low - left.high),
    high: Math.max(left.high - right.low, right.high - left.low),
  }
}

export function percent(share: number): string {
  return `${(share * 100).toPrecision(3)} %`
}

function short(value: number): string {
  return String(Number(value.toPrecision(5)))
}
