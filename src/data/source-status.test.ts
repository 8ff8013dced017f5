import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { sha256Of } from '../core/index.ts'
import type { Source } from './inventory.ts'
import {
  type ApprovalFact,
  decideInput,
  type Input,
  refuseExpired,
  type SourceState,
  sourceStatus,
} from './source-status.ts'

const source: Source = {
  id: 'words',
  path: 'data/words.txt',
  origin: 'https://example.org/words',
  owner: { name: 'Ada', email: 'ada@example.org' },
  classification: 'internal',
  licence: 'CC0-1.0',
  kind: 'data',
  digest: sha256Of('words'),
  addedAt: '2026-01-01T00:00:00Z',
  reviewBy: '2026-12-31',
}
const approval: ApprovalFact = {
  id: 'words',
  origin: source.origin,
  digest: source.digest,
  decision: 'approved',
  at: '2026-02-01T00:00:00Z',
  attestation: sha256Of('approval'),
  classification: 'internal',
}
const now = new Date('2026-06-01T00:00:00Z')
const statusWith = (approvals: readonly ApprovalFact[], at = now, of = source): string => {
  const { status, because } = sourceStatus(of, { approvals, now: at })
  return `${status}: ${because}`
}

test('a source is proposed until somebody approves these very bytes', () => {
  assert.deepEqual(sourceStatus(source, { approvals: [approval], now }), {
    status: 'approved',
    because: 'approved on 2026-02-01T00:00:00Z',
    approval,
  })
  const table: readonly (readonly [Partial<ApprovalFact>, string])[] = [
    [{ id: 'other' }, 'nobody has approved it'],
    [{ digest: sha256Of('others') }, 'an approval does not count: it is for other bytes'],
    [{ origin: 'https://evil.example' }, 'an approval does not count: it is for another origin'],
    [{ classification: 'public' }, 'an approval does not count: it is for the classification public'],
    [{ at: '2026-06-01T00:00:01Z' }, 'an approval does not count: it is dated in the future'],
    [{ at: 'soon' }, 'an approval does not count: it is dated in the future'],
  ]
  for (const [change, because] of table) assert.equal(statusWith([{ ...approval, ...change }]), `proposed: ${because}`)
  assert.equal(statusWith([]), 'proposed: nobody has approved it')
  const golden: Source = { ...source, kind: 'golden' }
  const nowhere = 'proposed: an approval does not count: it does not say where the golden set lies'
  assert.equal(statusWith([approval], now, golden), nowhere)
  assert.match(statusWith([approval, { ...approval, path: golden.path }], now, golden), /^approved/)
})

test('a revocation is for ever, whichever came first, of the id and of the bytes', () => {
  const revocation: ApprovalFact = {
    ...approval,
    decision: 'revoked',
    at: '2026-03-01T00:00:00Z',
    attestation: sha256Of('revocation'),
  }
  const again: ApprovalFact = { ...approval, at: '2026-04-01T00:00:00Z', attestation: sha256Of('again') }
  assert.equal(statusWith([approval, revocation, again]), 'revoked: revoked on 2026-03-01T00:00:00Z')
  assert.equal(
    statusWith([approval, { ...revocation, digest: sha256Of('old bytes') }]),
    'revoked: revoked on 2026-03-01T00:00:00Z',
  )
  assert.equal(
    statusWith([approval, { ...revocation, id: 'other' }]),
    'revoked: the same bytes were revoked as `other` on 2026-03-01T00:00:00Z',
  )
  assert.equal(
    statusWith([approval, { ...revocation, id: 'other', digest: sha256Of('x') }]),
    'approved: approved on 2026-02-01T00:00:00Z',
  )
  const marked: Source = { ...source, revoked: { at: '2026-05-01T00:00:00Z', because: 'gone' } }
  assert.equal(statusWith([approval], now, marked), 'revoked: revoked on 2026-05-01T00:00:00Z: gone')
})

