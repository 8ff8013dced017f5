/**
 * Disagreements beyond those that rows of the anchor have, on which the judge is as sure: in all, among the rows that it
 * is sure of (where nature disagrees hardly ever and a flip shows at once), and for each pair of classes.
 */
import { familyWiseZ } from '../statistics/intervals.ts'
import type { Disagreement } from './confident.ts'
import type { Judgement } from './judge.ts'
import { alpha, type Increment } from './report.ts'

export type Judged = Readonly<{ judgement: Judgement; found: Disagreement }>

export type Excess = Readonly<{
  whole: Readonly<{ value: number; high: number }>
  /** The largest lower bound of all that were tested, at least 0. */
  surest: Readonly<{ low: number; where: string }>
  /** Of that and of all rows, the one that is farther beyond chance; an error that the choice among many makes wider. */
  decisive: Readonly<{ value: number; error: number }>
  /** For each row that disagrees, the share of its like (as sure, disagreeing) that was flipped; 0 to 1. */
  posterior: Float64Array
  /** Enough to choose rows by their posterior: a verdict asks for more. */
  isLikely: boolean
  minimumDetectable: number
  increments: readonly Pick<Increment, 'part' | 'found' | 'expected' | 'of' | 'expectedError'>[]
}>

/** Bins of sureness, of equal numbers of the anchor's rows. */
const sureness = 20
/** Bins from here on are those that the judge is sure of. */
const parts = [
  { part: 'all', from: 0, where: 'in all' },
  { part: 'sure', from: sureness / 2, where: 'among the surer half' },
  { part: 'surest', from: (sureness * 3) / 4, where: 'among the surest quarter' },
] as const

/** Standard errors, of all rows or of the less sure half, from which on flips are likely enough to list rows for: bench/data. */
const likely = 0.7
/** Bins that share what they say, as the deviation of a normal curve. */
const [alikeNature, alikeFlips] = [1, 2]

/** @param isNew 1 for rows that the version before did not have: what a history adds up */
export function excessOf(now: Judged, before: Judged, isNew: Uint8Array): Excess {
  const edges = edgesOf(before.judgement)
  const [binsNow, binsBefore] = [binsOf(now.judgement, edges), binsOf(before.judgement, edges)]
  const classes = now.judgement.classes.length
  const z = familyWiseZ(alpha, parts.length + classes * (classes - 1))
  const [counted, known] = [countAll(now, binsNow), countAll(before, binsBefore)]
  const tested = [
    ...parts.map(({ from, where }) => ({ where, ...compare(counted.slice(from), known.slice(from), z) })),
    ...cellsOf({ now, before, binsNow, binsBefore, z }),
  ]
  const [whole = { value: 0, low: 0, high: 0, error: 1 }] = tested
  const surest = tested.reduce((most, one) => (one.low > most.low ? one : most), { ...whole, where: 'in all' })
  const less = compare(counted.slice(0, sureness / 2), known.slice(0, sureness / 2), z)
  const shares = flippedShares(counted, known)
  const isWrong = (row: number): boolean => (now.found.margins[row] ?? 0) < 0
  const fresh = countAll(now, binsNow, isNew)
  return {
    whole: { value: whole.value, high: whole.high },
    surest: {
      low: Math.max(0, surest.low),
      where: surest.low > 0 ? `${surest.value.toFixed(1)} too many ${surest.where}` : 'no part of them stands out',
    },
    decisive: decisiveOf(whole, { value: surest.value, error: surest.error * Math.sqrt(1 + Math.log(tested.length)) }),
    posterior: Float64Array.from(binsNow, (bin, row) => (isWrong(row) ? (shares[bin] ?? 0) : 0)),
    isLikely: surest.low > 0 || [whole, less].some(({ value, error }) => value > likely * error),
    minimumDetectable: Math.ceil(
      (z + 1.645) * Math.max(1, Math.min(...tested.slice(0, parts.length).map(({ error }) => error))),
    ),
    increments: parts.map(({ part, from }) => ({ part, ...incrementOf(fresh.slice(from), known.slice(from)) })),
  }
}

function decisiveOf(whole: Excess['decisive'], surest: Excess['decisive']): Excess['decisive'] {
  const beyondChance = ({ value, error }: Excess['decisive']): number => Math.max(0, value) ** 2 - error ** 2
  const { value, error } = beyondChance(surest) > beyondChance(whole) ? surest : whole
  return { value, error }
}

type Bin = Readonly<{ rows: number; wrong: number }>

/** A tenth of a row more, two in all bins, so that bins without disagreement do not make the first one a certainty. */
function shareOf(known: Bin | undefined): number {
  return ((known?.wrong ?? 0) + 0.1) / ((known?.rows ?? 0) + 0.2)
}

/**
 * Of the rows of a bin that disagree, the share that was flipped. Where a share `q` disagrees by nature and `f` were
 * flipped, `q (1 - f) + f (1 - q)` do: a natural disagreement that is flipped agrees, so near the boundary, where `q` is
 * almost a half, flips are many more than the disagreements that they add. `f` is fitted by least squares, in which such
 * bins count little, to each bin and those beside it: 40 rows alone say nothing.
 */
