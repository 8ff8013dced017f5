/** When a key counts. The threat: a stolen key that dates its signatures as it likes. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { newPerson } from './fixtures/chain.ts'
import { keyFindings } from './key-validity.ts'
import type { ProvenTime, TrustedKey } from './trust-policy.ts'

const { publicPem: _, key, hint } = newPerson()
const ada = { name: 'ada', key, hint }
const day = (text: string): Date => new Date(`${text}T00:00:00Z`)
const proven = (text: string): ProvenTime => ({ at: day(text), by: 'the witness w' })
const now = day('2026-11-24')

type Case = readonly [
  name: string,
  key: Partial<TrustedKey>,
  proven: ProvenTime | undefined,
  expected: readonly string[],
]
const since = { revoked: { since: day('2026-11-10'), because: 'stolen' } }
const cases: readonly Case[] = [
  ['a key without validity', {}, undefined, []],
  ['a revoked key', { revoked: { because: 'stolen' } }, undefined, ['ERR_KEY_REVOKED']],
  [
    'a revoked key, whatever time is proven',
    { revoked: { because: 'stolen' } },
    proven('2026-01-01'),
    ['ERR_KEY_REVOKED'],
  ],
  ['a key revoked since a day, at no proven time', since, undefined, ['ERR_KEY_REVOKED']],
  ['a key revoked since a day, proven before it', since, proven('2026-11-09'), ['OK']],
  ['a key revoked since a day, proven at that moment', since, proven('2026-11-10'), ['ERR_KEY_REVOKED']],
  ['a key revoked since a day, proven later', since, proven('2026-11-11'), ['ERR_KEY_REVOKED']],
  ['a key that has not ended', { until: day('2026-11-25') }, undefined, ['OK']],
  ['a key that ended, at no proven time', { until: day('2026-11-20') }, undefined, ['ERR_KEY_EXPIRED']],
  ['a key that ends at this moment', { until: now }, undefined, ['ERR_KEY_EXPIRED']],
  ['a key that ended, proven before', { until: day('2026-11-20') }, proven('2026-11-19'), ['OK']],
  ['a key that ended, proven afterwards', { until: day('2026-11-20') }, proven('2026-11-21'), ['ERR_KEY_EXPIRED']],
  ['a key that has begun', { from: day('2026-11-01') }, undefined, ['OK']],
  ['a key that begins later', { from: day('2026-12-01') }, undefined, ['ERR_KEY_EXPIRED']],
  [
    'a key that was proven to sign before it began',
    { from: day('2026-11-01') },
    proven('2026-10-31'),
    ['ERR_KEY_EXPIRED'],
  ],
]
for (const [name, validity, at, expected] of cases) {
  test(`${name}: ${expected.join() || 'nothing is said'}`, () => {
    assert.deepEqual(
      keyFindings({ ...ada, ...validity }, at, { now }).map(({ code }) => code),
      expected,
    )
  })
}

test('where nobody knows what time it is, no validity holds', () => {
  const codes = (validity: Partial<TrustedKey>): readonly string[] =>
    keyFindings({ ...ada, ...validity }, undefined, undefined).map(({ code }) => code)
  assert.deepEqual(codes({ until: day('2999-01-01') }), ['ERR_KEY_EXPIRED'])
  assert.deepEqual(codes({ from: day('2000-01-01') }), ['ERR_KEY_EXPIRED'])
})
