/**
 * Did this key sign the artifact that has this digest? ECDSA over a digest that was made elsewhere, which `node:crypto`
 * cannot do: `@noble/curves` does. DECISION 0047.
 */
import type { KeyObject } from 'node:crypto'
import { p256, p384, p521 } from '@noble/curves/nist.js'
import { attempt } from './signature.ts'

const curves = {
  prime256v1: { curve: p256, rawBytes: 64 },
  secp384r1: { curve: p384, rawBytes: 96 },
  secp521r1: { curve: p521, rawBytes: 132 },
} as const

/**
 * DER, else `r || s`; both signs of `s`, as the standard allows.
 *
 * @param digest raw bytes
 * @returns false for Ed25519 too: Sigstore signs messages by Ed25519ph, which nothing here verifies
 */
export function isDigestSigned(digest: Uint8Array, signature: Uint8Array, key: KeyObject): boolean {
  const name = key.asymmetricKeyType === 'ec' ? key.asymmetricKeyDetails?.namedCurve : undefined
  const found = Object.entries(curves).find(([known]) => known === name)?.[1]
  if (found === undefined) return false
  const point = pointOf(key)
  const formats = signature.length === found.rawBytes ? (['der', 'compact'] as const) : (['der'] as const)
  return formats.some((format) =>
    attempt(() => found.curve.verify(signature, digest, point, { prehash: false, lowS: false, format })),
  )
}

/** The uncompressed point of an EC key. SOURCE: SEC 1, 2.3.3. */
function pointOf(key: KeyObject): Uint8Array {
  const { x = '', y = '' } = key.export({ format: 'jwk' })
  return Buffer.concat([Buffer.from([4]), Buffer.from(x, 'base64url'), Buffer.from(y, 'base64url')])
}
