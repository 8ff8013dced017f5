/**
 * How far a statistic of samples can be from that of the population: intervals, not p-values, so that a million rows do
 * not make noise matter and a hundred rows do not make a shift vanish.
 */

/** `low <= value <= high`, all in the units of the statistic. */
export type Estimate = Readonly<{ value: number; low: number; high: number }>

/**
 * The standard normal quantile.
 *
 * @param probability 0 < probability < 1
 * Source: Abramowitz and Stegun 26.2.23 and Halley's method over `normalCdf`; agrees with scipy.stats.norm.ppf to 1e-9
 * (test/vectors/statistics).
 */
export function normalQuantile(probability: number): number {
  if (probability <= 0) return Number.NEGATIVE_INFINITY
  if (probability >= 1) return Number.POSITIVE_INFINITY
  if (probability > 0.5) return -normalQuantile(1 - probability)
  const t = Math.sqrt(-2 * Math.log(probability))
  const rough = ((0.010328 * t + 0.802853) * t + 2.515517) / (((0.001308 * t + 0.189269) * t + 1.432788) * t + 1) - t
  return halleyStep(halleyStep(rough, probability), probability)
}

/** The rough start is wrong by less than 4.5e-4, which two steps make exact. */
function halleyStep(x: number, probability: number): number {
  const error = (normalCdf(x) - probability) * Math.sqrt(2 * Math.PI) * Math.exp((x * x) / 2)
  return x - error / (1 + (x * error) / 2)
}

/**
 * The standard normal distribution function, relative precision also far out.
 *
 * Source: the series of erf below 3, the continued fraction of erfc above (Abramowitz and Stegun 7.1.6, 7.1.14).
 */
export function normalCdf(x: number): number {
  const z = Math.abs(x) / Math.SQRT2
  const upper = z < 3 ? (1 - erfSeries(z)) / 2 : erfcFraction(z) / 2
  return x < 0 ? upper : 1 - upper
}

function erfSeries(z: number): number {
  let term = z
  let sum = z
  for (let n = 1; n < 200 && term > sum * 1e-17; n += 1) {
    term *= (2 * z * z) / (2 * n + 1)
    sum += term
  }
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-z * z) * sum
}

function erfcFraction(z: number): number {
  let fraction = z
  for (let n = 60; n >= 1; n -= 1) fraction = z + n / 2 / fraction
  return Math.exp(-z * z) / (Math.sqrt(Math.PI) * fraction)
}

/**
 * How many standard errors each of `family` two-sided statements may be off so that all hold together with confidence
 * `1 - alpha`.
 *
 * Source: Bonferroni's inequality; the family is every statistic of every column.
 */
export function familyWiseZ(alpha: number, family: number): number {
  return normalQuantile(1 - alpha / (2 * Math.max(1, family)))
}

/** Two-sided probability of being more than `z` standard errors off. */
export function tailOf(z: number): number {
  return 2 * normalCdf(-Math.abs(z))
}

/**
 * Interval of a share.
 *
 * Source: Wilson (1927), Probable inference; as in Newcombe (1998), method 3.
 */
export function wilson(count: number, total: number, z: number): Estimate {
  if (total <= 0) return { value: 0, low: 0, high: 1 }
  const share = count / total
  const square = (z * z) / total
  const middle = (share + square / 2) / (1 + square)
  const half = (z / (1 + square)) * Math.sqrt((share * (1 - share)) / total + square / (4 * total))
  return { value: share, low: count <= 0 ? 0 : middle - half, high: count >= total ? 1 : middle + half }
}

/**
 * Interval of the difference of two estimates that are independent.
 *
 * Source: Newcombe (1998), Interval estimation for the difference between independent proportions, method 10; for other
 * statistics Zou and Donner (2008), "MOVER", equation 4.
 */
export function differenceOf(left: Estimate, right: Estimate): Estimate {
  const value = left.value - right.value
  return {
    value,
    low: value - Math.hypot(left.value - left.low, right.high - right.value),
    high: value + Math.hypot(left.high - left.value, right.value - right.low),
  }
}

/** Interval of the size of a difference: `low` is 0 when the difference may be none. */
export function magnitudeOf({ value, low, high }: Estimate): Estimate {
  return {
    value: Math.abs(value),
    low: low > 0 ? low : high < 0 ? -high : 0,
    high: Math.max(Math.abs(low), Math.abs(high)),
  }
}

/**
 * Interval of what a divergence of two samples over `bins` bins is in the populations: `rows` times the divergence of
 * samples is close to a non-central chi-square whose non-centrality is `rows` times the divergence of populations.
 *
 * @param rows harmonic size of the two samples, `left * right / (left + right)`
 * @returns `value` is corrected for the bias of sampling, which alone makes `(bins - 1) / rows`
 * Source: Yurdakul and Naranjo (2020), Statistical properties of the population stability index, for PSI as a scaled
 * chi-square; Abdel-Aty (1954) for the cube root of a non-central chi-square being normal.
 */
export function divergenceInterval(divergence: number, bins: number, rows: number, z: number): Estimate {
  const degrees = Math.max(1, bins - 1)
  const observed = divergence * rows
  const atQuantile = (deviate: number): number => {
    let low = 0
    let high = observed + degrees + 20 * z * Math.sqrt(observed + degrees) + 20 * z * z
    for (let step = 0; step < 60; step += 1) {
      const middle = (low + high) / 2
      if (nonCentralQuantile(degrees, middle, deviate) < observed) low = middle
      else high = middle
    }
    return low / rows
  }
  return { value: Math.max(0, divergence - degrees / rows), low: atQuantile(z), high: atQuantile(-z) }
}

/** @param deviate the standard normal quantile of the wanted probability */
export function nonCentralQuantile(degrees: number, nonCentrality: number, deviate: number): number {
  const a = degrees + nonCentrality
  const spread = (2 * (1 + nonCentrality / a)) / (9 * a)
  return a * Math.max(0, 1 - spread + deviate * Math.sqrt(spread)) ** 3
}
