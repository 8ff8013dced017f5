import assert from 'node:assert/strict'
import { createPublicKey } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { bundleFromJSON } from '@sigstore/bundle'
import { toSignedEntity, toTrustMaterial, Verifier } from '@sigstore/verify'
import { flipsOf, saysTheSame } from '../../test/interop/flips.ts'
import { isDomainError } from '../core/index.ts'
import { parseBundle, printBundle } from './bundle.ts'
import { newPerson, type Person, policyOf, signStage, stageFacts } from './fixtures/chain.ts'
import { verifyStage } from './verify.ts'

const person = newPerson()
const bytes = signStage(person, stageFacts())

type Loose = Record<string, unknown>
/** The bundle with one change made to its JSON. */
function changed(change: (bundle: { [key: string]: Loose }) => void): Uint8Array {
  const bundle = JSON.parse(Buffer.from(bytes).toString())
  change(bundle)
  return Buffer.from(JSON.stringify(bundle))
}

/** What sigstore-js says of a bundle and a key, without any log. */
function verifyWithSigstore(bundle: Uint8Array, signer: Person): string | undefined {
  const material = toTrustMaterial(
    {
      mediaType: 'application/vnd.dev.sigstore.trustedroot+json;version=0.1',
      tlogs: [],
      certificateAuthorities: [],
      timestampAuthorities: [],
      ctlogs: [],
    },
    () => ({ publicKey: createPublicKey(signer.publicPem), validFor: () => true }),
  )
  const verifier = new Verifier(material, { tlogThreshold: 0, ctlogThreshold: 0, timestampThreshold: 0 })
  try {
    verifier.verify(toSignedEntity(bundleFromJSON(JSON.parse(Buffer.from(bundle).toString()))))
    return undefined
  } catch (error) {
    return error instanceof Error && 'code' in error ? String(error.code) : 'thrown'
  }
}

test('reads what it writes', () => {
  assert.deepEqual(Buffer.from(printBundle(parseBundle(bytes))), Buffer.from(bytes))
})

test('writes the fields of v0.3 and no other, and one line', () => {
  const { dsseEnvelope, ...rest } = JSON.parse(Buffer.from(bytes).toString())
  assert.deepEqual(rest, {
    mediaType: 'application/vnd.dev.sigstore.bundle.v0.3+json',
    verificationMaterial: { publicKey: { hint: person.hint }, tlogEntries: [] },
  })
  assert.deepEqual(Object.keys(dsseEnvelope), ['payload', 'payloadType', 'signatures'])
  assert.deepEqual(Object.keys(dsseEnvelope.signatures[0]), ['sig'])
  assert.equal(bytes.includes(10), false)
})

test('sigstore-js verifies our bundle, and refuses it under another key or with another payload', () => {
  assert.equal(verifyWithSigstore(bytes, person), undefined)
  assert.equal(verifyWithSigstore(bytes, newPerson()), 'SIGNATURE_ERROR')
  const forged = changed((bundle) => {
    if (bundle['dsseEnvelope'] !== undefined) bundle['dsseEnvelope']['payload'] = Buffer.from('{}').toString('base64')
  })
  assert.equal(verifyWithSigstore(forged, person), 'SIGNATURE_ERROR')
})

test('no flipped bit is believed here, and none by sigstore-js that means anything', () => {
  const policy = policyOf(person)
  assert.ok(verifyStage(bytes, policy).trusted)
  for (const { at, bit, bytes: flipped } of flipsOf(bytes, bytes.length)) {
    assert.ok(!verifyStage(flipped, policy).trusted, `byte ${at}, bit ${bit}`)
    if (verifyWithSigstore(flipped, person) === undefined)
      assert.ok(saysTheSame(bytes, flipped), `sigstore-js takes byte ${at}, bit ${bit}`)
  }
})

const refusals: readonly (readonly [string, string, Uint8Array])[] = [
  ['nothing', 'ERR_BUNDLE_MALFORMED', new Uint8Array()],
  ['another JSON', 'ERR_BUNDLE_MALFORMED', Buffer.from('[]')],
  ['bad UTF-8', 'ERR_BUNDLE_MALFORMED', Buffer.from([0x7b, 0xff, 0x7d])],
  ['a key twice', 'ERR_BUNDLE_MALFORMED', Buffer.from(Buffer.from(bytes).toString().replace('{', '{"mediaType":"x",'))],
  ['an unknown field', 'ERR_BUNDLE_MALFORMED', changed((bundle) => Object.assign(bundle, { extra: {} }))],
  [
    'a key id',
    'ERR_BUNDLE_MALFORMED',
    Buffer.from(Buffer.from(bytes).toString().replace('"sig":', '"keyid":"x","sig":')),
  ],
  [
    'a second signature',
    'ERR_BUNDLE_MALFORMED',
    Buffer.from(Buffer.from(bytes).toString().replace('"signatures":[', '"signatures":[{"sig":"AAAA"},')),
  ],
  [
    'base64 without padding',
    'ERR_BUNDLE_MALFORMED',
    Buffer.from(
      Buffer.from(bytes)
        .toString()
        .replace(/"payload":"[^"]*"/, '"payload":"e30"'),
    ),
  ],
  [
    'base64 with unused bits set',
    'ERR_BUNDLE_MALFORMED',
    Buffer.from(
      Buffer.from(bytes)
        .toString()
        .replace(/"payload":"[^"]*"/, '"payload":"e31="'),
    ),
  ],
  ['another version', 'ERR_BUNDLE_UNSUPPORTED', Buffer.from(Buffer.from(bytes).toString().replace('v0.3', 'v0.4'))],
  [
    'a log entry',
    'ERR_BUNDLE_UNSUPPORTED',
    Buffer.from(Buffer.from(bytes).toString().replace('"tlogEntries":[]', '"tlogEntries":[{}]')),
  ],
  [
    'a certificate',
    'ERR_BUNDLE_UNSUPPORTED',
    changed((bundle) => Object.assign(bundle, { verificationMaterial: { certificate: { rawBytes: 'AAAA' } } })),
  ],
  ['deep nesting', 'ERR_BUNDLE_MALFORMED', Buffer.from('['.repeat(100_000))],
  ['more than the limit', 'ERR_BUNDLE_MALFORMED', Buffer.alloc(16 * 1024 * 1024 + 1, 0x20)],
]
for (const [name, code, given] of refusals) {
  test(`refuses ${name}`, () => {
    assert.throws(
      () => parseBundle(given),
      (error) => isDomainError(error) && error.code === code,
    )
  })
}

test('every bundle of the conformance suite is refused by name, or read as sigstore-js reads it', () => {
  const folder = join(import.meta.dirname, '../../test/vectors/sigstore')
  const outcomes = new Map<string, number>()
  for (const name of readdirSync(folder)) {
    const file = join(folder, name, 'bundle.sigstore.json')
    if (!existsSync(file)) continue
    const outcome = outcomeOf(readFileSync(file))
    assert.ok(!(name.endsWith('_fail') && outcome === 'read'), name)
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1)
  }
  // All but one, which is no JSON, hold certificates, log entries, timestamps or message signatures, which are not believed here.
  assert.deepEqual([...outcomes.keys()].toSorted(), ['ERR_BUNDLE_MALFORMED', 'ERR_BUNDLE_UNSUPPORTED'])
})

function outcomeOf(given: Uint8Array): string {
  try {
    parseBundle(given)
  } catch (error) {
    if (isDomainError(error)) return error.code
    throw error
  }
  bundleFromJSON(JSON.parse(Buffer.from(given).toString()))
  return 'read'
}
