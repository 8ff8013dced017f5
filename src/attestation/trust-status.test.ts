/** The status of trust: who signs it, what it takes back, and that no older one comes again. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isDomainError, sha256Of } from '../core/index.ts'
import { parseBundle, printBundle, statedPayload } from './bundle.ts'
import type { ChainVerdict } from './chain.ts'
import {
  chainOf,
  digestNamed,
  newPerson,
  now,
  output,
  type Person,
  policyOf,
  signStatus,
  trustedKey,
  trustStatus,
} from './fixtures/chain.ts'
import { refuseRequest } from './signer/sign.ts'
import { readDer, tags, writeDer } from './time/der.ts'
import type { TrustStatus } from './trust-documents.ts'
import type { RoleRule, TrustPolicy } from './trust-policy.ts'
import { freshness, notOlder, takenBackNoMore, verifyStatus, withStatus } from './trust-status.ts'
import { verifyChain } from './verify-chain.ts'

const [ada, eve, mallory] = [newPerson(), newPerson(), newPerson()]
const named = (name: string, person: Person) => trustedKey(name, person, `${name} <${name}@example.org>`)
const root = (threshold: number, anyOf: readonly string[] = ['ada', 'eve']): readonly ['root', RoleRule] => [
  'root',
  { anyOf, threshold, distinct: 'principals' },
]
const believed = policyOf(ada)
const policyWith = (threshold: number): TrustPolicy => ({
  ...believed,
  keys: new Map([...believed.keys, named('eve', eve), named('mallory', mallory)]),
  roles: new Map([...believed.roles, root(threshold)]),
  times: { now },
})
const policy = policyWith(1)

const status: TrustStatus = { ...trustStatus, version: 3 }
const signed = (person: Person, more: Partial<TrustStatus> = {}): Uint8Array =>
  signStatus(person, { ...status, ...more })
const lines = (...bundles: readonly Uint8Array[]): Uint8Array =>
  Buffer.concat(bundles.flatMap((bundle) => [bundle, Buffer.from('\n')]))

function codes(bytes: Uint8Array, by: TrustPolicy = policy): readonly string[] {
  const { findings, document } = verifyStatus(bytes, by)
  const refused = findings.flatMap(({ passed, code }) => (passed ? [] : [code]))
  assert.equal(document === undefined, refused.length > 0)
  return refused
}

test('a status that a root key signed says what it says', () => {
  assert.deepEqual(verifyStatus(lines(signed(ada)), policy).document, status)
})

test('as many of the root must have signed the same text as the policy asks for', () => {
  const two = policyWith(2)
  assert.deepEqual(codes(lines(signed(ada), signed(eve)), two), [])
  assert.deepEqual(codes(lines(signed(ada)), two), ['ERR_SIGNER_ROLE'])
  assert.deepEqual(codes(lines(signed(ada), signed(ada)), two), ['ERR_SIGNER_ROLE'])
  assert.deepEqual(codes(lines(signed(ada), signed(mallory)), two), ['ERR_SIGNER_ROLE'], 'listed, and not of the root')
  assert.deepEqual(codes(lines(signed(ada), signed(eve, { version: 4 })), two), ['ERR_STATUS_MALFORMED'])
})

const hostile: readonly (readonly [string, Uint8Array, string])[] = [
  ['nothing', new Uint8Array(), 'ERR_STATUS_MALFORMED'],
  ['a key that is listed for something else', lines(signed(mallory)), 'ERR_SIGNER_ROLE'],
  ['a stranger', lines(signed(newPerson())), 'ERR_SIGNER_ROLE'],
  ['another key under the name of the root', lines(signed({ ...mallory, hint: ada.hint })), 'ERR_SIGNATURE_INVALID'],
  ['another project', lines(signed(ada, { project: 'other' })), 'ERR_CHAIN_PROJECT'],
  ['no bundle', Buffer.from('{}\n'), 'ERR_BUNDLE_MALFORMED'],
]
for (const [name, bytes, code] of hostile) {
  test(`refuses a status of ${name}`, () => {
    assert.deepEqual(codes(bytes), [code])
  })
}

test('refuses a statement in the place of a status, and every flipped bit', () => {
  const { evidence, attestations } = chainOf(ada, 1)
  const [first] = attestations
  assert.ok(first !== undefined)
  assert.deepEqual(codes(lines(evidence.bundles.get(first) ?? Buffer.from(''))), ['ERR_SIGNATURE_INVALID'])
  const bytes = signed(ada)
  for (let place = 0; place < bytes.length; place += 7) {
    const flipped = Uint8Array.from(bytes)
    flipped[place] = (flipped[place] ?? 0) ^ 1
    assert.equal(verifyStatus(flipped, policy).document, undefined, `byte ${place}`)
  }
})

test('refuses a status where the policy names no root, and one of a root key that was revoked', () => {
  assert.deepEqual(codes(lines(signed(ada)), believed), ['ERR_SIGNER_ROLE'])
  const key = policy.keys.get('ada')
  assert.ok(key !== undefined)
  const keys = new Map([...policy.keys, ['ada', { ...key, revoked: { because: 'stolen' } }] as const])
  assert.deepEqual(codes(lines(signed(ada)), { ...policy, keys }), ['ERR_KEY_REVOKED'])
})

test('a throw-away key signs no status', () => {
  assert.throws(
    () => refuseRequest({ kind: 'trust-status', status }, 'ephemeral'),
    (error) => isDomainError(error, 'ERR_SIGN_REFUSED'),
  )
})

test('an older status is refused, another one of the same number too, and the same or a newer one is not', () => {
  const code = (given: Partial<TrustStatus>): string => notOlder({ ...status, ...given }, status).code
  assert.equal(code({ version: 2 }), 'ERR_STATUS_ROLLBACK')
  assert.equal(code({ expiresAt: '2027-01-01T00:00:00.000Z' }), 'ERR_STATUS_ROLLBACK')
  assert.deepEqual([code({}), code({ version: 4 }), notOlder(status, undefined).code], ['OK', 'OK', 'OK'])
})

test('a day from which less counts as taken back is later as an instant, however it is written', () => {
  const since = (text: string): TrustStatus => ({
    ...status,
    keys: [{ hint: eve.hint, since: text, because: 'stolen' }],
  })
  const isLess = (then: string, now: string): boolean => takenBackNoMore(since(now), since(then)).length > 0
  assert.ok(
    isLess('2026-11-20T00:00:00Z', '2026-11-20T00:00:00.500Z'),
    'half a second later, and sorted before as text',
  )
  assert.ok(!isLess('2026-11-20T00:00:00.500Z', '2026-11-20T00:00:00Z'))
  assert.ok(!isLess('2026-11-20T00:00:00Z', '2026-11-20T00:00:00.000Z'), 'the same instant')
})

test('a status that expired is refused to the second', () => {
  const at = (text: string): string => freshness(status, new Date(text)).code
  assert.deepEqual([at('2026-12-19T23:59:59Z'), at('2026-12-20T00:00:00Z')], ['OK', 'ERR_STATUS_EXPIRED'])
})

/** The verdict on an honest chain of two, under a status. */
function verdictUnder(more: Partial<TrustStatus>): ChainVerdict {
  return verifyChain({ ...honest.question, policy: withStatus(policy, { ...status, ...more }) })
}
const honest = chainOf(ada, 2)
const refusals = ({ findings }: ChainVerdict): readonly string[] => [
  ...new Set(findings.flatMap(({ code, passed }) => (passed || code === 'ERR_LEVEL_TOO_LOW' ? [] : [code]))),
]