test('an approval lasts to the end of its last day, by the source or by the approval', () => {
  assert.match(statusWith([approval], new Date('2026-12-31T23:59:59.999Z')), /^approved/)
  assert.equal(statusWith([approval], new Date('2027-01-01T00:00:00Z')), 'expired: it was to be reviewed by 2026-12-31')
  assert.equal(statusWith([{ ...approval, reviewBy: '2026-05-01' }]), 'expired: it was to be reviewed by 2026-05-01')
  assert.equal(statusWith([approval], new Date(Number.NaN)).slice(0, 8), 'expired:', 'no time, no approval')
})

test('the order of the statements means nothing', () => {
  const facts = fc.array(
    fc.record({
      id: fc.constantFrom('words', 'other'),
      origin: fc.constantFrom(source.origin, 'else'),
      digest: fc.constantFrom(source.digest, sha256Of('x')),
      decision: fc.constantFrom<ApprovalFact['decision'][]>('approved', 'approved', 'approved', 'revoked'),
      at: fc.constantFrom('2026-01-01T00:00:00Z', '2026-02-01T00:00:00Z', '2027-01-01T00:00:00Z'),
      attestation: fc.integer({ min: 0, max: 5 }).map((number) => sha256Of(String(number))),
    }),
    { maxLength: 6 },
  )
  fc.assert(
    fc.property(facts, (approvals) => {
      const there = sourceStatus(source, { approvals, now })
      const back = sourceStatus(source, { approvals: approvals.toReversed(), now })
      assert.equal(there.status, back.status)
      assert.equal(there.approval?.attestation, back.approval?.attestation)
      // Monotone: one more revocation never opens a door.
      const revoked = sourceStatus(source, { approvals: [...approvals, { ...approval, decision: 'revoked' }], now })
      assert.equal(revoked.status, 'revoked')
    }),
  )
})

test('a source whose day has passed is not approved, and the way to a new day is told', () => {
  const late = new Date('2027-01-01T00:00:00Z')
  const dated = { ...source, reviewBy: '2026-12-31' }
  assert.throws(() => refuseExpired(dated, late), { code: 'ERR_SOURCE_EXPIRED', help: /--replace --review-by DATE/ })
  refuseExpired(dated, new Date('2026-12-31T23:59:59Z'))
  const { reviewBy: _none, ...undated } = source
  refuseExpired(undated, late)
})

test('an input enters only with an approved source, the bytes on record, and clearance', () => {
  const input: Input = { path: 'data/words.txt', digest: source.digest, sourceId: 'words', pipeline: 'digits' }
  const code = (
    status: SourceState | undefined,
    change: Partial<Input> = {},
    of: Source | undefined = source,
  ): string | undefined => decideInput({ ...input, ...change }, of, status, 'internal')?.code
  assert.equal(code('approved'), undefined)
  assert.equal(code('proposed'), 'ERR_SOURCE_UNAPPROVED')
  assert.equal(code('expired'), 'ERR_SOURCE_EXPIRED')
  assert.equal(code('revoked'), 'ERR_SOURCE_REVOKED')
  assert.equal(code('revoked', { digest: sha256Of('x') }), 'ERR_SOURCE_REVOKED')
  assert.equal(code('approved', { digest: sha256Of('x') }), 'ERR_SOURCE_CHANGED')
  assert.equal(code(undefined), 'ERR_SOURCE_UNKNOWN')
  assert.equal(decideInput(input, undefined, 'approved', 'internal')?.code, 'ERR_SOURCE_UNKNOWN')
  assert.equal(code('approved', {}, { ...source, pipelines: ['digits'] }), undefined)
  assert.equal(code('approved', {}, { ...source, pipelines: ['other'] }), 'ERR_SOURCE_UNAPPROVED')
  const clearances = ['public', 'internal', 'confidential', 'restricted'] as const
  assert.deepEqual(
    clearances.map((clearance) => decideInput(input, source, 'approved', clearance)?.code),
    ['ERR_SOURCE_OVERCLASSIFIED', undefined, undefined, undefined],
  )
})
