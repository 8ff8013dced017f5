import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type DataCheck, isToLookAt } from './check.ts'

const flips: DataCheck = {
  name: 'poison/label-flip',
  column: 'label',
  verdict: 'pass',
  observed: 2,
  expected: 'unanchored',
  rows: [4, 17],
  count: 2,
  evaluated: true,
}

test('what no anchor can judge is for a person to see; what passed beside an anchor is not', () => {
  assert.equal(isToLookAt(flips), true)
  assert.equal(isToLookAt({ ...flips, rows: [], count: 0 }), false, 'there is nothing to see')
  assert.equal(isToLookAt({ ...flips, expected: 'about 2, at most 1 more' }), false)
  assert.equal(isToLookAt({ ...flips, name: 'schema/range', expected: 'unanchored' }), false)
  assert.equal(isToLookAt({ ...flips, verdict: 'warn', rows: [], count: 0 }), true)
})