test('what a status takes back is refused, wherever in the chain it stands; what it does not speak of is believed', () => {
  const [first] = honest.attestations
  assert.ok(first !== undefined)
  const because = 'poisoned'
  assert.deepEqual(refusals(verdictUnder({})), [])
  assert.deepEqual(refusals(verdictUnder({ statements: [{ attestation: first, because }] })), ['ERR_STATEMENT_REVOKED'])
  assert.deepEqual(refusals(verdictUnder({ keys: [{ hint: ada.hint, because }] })), [
    'ERR_EVIDENCE_MISSING',
    'ERR_KEY_REVOKED',
  ])
  const recalled = (path: string): ChainVerdict => verdictUnder({ recalls: [{ digest: output(path).digest, because }] })
  for (const path of ['out/1.csv', 'out/0.csv', 'data/raw.csv'])
    assert.deepEqual(refusals(recalled(path)), ['ERR_RECALLED'], path)
  assert.deepEqual(refusals(verdictUnder({ recalls: [{ digest: digestNamed('other'), because }] })), [])
  assert.deepEqual(refusals(verdictUnder({ keys: [{ hint: mallory.hint, because }] })), [])
})

test('a statement that was taken back stays so in every spelling of its bundle', () => {
  const [entry] = honest.attestations.slice(-1)
  const bytes = entry === undefined ? undefined : honest.evidence.bundles.get(entry)
  assert.ok(entry !== undefined && bytes !== undefined)
  const statements = [entry, sha256Of(statedPayload(bytes))].map((attestation) => ({ attestation, because: 'forged' }))
  const { envelope, hint } = parseBundle(bytes)
  const spellings = {
    blank: Buffer.concat([bytes, Buffer.from('\n')]),
    'no list of log entries': Buffer.from(Buffer.from(bytes).toString('utf8').replace(',"tlogEntries":[]', '')),
    'the other signature': printBundle({ hint, envelope: { ...envelope, signature: twin(envelope.signature) } }),
  }
  for (const [name, respelt] of Object.entries(spellings)) {
    const attestation = sha256Of(respelt)
    assert.notEqual(attestation, entry)
    honest.evidence.bundles.set(attestation, respelt)
    const ask = (more: Partial<TrustStatus>): readonly string[] =>
      refusals(
        verifyChain({
          ...honest.question,
          entries: [attestation],
          policy: withStatus(policy, { ...status, ...more }),
        }),
      )
    assert.deepEqual(ask({}), [], `${name}: all verify`)
    assert.ok(ask({ statements }).includes('ERR_STATEMENT_REVOKED'), name)
  }
})

