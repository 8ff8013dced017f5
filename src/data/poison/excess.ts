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
  /** For each row, the share of its like (as sure, disagreeing) that the anchor does not explain; 0 to 1. */
  posterior: Float64Array
  isSure: boolean
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
  const shares = counted.map(({ rows, wrong }, bin) => {
    const share = shareOf(known[bin])
    return wrong > 0 ? Math.max(0, 1 - (rows * share) / wrong) : 0
  })
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
    isSure: surest.low > 0,
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
