/**
 * Can the candidate's rows of one class be told from the anchor's, when those of the others cannot? A clean-label attack
 * changes what one class looks like and leaves labels right; honest drift moves all classes.
 *
 * Source: classifier two-sample test, Lopez-Paz and Oquab (2017), here per class; area under the curve by ranks with
 * the interval of Hanley and McNeil (1982).
 */
import { differenceOf, type Estimate, familyWiseZ } from '../statistics/intervals.ts'
import { type Columns, concatenated, labelOf, rowNumberOf, selectRows } from '../table/columns.ts'
import { encode, encodingOf } from './encode.ts'
import { growForest } from './forest.ts'
import { generatorOf, shuffled } from './generator.ts'
import { alpha, type Finding, findingOf, type PoisonInput } from './report.ts'
import { deltaRows } from './row-hash.ts'

/** Rows of each side and class that are told apart. */
const maxRows = 3000
export const fewestRows = 50
/** Difference of areas that is no shift of a class of its own. */
const leastDifference = 0.1
const maxClasses = 20

/** Undefined without an anchor, a label, or two classes with rows enough on both sides. At most a warning. */
export function findClassShift(input: PoisonInput): Finding | undefined {
  const { candidate, anchor, seed = 0 } = input
  if (anchor === undefined) return undefined
  const delta = selectRows(candidate, deltaRows(candidate, anchor, seed))
  const areas = classesOf(anchor, delta).map((name) => ({ name, ...tellApart(anchor, delta, { name, seed }) }))
  if (areas.length < 2) return undefined
  const z = familyWiseZ(alpha, areas.length * 2)
  const compared = areas.map((own) => {
    const others = areas.filter(({ name }) => name !== own.name)
    const usual = others.toSorted((left, right) => left.area - right.area)[others.length >> 1] ?? own
    return { own, difference: differenceOf(intervalOf(own, z), intervalOf(usual, z)) }
  })
  const worst = compared.reduce((most, one) => (one.difference.low > most.difference.low ? one : most))
  const isShift = worst.difference.low > leastDifference
  const { own } = worst
  return findingOf(input, 'poison/outliers', {
    column: candidate.label ?? null,
    anchored: true,
    found: isShift ? own.rows : 0,
    of: delta.rows,
    expected: 0,
    value: Math.max(0, worst.difference.value) * own.rows,
    decisive: {
      value: worst.difference.value * own.rows,
      error: ((worst.difference.value - worst.difference.low) / z) * own.rows,
    },
    low: isShift ? (worst.difference.low - leastDifference) * own.rows : 0,
    high: own.rows,
    budgetOf: 0,
    mayFail: false,
    minimumDetectable: Math.ceil(own.rows * 2 * leastDifference),
    suspects: isShift
      ? own.scores.map(({ row, score }) => ({
          row: rowNumberOf(delta, row),
          score,
          because: 'its class looks unlike the same class of the anchor, and this row most',
        }))
      : [],
    because: `the class that can best be told from the anchor's has an area under the curve of ${own.area.toFixed(3)}, ${worst.difference.value.toFixed(3)} more than other classes`,
    tally: null,
  })
}

function classesOf(anchor: Columns, delta: Columns): readonly string[] {
  const [before, now] = [countsOf(anchor), countsOf(delta)]
  return [...now]
    .filter(([name, count]) => count >= fewestRows && (before.get(name) ?? 0) >= fewestRows)
    .sort((left, right) => right[1] - left[1])
    .slice(0, maxClasses)
    .map(([name]) => name)
}

function countsOf(table: Columns): ReadonlyMap<string, number> {
  const label = labelOf(table)
  const counts = new Map<string, number>()
  if (label === undefined) return counts
  for (const code of label.codes) {
    const name = label.dictionary[code]
    if (name !== undefined) counts.set(name, (counts.get(name) ?? 0) + 1)
  }
  return counts
}

type Told = Readonly<{
  area: number
  rows: number
  anchorRows: number
  scores: readonly Readonly<{ row: number; score: number }>[]
}>

/** Trees that did not see a row say whether it is new; `scores` holds the new rows of the class. */
function tellApart(anchor: Columns, delta: Columns, { name, seed }: Readonly<{ name: string; seed: number }>): Told {
  const [before, now] = [rowsOf(anchor, name, seed), rowsOf(delta, name, seed)]
  const table = concatenated(selectRows(anchor, before), selectRows(delta, now))
  const encoding = encodingOf(table)
  const labels = Int32Array.from({ length: table.rows }, (_, row) => (row < before.length ? 0 : 1))
  const training = { matrix: encode(table, encoding), labels, classes: 2 }
  const { outOfBag } = growForest(training, { trees: 60, leafRows: 3, random: generatorOf(seed) })
  const scores = Float64Array.from(labels, (_, row) => outOfBag[2 * row + 1] ?? 0)
  return {
    area: areaUnder(scores, labels),
    rows: now.length,
    anchorRows: before.length,
    scores: Array.from(now, (row, index) => ({ row, score: scores[before.length + index] ?? 0 })),
  }
}

function rowsOf(table: Columns, name: string, seed: number): Int32Array {
  const label = labelOf(table)
  const code = label?.dictionary.indexOf(name) ?? -1
  const rows = Int32Array.from({ length: table.rows }, (_, row) => row).filter((row) => label?.codes[row] === code)
  return shuffled(rows.length, generatorOf(seed))
    .subarray(0, maxRows)
    .map((index) => rows[index] ?? 0)
}

/** Probability that a new row scores higher than one of the anchor, ties half: by mid-ranks. */
export function areaUnder(scores: Float64Array, labels: Int32Array): number {
  const order = Int32Array.from(scores.keys()).sort((left, right) => (scores[left] ?? 0) - (scores[right] ?? 0))
  let ranks = 0
  let positives = 0
  for (let from = 0; from < order.length; ) {
    let to = from
    while (to < order.length && scores[order[to] ?? 0] === scores[order[from] ?? 0]) to += 1
    for (let at = from; at < to; at += 1) {
      if (labels[order[at] ?? 0] !== 1) continue
      positives += 1
      ranks += (from + to + 1) / 2
    }
    from = to
  }
  const negatives = order.length - positives
  return positives * negatives > 0 ? (ranks - (positives * (positives + 1)) / 2) / (positives * negatives) : 0.5
}

function intervalOf({ area, rows, anchorRows }: Told, z: number): Estimate {
  const [q1, q2] = [area / (2 - area), (2 * area * area) / (1 + area)]
  const squares = area * (1 - area) + (rows - 1) * (q1 - area * area) + (anchorRows - 1) * (q2 - area * area)
  const error = Math.sqrt(Math.max(0, squares) / (rows * anchorRows))
  return { value: area, low: area - z * error, high: area + z * error }
}
