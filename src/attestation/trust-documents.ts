/**
 * What root keys sign that is no statement about an artifact: their shapes and bytes. Who believes them: `trust-status.ts`,
 * `policy-signature.ts`.
 */
import { z } from 'zod'
import { canonicalJson, type Digest, type Sha256 } from '../core/index.ts'
import { digestShape, instantShape, nameShape, sha256Shape } from './shapes.ts'

export type TrustStatus = Readonly<{
  project: string
  /** Counts up from 1. */
  version: number
  /** RFC 3339, UTC. */
  issuedAt: string
  /** Nothing may rely on it from then on. */
  expiresAt: string
  /** `hint` as a bundle names the key; all that it signed is void where `since` is missing. */
  keys: readonly Readonly<{ hint: string; since?: string; because: string }>[]
  /** As a certificate names them, and who vouches for that; as of keys. Left out by statuses that take none back. */
  identities?: readonly Readonly<{ identity: string; issuer: string; since?: string; because: string }>[]
  /** Digests of bundles, and of the payloads that they hold: a bundle can be spelt anew, a payload cannot. */
  statements: readonly Readonly<{ attestation: Sha256; because: string }>[]
  /** Models and data that nobody may use any more. */
  recalls: readonly Readonly<{ digest: Digest; because: string }>[]
}>

export const statusPayloadType = 'application/vnd.assay.trust-status.v1+json'

/** LIMIT: 10,000 of each kind. */
const listOf = <Shape extends z.ZodType>(shape: Shape) => z.array(shape).max(10_000)
const because = z.string().min(1).max(1000)

export const statusShape: z.ZodType<TrustStatus> = z.strictObject({
  project: nameShape,
  version: z.int().min(1),
  issuedAt: instantShape,
  expiresAt: instantShape,
  keys: listOf(z.strictObject({ hint: nameShape, since: instantShape.exactOptional(), because })),
  identities: listOf(
    z.strictObject({
      identity: z.string().min(1).max(2000),
      issuer: z.string().min(1).max(2000),
      since: instantShape.exactOptional(),
      because,
    }),
  ).exactOptional(),
  statements: listOf(z.strictObject({ attestation: sha256Shape, because })),
  recalls: listOf(z.strictObject({ digest: digestShape, because })),
})

export function printStatus(status: TrustStatus): Uint8Array {
  return new TextEncoder().encode(canonicalJson(statusShape.parse(status)))
}

export type PolicySignature = Readonly<{ project: string; policy: Sha256; version: number }>

export const policyPayloadType = 'application/vnd.assay.trust-policy.v1+json'

export const policySignatureShape: z.ZodType<PolicySignature> = z.strictObject({
  project: nameShape,
  policy: sha256Shape,
  version: z.int().min(1),
})

export function printPolicySignature(signature: PolicySignature): Uint8Array {
  return new TextEncoder().encode(canonicalJson(policySignatureShape.parse(signature)))
}