test('an identity that was taken back is revoked in the policy, as strictly as any of its entries says', () => {
  const [identity, issuer] = [
    'https://github.com/o/r/.github/workflows/train.yml@refs/heads/main',
    'https://issuer.example',
  ]
  const identities = new Map([['train', { name: 'train', identity, issuer }]])
  const because = 'the repository was taken over'
  const revoked = (...given: NonNullable<TrustStatus['identities']>): unknown =>
    withStatus({ ...policy, identities }, { ...status, identities: given }).identities?.get('train')?.revoked
  const [early, late] = ['2026-11-20T00:00:00Z', '2026-11-21T00:00:00Z']
  assert.equal(revoked({ identity, issuer: 'https://other.example', because }), undefined)
  assert.equal(revoked({ identity: `${identity}x`, issuer, because }), undefined)
  assert.deepEqual(revoked({ identity, issuer, since: late, because }, { identity, issuer, since: early, because }), {
    since: new Date(early),
    because,
  })
  assert.deepEqual(revoked({ identity, issuer, because }, { identity, issuer, since: early, because }), { because })
  assert.deepEqual(codes(lines(signed(ada, { identities: [{ identity, issuer, because }] }))), [])
})

/** ECDSA signs with s and with n - s. SOURCE: SEC 1, 4.1; n of P-256: FIPS 186-4, D.1.2.3. */
function twin(signature: Uint8Array): Uint8Array {
  const n = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n
  const [sequence] = readDer(signature)
  const [r, s] = readDer(sequence?.content ?? new Uint8Array())
  assert.ok(r !== undefined && s !== undefined)
  const other = n - BigInt(`0x${Buffer.from(s.content).toString('hex')}`)
  const digits = Buffer.from(other.toString(16).padStart(64, '0'), 'hex')
  const shortest = digits.subarray(digits.findIndex((byte) => byte !== 0))
  const positive = (shortest[0] ?? 0) < 0x80 ? shortest : Buffer.concat([Buffer.of(0), shortest])
  return writeDer(tags.sequence, r.whole, writeDer(tags.integer, positive))
}
