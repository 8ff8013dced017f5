/**
 * Rows whose label is probably wrong, and whether there are more of them than the anchor itself has.
 *
 * With an anchor, a judge that was fitted on it scores the candidate's new rows, and natural disagreement is read from
 * the anchor's own rows that the judge did not see, in bins of how sure the judge is: rows near the decision boundary
 * are expected to disagree, so only what they disagree too often counts, and an honest shift towards the boundary does
 * not. Each pair of classes is tested as well as the whole. Without an anchor, rows are ranked and flagged by
 * confident learning (`confident.ts`), which cannot tell flips along the boundary from a hard problem.
 */

import { familyWiseZ } from '../statistics/intervals.ts'
import { type Columns, labelOf, rowNumberOf, selectRows } from '../table/columns.ts'
import { type Disagreement, disagreementOf } from './confident.ts'
import { fitJudge, type Judgement, judgeTable } from './judge.ts'
import {
  alpha,
  budgetRows,
  mostSuspect,
  type PoisonCheck,
  type PoisonInput,
  type Suspect,
  type Tally,
  verdictOf,
} from './report.ts'
import { deltaRows } from './row-hash.ts'

export type FlipFinding = Readonly<{
  check: PoisonCheck
  tally: Tally
  /** For each row of the candidate: how suspect it is, higher is more; and 1 where it is flagged. */
  scores: Float64Array
  flagged: Uint8Array
}>

const name = 'poison/label-flip'
/** Bins of sureness, of equal numbers of the anchor's rows. */
const sureness = 20
/** Fewer rows than this fit no judge that is worth asking. */
const fewestRows = 50

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
    tally: { name, column: candidate.label ?? null, found: count, of: candidate.rows },
    check: {
      name,
      column: candidate.label ?? null,
      verdict: 'pass',
      anchored: false,
      observed: { found: count, of: candidate.rows },
      expected: { rows: expected, budgetRows: budgetRows(input, name, candidate.rows) },
      excess: { value: count - (expected ?? 0), low: 0, high: candidate.rows },
      minimumDetectable: Math.max(1, count),
      suspects: suspectsOf(candidate, fitted.own, { found, scores, flagged: found.flagged }),
      because,
    },
  }
}

