/**
 * Sigstore bundles that anybody made: v0.1 to v0.3, signed by a key, a certificate or an identity.
 *
 * Read by our own shape before any library sees them: no unknown field (protojson, which cosign reads with, has none
 * either), one spelling of each byte string, bounded lists. Nothing is verified here. `bundle.ts` reads our own.
 * SOURCE: sigstore/protobuf-specs sigstore_bundle.proto, sigstore_common.proto, sigstore_rekor.proto.
 */
import { z } from 'zod'
import { DomainError, type Json, parseStrictJson } from '../../core/index.ts'
import type { Envelope } from '../dsse.ts'

/** LIMIT: 64 MiB a bundle: the manifest of some 200,000 files is part of it. */
export const foreignBundleLimits = { maxBytes: 64 * 1024 * 1024, maxDepth: 16 }
/** LIMIT: as sigstore-go's internal/limits. */
const maxEntries = 32
const maxCertificates = 10

export type HashName = 'sha256' | 'sha384' | 'sha512'

export type ForeignContent =
  | Readonly<{ kind: 'statement'; envelope: Envelope }>
  /** A signature over an artifact itself. `digest` is what the bundle says the artifact has. */
  | Readonly<{ kind: 'message'; algorithm: HashName; digest: Uint8Array; signature: Uint8Array }>

export type ForeignMaterial =
  /** `statedKey`: SPKI or PEM that bundles of model_signing before 1.1 carry; it proves nothing. */
  | Readonly<{ kind: 'key'; hint: string; statedKey?: Uint8Array; statedKind?: string }>
  /** DER, the leaf first. */
  | Readonly<{ kind: 'certificates'; certificates: readonly [Uint8Array, ...Uint8Array[]] }>

export type ForeignBundle = Readonly<{
  mediaType: string
  content: ForeignContent
  material: ForeignMaterial
  logEntries: readonly Json[]
  timestamps: number
  /** All of it, shape proven, for what verifies logs and certificates. */
  json: Readonly<Record<string, Json>>
}>

const mediaTypes = [
  'application/vnd.dev.sigstore.bundle.v0.3+json',
  'application/vnd.dev.sigstore.bundle+json;version=0.3',
  'application/vnd.dev.sigstore.bundle+json;version=0.2',
  'application/vnd.dev.sigstore.bundle+json;version=0.1',
] as const

const hashNames = { SHA2_256: 'sha256', SHA2_384: 'sha384', SHA2_512: 'sha512' } as const

/**
 * @throws ERR_BUNDLE_MALFORMED when the bytes are no bundle or have more than one reading
 * @throws ERR_BUNDLE_UNSUPPORTED for another version
 */
export function parseForeignBundle(bytes: Uint8Array): ForeignBundle {
  const json = readJson(bytes)
  refuseOtherVersions(json)
  const parsed = bundleShape.safeParse(json)
  if (!parsed.success) {
    const issue = parsed.error.issues[0]
    throw malformed(`at \`${issue?.path.join('.') ?? ''}\`: ${issue?.message ?? 'it has another shape'}`)
  }
  const { mediaType, verificationMaterial: material, dsseEnvelope, messageSignature } = parsed.data
  return {
    mediaType,
    content: contentOf(dsseEnvelope, messageSignature),
    material: materialOf(material),
    logEntries: (material.tlogEntries ?? []) as readonly Json[], // parsed from JSON
    timestamps: material.timestampVerificationData?.rfc3161Timestamps?.length ?? 0,
    json: json as Readonly<Record<string, Json>>, // the shape says that it is an object
  }
}

function contentOf(envelope: EnvelopeJson | undefined, message: MessageJson | undefined): ForeignContent {
  if (envelope !== undefined && message === undefined) {
    const [{ sig }] = envelope.signatures
    return {
      kind: 'statement',
      envelope: {
        payload: decode(envelope.payload),
        payloadType: envelope.payloadType,
        signature: decode(sig),
      },
    }
  }
  if (envelope !== undefined || message === undefined)
    throw malformed('holds not exactly one of an envelope and a message signature')
  const { algorithm, digest } = message.messageDigest
  return {
    kind: 'message',
    algorithm: hashNames[algorithm],
    digest: decode(digest),
    signature: decode(message.signature),
  }
}

