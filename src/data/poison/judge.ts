/**
 * What labels should be, by three kinds of model that err differently: trees, neighbours, a linear one. No row is
 * judged by a model that learnt from it. Fitted on a sample of bounded size, so scoring is linear in the rows.
 */
import { type CategoryColumn, type Columns, labelOf, selectRows } from '../table/columns.ts'
import { type Encoding, encode, encodingOf, type Matrix } from './encode.ts'
import { type Forest, growForest, predictForest, type Training } from './forest.ts'
import { generatorOf, shuffled } from './generator.ts'
import { fitLogistic, type Logistic, predictLogistic } from './logistic.ts'
import { type Neighbours, nearest, voteOf } from './neighbours.ts'

/** Class probabilities of rows by models that did not see them, row-major, `rows * classes`; rows sum to 1. */
export type Judgement = Readonly<{ classes: readonly string[]; probabilities: Float64Array; given: Int32Array }>

export type Judge = Readonly<{
  encoding: Encoding
  classes: readonly string[]
  labels: Int32Array
  matrix: Matrix
  forest: Forest
  logistic: Logistic
  /** Linear models of all but one fold of the sample each, and the fold of each of its rows. */
  crossed: Readonly<{ models: readonly Logistic[]; foldOf: Uint8Array }>
  /** Squared distance of each row of the sample from the nearest other; none where neighbours would cost too much. */
  apart: Float64Array
}>

export type JudgeOptions = Readonly<{ seed: number; trees?: number; sampleRows?: number }>

const defaultTrees = 200
/** Rows that models are fitted on. */
const defaultSampleRows = 20_000
/** Multiplications that neighbours may cost; above, trees and the linear model judge alone. */
const neighbourBudget = 6e9
const neighbourCount = 10
const folds = 5
/** Classes beyond the commonest are left out: a label of ten thousand values is no class. */
const maxClasses = 100

/** Undefined when there are no two classes to tell apart, or nothing to tell them by. */
export function fitJudge(
  table: Columns,
  options: JudgeOptions,
): Readonly<{ judge: Judge; own: Judgement }> | undefined {
  const label = labelOf(table)
  if (label === undefined) return undefined
  const classes = classesOf(label)
  const given = codesIn(label, classes)
  const sample = sampleRows(given, options)
  if (classes.length < 2 || sample.length < 10) return undefined
  const training = selectRows(table, sample)
  const encoding = encodingOf(training)
  if (encoding.width === 0) return undefined
  const matrix = encode(training, encoding)
  const labels = Int32Array.from(sample, (row) => given[row] ?? -1)
  const random = generatorOf(options.seed)
  const trees = { trees: options.trees ?? defaultTrees, random }
  const { forest, outOfBag } = growForest({ matrix, labels, classes: classes.length }, trees)
  const everyRow = Int32Array.from({ length: matrix.rows }, (_, row) => row)
  const logistic = fitLogistic({ matrix, labels, classes: classes.length, rows: everyRow, penalty: 1 })
  const { shares, ...crossed } = crossFitted({ matrix, labels, classes: classes.length }, options.seed)
  const neighbours = neighboursIn(matrix, matrix, true)
  const votes = neighbours === undefined ? [] : [voteOf(neighbours, labels, { classes: classes.length })]
  const apart = Float64Array.from(
    neighbours === undefined ? [] : labels,
    (_, row) => neighbours?.distances[row * neighbourCount] ?? 0,
  )
  const judge: Judge = { encoding, classes, labels, matrix, forest, logistic, crossed, apart }
  const heldOut = averaged([outOfBag, ...votes, shares], classes.length)
  const own = spread(table, judge, { given, sample, heldOut })
  return { judge, own }
}

/**
 * Judges rows that the judge was not fitted on. A changed copy of a row that it was fitted on is judged by what did not
 * learn that row: it would find its own label in it, as often as copies are made.
 */
export function judgeTable(judge: Judge, table: Columns): Judgement {
  const label = labelOf(table)
  const given = label === undefined ? new Int32Array(table.rows).fill(-1) : codesIn(label, judge.classes)
  return { classes: judge.classes, given, probabilities: probabilitiesOf(judge, encode(table, judge.encoding), given) }
}

function probabilitiesOf(judge: Judge, matrix: Matrix, given: Int32Array): Float64Array {
  const classes = judge.classes.length
  const neighbours = neighboursIn(judge.matrix, matrix, false)
  const twins = twinsOf(judge, neighbours, given)
  const votes = neighbours === undefined ? [] : [voteOf(withoutTwins(neighbours, twins), judge.labels, { classes })]
  return averaged([predictForest(judge.forest, matrix, twins), ...votes, linear(judge, matrix, twins)], classes)
}

/** Of rows that are not the sample itself one more, so that a twin can be left out. Undefined where that costs too much. */
function neighboursIn(sample: Matrix, matrix: Matrix, skipSelf: boolean): Neighbours | undefined {
  if (matrix.rows * sample.rows * matrix.width > neighbourBudget) return undefined
  return nearest(matrix, sample, { count: neighbourCount + (skipSelf ? 0 : 1), skipSelf })
}

/**
 * For each row the row of the sample that it is a changed copy of, -1 for none: it lies at less than half the way to
 * that row's nearest neighbour. The same row under another label is none: that it was relabelled is what the judge is asked.
 */
