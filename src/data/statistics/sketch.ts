/**
 * What a column of numbers is like, in about a thousand bins of equal mass: edges from a sample, counts from every row.
 *
 * A value of which there are many gets a bin of its own, so that steps stay steps. Between the lowest and the highest
 * value of a bin its mass counts as spread evenly: a share below any number is off by at most the mass of one bin that
 * is no single value, about 1/1000.
 */

/** Plain data. Bins ascend and do not overlap; an infinity stands as the largest finite number of its sign. */
export type Sketch = Readonly<{
  /** Rows with a value. */
  count: number
  /** Of the finite values; the deviation is that of the population, `sqrt(sum (x - mean)^2 / n)`. */
  mean: number
  deviation: number
  /** The smallest and the largest value of each bin. */
  lows: readonly number[]
  highs: readonly number[]
  counts: readonly number[]
}>

const sampleRows = 65_536

/**
 * One pass over all rows, one sort of at most 65,536.
 *
 * @param values NaN is null
 * @param bins wanted; at most twice as many are made
 */
export function sketchOf(values: Float64Array, bins = 1000): Sketch {
  const splitters = splittersOf(values, bins)
  const guide = guideOf(splitters)
  const counts = new Float64Array(splitters.length)
  const lows = new Float64Array(splitters.length).fill(Number.MAX_VALUE)
  const highs = new Float64Array(splitters.length).fill(-Number.MAX_VALUE)
  const moments = { count: 0, finite: 0, sum: 0, squares: 0 }
  const origin = originOf(splitters)
  for (let row = 0; row < values.length; row += 1) {
    const value = clamp(values[row] ?? Number.NaN)
    if (Number.isNaN(value)) continue
    const bin = binOf(value, splitters, guide)
    counts[bin] = (counts[bin] ?? 0) + 1
    if (value < (lows[bin] ?? 0)) lows[bin] = value
    if (value > (highs[bin] ?? 0)) highs[bin] = value
    moments.count += 1
    if (value === Number.MAX_VALUE || value === -Number.MAX_VALUE) continue
    moments.finite += 1
    moments.sum += value - origin
    moments.squares += (value - origin) * (value - origin)
  }
  const used = [...counts.keys()].filter((bin) => (counts[bin] ?? 0) > 0)
  return {
    count: moments.count,
    ...summaryOf(moments, origin),
    lows: used.map((bin) => lows[bin] ?? 0),
    highs: used.map((bin) => highs[bin] ?? 0),
    counts: used.map((bin) => counts[bin] ?? 0),
  }
}

/** Sums are taken from a value in the middle, else a column of large numbers loses its deviation to rounding. */
function originOf(splitters: Float64Array): number {
  const middle = splitters[splitters.length >> 1] ?? 0
  return Math.abs(middle) < 1e150 ? middle : 0
}

function summaryOf(
  { finite, sum, squares }: Readonly<{ finite: number; sum: number; squares: number }>,
  origin: number,
): Pick<Sketch, 'mean' | 'deviation'> {
  if (finite === 0) return { mean: 0, deviation: 0 }
  const offset = sum / finite
  return { mean: clamp(origin + offset), deviation: clamp(Math.sqrt(Math.max(0, squares / finite - offset * offset))) }
}

function clamp(value: number): number {
  return value > Number.MAX_VALUE ? Number.MAX_VALUE : Math.max(value, -Number.MAX_VALUE)
}

/** Where bins begin, ascending and distinct. The first bin also takes what is below its beginning. */
function splittersOf(values: Float64Array, bins: number): Float64Array {
  const sample = sampleOf(values)
  const splitters: number[] = []
  const push = (value: number): void => {
    if (value > (splitters.at(-1) ?? Number.NEGATIVE_INFINITY)) splitters.push(value)
  }
  for (let bin = 0; bin < bins; bin += 1) {
    const rank = Math.floor((bin * sample.length) / bins)
    const value = sample[rank]
    if (value === undefined) break
    push(value)
    // THREAT: a value between two ranks that both have it is a step; it shares its bin with nothing.
    const next = sample[Math.min(sample.length - 1, rank + Math.max(1, Math.floor(sample.length / bins / 2)))]
    if (next === value) push(nextUp(value))
  }
  const last = sample.at(-1)
  if (last !== undefined) push(last)
  return Float64Array.from(splitters)
}

