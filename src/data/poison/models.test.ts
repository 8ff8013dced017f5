/** Each model and statistic by a case that was worked by hand. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Columns, codedColumn, concatenated, numericColumn } from '../table/columns.ts'
import { expectationOf, logOddsOf, shareAt, spreadOf, surpriseOf } from './association.ts'
import { areaUnder } from './class-shift.ts'
import { confidentJoint, disagreementOf } from './confident.ts'
import { encode, encodingOf } from './encode.ts'
import { excessOf } from './excess.ts'
import { growForest, predictForest } from './forest.ts'
import { generatorOf, shuffled } from './generator.ts'
import { fitLogistic, predictLogistic } from './logistic.ts'
import { nearest, voteOf } from './neighbours.ts'
import { deltaRows, rowHashes } from './row-hash.ts'

const line = (values: readonly number[]): Readonly<{ rows: number; width: number; values: Float32Array }> => ({
  rows: values.length,
  width: 1,
  values: Float32Array.from(values),
})

test('an encoding standardises numbers, marks nulls and makes an indicator of each value', () => {
  // 1 and 3 have the mean 2 and the deviation 1
  const table: Columns = {
    rows: 4,
    columns: [numericColumn('n', [1, 3, 1, null]), codedColumn('category', 'c', ['a', 'b', 'b', 'a'])],
  }
  const fitted = encodingOf({ rows: 4, columns: [numericColumn('n', [1, 3, 1, 3]), ...table.columns.slice(1)] })
  assert.deepEqual(encode(table, fitted), {
    rows: 4,
    width: 3,
    values: Float32Array.of(-1, 1, 0, 1, 0, 1, -1, 0, 1, 0, 1, 0),
  })
  assert.equal(encodingOf(table).width, 4)
})

test('neighbours are found by distance, not counting the row itself, and vote', () => {
  const matrix = line([0, 1, 3, 7])
  const { indices, distances } = nearest(matrix, matrix, { count: 2, skipSelf: true })
  assert.deepEqual([...indices], [1, 2, 0, 2, 1, 0, 2, 1])
  assert.deepEqual([...distances], [1, 9, 1, 4, 4, 9, 16, 36])
  const neighbours = { count: 2, indices, distances }
  assert.deepEqual(
    [...voteOf(neighbours, Int32Array.of(0, 0, 1, 1), { classes: 2 })],
    [0.5, 0.5, 0.5, 0.5, 1, 0, 0.5, 0.5],
  )
})

test('logistic regression finds where the gradient is zero', () => {
  // x = -1, 1 with y = 0, 1; two weights w and -w by symmetry, no intercept. The gradient of one class's weight is
  // penalty * w = 2 * (1 - p) with p = 1 / (1 + exp(-2 w)), so w = 2 / (1 + exp(2 w)): w = 0.4901 (by bisection)
  const fitted = fitLogistic({
    matrix: line([-1, 1]),
    labels: Int32Array.of(0, 1),
    classes: 2,
    rows: Int32Array.of(0, 1),
    penalty: 1,
  })
  const weight = fitted.weights[2] ?? 0
  assert.ok(Math.abs(weight - 2 / (1 + Math.exp(2 * weight))) < 1e-3, String(weight))
  const [, probability = 0] = predictLogistic(fitted, line([1]))
  assert.ok(Math.abs(probability - 1 / (1 + Math.exp(-2 * weight))) < 1e-9)
})

test('a forest separates what one threshold separates, and judges rows out of bag', () => {
  const matrix = line(Array.from({ length: 40 }, (_, row) => row))
  const labels = Int32Array.from({ length: 40 }, (_, row) => (row < 20 ? 0 : 1))
  const { forest, outOfBag } = growForest({ matrix, labels, classes: 2 }, { trees: 100, random: generatorOf(1) })
  const predicted = predictForest(forest, matrix)
  for (let row = 0; row < 40; row += 1) {
    assert.equal((predicted[2 * row] ?? 0) > 0.5, row < 20)
    if (row !== 19 && row !== 20) assert.equal((outOfBag[2 * row] ?? 0) > 0.5, row < 20, `row ${row}`)
  }
})

test('the confident joint by hand', () => {
  // given 0 0 0 1 1; probability of class 1: .1 .2 .9 .8 .6. Thresholds: class 0 (.9 + .8 + .1) / 3 = .6, class 1 .7
  // row 0, 1: class 0; row 2: class 1; row 3: class 1; row 4: neither. Class 0: 2 and 1 of 3; class 1: 0 and 1 -> 0 and 2
  const ones = [0.1, 0.2, 0.9, 0.8, 0.6]
  const judgement = {
    classes: ['a', 'b'],
    given: Int32Array.of(0, 0, 0, 1, 1),
    probabilities: Float64Array.from(ones.flatMap((one) => [1 - one, one])),
  }
  assert.deepEqual([...confidentJoint(judgement)], [2, 1, 0, 2])
  const { flagged, suggested } = disagreementOf(judgement)
  assert.deepEqual([...flagged], [0, 0, 1, 0, 0])
  assert.deepEqual([...suggested], [0, 0, 1, 1, 1])
})

test('where many disagree by nature, flips are more than the disagreements that they add, by hand', () => {
  // the judge says `a`, six to four, of all rows, and of the anchor's 1,000 four in ten disagree, as it says
  const judged = (disagreeing: number) => {
    const given = Int32Array.from({ length: 1000 }, (_, row) => (row < disagreeing ? 1 : 0))
    const probabilities = Float64Array.from({ length: 2000 }, (_, at) => (at % 2 === 0 ? 0.6 : 0.4))
    const judgement = { classes: ['a', 'b'], given, probabilities }
    return { judgement, found: disagreementOf(judgement) }
  }
  const postOf = (disagreeing: number) => excessOf(judged(disagreeing), judged(400), new Uint8Array(1000).fill(1))
  // half of the rows flipped: 0.4 * 0.5 + 0.6 * 0.5 = 0.5 disagree, and of these 0.6 * 0.5 / 0.5 = 0.6 were flipped
  const { posterior, isLikely } = postOf(500)
  assert.ok(isLikely && Math.abs((posterior[0] ?? 0) - 0.6) < 1e-3, String(posterior[0]))
  assert.equal(posterior[999], 0)
  const honest = postOf(400)
  assert.ok(!honest.isLikely && honest.posterior.every((share) => share < 1e-3))
})

test('log-odds, expectation and surprise by hand', () => {
  // 3 of 4 against one half, one row of prior: ln(3.5 / 1.5), variance 1 / 3.5 + 1 / 1.5
  const { value, variance } = logOddsOf({ rows: 4, hits: 3 }, 0.5)
  assert.ok(Math.abs(value - Math.log(7 / 3)) < 1e-12 && Math.abs(variance - (2 / 7 + 2 / 3)) < 1e-12)
  // of 8 rows 8 - 8 / (1 + exp(-d)) = d at d = 1.4817, where the share is 0.8148: variance 1 / (1 + 8 * 0.1509)
  const expected = expectationOf({ rows: 8, hits: 8 }, 0.5, 0.5)
  assert.ok(Math.abs(8 - 8 / (1 + Math.exp(-expected.value)) - expected.value) < 1e-9, String(expected.value))
  assert.ok(Math.abs(expected.variance - 0.4531) < 1e-4, String(expected.variance))
  assert.deepEqual(expectationOf(undefined, 0.5, 0.5), { value: 0, variance: 0.5 })
  assert.ok(Math.abs(shareAt(0.5, Math.log(3)) - 0.75) < 1e-12)
  // 10 of 10 against one half, nothing else to explain it: 2 * 10 * ln 2 = 13.86, its root 3.72
  assert.ok(
    Math.abs(surpriseOf({ rows: 10, hits: 10 }, 0.5, { value: 0, variance: 0 }).z - Math.sqrt(20 * Math.LN2)) < 1e-9,
  )
  // where items honestly differ much, the same is no surprise
  assert.ok(surpriseOf({ rows: 10, hits: 10 }, 0.5, { value: 0, variance: 9 }).z < 1.5)
})

test('the spread is what items have beyond their rows, and a few extreme ones do not make it', () => {
  const calm = Array.from({ length: 100 }, (_, index) => ({ value: (index - 49.5) / 100, variance: 1 }))
  assert.equal(spreadOf(calm), 0)
  assert.equal(spreadOf([...calm.slice(5), ...Array.from({ length: 5 }, () => ({ value: 50, variance: 0.1 }))]), 0)
  const wild = calm.map(({ value }) => ({ value: 10 * value, variance: 0.01 }))
  assert.ok(spreadOf(wild) > 4)
})

test('the area under the curve by hand', () => {
  // new 3 and 1 against old 2 and 1: 3 beats both, 1 beats none and ties once: (2 + 0.5) / 4
  assert.equal(areaUnder(Float64Array.of(3, 1, 2, 1), Int32Array.of(1, 1, 0, 0)), 0.625)
})

test('rows are the same by content, whatever the dictionary; the delta has what is new or comes more often', () => {
  const table = (values: readonly (string | null)[], numbers: readonly (number | null)[]): Columns => ({
    rows: values.length,
    columns: [codedColumn('category', 'c', values), numericColumn('n', numbers)],
  })
  const [left, right] = [table(['a', 'b', null], [0, 1, null]), table(['b', 'a', null, 'b'], [1, -0, null, 1])]
  const hashes = (one: Columns): readonly number[] => [...rowHashes(one.rows, one.columns, 7)]
  const [a, b, none] = hashes(left)
  assert.deepEqual(hashes(right), [b, a, none, b])
  assert.equal(new Set([a, b, none]).size, 3)
  assert.deepEqual([...deltaRows(right, left, 7)], [3])
  assert.deepEqual(hashes(concatenated(left, right)), [...hashes(left), ...hashes(right)])
})

test('the same seed gives the same order, a permutation', () => {
  const order = shuffled(50, generatorOf(3))
  assert.deepEqual(order, shuffled(50, generatorOf(3)))
  assert.deepEqual(
    [...order].sort((left, right) => left - right),
    Array.from({ length: 50 }, (_, index) => index),
  )
})