function anchoredFlips(input: PoisonInput, anchor: Columns): FlipFinding | undefined {
  const { candidate, seed = 0 } = input
  const fitted = fitJudge(anchor, { seed })
  if (fitted === undefined) return undefined
  const rows = deltaRows(candidate, anchor, seed)
  const delta = selectRows(candidate, rows)
  const judgement = judgeTable(fitted.judge, delta)
  const found = disagreementOf(judgement)
  const natural = disagreementOf(fitted.own)
  const excess = excessOf({ judgement, found }, { judgement: fitted.own, found: natural })
  const flagged = flaggedOf(excess, found)
  const scores = Float64Array.from(found.margins, (margin, row) => (excess.posterior[row] ?? 0) + (1 - margin) / 4)
  const disagreeing = countOf(found.margins)
  const budget = budgetRows(input, name, rows.length)
  const expected = Math.max(0, disagreeing - excess.whole.value)
  const tally: Tally = { name, column: candidate.label ?? null, found: sumOf(flagged), of: candidate.rows }
  const check: PoisonCheck = {
    name,
    column: candidate.label ?? null,
    verdict: verdictOf(excess.surest, { anchored: true, budget }),
    anchored: true,
    observed: { found: disagreeing, of: rows.length },
    expected: { rows: expected, budgetRows: budget },
    excess: { value: excess.whole.value, low: excess.surest.low, high: excess.whole.high },
    minimumDetectable: excess.minimumDetectable,
    suspects: suspectsOf(delta, judgement, { found, scores, flagged }),
    because:
      `${disagreeing} of ${rows.length} new rows disagree with models of the anchor, which expect ` +
      `${expected.toFixed(1)}; ${excess.surest.where}`,
  }
  return {
    check,
    tally,
    scores: placed(scores, rows, candidate.rows),
    flagged: Uint8Array.from(placed(flagged, rows, candidate.rows)),
  }
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

type Judged = Readonly<{ judgement: Judgement; found: Disagreement }>

type Excess = Readonly<{
  whole: Readonly<{ value: number; high: number }>
  /** Of the whole and of each pair of classes: the largest lower bound. */
  surest: Readonly<{ low: number; where: string }>
  /** For each row, the share of its like (as sure, disagreeing) that the anchor does not explain; 0 to 1. */
  posterior: Float64Array
  isSure: boolean
  minimumDetectable: number
}>

/** Disagreements beyond what rows of the anchor, on which the judge is as sure, have. */
function excessOf(now: Judged, before: Judged): Excess {
  const edges = edgesOf(before.judgement)
  const [binsNow, binsBefore] = [binsOf(now.judgement, edges), binsOf(before.judgement, edges)]
  const classes = now.judgement.classes.length
  const z = familyWiseZ(alpha, 1 + classes * (classes - 1))
  const isWrong = ({ found }: Judged, row: number): boolean => (found.margins[row] ?? 0) < 0
  const [counted, known] = [countBins(now, binsNow, isWrong), countBins(before, binsBefore, isWrong)]
  const whole = compare(counted, known, z)
  let surest = { low: whole.low, where: 'no pair of classes stands out' }
  for (let given = 0; given < classes; given += 1) {
    for (let other = 0; other < classes; other += 1) {
      if (given === other) continue
      const isCell = ({ found, judgement }: Judged, row: number): boolean =>
        (found.margins[row] ?? 0) < 0 && judgement.given[row] === given && found.suggested[row] === other
      const cell = compare(countBins(now, binsNow, isCell), countBins(before, binsBefore, isCell), z)
      if (cell.low > surest.low)
        surest = {
          low: cell.low,
          where: `most of one class that looks like another: ${cell.value.toFixed(1)} too many`,
        }
    }
  }
  const shares = counted.map(({ rows, wrong }, bin) => {
    const { rows: rowsBefore, wrong: wrongBefore } = known[bin] ?? { rows: 0, wrong: 0 }
    return wrong > 0 ? Math.max(0, 1 - (rows * (wrongBefore + 0.5)) / (rowsBefore + 1) / wrong) : 0
  })
  const posterior = Float64Array.from(binsNow, (bin, row) => (isWrong(now, row) ? (shares[bin] ?? 0) : 0))
  return {
    whole: { value: whole.value, high: whole.high },
    surest: { ...surest, low: Math.max(0, surest.low) },
    posterior,
    isSure: surest.low > 0,
    minimumDetectable: Math.ceil((z + 1.645) * Math.max(1, whole.error)),
  }
}

type Bin = Readonly<{ rows: number; wrong: number }>

/** Difference of the likeliest two classes, whatever the label. */
function surenessOf({ probabilities, classes }: Judgement, row: number): number {
  let first = 0
  let second = 0
  for (let at = row * classes.length; at < (row + 1) * classes.length; at += 1) {
    const probability = probabilities[at] ?? 0
    if (probability > first) {
      second = first
      first = probability
    } else if (probability > second) second = probability
  }
  return first - second
}

function edgesOf(judgement: Judgement): Float64Array {
  const sorted = Float64Array.from(judgement.given, (_, row) => surenessOf(judgement, row)).sort()
  return Float64Array.from(
    { length: sureness - 1 },
    (_, edge) => sorted[Math.floor(((edge + 1) * sorted.length) / sureness)] ?? 1,
  )
}

function binsOf(judgement: Judgement, edges: Float64Array): Uint8Array {
  return Uint8Array.from(judgement.given, (_, row) => {
    const value = surenessOf(judgement, row)
    let bin = 0
    while (bin < edges.length && (edges[bin] ?? 1) <= value) bin += 1
    return bin
  })
}

function countBins(judged: Judged, bins: Uint8Array, counts: (judged: Judged, row: number) => boolean): readonly Bin[] {
  const rows = new Float64Array(sureness)
  const wrong = new Float64Array(sureness)
  for (let row = 0; row < bins.length; row += 1) {
    if ((judged.judgement.given[row] ?? -1) < 0) continue
    const bin = bins[row] ?? 0
    rows[bin] = (rows[bin] ?? 0) + 1
    if (counts(judged, row)) wrong[bin] = (wrong[bin] ?? 0) + 1
  }
  return Array.from(rows, (count, bin) => ({ rows: count, wrong: wrong[bin] ?? 0 }))
}

/** Excess over all bins, and its bounds `z` standard errors away. */
type Compared = Readonly<{ value: number; low: number; high: number; error: number }>

/**
 * Chance now is Poisson's, and what the anchor's finite bins leave open makes it wider.
 *
 * Source: Anscombe (1948), equation 2.1: the root of a count plus 3/8 is normal with variance 1/4, few as they may be.
 */
function compare(now: readonly Bin[], before: readonly Bin[], z: number): Compared {
  let observed = 0
  let expected = 0
  let own = 0
  let open = 0
  for (const [bin, { rows, wrong }] of now.entries()) {
    const known = before[bin] ?? { rows: 0, wrong: 0 }
    // Half a row more, so that a bin without disagreement does not make the first one a certainty.
    const share = (known.wrong + 0.5) / (known.rows + 1)
    observed += wrong
    expected += rows * share
    own += rows * share * (1 - share)
    open += (rows * rows * share * (1 - share)) / (known.rows + 1)
  }
  const half = (z / 2) * Math.sqrt(1 + (own > 0 ? open / own : 0))
  const root = Math.sqrt(observed + 0.375)
  const countAt = (value: number): number => Math.max(0, value) ** 2 - 0.375
  return {
    value: observed - expected,
    low: countAt(root - half) - expected,
    high: countAt(root + half) - expected,
    error: Math.sqrt(own + open),
  }
}

/** The rows that make the expected F1 largest, when there surely are flips; else what confident learning flags. */
function flaggedOf({ posterior, isSure }: Excess, { margins, flagged }: Disagreement): Uint8Array {
  if (!isSure) return flagged
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
  const chosen = new Uint8Array(posterior.length)
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
    const because = `models that did not see this row give another class ${(probability * 100).toFixed(0)} %`
    suspects.push({ row: rowNumberOf(table, row), score: scores[row] ?? 0, because })
  }
  return mostSuspect(suspects)
}
