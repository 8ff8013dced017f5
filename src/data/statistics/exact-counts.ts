/** Exact tails for counts that are too small for an interval of the normal distribution. Pure. */

/**
 * The chance of `least` successes or more in `trials`.
 *
 * @param share of each, 0 to 1
 * Source: the binomial distribution; agrees with scipy.stats.binom.sf to 1e-9.
 */
export function binomialTail(least: number, trials: number, share: number): number {
  if (least <= 0) return 1
  if (least > trials || share <= 0) return 0
  if (share >= 1) return 1
  const ways = logWays(trials)
  let sum = 0
  for (let count = least; count <= trials; count += 1)
    sum += Math.exp(ways(trials, count) + count * Math.log(share) + (trials - count) * Math.log1p(-share))
  return Math.min(1, sum)
}

export type Counted = Readonly<{ found: number; of: number }>

/**
 * The chances that `left` has as many, or as few, of all that was found when both have the same share: small where it has surely
 * more, or fewer. Nothing is known of that share, and nothing has to be.
 *
 * Source: Fisher (1935), The logic of inductive inference, the exact test of a table of two by two; the hypergeometric
 * distribution given both margins.
 */
export function exactTails(left: Counted, right: Counted): Readonly<{ more: number; fewer: number }> {
  const all = left.of + right.of
  const found = left.found + right.found
  const ways = logWays(all)
  const total = ways(all, left.of)
  const chance = (count: number): number => Math.exp(ways(found, count) + ways(all - found, left.of - count) - total)
  let [more, fewer] = [0, 0]
  for (let count = Math.max(0, left.of - (all - found)); count <= Math.min(found, left.of); count += 1) {
    if (count >= left.found) more += chance(count)
    if (count <= left.found) fewer += chance(count)
  }
  return { more: Math.min(1, more), fewer: Math.min(1, fewer) }
}

/**
 * How many of `fresh` rows may be farther than every one of `known`, and how many chance makes too seldom: more rarely than
 * `level`. Of rows that are all alike, k of them are so with the probability C(fresh, k) / C(known + fresh, k).
 *
 * @returns `chance`: of `detectable` rows or more, 0 to 1
 * Source: Epstein (1954), Tables for the distribution of the number of exceedances, equation 2.
 */
export function exceedances({
  known,
  fresh,
  level,
}: Readonly<{ known: number; fresh: number; level: number }>): Readonly<{
  beyond: number
  detectable: number
  chance: number
}> {
  let chance = 1
  let count = 0
  while (count <= fresh && chance >= level) {
    count += 1
    chance *= Math.max(0, fresh - count + 1) / (known + fresh - count + 1)
  }
  return { beyond: count - 1, detectable: count, chance }
}

/**
 * The logarithm of the number of ways to choose.
 *
 * Source: Kahan (1965), Further remarks on reducing truncation errors: without what each sum loses, tails of 40,000 were right
 * to 1.1e-9 only.
 */
function logWays(most: number): (from: number, choose: number) => number {
  const factorials = new Float64Array(most + 1)
  let [sum, lost] = [0, 0]
  for (let at = 1; at <= most; at += 1) {
    const term = Math.log(at) - lost
    const next = sum + term
    lost = next - sum - term
    sum = next
    factorials[at] = sum
  }
  return (from, choose) => (factorials[from] ?? 0) - (factorials[choose] ?? 0) - (factorials[from - choose] ?? 0)
}
