/**
 * DSSE: what is signed is the payload *and* its type, each with its length, so that neither can be read as the other.
 *
 * ECDSA on P-256 with SHA-256, DER: the one choice that cosign, slsa-verifier, model_signing and sigstore-js all verify;
 * or Ed25519, which takes the bytes as they are.
 * SOURCE: secure-systems-lab/dsse v1.0.2, protocol.md; vector test/vectors/dsse/protocol-example.json.
 */
import { type KeyObject, sign, verify } from 'node:crypto'
import { isSoundSignature } from './ed25519.ts'
import { hashFor, isEd25519 } from './public-key.ts'

/** One payload with one signature; a Sigstore bundle allows no more. */
export type Envelope = Readonly<{ payload: Uint8Array; payloadType: string; signature: Uint8Array }>

export const statementPayloadType = 'application/vnd.in-toto+json'

const encoder = new TextEncoder()

/** The bytes that are signed. Lengths are of UTF-8 bytes, decimal, without leading zeros. */
export function preAuthenticationEncoding(payloadType: string, payload: Uint8Array): Uint8Array {
  const header = encoder.encode(`DSSEv1 ${encoder.encode(payloadType).length} ${payloadType} ${payload.length} `)
  const encoded = new Uint8Array(header.length + payload.length)
  encoded.set(header)
  encoded.set(payload, header.length)
  return encoded
}

export function signEnvelope(payload: Uint8Array, payloadType: string, key: KeyObject): Envelope {
  const signature = sign(hashFor(key), preAuthenticationEncoding(payloadType, payload), { key, dsaEncoding: 'der' })
  return { payload, payloadType, signature }
}

/** True when `key` signed payload and type. Trust: the envelope is hostile, the key is ours. */
export function isSignedBy(envelope: Envelope, key: KeyObject): boolean {
  const signed = preAuthenticationEncoding(envelope.payloadType, envelope.payload)
  try {
    if (isEd25519(key) && !isSoundSignature(envelope.signature)) return false
    // DER is what Node takes without being told; a fourth of the time goes to a key that stands in an object with it
    return verify(hashFor(key), signed, key, envelope.signature)
  } catch {
    return false // INVARIANT: bytes that are no signature sign nothing
  }
}
