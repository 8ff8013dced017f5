/** Timestamps of RFC 3161, by an authority of somebody else's code; held against sigstore-js, and every bit of them counts. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { RFC3161Timestamp } from '@sigstore/core'
import fc from 'fast-check'
import { testAuthority } from '../../../test/support/timestamp-authority.ts'
import { type ErrorCode, isDomainError } from '../../core/index.ts'
import { parseBundle } from '../bundle.ts'
import { chainOf, keep, newPerson, policyOf, signStage, stageFacts } from '../fixtures/chain.ts'
import { stampBundle, stampedSignature } from '../stamp-bundle.ts'
import type { SigningTimes, TrustPolicy } from '../trust-policy.ts'
import { verifyStage } from '../verify.ts'
import { verifyChain } from '../verify-chain.ts'
import { readDer } from './der.ts'
import { acceptTimestamp, parseAuthority, printTimestampRequest, verifyTimestamp } from './timestamp.ts'

/** A minute from now: certificates of the authority begin when they are made. */
const at = new Date(Math.floor(Date.now() / 1000) * 1000 + 60_000)
const after = (ms: number): Date => new Date(at.getTime() + ms)
const dayMs = 86_400_000
const [authority, other] = [await testAuthority(at), await testAuthority(at)]
const listed = parseAuthority(authority.certificate)
const nonce = Uint8Array.from([1, 2, 3, 4, 5, 6])

const ada = newPerson()
const bundle = signStage(ada, stageFacts())
const signature = stampedSignature(bundle) ?? new Uint8Array()

async function stamp(of: Uint8Array = signature, by = authority): Promise<Uint8Array> {
  const response = await by.answer(printTimestampRequest(of, nonce))
  return acceptTimestamp(response, { signature: of, nonce, authorities: [parseAuthority(by.certificate)] })
}
const refuses = (act: () => unknown, code: ErrorCode): void => assert.throws(act, (error) => isDomainError(error, code))

test('says when a signature existed, and by whom; what is kept of it is a timestamp for others too', async () => {
  const timestamp = await stamp()
  assert.deepEqual(verifyTimestamp(timestamp, signature, [listed]), { at, by: 'tsa signing' })
  const theirs = RFC3161Timestamp.parse(Buffer.from(timestamp))
  theirs.verify(Buffer.from(signature), listed.key)
  assert.deepEqual(theirs.signingTime, at)
})

test('every flipped bit of a timestamp is refused, and so is whatever else', async () => {
  const timestamp = await stamp()
  for (let bit = 0; bit < timestamp.length * 8; bit += 1) {
    const flipped = Uint8Array.from(timestamp)
    flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7))
    refuses(() => verifyTimestamp(flipped, signature, [listed]), 'ERR_BUNDLE_TIMESTAMP')
  }
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      refuses(() => verifyTimestamp(bytes, signature, [listed]), 'ERR_BUNDLE_TIMESTAMP')
    }),
  )
  refuses(() => verifyTimestamp(timestamp.subarray(0, -1), signature, [listed]), 'ERR_BUNDLE_TIMESTAMP')
})

test('refuses another signature, another authority, and a day on which its certificate did not count', async () => {
  const timestamp = await stamp()
  refuses(() => verifyTimestamp(timestamp, randomBytes(70), [listed]), 'ERR_BUNDLE_TIMESTAMP')
  refuses(() => verifyTimestamp(timestamp, signature, []), 'ERR_BUNDLE_TIMESTAMP')
  // the other has the same name and serial number: only the key tells them apart
  refuses(() => verifyTimestamp(timestamp, signature, [parseAuthority(other.certificate)]), 'ERR_BUNDLE_TIMESTAMP')
  refuses(() => verifyTimestamp(timestamp, signature, [{ ...listed, from: after(1) }]), 'ERR_BUNDLE_TIMESTAMP')
  refuses(() => verifyTimestamp(timestamp, signature, [{ ...listed, until: after(-1) }]), 'ERR_BUNDLE_TIMESTAMP')
})

test('an answer to another request, or of another authority, is not kept', async () => {
  const response = await authority.answer(printTimestampRequest(signature, nonce))
  const accept = (more: Partial<Parameters<typeof acceptTimestamp>[1]>) => () =>
    acceptTimestamp(response, { signature, nonce, authorities: [listed], ...more })
  assert.ok(accept({})())
  refuses(accept({ nonce: Uint8Array.from([9]) }), 'ERR_TIMESTAMP_FAILED')
  refuses(accept({ signature: randomBytes(70) }), 'ERR_TIMESTAMP_FAILED')
  refuses(accept({ authorities: [] }), 'ERR_TIMESTAMP_FAILED')
  refuses(
    () => acceptTimestamp(Buffer.from('refused'), { signature, nonce, authorities: [listed] }),
    'ERR_TIMESTAMP_FAILED',
  )
})

test('a certificate that is not made for timestamps is no authority', () => {
  const keys = join(import.meta.dirname, '../../../test/vectors/model-signing/keys')
  for (const name of ['ca-cert.pem', 'signing-key-cert.pem'])
    assert.throws(() => parseAuthority(readFileSync(join(keys, name), 'utf8')), /not made for timestamps/, name)
  assert.throws(() => parseAuthority('-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n'))
  assert.equal(listed.name, 'tsa signing')
})

