/** Ed25519 keys and signatures that verifiers disagree about: each signs nothing here, its honest twin does. */
import assert from 'node:assert/strict'
import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { test } from 'node:test'
import { isDomainError } from '../core/index.ts'
import { isSignedBy, preAuthenticationEncoding } from './dsse.ts'
import { isSoundPoint, isSoundSignature } from './ed25519.ts'
import { areBytesSigned } from './foreign/signature.ts'
import { parsePublicKey, pemOf } from './public-key.ts'

const spki = (point: Uint8Array): KeyObject =>
  createPublicKey({
    key: Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), point]),
    format: 'der',
    type: 'spki',
  })
const order = 2n ** 252n + 27742317777372353535851937790883648493n
const p = 2n ** 255n - 19n

function littleEndian(number: bigint): Buffer {
  return Buffer.from(number.toString(16).padStart(64, '0'), 'hex').reverse()
}

/** SOURCE: RFC 8032, 7.1, test 2. */
const secret = '4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb'
const published = '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c'
const signed =
  '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00'

test('the key and the signature of RFC 8032 are sound', () => {
  const prefix = Buffer.from('302e020100300506032b657004220420', 'hex')
  const der = Buffer.concat([prefix, Buffer.from(secret, 'hex')])
  const key = createPublicKey(createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }))
  assert.equal(Buffer.from(String(key.export({ format: 'jwk' }).x), 'base64url').toString('hex'), published)
  const signature = Buffer.from(signed, 'hex')
  assert.equal(isSoundPoint(Buffer.from(published, 'hex')), true)
  assert.equal(isSoundSignature(signature), true)
  assert.equal(areBytesSigned(Buffer.of(0x72), signature, key), true)
  assert.equal(areBytesSigned(Buffer.of(0x73), signature, key), false)
})

/** y of the points whose order divides 8. SOURCE: "Taming the Many EdDSAs", table 1. */
const small = [
  0n,
  1n,
  p - 1n,
  BigInt('0x7a03ac9277fdc74ec6cc392cfa53202a0f67100d760b3cba4fd84d3d706a17c7'),
  BigInt('0x05fc536d880238b13933c6d305acdfd5f098eff289f4c345b027b2c28f95e826'),
]
const sign255 = 1n << 255n

test('a key of small order, for which the bare equation lets anybody sign, is none, nor is another spelling of one', () => {
  const points = small.flatMap((y) => [y, y | sign255])
  const respelt = Array.from({ length: 19 }, (_, more) => p + BigInt(more)).flatMap((y) => [y, y | sign255])
  for (const y of [...points, ...respelt]) {
    assert.equal(isSoundPoint(littleEndian(y)), false, y.toString(16))
    assert.throws(
      () => parsePublicKey(pemOf(spki(littleEndian(y)))),
      (error) => isDomainError(error, 'ERR_KEY_MALFORMED'),
      y.toString(16),
    )
  }
  // S = 0 and R the neutral point fit every message under the neutral key.
  const anybodys = spki(littleEndian(1n))
  const forged = Buffer.concat([littleEndian(1n), littleEndian(0n)])
  const payload = Buffer.from('never signed')
  assert.equal(areBytesSigned(payload, forged, anybodys), false)
  assert.equal(isSignedBy({ payload, payloadType: 'x', signature: forged }, anybodys), false)
})

test('a signature whose S is respelt, whose R is of small order, or that is cut or longer, signs nothing', () => {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  const payload = Buffer.from('payload')
  const signature = sign(null, preAuthenticationEncoding('x', payload), privateKey)
  const isSigned = (given: Uint8Array): boolean =>
    isSignedBy({ payload, payloadType: 'x', signature: given }, publicKey)
  assert.equal(isSigned(signature), true)
  const s = BigInt(`0x${Buffer.from(signature.subarray(32)).reverse().toString('hex')}`)
  const withS = (number: bigint): Buffer => Buffer.concat([signature.subarray(0, 32), littleEndian(number)])
  assert.equal(isSoundSignature(withS(order - 1n)), true)
  for (const number of [s + order, order, order + 1n]) {
    assert.equal(isSoundSignature(withS(number)), false)
    assert.equal(isSigned(withS(number)), false)
  }
  for (const y of small) assert.equal(isSoundSignature(Buffer.concat([littleEndian(y), signature.subarray(32)])), false)
  for (const other of [signature.subarray(0, 63), Buffer.concat([signature, Buffer.of(0)]), new Uint8Array()])
    assert.equal(isSigned(other), false)
})

test('a key on P-256 does not verify by the rules of Ed25519, nor the other way round', () => {
  const [edwards, curve] = [generateKeyPairSync('ed25519'), generateKeyPairSync('ec', { namedCurve: 'prime256v1' })]
  const payload = Buffer.from('payload')
  const encoded = preAuthenticationEncoding('x', payload)
  const envelopes = [sign(null, encoded, edwards.privateKey), sign('sha256', encoded, curve.privateKey)].map(
    (signature) => ({ payload, payloadType: 'x', signature }),
  )
  const verdicts = envelopes.map((each) => [isSignedBy(each, edwards.publicKey), isSignedBy(each, curve.publicKey)])
  assert.deepEqual(verdicts, [
    [true, false],
    [false, true],
  ])
})
