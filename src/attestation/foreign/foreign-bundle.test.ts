/** Hostile bytes, and the ways in which others spell a signature. */
import assert from 'node:assert/strict'
import { createPublicKey, generateKeyPairSync, hash, sign } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { isDomainError } from '../../core/index.ts'
import { preAuthenticationEncoding, statementPayloadType } from '../dsse.ts'
import { pemOf } from '../public-key.ts'
import { isDigestSigned } from './digest-signature.ts'
import { parseForeignBundle } from './foreign-bundle.ts'
import { isMeantBy, parseCertificates, parseForeignKey } from './foreign-trust.ts'
import { isEnvelopeSigned, isSignedByOldTool } from './signature.ts'

const vectors = join(import.meta.dirname, '../../../test/vectors')
const read = (path: string): Buffer => readFileSync(join(vectors, path))
const honest = read('sigstore/happy-path-v0.3/bundle.sigstore.json')

// biome-ignore lint/suspicious/noExplicitAny: a document that each case spoils at a place of its own
type Loose = any
function changed(change: (bundle: Loose) => void): Uint8Array {
  const bundle = JSON.parse(honest.toString())
  change(bundle)
  return Buffer.from(JSON.stringify(bundle))
}

const malformed: readonly (readonly [string, Uint8Array])[] = [
  ['no bytes', new Uint8Array()],
  ['a list', Buffer.from('[]')],
  ['a key twice', Buffer.from(honest.toString().replace('{', '{"mediaType":"x",'))],
  ['bad UTF-8', Buffer.from([0x7b, 0xff, 0x7d])],
  ['a depth of a thousand', Buffer.from('['.repeat(1000) + ']'.repeat(1000))],
  ['an unknown field', changed((b) => Object.assign(b, { note: 'x' }))],
  ['an unknown field inside', changed((b) => Object.assign(b.verificationMaterial.tlogEntries[0], { note: 'x' }))],
  ['no material', changed((b) => delete b.verificationMaterial)],
  ['a key beside the certificate', changed((b) => Object.assign(b.verificationMaterial, { publicKey: { hint: '' } }))],
  [
    'an envelope beside the signature',
    changed((b) =>
      Object.assign(b, { dsseEnvelope: { payload: 'YQ==', payloadType: 'x', signatures: [{ sig: 'YQ==' }] } }),
    ),
  ],
  ['no signature at all', changed((b) => delete b.messageSignature)],
  [
    'two signatures',
    changed((b) => {
      delete b.messageSignature
      b.dsseEnvelope = { payload: 'YQ==', payloadType: 'x', signatures: [{ sig: 'YQ==' }, { sig: 'YQ==' }] }
    }),
  ],
  ['base64 for addresses', changed((b) => Object.assign(b.messageSignature, { signature: '-_-_' }))],
  ['base64 without its end', changed((b) => Object.assign(b.messageSignature, { signature: 'YQ' }))],
  ['base64 with loose bits', changed((b) => Object.assign(b.messageSignature, { signature: 'YR==' }))],
  [
    '33 log entries',
    changed((b) =>
      Object.assign(b.verificationMaterial, { tlogEntries: Array(33).fill(b.verificationMaterial.tlogEntries[0]) }),
    ),
  ],
  [
    '11 certificates',
    changed((b) => {
      const { certificate } = b.verificationMaterial
      delete b.verificationMaterial.certificate
      b.verificationMaterial.x509CertificateChain = {
        certificates: Array(11).fill(certificate ?? { rawBytes: 'YQ==' }),
      }
    }),
  ],
  ['a place below nothing', changed((b) => Object.assign(b.verificationMaterial.tlogEntries[0], { logIndex: '-1' }))],
  ['a hash that nobody knows', changed((b) => Object.assign(b.messageSignature.messageDigest, { algorithm: 'MD5' }))],
]
for (const [name, given] of malformed) {
  test(`refuses a bundle with ${name}`, () => {
    assert.throws(
      () => parseForeignBundle(given),
      (error) => isDomainError(error, 'ERR_BUNDLE_MALFORMED'),
    )
  })
}

test('reads the honest one, and calls another version by its name', () => {
  assert.equal(parseForeignBundle(honest).content.kind, 'message')
  const newer = changed((b) => Object.assign(b, { mediaType: 'application/vnd.dev.sigstore.bundle.v0.4+json' }))
  assert.throws(
    () => parseForeignBundle(newer),
    (error) => isDomainError(error, 'ERR_BUNDLE_UNSUPPORTED'),
  )
})

const payload = Buffer.from('{"a":1}')
const signed = preAuthenticationEncoding(statementPayloadType, payload)
const digest = hash('sha256', payload, 'buffer')

test('takes a signature as DER or as two numbers, by the hash of the curve or by SHA-256', () => {
  for (const namedCurve of ['prime256v1', 'secp384r1', 'secp521r1']) {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve })
    for (const dsaEncoding of ['der', 'ieee-p1363'] as const) {
      const hashes = { prime256v1: 'sha256', secp384r1: 'sha384', secp521r1: 'sha512' }
      for (const name of [hashes[namedCurve as keyof typeof hashes], 'sha256']) {
        const signature = sign(name, signed, { key: privateKey, dsaEncoding })
        assert.ok(
          isEnvelopeSigned({ payload, payloadType: statementPayloadType, signature }, publicKey),
          `${namedCurve} ${dsaEncoding}`,
        )
        assert.ok(!isEnvelopeSigned({ payload, payloadType: 'other', signature }, publicKey))
      }
      const ofDigest = sign('sha256', payload, { key: privateKey, dsaEncoding })
      assert.ok(isDigestSigned(digest, ofDigest, publicKey), `${namedCurve} ${dsaEncoding} by digest`)
      assert.ok(!isDigestSigned(hash('sha256', 'other', 'buffer'), ofDigest, publicKey))
    }
  }
})