function twinsOf({ labels, apart }: Judge, neighbours: Neighbours | undefined, given: Int32Array): Int32Array {
  return given.map((own, row) => {
    const at = row * (neighbourCount + 1)
    const [twin = -1, distance = 0] = [neighbours?.indices[at], neighbours?.distances[at]]
    const isTwin = twin >= 0 && distance < (apart[twin] ?? 0) / 4 && (distance > 0 || labels[twin] === own)
    return isTwin ? twin : -1
  })
}

function withoutTwins({ count, indices, distances }: Neighbours, twins: Int32Array): Neighbours {
  const isKept = (_: number, at: number): boolean =>
    at % count !== ((twins[Math.floor(at / count)] ?? -1) >= 0 ? 0 : count - 1)
  return { count: count - 1, indices: indices.filter(isKept), distances: distances.filter(isKept) }
}

function linear({ logistic, crossed, classes }: Judge, matrix: Matrix, twins: Int32Array): Float64Array {
  const shares = predictLogistic(logistic, matrix)
  for (const [fold, model] of crossed.models.entries()) {
    const rows = Int32Array.from(twins.keys()).filter((row) => crossed.foldOf[twins[row] ?? -1] === fold)
    place(predictLogistic(model, matrix, rows), rows, { classes: classes.length, into: shares })
  }
  return shares
}

/** Each fifth by a linear model of the others. */
function crossFitted(
  { matrix, labels, classes }: Training,
  seed: number,
): Judge['crossed'] & Readonly<{ shares: Float64Array }> {
  const order = shuffled(matrix.rows, generatorOf(seed + 1))
  const shares = new Float64Array(matrix.rows * classes)
  const foldOf = new Uint8Array(matrix.rows)
  const models = Array.from({ length: folds }, (_, fold) => {
    const held = order.filter((_row, index) => index % folds === fold)
    const rows = order.filter((_row, index) => index % folds !== fold)
    const model = fitLogistic({ matrix, labels, classes, rows, penalty: 1 })
    place(predictLogistic(model, matrix, held), held, { classes, into: shares })
    for (const row of held) foldOf[row] = fold
    return model
  })
  return { models, foldOf, shares }
}

function place(
  shares: Float64Array,
  rows: Int32Array,
  { classes, into }: Readonly<{ classes: number; into: Float64Array }>,
): void {
  for (const [index, row] of rows.entries())
    into.set(shares.subarray(index * classes, (index + 1) * classes), row * classes)
}

/** Rows of the sample keep what models without them said; the others are out of sample anyway. */
function spread(
  table: Columns,
  judge: Judge,
  { given, sample, heldOut }: Readonly<{ given: Int32Array; sample: Int32Array; heldOut: Float64Array }>,
): Judgement {
  const { classes } = judge
  if (sample.length === table.rows) return { classes, given, probabilities: heldOut }
  const probabilities = probabilitiesOf(judge, encode(table, judge.encoding), given)
  place(heldOut, sample, { classes: classes.length, into: probabilities })
  return { classes, given, probabilities }
}

/** The mean, with a trace of every class so that no probability is zero. */
function averaged(answers: readonly Float64Array[], classes: number): Float64Array {
  const mean = new Float64Array(answers[0]?.length ?? 0)
  for (const answer of answers)
    for (let at = 0; at < mean.length; at += 1) mean[at] = (mean[at] ?? 0) + (answer[at] ?? 0)
  const trace = 1e-6
  for (let base = 0; base < mean.length; base += classes) {
    let sum = 0
    for (let at = base; at < base + classes; at += 1) sum += (mean[at] ?? 0) + trace
    for (let at = base; at < base + classes; at += 1) mean[at] = ((mean[at] ?? 0) + trace) / sum
  }
  return mean
}

function classesOf({ codes, dictionary }: CategoryColumn): readonly string[] {
  const counts = new Float64Array(dictionary.length)
  for (const code of codes) if (code >= 0) counts[code] = (counts[code] ?? 0) + 1
  const used = [...counts.keys()].filter((code) => (counts[code] ?? 0) >= 2)
  used.sort((left, right) => (counts[right] ?? 0) - (counts[left] ?? 0) || left - right)
  return used
    .slice(0, maxClasses)
    .map((code) => dictionary[code] ?? '')
    .sort()
}

/** Each row's place in `classes`, -1 for none of them. */
function codesIn({ codes, dictionary }: CategoryColumn, classes: readonly string[]): Int32Array {
  const placeOf = new Map(classes.map((name, place) => [name, place]))
  const places = dictionary.map((name) => placeOf.get(name) ?? -1)
  return codes.map((code) => places[code] ?? -1)
}

/** Labelled rows, ascending; a random choice of them when there are many. */
function sampleRows(given: Int32Array, { seed, sampleRows: wanted = defaultSampleRows }: JudgeOptions): Int32Array {
  const labelled = Int32Array.from(given.keys()).filter((row) => (given[row] ?? -1) >= 0)
  if (labelled.length <= wanted) return labelled
  const order = shuffled(labelled.length, generatorOf(seed))
  return order
    .subarray(0, wanted)
    .map((index) => labelled[index] ?? 0)
    .sort()
}
