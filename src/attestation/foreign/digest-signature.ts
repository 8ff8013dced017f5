/**
 * Did this key sign the artifact that has this digest? ECDSA over a digest that was made elsewhere, which `node:crypto`
 * cannot do: `@noble/curves` does. DECISION 0047.
 */
import type { KeyObject } from 'node:crypto'
import { p256, p384, p521 } from '@noble/curves/nist.js'
import type { ForeignBundle } from './foreign-bundle.ts'
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

/** What a bundle says, the same in each spelling of it: its payload; of a message its signature, where that is ECDSA. */
export function saidBy({ content }: Pick<ForeignBundle, 'content'>): Uint8Array | undefined {
  return content.kind === 'statement' ? content.envelope.payload : oneSpelling(content.signature)
}

/**
 * `r || s` of the curve's size, with `s` in the lower half.
 *
 * THREAT: without the key, anybody can spell an ECDSA signature anew: as DER or raw, and with the other sign of `s`.
 *
 * @returns undefined for what is no ECDSA signature, by which `isDigestSigned` believes nobody
 */
function oneSpelling(signature: Uint8Array): Uint8Array | undefined {
  // no key is asked for: the smallest curve that it fits is its own, but for one signature in 2^128
  for (const { curve } of Object.values(curves)) {
    for (const format of ['der', 'compact'] as const) {
      const read = parsed(() => curve.Signature.fromBytes(signature, format))
      if (read === undefined) continue
      const s = read.hasHighS() ? curve.Point.Fn.ORDER - read.s : read.s
      return new curve.Signature(read.r, s).toBytes('compact')
    }
  }
  return undefined
}

function parsed<Value>(parse: () => Value): Value | undefined {
  try {
    return parse()
  } catch {
    return undefined // INVARIANT: bytes that are no signature of this curve have no spelling in it
  }
}

/** The uncompressed point of an EC key. SOURCE: SEC 1, 2.3.3. */
function pointOf(key: KeyObject): Uint8Array {
  const { x = '', y = '' } = key.export({ format: 'jwk' })
  return Buffer.concat([Buffer.from([4]), Buffer.from(x, 'base64url'), Buffer.from(y, 'base64url')])
}
