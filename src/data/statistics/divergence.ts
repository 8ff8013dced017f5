/**
 * Distances between two distributions, as their sources define them. Nothing here knows of thresholds or of samples.
 */

/** Counts or shares over the same bins. */
type Masses = ArrayLike<number>

/** Each bin's share of all; zeros when there is nothing. */
export function sharesOf(masses: Masses): Float64Array {
  const shares = Float64Array.from(masses)
  let total = 0
  for (const mass of shares) total += mass
  return total > 0 ? shares.map((mass) => mass / total) : shares
}

/**
 * Population stability index, `sum (a - b) ln(a / b)`, in nats: Jeffreys' divergence. Infinite where one side is empty
 * and the other is not: smooth counts first.
 *
 * @param left shares, taken as they are: Evidently fills empty bins without normalising again
 * @param right likewise

 * Source: Kullback and Leibler (1951), equation 2.6; equals Evidently's `psi` on the same shares (test/vectors/statistics).
 */
export function populationStability(left: Masses, right: Masses): number {
  let sum = 0
  for (let bin = 0; bin < left.length; bin += 1) {
    const p = left[bin] ?? 0
    const q = right[bin] ?? 0
    if (p !== q) sum += (p - q) * Math.log(p / q)
  }
  return sum
}

/**
 * Jensen-Shannon divergence to base 2, between 0 and 1.
 *
 * Source: Lin (1991), equation 4.1; TFDV `anomalies/metrics.cc`; the square of scipy's `jensenshannon(p, q, 2)`.
 */
export function jensenShannon(left: Masses, right: Masses): number {
  const a = sharesOf(left)
  const b = sharesOf(right)
  let sum = 0
  for (let bin = 0; bin < a.length; bin += 1) {
    const p = a[bin] ?? 0
    const q = b[bin] ?? 0
    const middle = (p + q) / 2
    if (p > 0) sum += p * Math.log2(p / middle)
    if (q > 0) sum += q * Math.log2(q / middle)
  }
  return Math.max(0, sum / 2)
}

/**
 * The largest difference of one bin's share.
 *
 * Source: TFDV `infinity_norm`, `anomalies/metrics.cc` and `feature_util.cc`.
 */
export function largestDifference(left: Masses, right: Masses): number {
  const a = sharesOf(left)
  const b = sharesOf(right)
  let largest = 0
  for (let bin = 0; bin < a.length; bin += 1) largest = Math.max(largest, Math.abs((a[bin] ?? 0) - (b[bin] ?? 0)))
  return largest
}

/**
 * Two-sample Kolmogorov-Smirnov statistic: the largest difference of the empirical distribution functions. Exact.
 *
 * @param left ascending, without NaN
 * @param right likewise
 * Source: Smirnov (1948); equals scipy.stats.ks_2samp(...).statistic.
 */
export function kolmogorovSmirnov(left: Float64Array, right: Float64Array): number {
  let i = 0
  let j = 0
  let largest = 0
  while (i < left.length && j < right.length) {
    const value = Math.min(left[i] ?? 0, right[j] ?? 0)
    while (i < left.length && (left[i] ?? 0) <= value) i += 1
    while (j < right.length && (right[j] ?? 0) <= value) j += 1
    largest = Math.max(largest, Math.abs(i / left.length - j / right.length))
  }
  return largest
}

/**
 * Shares with half a row more in each bin, so that an empty bin is rare and not impossible.
 *
 * Source: Krichevsky and Trofimov (1981): the expected count under Jeffreys' prior.
 */
export function smoothedShares(counts: Masses): Float64Array {
  return sharesOf(Float64Array.from(counts, (count) => count + 0.5))
}
