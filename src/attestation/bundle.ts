/**
 * The file that evidence travels in: Sigstore bundle v0.3 with a DSSE envelope, signed by a key.
 *
 * Written so that cosign, sigstore-go and sigstore-js accept it: no unknown field, no `keyid`, the hint is the base64
 * SHA-256 of the SPKI, no log entries, timestamps where an authority was asked. Read more strictly than they do: our own schema refuses every field that nobody
 * verifies here and every second spelling of the same bytes, which `@sigstore/bundle` lets pass (it is the oracle of
 * the tests instead). SOURCE: sigstore/protobuf-specs sigstore_bundle.proto; docs/formats/stage-provenance.md.
 */
import { z } from 'zod'
import { DomainError, type Json, parseStrictJson } from '../core/index.ts'
import { fromBase64, toBase64 } from './base64.ts'
import type { Envelope } from './dsse.ts'

export const bundleMediaType = 'application/vnd.dev.sigstore.bundle.v0.3+json'

/** LIMIT: 16 MiB a bundle, 16 levels: the payload is one string of it. */
export const bundleLimits = { maxBytes: 16 * 1024 * 1024, maxDepth: 16 }

export type Bundle = Readonly<{
  envelope: Envelope
  hint: string
  /** RFC 3161, DER; each must verify, or the bundle is refused. */
  timestamps?: readonly Uint8Array[]
}>

/** LIMIT: 4 timestamps of 12 KiB. */
const maxTimestamps = 4
const maxTimestampChars = 16 * 1024

/** The bytes of a bundle: one line of JSON, always the same for the same envelope. */
export function printBundle({ envelope, hint, timestamps = [] }: Bundle): Uint8Array {
  const rfc3161Timestamps = timestamps.map((each) => ({ signedTimestamp: toBase64(each) }))
  return new TextEncoder().encode(
    JSON.stringify({
      mediaType: bundleMediaType,
      verificationMaterial: {
        publicKey: { hint },
        tlogEntries: [],
        ...(timestamps.length === 0 ? {} : { timestampVerificationData: { rfc3161Timestamps } }),
      },
      dsseEnvelope: jsonOf(envelope),
    }),
  )
}

/** The bytes of a bare envelope, without `keyid`: what slsa-verifier and in-toto read. */
export function printEnvelope(envelope: Envelope): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(jsonOf(envelope)))
}

function jsonOf({ payload, payloadType, signature }: Envelope): object {
  return { payload: toBase64(payload), payloadType, signatures: [{ sig: toBase64(signature) }] }
}

/**
 * Reads hostile bytes; nothing is verified yet, and the payload is not looked into.
 *
 * @throws ERR_BUNDLE_MALFORMED when the bytes are no bundle or have more than one reading
 * @throws ERR_BUNDLE_UNSUPPORTED for certificates, message signatures, log entries and other versions
 */
export function parseBundle(bytes: Uint8Array): Bundle {
  const json = readJson(bytes)
  refuseOtherKinds(json)
  const parsed = bundleSchema.safeParse(json)
  if (!parsed.success) {
    const issue = parsed.error.issues[0]
    throw malformed(`at \`${issue?.path.join('.') ?? ''}\`: ${issue?.message ?? 'it has another shape'}`)
  }
  const { verificationMaterial, dsseEnvelope } = parsed.data
  const [{ sig }] = dsseEnvelope.signatures
  const timestamps = verificationMaterial.timestampVerificationData?.rfc3161Timestamps ?? []
  return {
    hint: verificationMaterial.publicKey.hint,
    envelope: {
      payload: decodeBase64(dsseEnvelope.payload, 'payload'),
      payloadType: dsseEnvelope.payloadType,
      signature: decodeBase64(sig, 'sig'),
    },
    ...(timestamps.length === 0
      ? {}
      : { timestamps: timestamps.map(({ signedTimestamp }) => decodeBase64(signedTimestamp, 'signedTimestamp')) }),
  }
}

/**
 * The payload that a bundle of whatever kind holds: a hint, since nothing is verified.
 *
 * @throws ERR_BUNDLE_MALFORMED when there is none
 */
export function statedPayload(bytes: Uint8Array): Uint8Array {
  const payload = asRecord(asRecord(readJson(bytes))['dsseEnvelope'])['payload']
  if (typeof payload !== 'string') throw malformed('holds no payload')
  return decodeBase64(payload, 'payload')
}

const bundleSchema = z.strictObject({
  mediaType: z.literal(bundleMediaType),
  verificationMaterial: z.strictObject({
    publicKey: z.strictObject({ hint: z.string().max(200) }),
    tlogEntries: z.tuple([]).optional(),
    timestampVerificationData: z
      .strictObject({
        rfc3161Timestamps: z
          .array(z.strictObject({ signedTimestamp: z.string().min(1).max(maxTimestampChars) }))
          .max(maxTimestamps)
          .optional(),
      })
      .optional(),
  }),
  dsseEnvelope: z.strictObject({
    payload: z.string().min(1),
    payloadType: z.string().min(1).max(200),
    signatures: z.tuple([z.strictObject({ sig: z.string().min(1).max(1000), keyid: z.literal('').optional() })]),
  }),
})

function readJson(bytes: Uint8Array): Json {
  try {
    return parseStrictJson(bytes, 'bundle', bundleLimits)
  } catch (cause) {
    throw malformed(cause instanceof Error ? cause.message.replace('`bundle` ', '') : 'is not JSON', cause)
  }
}

/** Kinds that exist and are not accepted here get a word of their own: nothing is wrong with the file. */
function refuseOtherKinds(json: Json): void {
  const bundle = asRecord(json)
  const mediaType = bundle['mediaType']
  if (typeof mediaType === 'string' && mediaType !== bundleMediaType && mediaType.includes('sigstore.bundle')) {
    throw unsupported(`is of the version \`${mediaType.slice(0, 80)}\``)
  }
  if (bundle['messageSignature'] !== undefined) throw unsupported('holds a message signature')
  const material = asRecord(bundle['verificationMaterial'])
  if (material['certificate'] !== undefined || material['x509CertificateChain'] !== undefined) {
    throw unsupported('is signed by a certificate')
  }
  if (isFilled(material['tlogEntries'])) throw unsupported('holds log entries, which would have to be verified')
}

function isFilled(value: Json | undefined): boolean {
  return Array.isArray(value) && value.length > 0
}

function asRecord(value: Json | undefined): Readonly<Record<string, Json>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return {}
  return value as Readonly<Record<string, Json>> // the two other members of Json were excluded in the line above
}

/** Standard alphabet, padded, canonical. THREAT: a second spelling of the same bytes would survive a flipped bit. */
function decodeBase64(text: string, field: string): Uint8Array {
  const bytes = fromBase64(text)
  if (bytes === undefined) throw malformed(`has a \`${field}\` that is not standard base64`)
  return bytes
}

function malformed(what: string, cause?: unknown): DomainError {
  return new DomainError('ERR_BUNDLE_MALFORMED', `the bundle ${what}`, { cause })
}

function unsupported(what: string): DomainError {
  return new DomainError('ERR_BUNDLE_UNSUPPORTED', `the bundle ${what}`)
}
