import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { comparePaths } from './digest.ts'

test('paths sort by their UTF-8 bytes', () => {
  const path = fc.string({
    unit: fc.constantFrom('a', 'b', '/', 'é', '\u{ffee}', '\ue000', '\u{10000}', '\u{1f600}', '\ud7ff'),
    maxLength: 6,
  })
  fc.assert(
    fc.property(path, path, (left, right) => {
      assert.equal(Math.sign(comparePaths(left, right)), Buffer.compare(Buffer.from(left), Buffer.from(right)))
    }),
    { numRuns: 2000 },
  )
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (left, right) => {
      assert.equal(Math.sign(comparePaths(left, right)), Buffer.compare(Buffer.from(left), Buffer.from(right)))
    }),
  )
})
