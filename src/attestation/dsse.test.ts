import assert from 'node:assert/strict'
import { createPublicKey, verify } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { isSignedBy, preAuthenticationEncoding, signEnvelope } from './dsse.ts'
import { newPerson } from './fixtures/chain.ts'

const vectors = join(import.meta.dirname, '../../test/vectors/dsse')
const vector = JSON.parse(readFileSync(join(vectors, 'protocol-example.json'), 'utf8'))
const payload = Buffer.from(vector.envelope.payload, 'base64')
const key = createPublicKey(vector.ecdsa.publicKeyPem)
const raw = Buffer.from(vector.envelope.signatures[0].sig, 'base64')

/** SEQUENCE of two INTEGERs; both have their high bit as the vector has them. */
function derOf(signature: Buffer): Buffer {
  const integers = [signature.subarray(0, 32), signature.subarray(32)].map((bytes) => {
    const padded = (bytes[0] ?? 0) >= 0x80 ? Buffer.concat([Buffer.from([0]), bytes]) : bytes
    return Buffer.concat([Buffer.from([2, padded.length]), padded])
  })
  const body = Buffer.concat(integers)
  return Buffer.concat([Buffer.from([0x30, body.length]), body])
}

const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes)

test('encodes the example of the protocol to the byte', () => {
  assert.equal(textOf(preAuthenticationEncoding(vector.payloadType, payload)), vector.pae)
  assert.ok(verify('sha256', Buffer.from(vector.pae), { key, dsaEncoding: 'ieee-p1363' }, raw))
})

test('accepts the signature of the example in DER, and refuses it as raw r||s', () => {
  const envelope = { payload, payloadType: vector.payloadType, signature: derOf(raw) }
  assert.equal(isSignedBy(envelope, key), true)
  assert.equal(isSignedBy({ ...envelope, signature: raw }, key), false)
})

test('counts bytes and not characters', () => {
  assert.equal(textOf(preAuthenticationEncoding('é', Buffer.from('ü'))), 'DSSEv1 2 é 2 ü')
})

test('refuses another type, another payload, another key; accepts its own', () => {
  const { key: privateKey, publicPem } = newPerson()
  const ours = createPublicKey(publicPem)
  const envelope = signEnvelope(payload, 'text/plain', privateKey)
  assert.equal(isSignedBy(envelope, ours), true)
  assert.equal(isSignedBy({ ...envelope, payloadType: 'text/plainx' }, ours), false)
  assert.equal(isSignedBy({ ...envelope, payload: Buffer.concat([payload, Buffer.from('x')]) }, ours), false)
  assert.equal(isSignedBy(envelope, key), false)
  assert.equal(isSignedBy({ ...envelope, signature: new Uint8Array() }, ours), false)
})
