/**
 * A verdict for those who do not verify themselves: SLSA's Verification Summary, with our level beside SLSA's.
 *
 * Written so that `slsa-verifier verify-vsa` accepts it: a bare DSSE envelope, SLSA levels as one word and a number. It is
 * only ever written here, and never read: whoever has the evidence verifies it. Format: docs/formats/verification-summary.md.
 * SOURCE: SLSA v1.2 verification_summary.md; slsa-verifier v2.7.1 verifiers/internal/vsa.
 */
import { z } from 'zod'
import { type Digest, namespace, type Sha256, toDigestSet } from '../../core/index.ts'
import { digestShape, instantShape, pathShape, sha256Shape, uriShape } from '../shapes.ts'
import type { Statement } from '../statement.ts'
import { readingOf } from './reading.ts'

const { malformed, read } = readingOf('the summary')

export const verificationSummaryType = 'https://slsa.dev/verification_summary/v1'
export const verifierId = `${namespace}/verifier`

const properties = ['isolated', 'hermetic', 'inputsApproved', 'locked', 'validated', 'reproduced'] as const

export type VerificationSummary = Readonly<{
  subject: Readonly<{ path: string; digest: Digest }>
  resourceUri: string
  /** Where the policy is from, and its bytes where it was a file. */
  policy: Readonly<{ uri: string; digest?: Sha256 }>
  trusted: boolean
  /** Ours, 0 to 4; 0 when it is not trusted. */
  level: number
  /** Names of the properties that it earned. */
  properties: readonly (typeof properties)[number][]
  version: string
  /** RFC 3339, UTC. */
  at: string
}>

export const verificationSummaryShape: z.ZodType<VerificationSummary> = z.strictObject({
  subject: z.strictObject({ path: pathShape, digest: digestShape }),
  resourceUri: uriShape,
  policy: z.strictObject({ uri: uriShape, digest: sha256Shape.exactOptional() }),
  trusted: z.boolean(),
  level: z.int().min(0).max(4),
  properties: z.array(z.enum(properties)),
  version: z.string().max(200),
  at: instantShape,
})

/** The predicate's wire shape, for its JSON Schema. */
export const verificationSummaryPredicateShape = z.object({
  verifier: z.object({ id: uriShape, version: z.object({ assay: z.string() }) }),
  timeVerified: instantShape,
  resourceUri: uriShape,
  policy: z.object({
    uri: uriShape,
    digest: z.object({ sha256: z.string().regex(/^[0-9a-f]{64}$/) }).exactOptional(),
  }),
  verificationResult: z.enum(['PASSED', 'FAILED']),
  verifiedLevels: z.array(z.string().regex(/^(FAILED|SLSA_BUILD_LEVEL_[0-3]|ASSAY_LEVEL_[0-4]|ASSAY_[A-Z_]+)$/)).min(1),
  slsaVersion: z.literal('1.2'),
})

/** @throws ERR_STATEMENT_MALFORMED when the summary has another shape, or a level without trust */
export function verificationSummaryStatement(summary: VerificationSummary): Statement {
  const parsed = read(verificationSummaryShape, summary)
  const { subject, resourceUri, policy, trusted, level, version, at } = parsed
  if (!trusted && level > 0) throw malformed('claims a level without trust')
  return {
    subject: [{ name: subject.path, digest: toDigestSet(subject.digest) }],
    predicateType: verificationSummaryType,
    predicate: {
      verifier: { id: verifierId, version: { assay: version } },
      timeVerified: at,
      resourceUri,
      policy: { uri: policy.uri, ...(policy.digest === undefined ? {} : { digest: toDigestSet(policy.digest) }) },
      verificationResult: trusted ? 'PASSED' : 'FAILED',
      verifiedLevels: trusted ? levelsOf(parsed) : ['FAILED'],
      slsaVersion: '1.2',
    },
  }
}

/** SLSA's build track ends at 3. LIMIT: what the chain as a whole earned, which the last build alone earned at least. */
function levelsOf({ level, properties: earned }: VerificationSummary): readonly string[] {
  const words = earned.map((name) => `ASSAY_${name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`)
  return [`SLSA_BUILD_LEVEL_${Math.min(3, level)}`, `ASSAY_LEVEL_${level}`, ...words.toSorted()]
}
