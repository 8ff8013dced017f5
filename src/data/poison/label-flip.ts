/**
 * Rows whose label is probably wrong, and whether there are more of them than the anchor itself has.
 *
 * With an anchor, a judge that was fitted on it scores the candidate's new rows, and natural disagreement is read from
 * the anchor's own rows that the judge did not see, in bins of how sure the judge is: rows near the decision boundary
 * are expected to disagree, so only what they disagree too often counts, and an honest shift towards the boundary does
 * not. Each pair of classes is tested as well as the whole. Without an anchor, rows are ranked and flagged by
 * confident learning (`confident.ts`), which cannot tell flips along the boundary from a hard problem.
 */

import { type Columns, labelOf, rowNumberOf, selectRows } from '../table/columns.ts'
import { type Disagreement, disagreementOf } from './confident.ts'
import { type Excess, excessOf } from './excess.ts'
import { thinned } from './generator.ts'
import { fitJudge, type Judgement, judgeTable } from './judge.ts'
import { type Finding, findingOf, type PoisonInput, type Suspect } from './report.ts'
import { deltaRows } from './row-hash.ts'

/** For each row of the candidate: how suspect it is, higher is more; and 1 where it is flagged. */
export type FlipFinding = Finding & Readonly<{ scores: Float64Array; flagged: Uint8Array }>

const name = 'poison/label-flip'
/** LIMIT: rows of the anchor that are judged, to know how many disagree by nature. */
const maxAnchorRows = 50_000
/** Fewer rows than this fit no judge that is worth asking. */
export const fewestRows = 50

/** Undefined when there is no label, or nothing to judge it by. */
export function findLabelFlips(input: PoisonInput): FlipFinding | undefined {
  const { candidate, anchor } = input
  if (labelOf(candidate) === undefined || candidate.rows < fewestRows) return undefined
  return anchor !== undefined && anchor.rows >= fewestRows && labelOf(anchor) !== undefined
    ? anchoredFlips(input, anchor)
    : unanchoredFlips(input)
}

function unanchoredFlips(input: PoisonInput): FlipFinding | undefined {
  const { candidate } = input
  const fitted = fitJudge(candidate, { seed: input.seed ?? 0 })
  if (fitted === undefined) return undefined
  const found = disagreementOf(fitted.own)
  const count = sumOf(found.flagged)
  const scores = found.margins.map((margin) => (1 - margin) / 2)
  const known = input.baseline?.find((tally) => tally.name === name)
  const because =
    `${count} rows carry a label that held-out models take for wrong; without the rows of an anchor ` +
    'nothing tells flips along the boundary from a hard problem'
  const expected = known === undefined || known.of === 0 ? null : (known.found / known.of) * candidate.rows
  return {
    scores,
    flagged: found.flagged,
    ...findingOf(input, name, {
      column: candidate.label ?? null,
      anchored: false,
      found: count,
      of: candidate.rows,
      expected,
      low: 0,
      high: candidate.rows,
      // nothing alarms here: whatever was planted may have gone unseen
      minimumDetectable: candidate.rows,
      suspects: suspectsOf(candidate, fitted.own, { found, scores, flagged: found.flagged }),
      because,
    }),
  }
}

function anchoredFlips(input: PoisonInput, anchor: Columns): FlipFinding | undefined {
  const { candidate, good, seed = 0 } = input
  const fitted = fitJudge(thinned(anchor, maxAnchorRows, seed), { seed })
  if (fitted === undefined) return undefined
  const rows = deltaRows(candidate, anchor, seed)
  const delta = selectRows(candidate, rows)
  const judgement = withShares(judgeTable(fitted.judge, delta), fitted.own)
  const found = disagreementOf(judgement)
  const natural = disagreementOf(fitted.own)
  const earlier = input.previous === undefined ? undefined : new Set(deltaRows(candidate, input.previous, seed))
  const excess = excessOf(
    { judgement, found },
    { judgement: fitted.own, found: natural },
    Uint8Array.from(rows, (row) => (earlier?.has(row) === false || good?.has(rowNumberOf(candidate, row)) ? 0 : 1)),
  )
  const flagged = flaggedOf(excess, found)
  const scores = Float64Array.from(found.margins, (margin, row) => (excess.posterior[row] ?? 0) + (1 - margin) / 4)
  const disagreeing = countOf(found.margins)
  const expected = Math.max(0, disagreeing - excess.whole.value)
  const finding = findingOf(input, name, {
    column: candidate.label ?? null,
    anchored: true,
    found: disagreeing,
    of: rows.length,
    expected,
    low: excess.surest.low,
    high: excess.whole.high,
    value: excess.whole.value,
    decisive: excess.decisive,
    minimumDetectable: excess.minimumDetectable,
    increments: excess.increments.map((increment) => ({ ...increment, name, column: candidate.label ?? null })),
    suspects: suspectsOf(delta, judgement, { found, scores, flagged }),
    because:
      `${disagreeing} of ${rows.length} new rows disagree with models of the anchor, which expect ` +
      `${expected.toFixed(1)}; ${excess.surest.where}`,
    tally: { found: sumOf(flagged), of: candidate.rows },
  })
  return {
    ...finding,
    scores: placed(scores, rows, candidate.rows),
    flagged: Uint8Array.from(placed(flagged, rows, candidate.rows)),
  }
}