function flippedShares(now: readonly Bin[], before: readonly Bin[]): Float64Array {
  const known = { rows: smoothed(rowsOf(before), alikeNature), wrong: smoothed(wrongOf(before), alikeNature) }
  const natural = now.map((_, bin) =>
    Math.min(0.5, shareOf({ rows: known.rows[bin] ?? 0, wrong: known.wrong[bin] ?? 0 })),
  )
  const told = natural.map((share) => 1 - 2 * share)
  const tells = (values: readonly number[]): readonly number[] => values.map((value, bin) => value * (told[bin] ?? 0))
  const rows = rowsOf(now)
  const excess = wrongOf(now).map((wrong, bin) => wrong - (rows[bin] ?? 0) * (natural[bin] ?? 0))
  const above = smoothed(tells(excess), alikeFlips)
  const below = smoothed(tells(tells(rows)), alikeFlips)
  return Float64Array.from(natural, (share, bin) => {
    const flipped = Math.max(0, Math.min(1, (above[bin] ?? 0) / Math.max(1e-9, below[bin] ?? 0)))
    return (flipped * (1 - share)) / (share * (1 - flipped) + flipped * (1 - share))
  })
}

const rowsOf = (bins: readonly Bin[]): readonly number[] => bins.map(({ rows }) => rows)
const wrongOf = (bins: readonly Bin[]): readonly number[] => bins.map(({ wrong }) => wrong)

/** Each value with those around it, which count less the farther they are. */
function smoothed(values: readonly number[], deviation: number): readonly number[] {
  const weightOf = (distance: number): number => Math.exp(-((distance / deviation) ** 2) / 2)
  return values.map((_, place) => values.reduce((sum, value, at) => sum + value * weightOf(at - place), 0))
}

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

/** @param counts 1 for rows that count; all when left out */
function countAll({ judgement, found }: Judged, bins: Uint8Array, counts?: Uint8Array): readonly Bin[] {
  const rows = new Float64Array(sureness)
  const wrong = new Float64Array(sureness)
  for (let row = 0; row < bins.length; row += 1) {
    if ((judgement.given[row] ?? -1) < 0 || counts?.[row] === 0) continue
    const bin = bins[row] ?? 0
    rows[bin] = (rows[bin] ?? 0) + 1
    if ((found.margins[row] ?? 0) < 0) wrong[bin] = (wrong[bin] ?? 0) + 1
  }
  return Array.from(rows, (count, bin) => ({ rows: count, wrong: wrong[bin] ?? 0 }))
}

type Cells = Readonly<{ now: Judged; before: Judged; binsNow: Uint8Array; binsBefore: Uint8Array; z: number }>

/** Each class that is given where another is suggested: all of that class's flips go one way. */
function cellsOf({ now, before, binsNow, binsBefore, z }: Cells): readonly (Compared & Readonly<{ where: string }>)[] {
  const size = now.judgement.classes.length
  const [cellsNow, cellsBefore] = [countCells(now, binsNow), countCells(before, binsBefore)]
  const [rowsNow, rowsBefore] = [countAll(now, binsNow), countAll(before, binsBefore)]
  const compared: (Compared & Readonly<{ where: string }>)[] = []
  for (let cell = 0; cell < size * size; cell += 1) {
    const own = cellsNow.subarray(cell * sureness, (cell + 1) * sureness)
    if (!own.some((count) => count > 0)) continue
    const bins = (rows: readonly Bin[], wrong: Float64Array): readonly Bin[] =>
      rows.map((bin, at) => ({ rows: bin.rows, wrong: wrong[at] ?? 0 }))
    const known = cellsBefore.subarray(cell * sureness, (cell + 1) * sureness)
    const where = 'of one class that look like another'
    compared.push({ where, ...compare(bins(rowsNow, own), bins(rowsBefore, known), z) })
  }
  return compared
}

/** Disagreements by given class, suggested class and bin, row-major. */
function countCells({ judgement, found }: Judged, bins: Uint8Array): Float64Array {
  const size = judgement.classes.length
  const cells = new Float64Array(size * size * sureness)
  for (let row = 0; row < bins.length; row += 1) {
    const given = judgement.given[row] ?? -1
    if (given < 0 || (found.margins[row] ?? 0) >= 0) continue
    const at = (given * size + (found.suggested[row] ?? 0)) * sureness + (bins[row] ?? 0)
    cells[at] = (cells[at] ?? 0) + 1
  }
  return cells
}

/** Excess over all bins, and its bounds `z` standard errors away. */
type Compared = Readonly<{ value: number; low: number; high: number; error: number }>

/**
 * Chance now is Poisson's, and what the anchor's finite bins leave open makes it wider.
 *
 * Source: Anscombe (1948), equation 2.1: the root of a count plus 3/8 is normal with variance 1/4, few as they may be.
 */
function compare(now: readonly Bin[], before: readonly Bin[], z: number): Compared {
  const { found, expected, own, open } = sumsOf(now, before)
  const half = (z / 2) * Math.sqrt(1 + (own > 0 ? open / own : 0))
  const root = Math.sqrt(found + 0.375)
  const countAt = (value: number): number => Math.max(0, value) ** 2 - 0.375
  return {
    value: found - expected,
    low: countAt(root - half) - expected,
    high: countAt(root + half) - expected,
    error: Math.sqrt(own + open),
  }
}

function sumsOf(
  now: readonly Bin[],
  before: readonly Bin[],
): Readonly<Record<'found' | 'expected' | 'own' | 'open', number>> {
  const sums = { found: 0, expected: 0, own: 0, open: 0 }
  for (const [bin, { rows, wrong }] of now.entries()) {
    const share = shareOf(before[bin])
    sums.found += wrong
    sums.expected += rows * share
    sums.own += rows * share * (1 - share)
    sums.open += (rows * rows * share * (1 - share)) / ((before[bin]?.rows ?? 0) + 1)
  }
  return sums
}

function incrementOf(
  fresh: readonly Bin[],
  known: readonly Bin[],
): Readonly<{ found: number; expected: number; of: number; expectedError: number }> {
  const { found, expected, open } = sumsOf(fresh, known)
  const of = fresh.reduce((sum, { rows }) => sum + rows, 0)
  return { found, expected, of, expectedError: expected > 0 ? Math.sqrt(open) / expected : 0 }
}
