/**
 * Multinomial logistic regression with an L2 penalty, by limited-memory BFGS.
 *
 * Source: Nocedal and Wright (2006), Numerical Optimization, algorithms 7.4 and 7.5, with backtracking (3.1).
 */
import type { Matrix } from './encode.ts'

/** `weights` is row-major, `classes * (width + 1)`; the last of each class is its intercept. */
export type Logistic = Readonly<{ classes: number; width: number; weights: Float64Array }>

type Problem = Readonly<{ matrix: Matrix; labels: Int32Array; classes: number; rows: Int32Array; penalty: number }>

const memory = 8
const maxSteps = 60

/**
 * @param options.rows those to learn from
 * @param options.penalty on half the squared weights, against the summed loss; 1 is scikit-learn's `C=1`
 */
export function fitLogistic(problem: Problem): Logistic {
  const { matrix, classes } = problem
  const size = classes * (matrix.width + 1)
  let weights = new Float64Array(size)
  let { loss, gradient } = lossOf(problem, weights)
  const steps: Float64Array[] = []
  const changes: Float64Array[] = []
  for (let step = 0; step < maxSteps && norm(gradient) > 1e-4 * problem.rows.length; step += 1) {
    const direction = descent(gradient, steps, changes)
    const next = lineSearch(problem, { weights, loss, gradient, direction, first: step === 0 })
    if (next === undefined) break
    steps.push(minus(next.weights, weights))
    changes.push(minus(next.gradient, gradient))
    if (steps.length > memory) {
      steps.shift()
      changes.shift()
    }
    const gain = loss - next.loss
    weights = next.weights
    loss = next.loss
    gradient = next.gradient
    if (gain < 1e-6 * Math.abs(loss)) break
  }
  return { classes, width: matrix.width, weights }
}

type State = Readonly<{ weights: Float64Array<ArrayBuffer>; loss: number; gradient: Float64Array<ArrayBuffer> }>

function lossOf({ matrix, labels, classes, rows, penalty }: Problem, weights: Float64Array<ArrayBuffer>): State {
  const { width, values } = matrix
  const gradient = new Float64Array(weights.length)
  const scores = new Float64Array(classes)
  let loss = 0
  for (const row of rows) {
    const label = labels[row] ?? 0
    scoreRow(weights, values, { base: row * width, width, scores })
    softmax(scores)
    loss -= Math.log(Math.max(1e-300, scores[label] ?? 0))
    for (let at = 0; at < classes; at += 1) {
      const error = (scores[at] ?? 0) - (at === label ? 1 : 0)
      const offset = at * (width + 1)
      for (let feature = 0; feature < width; feature += 1) {
        gradient[offset + feature] = (gradient[offset + feature] ?? 0) + error * (values[row * width + feature] ?? 0)
      }
      gradient[offset + width] = (gradient[offset + width] ?? 0) + error
    }
  }
  for (let index = 0; index < weights.length; index += 1) {
    if (index % (width + 1) === width) continue
    const weight = weights[index] ?? 0
    loss += (penalty / 2) * weight * weight
    gradient[index] = (gradient[index] ?? 0) + penalty * weight
  }
  return { weights, loss, gradient }
}

function scoreRow(
  weights: Float64Array,
  values: Float32Array,
  { base, width, scores }: Readonly<{ base: number; width: number; scores: Float64Array }>,
): void {
  for (let at = 0; at < scores.length; at += 1) {
    const offset = at * (width + 1)
    let sum = weights[offset + width] ?? 0
    for (let feature = 0; feature < width; feature += 1)
      sum += (weights[offset + feature] ?? 0) * (values[base + feature] ?? 0)
    scores[at] = sum
  }
}

function softmax(scores: Float64Array): void {
  let top = Number.NEGATIVE_INFINITY
  for (const score of scores) if (score > top) top = score
  let sum = 0
  for (let at = 0; at < scores.length; at += 1) {
    const power = Math.exp((scores[at] ?? 0) - top)
    scores[at] = power
    sum += power
  }
  for (let at = 0; at < scores.length; at += 1) scores[at] = (scores[at] ?? 0) / sum
}

/** Algorithm 7.4: minus the approximate inverse Hessian times the gradient. */
function descent(
  gradient: Float64Array,
  steps: readonly Float64Array[],
  changes: readonly Float64Array[],
): Float64Array {
  const direction = gradient.map((value) => -value)
  const factors: number[] = []
  for (let index = steps.length - 1; index >= 0; index -= 1) {
    const [step, change] = [steps[index] ?? direction, changes[index] ?? direction]
    const factor = dot(step, direction) / dot(step, change)
    factors[index] = factor
    addTimes(direction, -factor, change)
  }
  const [step, change] = [steps.at(-1), changes.at(-1)]
  if (step !== undefined && change !== undefined) scale(direction, dot(step, change) / dot(change, change))
  for (let index = 0; index < steps.length; index += 1) {
    const [s, y] = [steps[index] ?? direction, changes[index] ?? direction]
    addTimes(direction, (factors[index] ?? 0) - dot(y, direction) / dot(s, y), s)
  }
  return direction
}

function lineSearch(
  problem: Problem,
  { weights, loss, gradient, direction, first }: State & Readonly<{ direction: Float64Array; first: boolean }>,
): State | undefined {
  const slope = dot(gradient, direction)
  if (!(slope < 0)) return undefined
  let length = first ? 1 / norm(gradient) : 1
  for (let attempt = 0; attempt < 20; attempt += 1) {
    const next = weights.slice()
    addTimes(next, length, direction)
    const state = lossOf(problem, next)
    // Sufficient decrease, and a curvature that keeps the approximation positive.
    if (state.loss <= loss + 1e-4 * length * slope && dot(state.gradient, direction) > slope) return state
    length /= 2
  }
  return undefined
}

function dot(left: Float64Array, right: Float64Array): number {
  let sum = 0
  for (let index = 0; index < left.length; index += 1) sum += (left[index] ?? 0) * (right[index] ?? 0)
  return sum
}

function norm(vector: Float64Array): number {
  return Math.sqrt(dot(vector, vector))
}

function addTimes(vector: Float64Array, factor: number, other: Float64Array): void {
  for (let index = 0; index < vector.length; index += 1)
    vector[index] = (vector[index] ?? 0) + factor * (other[index] ?? 0)
}

function scale(vector: Float64Array, factor: number): void {
  for (let index = 0; index < vector.length; index += 1) vector[index] = (vector[index] ?? 0) * factor
}

function minus(left: Float64Array, right: Float64Array): Float64Array {
  return left.map((value, index) => value - (right[index] ?? 0))
}

/**
 * @param rows which of the matrix; all when left out
 * @returns class probabilities, row-major, `rows * classes`
 */
export function predictLogistic(
  { classes, width, weights }: Logistic,
  matrix: Matrix,
  rows?: Int32Array,
): Float64Array {
  const count = rows?.length ?? matrix.rows
  const shares = new Float64Array(count * classes)
  const scores = new Float64Array(classes)
  for (let index = 0; index < count; index += 1) {
    scoreRow(weights, matrix.values, { base: (rows?.[index] ?? index) * width, width, scores })
    softmax(scores)
    shares.set(scores, index * classes)
  }
  return shares
}
