/**
 * Extremely randomised trees over a matrix: each split is the best of a few random ones. Trees are flat typed arrays.
 *
 * Source: Geurts, Ernst and Wehenkel (2006), Extremely randomized trees, table 1. Each tree learns from a random half
 * to two thirds of the rows, so that the others judge it (out of bag: Breiman 2001, section 3.1).
 */
import type { Matrix } from './encode.ts'
import type { Generator } from './generator.ts'

/**
 * Node `i` goes left, to `i + 1`, when feature `turns[2 * i]` is at most its threshold, else to `turns[2 * i + 1]`;
 * `turns[2 * i] < 0`: a leaf, `-1 - row of leaf table`. Few arrays: following a path is waiting for memory.
 */
type Tree = Readonly<{
  turns: Int32Array
  thresholds: Float32Array
  /** Class shares of each leaf, row-major, `leaves * classes`. */
  leaves: Float32Array
}>

/** `seen`: for each tree which rows it learnt from, a bit each. */
export type Forest = Readonly<{ classes: number; trees: readonly Tree[]; seen: readonly Uint8Array[] }>

/** `labels` holds 0 to `classes - 1`, one a row. */
export type Training = Readonly<{ matrix: Matrix; labels: Int32Array; classes: number }>

export type ForestOptions = Readonly<{ trees: number; sampleRows?: number; leafRows?: number; random: Generator }>

/**
 * @returns the forest, and for each row the class shares that trees which did not see it give, row-major,
 *   `rows * classes`; a row that every tree saw has zeros
 */
export function growForest(
  training: Training,
  options: ForestOptions,
): Readonly<{ forest: Forest; outOfBag: Float64Array }> {
  const { matrix, classes } = training
  const outOfBag = new Float64Array(matrix.rows * classes)
  const judged = new Float64Array(matrix.rows)
  const order = Int32Array.from({ length: matrix.rows }, (_, row) => row)
  const sampleRows = Math.min(options.sampleRows ?? Number.POSITIVE_INFINITY, Math.ceil(matrix.rows * 0.632))
  const trees: Tree[] = []
  const seen: Uint8Array[] = []
  for (let index = 0; index < options.trees; index += 1) {
    partialShuffle(order, sampleRows, options.random)
    const tree = growTree(training, order.slice(0, sampleRows), options)
    trees.push(tree)
    seen.push(bitsOf(order.subarray(0, sampleRows), matrix.rows))
    for (const row of order.subarray(sampleRows)) {
      judged[row] = (judged[row] ?? 0) + 1
      addLeaf(tree, matrix, { row, classes, into: outOfBag })
    }
  }
  divideRows(outOfBag, judged, classes)
  return { forest: { classes, trees, seen }, outOfBag }
}

/**
 * @param without for each row one that the trees asked must not have learnt from, -1 for none
 * @returns class shares, row-major, `rows * classes`
 */
export function predictForest({ trees, classes, seen }: Forest, matrix: Matrix, without?: Int32Array): Float64Array {
  const shares = new Float64Array(matrix.rows * classes)
  const judged = new Float64Array(matrix.rows)
  for (const [index, tree] of trees.entries()) {
    const learnt = seen[index] ?? new Uint8Array(0)
    for (let row = 0; row < matrix.rows; row += 1) {
      const other = without?.[row] ?? -1
      if (other >= 0 && ((learnt[other >> 3] ?? 0) & (1 << (other & 7))) !== 0) continue
      judged[row] = (judged[row] ?? 0) + 1
      addLeaf(tree, matrix, { row, classes, into: shares })
    }
  }
  divideRows(shares, judged, classes)
  return shares
}

function bitsOf(rows: Int32Array, size: number): Uint8Array {
  const bits = new Uint8Array((size >> 3) + 1)
  for (const row of rows) bits[row >> 3] = (bits[row >> 3] ?? 0) | (1 << (row & 7))
  return bits
}

function addLeaf(
  { turns, thresholds, leaves }: Tree,
  { values, width }: Matrix,
  { row, classes, into }: Readonly<{ row: number; classes: number; into: Float64Array }>,
): void {
  let node = 0
  const base = row * width
  let turn = turns[0] ?? -1
  while (turn >= 0) {
    const goesLeft = (values[base + turn] ?? 0) <= (thresholds[node] ?? 0)
    node = goesLeft ? node + 1 : (turns[2 * node + 1] ?? 0)
    turn = turns[2 * node] ?? -1
  }
  const leaf = (-1 - turn) * classes
  for (let at = 0; at < classes; at += 1)
    into[row * classes + at] = (into[row * classes + at] ?? 0) + (leaves[leaf + at] ?? 0)
}

function divideRows(sums: Float64Array, by: Float64Array, classes: number): void {
  for (let index = 0; index < sums.length; index += 1) {
    const divisor = by[Math.floor(index / classes)] ?? 0
    sums[index] = divisor > 0 ? (sums[index] ?? 0) / divisor : 0
  }
}

/** The first `count` places hold a random choice. */
function partialShuffle(order: Int32Array, count: number, random: Generator): void {
  for (let index = 0; index < count; index += 1) {
    const other = index + Math.floor(random() * (order.length - index))
    const moved = order[index] ?? 0
    order[index] = order[other] ?? 0
    order[other] = moved
  }
}

