/**
 * Approved rows that came back with other digits: rounded, read as float32, written in another form. Compared bit by bit
 * all of them would be new and judged by models that learnt their twins: what these get right would outweigh the wrong
 * labels of rows that are new indeed. Such a row is given its approved numbers, and is then what it was, or relabelled.
 *
 * Each approved row stands for one row at most. Near is a hundredth of a deviation in every number, and less where rows
 * of the anchor lie as near to one another: a row that is new must not pass for one that it only looks like.
 */
import { type Column, type Columns, featuresOf } from '../table/columns.ts'
import { generatorOf, shuffled } from './generator.ts'
import { rowHashes } from './row-hash.ts'

/** What may be near, in deviations. */
const reaches = [1e-2, 1e-3, 1e-4, 1e-5, 1e-6]
/** Rows of the anchor that are asked how near to one another they lie, and the share of which may have one in reach. */
const asked = 500
const mostWithNeighbour = 0.01
/** LIMIT: rows that a row is held against, on average: where more are in reach, it is too far. */
const mostHeld = 500

/** @returns the table with the approved numbers in rows that are near to approved ones, and how many rows these are */
export function restored(table: Columns, approved: Columns, seed: number): Readonly<{ table: Columns; rows: number }> {
  const kinds = new Map(featuresOf(approved).map(({ name, kind }) => [name, kind]))
  const names = featuresOf(table).flatMap(({ name, kind }) => (kinds.get(name) === kind ? name : []))
  const numbers = names.filter((name) => kinds.get(name) === 'numeric')
  const [rows, known] = numbers.length === 0 ? [[], []] : leftOver(table, approved, { names: new Set(names), seed })
  if (rows.length === 0 || known.length === 0) return { table, rows: 0 }
  const pointsIn = pointsBy(approved, { names, numbers, seed })
  const [now, before] = [pointsIn(table), pointsIn(approved)]
  const everyRow = Int32Array.from({ length: approved.rows }, (_, row) => row)
  const sample = shuffled(approved.rows, generatorOf(seed)).subarray(0, asked)
  const reach = reachAmong(before, inOrder(before, everyRow), sample)
  const approvedOf = twinsOf(rows, now, { before, order: inOrder(before, Int32Array.from(known)), reach })
  const columns = table.columns.map((column) => withNumbersOf(column, approved, { numbers, approvedOf }))
  return { table: { ...table, columns }, rows: approvedOf.size }
}

/** Rows of each that the other has not, or not so often, the label left aside. */
function leftOver(
  table: Columns,
  approved: Columns,
  { names, seed }: Readonly<{ names: ReadonlySet<string>; seed: number }>,
): readonly [readonly number[], readonly number[]] {
  const hashesOf = ({ rows, columns }: Columns): Float64Array =>
    rowHashes(
      rows,
      columns.filter(({ name }) => names.has(name)),
      seed,
    )
  const [now, before] = [hashesOf(table), hashesOf(approved)]
  return [beyond(now, before), beyond(before, now)]
}

function beyond(hashes: Float64Array, others: Float64Array): readonly number[] {
  const often = new Map<number, number>()
  for (const hash of others) often.set(hash, (often.get(hash) ?? 0) + 1)
  const rows: number[] = []
  for (const [row, hash] of hashes.entries()) {
    const left = often.get(hash) ?? 0
    if (left > 0) often.set(hash, left - 1)
    else rows.push(row)
  }
  return rows
}

/** Rows as points: `keys` are equal where all but numbers is, `along` is a line on which near points are near. */
type Points = Readonly<{ keys: Float64Array; along: Float64Array; deviates: readonly Float64Array[]; weight: number }>

function pointsBy(
  approved: Columns,
  { names, numbers, seed }: Readonly<{ names: readonly string[]; numbers: readonly string[]; seed: number }>,
): (table: Columns) => Points {
  const random = generatorOf(seed)
  const axes = numbers.map((name) => ({ name, scale: scaleOf(valuesOf(approved, name)), weight: random() + 0.5 }))
  const isOther = ({ name, kind }: Column): boolean => kind !== 'numeric' && names.includes(name)
  return (table) => {
    const deviates = axes.map(({ name, scale }) => valuesOf(table, name).map((value) => value / scale))
    const along = new Float64Array(table.rows)
    for (const [axis, { weight }] of axes.entries())
      for (const [row, value] of (deviates[axis] ?? along).entries())
        if (Number.isFinite(value)) along[row] = (along[row] ?? 0) + weight * value
    const weight = axes.reduce((sum, axis) => sum + axis.weight, 0)
    return { keys: rowHashes(table.rows, table.columns.filter(isOther), seed), along, deviates, weight }
  }
}