test('takes Ed25519 for statements alone', () => {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  const signature = sign(null, signed, privateKey)
  assert.ok(isEnvelopeSigned({ payload, payloadType: statementPayloadType, signature }, publicKey))
  assert.ok(!isDigestSigned(digest, sign(null, payload, privateKey), publicKey))
})

test('the encoding of model_signing 0.2 stands for its own statements alone', () => {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
  const old = (text: string): boolean => {
    const bytes = Buffer.from(text)
    const encoded = `DSSEV1 ${statementPayloadType.length} ${statementPayloadType} ${bytes.length} b'${text}'`
    const signature = sign('sha256', Buffer.from(encoded), privateKey)
    return isSignedByOldTool({ payload: bytes, payloadType: statementPayloadType, signature }, publicKey)
  }
  assert.ok(old('{"predicateType": "https://model_signing/Digests/v0.1"}'))
  assert.ok(!old('{"predicateType": "https://model_signing/signature/v1.0"}'))
})

test('a hint names this key or is free text', () => {
  const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
  const spki = publicKey.export({ type: 'spki', format: 'der' })
  const own = [
    hash('sha256', pemOf(publicKey), 'hex'),
    hash('sha256', spki, 'base64'),
    hash('sha256', spki, 'hex'),
    '',
    'team',
  ]
  for (const hint of own) assert.ok(isMeantBy({ kind: 'key', hint }, publicKey), hint)
  for (const hint of [hash('sha256', 'x', 'hex'), hash('sha256', 'x', 'base64')])
    assert.ok(!isMeantBy({ kind: 'key', hint }, publicKey))
  assert.ok(isMeantBy({ kind: 'key', hint: '', statedKey: spki, statedKind: 'PKIX_ECDSA_P256_SHA_256' }, publicKey))
  assert.ok(!isMeantBy({ kind: 'key', hint: '', statedKind: 'PKIX_ECDSA_P384_SHA_384' }, publicKey))
  assert.ok(!isMeantBy({ kind: 'key', hint: '', statedKey: Buffer.from('x') }, publicKey))
})

test('a key is a public one, and a certificate is none', () => {
  const certificate = read('model-signing/keys/ca-cert.pem').toString()
  assert.equal(parseCertificates(certificate + certificate).length, 2)
  const rsa = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  })
  for (const pem of ['', certificate, rsa.privateKey, rsa.publicKey])
    assert.throws(
      () => parseForeignKey(pem),
      (error) => isDomainError(error, 'ERR_KEY_MALFORMED'),
    )
})

test('a key in another form of its point, which would have another hint, is refused', () => {
  const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
  const der = publicKey.export({ type: 'spki', format: 'der' })
  assert.ok(parseForeignKey(pemOf(publicKey)).equals(publicKey), 'the honest twin')
  der[26] = 6 + ((der.at(-1) ?? 0) & 1)
  const twin = pemOf(createPublicKey({ key: der, format: 'der', type: 'spki' }))
  assert.throws(
    () => parseForeignKey(twin),
    (error) => isDomainError(error, 'ERR_KEY_MALFORMED') && error.message.includes('hybrid'),
  )
})

test('a file of two keys is refused: only the first would be read; text around one key is none', () => {
  const [one, other] = [pemOf(newKey()), pemOf(newKey())]
  assert.ok(parseForeignKey(`our key\n${one}\n`))
  assert.throws(
    () => parseForeignKey(one + other),
    (error) => isDomainError(error, 'ERR_KEY_MALFORMED') && error.message.includes('not alone in its file'),
  )
})

const newKey = () => generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).publicKey

test('the SLSA summary of Google: its signature r || s is verified, in either base64, and no changed one is', () => {
  const [line = ''] = read('slsa/gke-gce-pre.bcid-vsa.jsonl').toString().split('\n')
  const summary = JSON.parse(line)
  const key = createPublicKey(read('slsa/vsa_signing_public_key.pem'))
  const envelope = {
    payload: Buffer.from(summary.payload, 'base64'),
    payloadType: summary.payloadType,
    signature: Buffer.from(summary.signatures[0].sig, 'base64'),
  }
  assert.equal(isEnvelopeSigned(envelope, key), true)
  const spelt = summary.payload.replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')
  assert.equal(isEnvelopeSigned({ ...envelope, payload: Buffer.from(spelt, 'base64url') }, key), true)
  const longer = Buffer.concat([envelope.payload, Buffer.from(' ')])
  const flipped = Buffer.from(envelope.signature)
  flipped[40] = (flipped[40] ?? 0) ^ 1
  const forged = [
    { ...envelope, payload: longer },
    { ...envelope, payloadType: `${envelope.payloadType} ` },
    { ...envelope, signature: flipped },
    { ...envelope, signature: envelope.signature.subarray(1) },
    { ...envelope, payload: Buffer.concat([Buffer.from(envelope.payloadType), envelope.payload]), payloadType: '' },
  ]
  for (const each of forged) assert.equal(isEnvelopeSigned(each, key), false)
})