type Growing = Readonly<{
  training: Training
  random: Generator
  rows: Int32Array
  tried: number
  leafRows: number
  turns: number[]
  thresholds: number[]
  leaves: number[]
  order: Int32Array
  counts: Float64Array
  left: Float64Array
}>

function growTree(training: Training, rows: Int32Array, { random, leafRows = 1 }: ForestOptions): Tree {
  const { width } = training.matrix
  const growing: Growing = {
    training,
    random,
    rows,
    tried: Math.max(1, Math.ceil(Math.sqrt(width))),
    leafRows,
    turns: [],
    thresholds: [],
    leaves: [],
    order: Int32Array.from({ length: width }, (_, feature) => feature),
    counts: new Float64Array(training.classes),
    left: new Float64Array(training.classes),
  }
  // the left half of a node comes right behind it; the right half notes its place at the node
  const waiting: { from: number; to: number; rightOf: number }[] = [{ from: 0, to: rows.length, rightOf: -1 }]
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const { from, to, rightOf } = next
    const node = growing.thresholds.length
    if (rightOf >= 0) growing.turns[2 * rightOf + 1] = node
    const middle = splitNode(growing, from, to)
    if (middle === undefined) continue
    waiting.push({ from: middle, to, rightOf: node }, { from, to: middle, rightOf: -1 })
  }
  return {
    turns: Int32Array.from(growing.turns),
    thresholds: Float32Array.from(growing.thresholds),
    leaves: Float32Array.from(growing.leaves),
  }
}

/** Appends one node for rows `from` to `to`; the first row of its right half, or undefined for a leaf. */
function splitNode(growing: Growing, from: number, to: number): number | undefined {
  const { counts, training, rows } = growing
  counts.fill(0)
  for (let index = from; index < to; index += 1) {
    const label = training.labels[rows[index] ?? 0] ?? 0
    counts[label] = (counts[label] ?? 0) + 1
  }
  const isPure = counts.some((count) => count === to - from)
  const best = isPure || to - from < 2 * growing.leafRows ? undefined : bestSplit(growing, from, to)
  growing.turns.push(best?.feature ?? -1 - growing.leaves.length / training.classes, 0)
  growing.thresholds.push(best?.threshold ?? 0)
  if (best !== undefined) return partition(growing, { from, to, ...best })
  for (const count of counts) growing.leaves.push(count / (to - from))
  return undefined
}

type Split = Readonly<{ feature: number; threshold: number }>

/** Random thresholds on random features that are not constant here; the one with the purest halves (Gini). */
function bestSplit(growing: Growing, from: number, to: number): Split | undefined {
  const { order, random, tried } = growing
  let best: Split | undefined
  let bestScore = Number.NEGATIVE_INFINITY
  let useful = 0
  for (let index = 0; index < order.length && useful < tried; index += 1) {
    const other = index + Math.floor(random() * (order.length - index))
    const feature = order[other] ?? 0
    order[other] = order[index] ?? 0
    order[index] = feature
    const threshold = randomThreshold(growing, { from, to, feature })
    if (threshold === undefined) continue
    useful += 1
    const score = purity(growing, { from, to, feature, threshold })
    if (score > bestScore) {
      bestScore = score
      best = { feature, threshold }
    }
  }
  return best
}

type Span = Readonly<{ from: number; to: number; feature: number }>

function randomThreshold({ training, rows, random }: Growing, { from, to, feature }: Span): number | undefined {
  const { values, width } = training.matrix
  let low = Number.POSITIVE_INFINITY
  let high = Number.NEGATIVE_INFINITY
  for (let index = from; index < to; index += 1) {
    const value = values[(rows[index] ?? 0) * width + feature] ?? 0
    if (value < low) low = value
    if (value > high) high = value
  }
  if (low >= high) return undefined
  const threshold = Math.fround(low + (high - low) * random())
  return threshold < high ? threshold : low
}

/** Sum over both halves of squared class counts by rows: larger is purer. Very small when a half is too small. */
function purity(
  { training, rows, counts, left, leafRows }: Growing,
  { from, to, feature, threshold }: Span & Split,
): number {
  const { matrix, labels } = training
  left.fill(0)
  let leftRows = 0
  for (let index = from; index < to; index += 1) {
    const row = rows[index] ?? 0
    if ((matrix.values[row * matrix.width + feature] ?? 0) > threshold) continue
    const label = labels[row] ?? 0
    left[label] = (left[label] ?? 0) + 1
    leftRows += 1
  }
  const rightRows = to - from - leftRows
  if (leftRows < leafRows || rightRows < leafRows) return Number.NEGATIVE_INFINITY
  let ofLeft = 0
  let ofRight = 0
  for (let at = 0; at < counts.length; at += 1) {
    const inLeft = left[at] ?? 0
    const inRight = (counts[at] ?? 0) - inLeft
    ofLeft += inLeft * inLeft
    ofRight += inRight * inRight
  }
  return ofLeft / leftRows + ofRight / rightRows
}

function partition({ training, rows }: Growing, { from, to, feature, threshold }: Span & Split): number {
  const { values, width } = training.matrix
  let middle = from
  for (let index = from; index < to; index += 1) {
    const row = rows[index] ?? 0
    if ((values[row * width + feature] ?? 0) > threshold) continue
    rows[index] = rows[middle] ?? 0
    rows[middle] = row
    middle += 1
  }
  return middle
}