/**
 * The judge's answers for the label shares that the new rows have: where a class has become commoner, more of the
 * uncertain rows are of it, and that is drift.
 *
 * Source: Saerens, Latinne and Decaestecker (2002), Adjusting the outputs of a classifier, equation 2.4.
 */
function withShares(judgement: Judgement, before: Judgement): Judgement {
  const { probabilities, classes } = judgement
  const [now, known] = [sharesOf(judgement), sharesOf(before)]
  const adjusted = probabilities.slice()
  for (let base = 0; base < adjusted.length; base += classes.length) {
    let sum = 0
    for (let at = 0; at < classes.length; at += 1) {
      const value = ((adjusted[base + at] ?? 0) * (now[at] ?? 1)) / (known[at] ?? 1)
      adjusted[base + at] = value
      sum += value
    }
    for (let at = 0; at < classes.length; at += 1) adjusted[base + at] = (adjusted[base + at] ?? 0) / sum
  }
  return { ...judgement, probabilities: adjusted }
}

function sharesOf({ given, classes }: Judgement): Float64Array {
  const counts = new Float64Array(classes.length).fill(1)
  for (const own of given) if (own >= 0) counts[own] = (counts[own] ?? 0) + 1
  const total = counts.reduce((sum, count) => sum + count, 0)
  return counts.map((count) => count / total)
}

function placed(values: ArrayLike<number>, rows: Int32Array, size: number): Float64Array {
  const all = new Float64Array(size)
  for (const [index, row] of rows.entries()) all[row] = values[index] ?? 0
  return all
}

function sumOf(flags: Uint8Array): number {
  return flags.reduce((sum, flag) => sum + flag, 0)
}

function countOf(margins: Float64Array): number {
  return margins.reduce((sum, margin) => sum + (margin < 0 ? 1 : 0), 0)
}

/**
 * Rows that confident learning takes for wrong, where the anchor does not expect as many; and, as soon as flips are
 * likely, those that make the expected F1 largest: along the boundary, confident learning is never confident.
 */
function flaggedOf({ posterior, isLikely }: Excess, { margins, flagged }: Disagreement): Uint8Array {
  const chosen = flagged.map((flag, row) => ((posterior[row] ?? 0) > 0 ? flag : 0))
  if (!isLikely) return chosen
  const order = Int32Array.from(posterior.keys())
    .filter((row) => (posterior[row] ?? 0) > 0)
    .sort(
      (left, right) => (posterior[right] ?? 0) - (posterior[left] ?? 0) || (margins[left] ?? 0) - (margins[right] ?? 0),
    )
  const total = posterior.reduce((sum, share) => sum + share, 0)
  let best = { score: 0, count: 0 }
  let sum = 0
  for (const [index, row] of order.entries()) {
    sum += posterior[row] ?? 0
    const score = (2 * sum) / (index + 1 + total)
    if (score >= best.score) best = { score, count: index + 1 }
  }
  for (const row of order.subarray(0, best.count)) chosen[row] = 1
  return chosen
}

function suspectsOf(
  table: Columns,
  { probabilities, classes }: Judgement,
  { found, scores, flagged }: Readonly<{ found: Disagreement; scores: Float64Array; flagged: Uint8Array }>,
): readonly Suspect[] {
  const suspects: Suspect[] = []
  for (let row = 0; row < flagged.length; row += 1) {
    if (flagged[row] !== 1) continue
    const probability = probabilities[row * classes.length + (found.suggested[row] ?? 0)] ?? 0
    const because = `models that did not see it give another class ${(probability * 100).toFixed(0)} %`
    suspects.push({ row: rowNumberOf(table, row), score: scores[row] ?? 0, because })
  }
  return suspects
}