test('DER has one spelling: long lengths, cut values and trailing bytes are refused', () => {
  for (const bytes of [
    [0x30, 0x80],
    [0x30, 0x81, 0x01, 0x00],
    [0x30, 0x82, 0x00, 0x80],
    [0x30, 0x05, 0x00],
    [0x1f, 0x01, 0x00],
    [0x30],
  ])
    assert.throws(() => readDer(Uint8Array.from(bytes)), RangeError, String(bytes))
  assert.deepEqual(readDer(new Uint8Array()), [])
  const sizes = (...bytes: readonly number[]) => readDer(Uint8Array.from(bytes)).map(({ content }) => content.length)
  assert.deepEqual(sizes(0x30, 0x01, 0x00, 0x02, 0x00), [1, 0])
  assert.deepEqual(sizes(0x30, 0x81, 0x80, ...new Uint8Array(128)), [128])
  assert.deepEqual(sizes(0x30, 0x82, 0x01, 0x00, ...new Uint8Array(256)), [256])
})

const times = (now = after(2 * dayMs)): SigningTimes => ({
  now,
  timestamp: (timestamp, of) => verifyTimestamp(timestamp, of, [listed]),
})
const policyWith = (
  more: Partial<TrustPolicy['keys'] extends ReadonlyMap<string, infer Key> ? Key : never>,
): TrustPolicy => {
  const policy = policyOf(ada, { times: times() })
  const key = policy.keys.get('ada')
  assert.ok(key !== undefined)
  return { ...policy, keys: new Map([['ada', { ...key, ...more }]]) }
}
const codes = (bytes: Uint8Array, policy: TrustPolicy): readonly string[] =>
  verifyStage(bytes, policy).findings.flatMap(({ code, passed }) => (passed ? [] : [code]))

test('what was timestamped before a key was revoked stays good; what was not, or was later, is void', async () => {
  const stamped = stampBundle(bundle, await stamp())
  const since = (ms: number): TrustPolicy => policyWith({ revoked: { since: after(ms), because: 'stolen' } })
  assert.deepEqual(codes(stamped, since(1)), [])
  assert.deepEqual(codes(bundle, since(1)), ['ERR_KEY_REVOKED'], 'nothing proves when')
  assert.deepEqual(codes(stamped, since(0)), ['ERR_KEY_REVOKED'], 'at that moment')
  assert.deepEqual(codes(stamped, since(-dayMs)), ['ERR_KEY_REVOKED'], 'later')
  assert.deepEqual(codes(stamped, policyWith({ revoked: { because: 'stolen' } })), ['ERR_KEY_REVOKED'])
  assert.deepEqual(codes(stamped, policyWith({ until: after(dayMs) })), [])
  assert.deepEqual(codes(bundle, policyWith({ until: after(dayMs) })), ['ERR_KEY_EXPIRED'])
})

test('a timestamp that nobody here can verify is refused, and a stolen one proves nothing of another signature', async () => {
  const stamped = stampBundle(bundle, await stamp())
  assert.deepEqual(codes(stamped, policyOf(ada)), ['ERR_BUNDLE_TIMESTAMP'])
  const { timestamps = [] } = parseBundle(stamped)
  const [timestamp] = timestamps
  assert.ok(timestamp !== undefined)
  const forged = stampBundle(signStage(ada, stageFacts({ runId: 'forged' })), timestamp)
  assert.deepEqual(codes(forged, policyWith({})), ['ERR_BUNDLE_TIMESTAMP'])
})

test('a clock behind a time that was proven decides no expiry, neither now nor when it is remembered', async () => {
  const stamped = stampBundle(bundle, await stamp())
  const { question, evidence } = chainOf(ada, 1)
  const entry = keep(evidence, stamped)
  const asked = (clockMs: number, seenMs?: number, endsMs = 30 * dayMs): readonly string[] => {
    const now = after(clockMs)
    const seen = seenMs === undefined ? {} : { seen: after(seenMs) }
    const policy = policyOf(ada, { expiresAt: after(endsMs), times: { ...times(now), ...seen } })
    const surroundings = { ...question.surroundings, now }
    const { findings } = verifyChain({ ...question, entries: [entry], surroundings, policy })
    const refused = findings.flatMap(({ code, passed }) => (passed ? [] : [code]))
    return refused.filter((code) => code === 'ERR_CLOCK_BEHIND' || code === 'ERR_POLICY_EXPIRED')
  }
  const minuteMs = 60_000
  assert.deepEqual(asked(dayMs), [])
  assert.deepEqual(asked(-4 * minuteMs), [], 'clocks differ by minutes')
  assert.deepEqual(asked(-6 * minuteMs), ['ERR_CLOCK_BEHIND'], 'behind the timestamp of this very evidence')
  assert.deepEqual(asked(dayMs, 2 * dayMs), ['ERR_CLOCK_BEHIND'])
  // a clock that was set back does not keep a policy alive
  assert.deepEqual(asked(dayMs, 3 * dayMs, 2 * dayMs), ['ERR_POLICY_EXPIRED', 'ERR_CLOCK_BEHIND'])
})
