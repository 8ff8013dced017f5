import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sparkline } from './sparkline.ts'

test('the tallest number has the tallest bar, zero the lowest, and a peak is not averaged away', () => {
  assert.equal(sparkline([0, 1, 2, 4, 8], 10), '▁▂▃▅█')
  const long = Array.from({ length: 1000 }, (_, index) => (index === 500 ? 9 : 0))
  const line = sparkline(long, 40)
  assert.equal(line.length, 40)
  assert.equal([...line].filter((each) => each === '█').length, 1)
  assert.equal(sparkline([0, 0], 5), '▁▁')
  assert.equal(sparkline([], 5), '')
})
