/**
 * Which labels are wrong when models that did not see them disagree: confident learning.
 *
 * Source: Northcutt, Jiang and Chuang (2021), Confident Learning, equations 1 to 3 for the confident joint, section 3.2
 * method 3 ("prune by noise rate") for the choice of rows; cleanlab's default filter.
 */
import type { Judgement } from './judge.ts'

/** `margins[i]`: probability of the given class minus that of the likeliest other; below 0 models disagree. */
export type Disagreement = Readonly<{
  /** The likeliest class, one a row. */
  suggested: Int32Array
  margins: Float64Array
  /** 1 for a suspect. */
  flagged: Uint8Array
}>

export function disagreementOf(judgement: Judgement): Disagreement {
  const { given } = judgement
  const suggested = new Int32Array(given.length)
  const margins = new Float64Array(given.length)
  for (let row = 0; row < given.length; row += 1) judgeRow(judgement, row, { suggested, margins })
  const flagged = prunedRows(judgement)
  for (let row = 0; row < given.length; row += 1)
    if ((margins[row] ?? 0) >= 0 || (given[row] ?? -1) < 0) flagged[row] = 0
  return { suggested, margins, flagged }
}

function judgeRow(
  { given, probabilities, classes }: Judgement,
  row: number,
  { suggested, margins }: Readonly<{ suggested: Int32Array; margins: Float64Array }>,
): void {
  const own = given[row] ?? -1
  const base = row * classes.length
  let best = own === 0 ? 1 : 0
  for (let at = 0; at < classes.length; at += 1) {
    if (at !== own && (probabilities[base + at] ?? 0) > (probabilities[base + best] ?? 0)) best = at
  }
  const margin = own < 0 ? 1 : (probabilities[base + own] ?? 0) - (probabilities[base + best] ?? 0)
  margins[row] = margin
  suggested[row] = margin >= 0 && own >= 0 ? own : best
}

/** Mean probability of each class over the rows that are given it: what "confident" means for that class. */
function thresholdsOf({ given, probabilities, classes }: Judgement): Float64Array {
  const sums = new Float64Array(classes.length)
  const counts = new Float64Array(classes.length)
  for (let row = 0; row < given.length; row += 1) {
    const own = given[row] ?? -1
    if (own < 0) continue
    sums[own] = (sums[own] ?? 0) + (probabilities[row * classes.length + own] ?? 0)
    counts[own] = (counts[own] ?? 0) + 1
  }
  return sums.map((sum, at) => ((counts[at] ?? 0) > 0 ? sum / (counts[at] ?? 1) : 1))
}

/** How many rows given one class are of another, row-major, `classes * classes`; each row sums to the rows given it. */
export function confidentJoint(judgement: Judgement): Float64Array {
  const { given, probabilities, classes } = judgement
  const thresholds = thresholdsOf(judgement)
  const size = classes.length
  const joint = new Float64Array(size * size)
  const counts = new Float64Array(size)
  for (let row = 0; row < given.length; row += 1) {
    const own = given[row] ?? -1
    if (own < 0) continue
    counts[own] = (counts[own] ?? 0) + 1
    let best = -1
    for (let at = 0; at < size; at += 1) {
      const probability = probabilities[row * size + at] ?? 0
      const isConfident = probability >= (thresholds[at] ?? 1) - 1e-12
      if (isConfident && (best < 0 || probability > (probabilities[row * size + best] ?? 0))) best = at
    }
    if (best >= 0) joint[own * size + best] = (joint[own * size + best] ?? 0) + 1
  }
  for (let own = 0; own < size; own += 1) {
    const line = joint.subarray(own * size, (own + 1) * size)
    const sum = line.reduce((total, count) => total + count, 0)
    if (sum > 0) for (let at = 0; at < size; at += 1) line[at] = ((line[at] ?? 0) * (counts[own] ?? 0)) / sum
    else line[own] = counts[own] ?? 0
  }
  return joint
}

/** For each pair of classes, as many rows as the joint says are wrong, those that are most clearly so. */
function prunedRows(judgement: Judgement): Uint8Array {
  const { given, probabilities, classes } = judgement
  const size = classes.length
  const joint = confidentJoint(judgement)
  const flagged = new Uint8Array(given.length)
  const rowsOf = classes.map((_, own) => Int32Array.from(given.keys()).filter((row) => given[row] === own))
  for (const [own, rows] of rowsOf.entries()) {
    for (let other = 0; other < size; other += 1) {
      const wanted = other === own ? 0 : Math.min(rows.length - 1, Math.round(joint[own * size + other] ?? 0))
      if (wanted <= 0) continue
      const marginOf = (row: number): number =>
        (probabilities[row * size + other] ?? 0) - (probabilities[row * size + own] ?? 0)
      const margins = Float64Array.from(rows, marginOf).sort()
      const floor = margins[margins.length - wanted] ?? Number.POSITIVE_INFINITY
      for (const row of rows) if (marginOf(row) >= floor) flagged[row] = 1
    }
  }
  return flagged
}