/** Every value of a short column; of a long one every so-manieth, from strides that no period of rows matches. */
function sampleOf(values: Float64Array): Float64Array {
  const wanted = Math.min(values.length, sampleRows)
  const sample = new Float64Array(wanted)
  let taken = 0
  for (let index = 0; index < wanted; index += 1) {
    const row = wanted === values.length ? index : Math.floor(((index * 0.6180339887498949) % 1) * values.length)
    const value = clamp(values[row] ?? Number.NaN)
    if (!Number.isNaN(value)) sample[taken++] = value
  }
  return sample.subarray(0, taken).sort()
}

const bits = new DataView(new ArrayBuffer(8))

/** The next larger float. */
function nextUp(value: number): number {
  if (value === 0) return Number.MIN_VALUE
  bits.setFloat64(0, value)
  bits.setBigInt64(0, bits.getBigInt64(0) + (value > 0 ? 1n : -1n))
  return bits.getFloat64(0)
}

/** Cells of equal width over the middle of the splitters: each knows where a search for its values begins. */
type Guide = Readonly<{ base: number; perUnit: number; firsts: Int32Array }>

const cells = 4096

function guideOf(splitters: Float64Array): Guide {
  const base = splitters[Math.floor(splitters.length * 0.02)] ?? 0
  const top = splitters[Math.floor(splitters.length * 0.98)] ?? 0
  const perUnit = top - base > 1e-300 && top - base < 1e300 ? cells / (top - base) : 0
  const firsts = new Int32Array(cells + 3)
  let splitter = 0
  for (let cell = 0; cell < firsts.length; cell += 1) {
    while (splitter < splitters.length && cellOf(splitters[splitter] ?? 0, base, perUnit) < cell) splitter += 1
    firsts[cell] = splitter
  }
  return { base, perUnit, firsts }
}

/** 0 below the middle, `cells + 1` above it. */
function cellOf(value: number, base: number, perUnit: number): number {
  const at = (value - base) * perUnit
  return at < 0 ? 0 : at >= cells ? cells + 1 : Math.floor(at) + 1
}

/** The last bin that begins at or below `value`; the first when there is none. */
function binOf(value: number, splitters: Float64Array, { base, perUnit, firsts }: Guide): number {
  const cell = cellOf(value, base, perUnit)
  let low = firsts[cell] ?? 0
  let high = firsts[cell + 1] ?? 0
  while (low < high) {
    const middle = (low + high) >> 1
    if ((splitters[middle] ?? 0) <= value) low = middle + 1
    else high = middle
  }
  return low === 0 ? 0 : low - 1
}

/** Rows below `value`, and rows at or below it. */
export function rowsBelow(
  { lows, highs, counts }: Pick<Sketch, 'lows' | 'highs' | 'counts'>,
  value: number,
): Readonly<{ below: number; upTo: number }> {
  let below = 0
  for (let bin = 0; bin < counts.length; bin += 1) {
    const low = lows[bin] ?? 0
    const high = highs[bin] ?? 0
    const count = counts[bin] ?? 0
    if (high < value) below += count
    else if (low > value) break
    else if (low === high) return { below, upTo: below + count }
    else {
      const inside = below + count * fraction(value, low, high)
      return { below: inside, upTo: inside }
    }
  }
  return { below, upTo: below }
}

/** Halves first: the difference of two large numbers may overflow. */
function fraction(value: number, low: number, high: number): number {
  return (value / 2 - low / 2) / (high / 2 - low / 2)
}

/** The value below which a share of the rows lies; NaN without rows. 0 <= share <= 1. */
export function quantileOf({ lows, highs, counts, count }: Sketch, share: number): number {
  const wanted = Math.max(0, Math.min(1, share)) * count
  let below = 0
  for (let bin = 0; bin < counts.length; bin += 1) {
    const inBin = counts[bin] ?? 0
    const low = lows[bin] ?? 0
    if (below + inBin >= wanted) return low + ((highs[bin] ?? 0) - low) * Math.max(0, (wanted - below) / inBin)
    below += inBin
  }
  return highs.at(-1) ?? Number.NaN
}
