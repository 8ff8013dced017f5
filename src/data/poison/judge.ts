/**
 * What labels should be, by three kinds of model that err differently: trees, neighbours, a linear one. No row is
 * judged by a model that learnt from it. Fitted on a sample of bounded size, so scoring is linear in the rows.
 */
import { type CategoryColumn, type Columns, labelOf, selectRows } from '../table/columns.ts'
import { type Encoding, encode, encodingOf, type Matrix } from './encode.ts'
import { type Forest, growForest, predictForest } from './forest.ts'
import { generatorOf, shuffled } from './generator.ts'
import { fitLogistic, type Logistic, predictLogistic } from './logistic.ts'
import { nearest, voteOf } from './neighbours.ts'

/** Class probabilities of rows by models that did not see them, row-major, `rows * classes`; rows sum to 1. */
export type Judgement = Readonly<{ classes: readonly string[]; probabilities: Float64Array; given: Int32Array }>

export type Judge = Readonly<{
  encoding: Encoding
  classes: readonly string[]
  labels: Int32Array
  matrix: Matrix
  forest: Forest
  logistic: Logistic
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
  const judge: Judge = { encoding, classes, labels, matrix, forest, logistic }
  const heldOut = averaged([outOfBag, ...voted(judge, matrix, true), crossFitted(judge, options.seed)], classes.length)
  const own = spread(table, judge, { given, sample, heldOut })
  return { judge, own }
}

/** Judges rows that the judge was not fitted on. */
export function judgeTable(judge: Judge, table: Columns): Judgement {
  const label = labelOf(table)
  const given = label === undefined ? new Int32Array(table.rows).fill(-1) : codesIn(label, judge.classes)
  return { classes: judge.classes, given, probabilities: probabilitiesOf(judge, encode(table, judge.encoding)) }
}

function probabilitiesOf(judge: Judge, matrix: Matrix): Float64Array {
  const answers = [
    predictForest(judge.forest, matrix),
    ...voted(judge, matrix, false),
    predictLogistic(judge.logistic, matrix),
  ]
  return averaged(answers, judge.classes.length)
}

function voted(judge: Judge, matrix: Matrix, skipSelf: boolean): readonly Float64Array[] {
  if (matrix.rows * judge.matrix.rows * matrix.width > neighbourBudget) return []
  const neighbours = nearest(matrix, judge.matrix, { count: neighbourCount, skipSelf })
  return [voteOf(neighbours, judge.labels, { classes: judge.classes.length })]
}

/** Each fifth by a linear model of the others. */
function crossFitted({ matrix, labels, classes }: Judge, seed: number): Float64Array {
  const order = shuffled(matrix.rows, generatorOf(seed + 1))
  const shares = new Float64Array(matrix.rows * classes.length)
  for (let fold = 0; fold < folds; fold += 1) {
    const held = order.filter((_, index) => index % folds === fold)
    const rows = order.filter((_, index) => index % folds !== fold)
    const model = fitLogistic({ matrix, labels, classes: classes.length, rows, penalty: 1 })
    const predicted = predictLogistic(model, matrix, held)
    for (const [index, row] of held.entries()) {
      const from = index * classes.length
      shares.set(predicted.subarray(from, from + classes.length), row * classes.length)
    }
  }
  return shares
}

/** Rows of the sample keep what models without them said; the others are out of sample anyway. */
function spread(
  table: Columns,
  judge: Judge,
  { given, sample, heldOut }: Readonly<{ given: Int32Array; sample: Int32Array; heldOut: Float64Array }>,
): Judgement {
  const { classes } = judge
  if (sample.length === table.rows) return { classes, given, probabilities: heldOut }
  const probabilities = probabilitiesOf(judge, encode(table, judge.encoding))
  for (const [index, row] of sample.entries()) {
    const from = index * classes.length
    probabilities.set(heldOut.subarray(from, from + classes.length), row * classes.length)
  }
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
