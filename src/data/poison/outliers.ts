/**
 * Rows that lie farther from the anchor than its own rows lie from one another, and whether they lie together: an
 * injected cluster is far away and dense, honest noise is far away and scattered.
 *
 * Source: distance to the nearest neighbour as an outlier score, Ramaswamy, Rastogi and Shim (2000). Of few rows each is
 * left out in turn, and a new one is far when it is farther than any of them: as conformal p-values, Bates, Candes, Lei,
 * Romano and Sesia (2023), Testing for outliers with conformal p-values, equation 2.
 */
import { exceedances } from '../statistics/exact-counts.ts'
import { familyWiseZ, wilson } from '../statistics/intervals.ts'
import { type Columns, rowNumberOf, selectRows } from '../table/columns.ts'
import { type Encoding, encode, encodingOf, type Matrix } from './encode.ts'
import { generatorOf, shuffled } from './generator.ts'
import { nearest } from './neighbours.ts'
import { alpha, type Finding, findingOf, type PoisonInput, type Suspect } from './report.ts'
import { deltaRows } from './row-hash.ts'

const name = 'poison/outliers'
/** Multiplications that distances may cost. */
const distanceBudget = 4e9
/** Rows of the reference, and of the anchor's own rows that say which distance is usual. */
const maxReference = 2000
const maxUsual = 5000
/** A distance that so many of the anchor's rows stay below is unusual beyond it. */
const usualShare = 0.99
/** That the false alarms that are allowed are shared among. */
const checks = 8
/** Scores of rows that lie together are above all others. */
const clustered = 1000
/** Far rows that are compared with one another. */
const maxClustered = 2000

/** Fewer rows of an anchor say nothing of what is usual; without one, so many rows have a hundredth that is farthest. */
export const fewestAnchored = 20
export const fewestAlone = 100
/** Fewer rows than this are not parted into a reference and others: each is left out in turn. */
const fewestParted = 200

/** Undefined when there is nothing to measure a distance by, or too few rows. Without an anchor, rows are ranked among themselves. */
export function findOutliers(input: PoisonInput): Finding | undefined {
  const { candidate, anchor, seed = 0 } = input
  const rows =
    anchor === undefined
      ? Int32Array.from({ length: candidate.rows }, (_, row) => row)
      : deltaRows(candidate, anchor, seed)
  const delta = selectRows(candidate, rows)
  const home = anchor ?? candidate
  const order = shuffled(home.rows, generatorOf(seed))
  const fitting = selectRows(home, order.subarray(0, 20_000))
  const encoding = encodingOf(fitting)
  const fewest = anchor === undefined ? fewestAlone : fewestAnchored
  if (encoding.width === 0 || home.rows < fewest || delta.rows === 0) return undefined
  if (home.rows < fewestParted) return amongFew(input, { delta, home, encoding })
  const budgeted = Math.floor(distanceBudget / (delta.rows * encoding.width))
  const size = Math.max(50, Math.min(maxReference, Math.floor(home.rows / 2), budgeted))
  const reference = encode(selectRows(home, order.subarray(0, size)), encoding)
  // The anchor's other rows, which the reference does not hold, are as far from it as honest new rows should be.
  const usual = distances(encode(selectRows(home, order.subarray(size, size + maxUsual)), encoding), reference)
  const matrix = encode(delta, encoding)
  const far = distances(matrix, reference)
  const threshold = thresholdOf(usual)
  const apart = anchor === undefined ? far : apartFromBulk(matrix, far, { threshold, size, seed })
  return decide(input, { delta, matrix, far: apart, usual, threshold })
}

type Few = Readonly<{ delta: Columns; home: Columns; encoding: Encoding }>

function amongFew(input: PoisonInput, { delta, home, encoding }: Few): Finding {
  const reference = encode(home, encoding)
  const usual = nearest(reference, reference, { count: 1, skipSelf: true }).distances.map(Math.sqrt)
  const threshold = thresholdOf(usual)
  const { anchor, seed = 0 } = input
  if (anchor === undefined) return decide(input, { delta, matrix: reference, far: usual, usual, threshold })
  const matrix = encode(delta, encoding)
  const far = apartFromBulk(matrix, distances(matrix, reference), { threshold, size: maxReference, seed })
  return decide(input, { delta, matrix, far, usual, threshold })
}

function thresholdOf(usual: Float64Array): number {
  return usual.toSorted()[Math.floor(usual.length * usualShare)] ?? Number.POSITIVE_INFINITY
}

/**
 * Distances to the anchor or to the candidate's own rows that are near the anchor, whichever is less: when the whole
 * table moves, far rows are the edge of what moved, and that is drift; planted ones are apart from both.
 */
