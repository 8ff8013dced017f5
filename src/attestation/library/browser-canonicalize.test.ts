import assert from 'node:assert/strict'
import { test } from 'node:test'
import canonicalize from 'canonicalize'
import fc from 'fast-check'
import inBrowser from './browser-canonicalize.ts'

test('the canonical JSON of the library is that of the tool, for whatever can be parsed', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => assert.equal(inBrowser(value), canonicalize(value))),
    { numRuns: 2000 },
  )
  const names = { '\u{1F600}': 1, '\uFB33': 2, '1': 3, '': 4, __proto__x: 5, 'a"b': -0, é: 1e21 }
  assert.equal(inBrowser(names), canonicalize(names))
})

test('refuses what is no JSON', () => {
  for (const value of [Number.NaN, Number.POSITIVE_INFINITY, '\ud800', { '\udc00': 1 }, [Number.NaN]]) {
    assert.throws(() => inBrowser(value))
    assert.throws(() => canonicalize(value))
  }
})