function valuesOf({ columns }: Columns, name: string): Float64Array {
  const column = columns.find((one) => one.name === name)
  return column?.kind === 'numeric' ? column.values : new Float64Array(0)
}

/** Standard deviation; of a constant a billionth of it. */
function scaleOf(values: Float64Array): number {
  const present = values.filter((value) => Number.isFinite(value))
  const mean = present.reduce((sum, value) => sum + value / present.length, 0)
  const variance = present.reduce((sum, value) => sum + (value - mean) ** 2 / present.length, 0)
  return Math.sqrt(variance) || Math.abs(mean) * 1e-9 || 1
}

function inOrder({ keys, along }: Points, rows: Int32Array): Int32Array {
  return rows.toSorted(
    (left, right) => (keys[left] ?? 0) - (keys[right] ?? 0) || (along[left] ?? 0) - (along[right] ?? 0),
  )
}

type Reference = Readonly<{ before: Points; order: Int32Array; reach: number }>

/** The rows of the order that may be in reach of a point: places `from` to `to`. */
function windowOf({ before, order, reach }: Reference, now: Points, row: number): readonly [number, number] {
  const [key, along] = [now.keys[row] ?? 0, now.along[row] ?? 0]
  const aside = reach * before.weight * 1.001
  const firstAt = (isBefore: (key: number, along: number) => boolean): number => {
    let [low, high] = [0, order.length]
    while (low < high) {
      const middle = (low + high) >> 1
      const other = order[middle] ?? 0
      if (isBefore(before.keys[other] ?? 0, before.along[other] ?? 0)) low = middle + 1
      else high = middle
    }
    return low
  }
  return [
    firstAt((otherKey, other) => otherKey < key || (otherKey === key && other < along - aside)),
    firstAt((otherKey, other) => otherKey < key || (otherKey === key && other <= along + aside)),
  ]
}

/** The largest difference in one number, in deviations. */
function distanceOf(now: Points, row: number, { before, reach }: Reference, other: number): number {
  let largest = 0
  for (const [axis, values] of now.deviates.entries()) {
    const [left = 0, right = 0] = [values[row], before.deviates[axis]?.[other]]
    if (left === right || (Number.isNaN(left) && Number.isNaN(right))) continue
    const difference = Math.abs(left - right)
    if (!(difference <= reach)) return Number.POSITIVE_INFINITY
    if (difference > largest) largest = difference
  }
  return largest
}

/** The farthest reach in which rows of the anchor have hardly any other: 0 when there is none. */
function reachAmong(points: Points, order: Int32Array, sample: Int32Array): number {
  const isLonely = (reach: number): boolean => {
    const reference = { before: points, order, reach }
    let [held, near] = [0, 0]
    for (const row of sample) {
      const [from, to] = windowOf(reference, points, row)
      held += to - from
      const isNear = (other: number): boolean => {
        const distance = distanceOf(points, row, reference, other)
        return distance > 0 && distance <= reach
      }
      if (held <= mostHeld * sample.length && order.subarray(from, to).some(isNear)) near += 1
    }
    return held <= mostHeld * sample.length && near <= mostWithNeighbour * sample.length
  }
  return reaches.find(isLonely) ?? 0
}

/** For rows that have one, the approved row that is nearest in reach and no other's yet. */
function twinsOf(rows: readonly number[], now: Points, reference: Reference): ReadonlyMap<number, number> {
  const twins = new Map<number, number>()
  const taken = new Set<number>()
  if (reference.reach === 0) return twins
  for (const row of rows) {
    let [nearest, twin] = [Number.POSITIVE_INFINITY, -1]
    const [from, to] = windowOf(reference, now, row)
    for (const other of reference.order.subarray(from, to)) {
      const distance = taken.has(other) ? nearest : distanceOf(now, row, reference, other)
      if (distance < nearest) [nearest, twin] = [distance, other]
    }
    if (twin < 0) continue
    twins.set(row, twin)
    taken.add(twin)
  }
  return twins
}

function withNumbersOf(
  column: Column,
  approved: Columns,
  { numbers, approvedOf }: Readonly<{ numbers: readonly string[]; approvedOf: ReadonlyMap<number, number> }>,
): Column {
  if (column.kind !== 'numeric' || !numbers.includes(column.name)) return column
  const [values, known] = [column.values.slice(), valuesOf(approved, column.name)]
  for (const [row, other] of approvedOf) values[row] = known[other] ?? Number.NaN
  return { ...column, values }
}
