/**
 * Did this key sign? For the signatures that others make: three curves and Ed25519. Over an artifact of which only the
 * digest is at hand: `digest-signature.ts`.
 *
 * SOURCE: sigstore/protobuf-specs PublicKeyDetails; formats of signatures as sigstore/sigstore pkg/signature takes them.
 */
import { type KeyObject, verify } from 'node:crypto'
import { type Envelope, preAuthenticationEncoding, statementPayloadType } from '../dsse.ts'
import { isSoundPoint, isSoundSignature } from '../ed25519.ts'
import { isEd25519 } from '../public-key.ts'
import { rawPublic } from '../tlog/note.ts'
import type { HashName } from './foreign-bundle.ts'

/** Of model_signing 0.2: the files were the subjects. */
export const oldPredicateType = 'https://model_signing/Digests/v0.1'

const curves = {
  prime256v1: { hash: 'sha256', rawBytes: 64 },
  secp384r1: { hash: 'sha384', rawBytes: 96 },
  secp521r1: { hash: 'sha512', rawBytes: 132 },
} as const

type Curve = (typeof curves)[keyof typeof curves]

function curveOf(key: KeyObject): Curve | undefined {
  const name = key.asymmetricKeyType === 'ec' ? key.asymmetricKeyDetails?.namedCurve : undefined
  return Object.entries(curves).find(([known]) => known === name)?.[1]
}

export function isCurveKey(key: KeyObject): boolean {
  return curveOf(key) !== undefined
}

/** Kinds of keys whose envelopes can be verified. */
export function isVerifiable(key: KeyObject): boolean {
  return curveOf(key) !== undefined || isEd25519(key)
}

/** True when `key` signed payload and type. Trust: the envelope is hostile, the key is not. */
export function isEnvelopeSigned(envelope: Envelope, key: KeyObject): boolean {
  return areBytesSigned(preAuthenticationEncoding(envelope.payloadType, envelope.payload), envelope.signature, key)
}

/**
 * The hash that goes with the curve, else SHA-256, which cosign takes with every curve; DER, else `r || s`, which Go's
 * tools write too.
 */
export function areBytesSigned(bytes: Uint8Array, signature: Uint8Array, key: KeyObject): boolean {
  const curve = curveOf(key)
  if (curve === undefined) return isSoundEd25519(key, signature) && attempt(() => verify(null, bytes, key, signature))
  const encodings = signature.length === curve.rawBytes ? (['der', 'ieee-p1363'] as const) : (['der'] as const)
  return [...new Set([curve.hash, 'sha256'])].some((hash) =>
    encodings.some((dsaEncoding) => attempt(() => verify(hash, bytes, { key, dsaEncoding }, signature))),
  )
}

function isSoundEd25519(key: KeyObject, signature: Uint8Array): boolean {
  return isEd25519(key) && isSoundPoint(rawPublic(key)) && isSoundSignature(signature)
}

/**
 * True when the envelope was signed by model_signing 0.2, whose encoding was wrong: the text of a Python bytes literal.
 *
 * Its first letters differ from those of DSSE, so that neither signature can stand for the other; only statements of
 * that version's own type may be believed by it (`model-manifest.ts`). SOURCE: model-transparency, `pae_compat`.
 */
export function isSignedByOldTool({ payload, payloadType, signature }: Envelope, key: KeyObject): boolean {
  if (payloadType !== statementPayloadType || !Buffer.from(payload).includes(oldPredicateType)) return false
  const header = `DSSEV1 ${payloadType.length} ${payloadType} ${payload.length} `
  const signed = Buffer.from(`${header}${pythonLiteral(payload)}`)
  return attempt(() => verify('sha256', signed, { key, dsaEncoding: 'der' }, signature))
}

/** What Python prints of bytes: `repr(bytes)`. */
function pythonLiteral(bytes: Uint8Array): string {
  const text = Buffer.from(bytes).toString('latin1')
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'"
  const escaped = text.replace(/[^ -~]|[\\'"]/g, (character) => escapedInPython(character, quote))
  return `b${quote}${escaped}${quote}`
}

const pythonEscapes: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t', '\\': '\\\\' }

function escapedInPython(character: string, quote: string): string {
  if (character === "'" || character === '"') return character === quote ? `\\${character}` : character
  return pythonEscapes[character] ?? `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`
}

/** What the curve says a digest is made by, unless the bundle says otherwise. */
export function hashOf(key: KeyObject): HashName {
  return curveOf(key)?.hash ?? 'sha256'
}

/** What throws for bytes that are no signature, as `false`. */
export function attempt(check: () => boolean): boolean {
  try {
    return check()
  } catch {
    return false // INVARIANT: bytes that are no signature sign nothing
  }
}
