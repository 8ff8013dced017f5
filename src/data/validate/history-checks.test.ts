/** What trends become as checks: one for the parts that count the same rows, and no poison where features drifted. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Bound, historyIn } from '../bounds.ts'
import type { Version } from '../poison/index.ts'
import { historyChecks } from './history-checks.ts'

const increment = { name: 'poison/label-flip', column: 'label', of: 100, expected: 5, expectedError: 0.05 } as const

/** Fifteen rows too many among the sure ones, version after version. */
function version(effect: number): Version {
  return {
    increments: [
      { ...increment, part: 'all', found: 8 },
      { ...increment, part: 'sure', found: 20 },
    ],
    drift: [
      { column: 'x', effect },
      { column: 'label', effect: 0 },
    ],
  }
}

const told = (versions: readonly Version[]) =>
  historyChecks(versions).map(({ name, column, verdict }) => `${name} ${column} ${verdict}`)

test('the part that tells most stands for the check', () => {
  assert.deepEqual(told([version(0), version(0), version(0), version(0)]), [
    'poison/history label fail',
    'drift/history x pass',
    'drift/history label pass',
  ])
})

test('where a feature drifted far away, drift fails in the place of poison', () => {
  assert.deepEqual(told([version(8), version(8), version(8), version(8)]), [
    'poison/history label warn',
    'drift/history x fail',
    'drift/history label pass',
  ])
})

test('a feature that was moved a little excuses no poison', () => {
  assert.deepEqual(told([version(2), version(2), version(2), version(2)]), [
    'poison/history label fail',
    'drift/history x warn',
    'drift/history label pass',
  ])
})

test('a drift that is large only since a user holds it tighter excuses no poison; one that is large by own thresholds does', () => {
  const told = (effect: number, bounds: readonly Bound[]) =>
    historyChecks(Array(4).fill(version(effect)), historyIn(bounds)).map(({ verdict }) => verdict)
  const threshold = { check: 'drift/mean', of: 'threshold', value: 0.025, own: 0.25 } as const
  const times = { check: 'drift/history', of: 'times', value: 0.1, own: 1 } as const
  assert.deepEqual(told(8, [threshold]), ['fail', 'fail', 'pass'])
  assert.deepEqual(told(2, [times]), ['fail', 'fail', 'pass'])
  assert.deepEqual(told(80, [threshold]), ['warn', 'fail', 'pass'])
  assert.deepEqual(told(8, [times]), ['warn', 'fail', 'pass'])
})

test('no versions, no checks', () => {
  assert.deepEqual(historyChecks([]), [])
})