function apartFromBulk(
  matrix: Matrix,
  far: Float64Array,
  { threshold, size, seed }: Readonly<{ threshold: number; size: number; seed: number }>,
): Float64Array {
  const { width, values } = matrix
  const order = shuffled(matrix.rows, generatorOf(seed + 1))
  const bulk = order.filter((row) => (far[row] ?? 0) <= threshold).subarray(0, size)
  const pick = (rows: Int32Array): Matrix => {
    const picked = new Float32Array(rows.length * width)
    for (const [index, row] of rows.entries())
      picked.set(values.subarray(row * width, (row + 1) * width), index * width)
    return { rows: rows.length, width, values: picked }
  }
  const beyond = Int32Array.from(far.keys()).filter((row) => (far[row] ?? 0) > threshold)
  const toBulk = distances(pick(beyond), pick(bulk))
  const apart = far.slice()
  for (const [index, row] of beyond.entries()) apart[row] = Math.min(far[row] ?? 0, toBulk[index] ?? 0)
  return apart
}

/** Of each row, to its nearest row of the reference. */
function distances(matrix: Matrix, reference: Matrix): Float64Array {
  return nearest(matrix, reference, { count: 1, skipSelf: false }).distances.map(Math.sqrt)
}

type Distances = Readonly<{
  delta: Columns
  matrix: Matrix
  far: Float64Array
  usual: Float64Array
  threshold: number
}>

function decide(input: PoisonInput, { delta, matrix, far, usual, threshold }: Distances): Finding {
  const anchored = input.anchor !== undefined
  const isFar = (distance: number): boolean => distance > threshold
  const found = far.reduce((sum, distance) => sum + (isFar(distance) ? 1 : 0), 0)
  const usuallyFar = usual.reduce((sum, distance) => sum + (isFar(distance) ? 1 : 0), 0)
  const z = familyWiseZ(alpha, checks)
  const share = wilson(usuallyFar, usual.length, z)
  const mean = share.high * delta.rows
  const { beyond, detectable } = isExtreme(usual)
    ? exceedances({ known: usual.length, fresh: delta.rows, level: alpha / checks })
    : {
        beyond: mean + z * Math.sqrt(mean + 1),
        detectable: mean - share.value * delta.rows + (z + 1.645) * Math.sqrt(mean + 1),
      }
  const low = anchored ? Math.max(0, found - beyond) : 0
  const cluster = largestCluster(
    matrix,
    Int32Array.from(far.keys()).filter((row) => isFar(far[row] ?? 0)),
    threshold,
  )
  const suspects: Suspect[] = []
  for (const [index, distance] of far.entries()) {
    if (!isFar(distance)) continue
    const inCluster = cluster.size > 1 && cluster.has(index)
    const from = anchored ? 'the anchor' : 'the others'
    const because = inCluster ? `far from ${from}, in a cluster of ${cluster.size}` : `far from ${from}`
    suspects.push({
      row: rowNumberOf(delta, index),
      score: (inCluster ? clustered : 0) + Math.min(clustered, distance / threshold), // all rows of an anchor may be equal
      because,
    })
  }
  return findingOf(input, name, {
    column: null,
    anchored,
    found,
    of: delta.rows,
    expected: share.value * delta.rows,
    low,
    minimumDetectable: Math.ceil(detectable),
    suspects,
    because: `${found} of ${delta.rows} rows are farther away than ${usualShare * 100} % of honest rows are; the largest cluster of them has ${cluster.size}`,
  })
}

/** Of so few, nothing is beyond the threshold: it is the farthest of them. */
function isExtreme(usual: Float64Array): boolean {
  return Math.floor(usual.length * usualShare) === usual.length - 1
}

/** Far rows that are near one another, by single linkage at half the usual distance; the largest such set. */
function largestCluster(matrix: Matrix, far: Int32Array, threshold: number): ReadonlySet<number> {
  const rows = far.subarray(0, maxClustered)
  const waiting = new Set(rows)
  let largest: ReadonlySet<number> = new Set()
  for (const first of rows) {
    if (!waiting.delete(first)) continue
    const cluster = new Set([first])
    for (const member of cluster) {
      for (const other of waiting) {
        if (distanceOf(matrix, member, other) > threshold / 2) continue
        waiting.delete(other)
        cluster.add(other)
      }
    }
    if (cluster.size > largest.size) largest = cluster
  }
  return largest
}

function distanceOf({ values, width }: Matrix, left: number, right: number): number {
  let sum = 0
  for (let at = 0; at < width; at += 1)
    sum += ((values[left * width + at] ?? 0) - (values[right * width + at] ?? 0)) ** 2
  return Math.sqrt(sum)
}