function materialOf({ publicKey, certificate, x509CertificateChain }: MaterialJson): ForeignMaterial {
  if ([publicKey, certificate, x509CertificateChain].filter((each) => each !== undefined).length !== 1)
    throw malformed('holds not exactly one of a key, a certificate and a chain')
  if (publicKey !== undefined) {
    const { hint, rawBytes, keyDetails } = publicKey
    return {
      kind: 'key',
      hint: hint ?? '',
      ...(rawBytes === undefined ? {} : { statedKey: decode(rawBytes) }),
      ...(keyDetails === undefined ? {} : { statedKind: keyDetails }),
    }
  }
  const [leaf, ...others] = (x509CertificateChain?.certificates ?? [certificate]).map((each) =>
    decode(each?.rawBytes ?? ''),
  )
  if (leaf === undefined) throw malformed('holds an empty chain of certificates')
  return { kind: 'certificates', certificates: [leaf, ...others] }
}

/** Standard alphabet, padded, canonical. THREAT: a second spelling of the same bytes would survive a flipped bit. */
const base64 = z
  .string()
  .refine((text) => Buffer.from(text, 'base64').toString('base64') === text, 'no standard base64')
const filledBase64 = base64.min(1)
/** protojson writes 64-bit integers as strings. */
const int64 = z.string().regex(/^(0|[1-9]\d{0,18})$/)
const certificateShape = z.strictObject({ rawBytes: filledBase64.max(64 * 1024) })

const logEntryShape = z.strictObject({
  logIndex: int64.optional(),
  logId: z.strictObject({ keyId: filledBase64.max(200) }),
  kindVersion: z.strictObject({ kind: z.string().max(50), version: z.string().max(50) }),
  integratedTime: int64.optional(),
  inclusionPromise: z.strictObject({ signedEntryTimestamp: filledBase64.max(10_000) }).nullish(),
  inclusionProof: z
    .strictObject({
      logIndex: int64.optional(),
      rootHash: base64.max(200).optional(),
      treeSize: int64.optional(),
      hashes: z.array(base64.max(200)).max(64).optional(),
      checkpoint: z.strictObject({ envelope: z.string().max(64 * 1024) }).optional(),
    })
    .nullish(),
  canonicalizedBody: filledBase64,
})

const materialShape = z.strictObject({
  publicKey: z
    .strictObject({
      hint: z.string().max(1000).nullish(),
      rawBytes: base64.max(64 * 1024).optional(),
      keyDetails: z.string().max(100).optional(),
    })
    .optional(),
  certificate: certificateShape.optional(),
  x509CertificateChain: z
    .strictObject({ certificates: z.array(certificateShape).min(1).max(maxCertificates) })
    .optional(),
  tlogEntries: z.array(logEntryShape).max(maxEntries).optional(),
  timestampVerificationData: z
    .strictObject({
      rfc3161Timestamps: z
        .array(z.strictObject({ signedTimestamp: filledBase64.max(100_000) }))
        .max(maxEntries)
        .optional(),
    })
    .nullish(),
})

const envelopeShape = z.strictObject({
  payload: filledBase64,
  payloadType: z.string().min(1).max(200),
  signatures: z.tuple([z.strictObject({ sig: filledBase64.max(10_000), keyid: z.string().max(200).nullish() })]),
})

const messageShape = z.strictObject({
  messageDigest: z.strictObject({
    algorithm: z.enum(['SHA2_256', 'SHA2_384', 'SHA2_512']),
    digest: filledBase64.max(200),
  }),
  signature: filledBase64.max(10_000),
})

const bundleShape = z.strictObject({
  mediaType: z.enum(mediaTypes),
  verificationMaterial: materialShape,
  dsseEnvelope: envelopeShape.optional(),
  messageSignature: messageShape.optional(),
})

type EnvelopeJson = z.infer<typeof envelopeShape>
type MessageJson = z.infer<typeof messageShape>
type MaterialJson = z.infer<typeof materialShape>

function readJson(bytes: Uint8Array): Json {
  try {
    return parseStrictJson(bytes, 'bundle', foreignBundleLimits)
  } catch (cause) {
    throw malformed(cause instanceof Error ? cause.message.replace('`bundle` ', '') : 'is not JSON', cause)
  }
}

function refuseOtherVersions(json: Json): void {
  const mediaType = typeof json === 'object' && json !== null && !Array.isArray(json) ? mediaTypeOf(json) : undefined
  if (typeof mediaType !== 'string' || !mediaType.includes('sigstore.bundle')) return
  if (!mediaTypes.some((known) => known === mediaType)) {
    throw new DomainError('ERR_BUNDLE_UNSUPPORTED', `the bundle is of the version \`${mediaType.slice(0, 80)}\``)
  }
}

function mediaTypeOf(json: object): unknown {
  return 'mediaType' in json ? json.mediaType : undefined
}

function decode(text: string): Uint8Array {
  return Buffer.from(text, 'base64')
}

function malformed(what: string, cause?: unknown): DomainError {
  return new DomainError('ERR_BUNDLE_MALFORMED', `the bundle ${what}`, { cause })
}
