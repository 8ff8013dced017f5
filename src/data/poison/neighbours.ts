/**
 * The nearest rows of a matrix, by Euclidean distance, exact.
 *
 * LIMIT: cost is rows times reference rows times width; callers keep the reference to a few thousand rows.
 */
import type { Matrix } from './encode.ts'

/** `indices` and `distances` (squared) are row-major, `rows * count`, nearest first; -1 where there are not so many. */
export type Neighbours = Readonly<{ count: number; indices: Int32Array; distances: Float64Array }>

/**
 * @param options.skipSelf both matrices are the same rows, and a row is no neighbour of itself
 */
export function nearest(
  matrix: Matrix,
  reference: Matrix,
  { count, skipSelf }: Readonly<{ count: number; skipSelf: boolean }>,
): Neighbours {
  const indices = new Int32Array(matrix.rows * count).fill(-1)
  const distances = new Float64Array(matrix.rows * count).fill(Number.POSITIVE_INFINITY)
  const { width } = matrix
  for (let row = 0; row < matrix.rows; row += 1) {
    const base = row * count
    for (let other = 0; other < reference.rows; other += 1) {
      if (skipSelf && other === row) continue
      const worst = distances[base + count - 1] ?? 0
      const distance = distanceBelow(matrix.values, reference.values, {
        left: row * width,
        right: other * width,
        width,
        worst,
      })
      if (distance < worst) insert(indices, distances, { base, count, other, distance })
    }
  }
  return { count, indices, distances }
}

/** Stops as soon as the distance cannot be below `worst` any more. */
function distanceBelow(
  a: Float32Array,
  b: Float32Array,
  { left, right, width, worst }: Readonly<{ left: number; right: number; width: number; worst: number }>,
): number {
  let sum = 0
  for (let at = 0; at < width; at += 1) {
    const difference = (a[left + at] ?? 0) - (b[right + at] ?? 0)
    sum += difference * difference
    if (sum >= worst) return sum
  }
  return sum
}

function insert(
  indices: Int32Array,
  distances: Float64Array,
  { base, count, other, distance }: Readonly<{ base: number; count: number; other: number; distance: number }>,
): void {
  let place = base + count - 1
  while (place > base && (distances[place - 1] ?? 0) > distance) {
    distances[place] = distances[place - 1] ?? 0
    indices[place] = indices[place - 1] ?? -1
    place -= 1
  }
  distances[place] = distance
  indices[place] = other
}

/** Share of each class among the neighbours, row-major, `rows * classes`. */
export function voteOf(
  { count, indices }: Neighbours,
  labels: Int32Array,
  { classes, voters = count }: Readonly<{ classes: number; voters?: number }>,
): Float64Array {
  const rows = indices.length / count
  const shares = new Float64Array(rows * classes)
  for (let row = 0; row < rows; row += 1) {
    let voted = 0
    for (let place = 0; place < voters; place += 1) {
      const neighbour = indices[row * count + place] ?? -1
      if (neighbour < 0) break
      const at = row * classes + (labels[neighbour] ?? 0)
      shares[at] = (shares[at] ?? 0) + 1
      voted += 1
    }
    for (let at = row * classes; at < (row + 1) * classes; at += 1)
      shares[at] = voted > 0 ? (shares[at] ?? 0) / voted : 0
  }
  return shares
}
