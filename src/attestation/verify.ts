/**
 * May one signed statement be believed?
 *
 * Pure: bytes that an attacker chose, against a policy that the caller trusts. Chains of statements:
 * `verify-chain.ts`. Other time than that of the key, expiry and files are for the chain, with what its caller knows.
 */
import { type Digest, fromDigestSet, isDomainError, type Sha256, sha256Of } from '../core/index.ts'
import { statedPayload } from './bundle.ts'
import type { DataDecisionKind, DataDecisions } from './data-decisions.ts'
import type { DataVerdict } from './data-verdict-facts.ts'
import type { DefinitionReview } from './definition-review-facts.ts'
import type { EnvironmentBuild } from './environment-build-facts.ts'
import { allPassed, type Finding, passed, refused } from './finding.ts'
import type { GateVerdict } from './gate-verdict-facts.ts'
import { type Attempt, attempt, type Certified, openSigned } from './open-signed.ts'
import { dataDecisionOf } from './predicates/data-decision.ts'
import { dataVerdictOf } from './predicates/data-verdict.ts'
import { definitionReviewOf } from './predicates/definition-review.ts'
import { environmentBuildOf } from './predicates/environment-build.ts'
import { gateVerdictOf } from './predicates/gate-verdict.ts'
import { reproductionOf } from './predicates/reproduction.ts'
import { sourceApprovalOf } from './predicates/source-approval.ts'
import { sourceBuildOf } from './predicates/source-build.ts'
import { stageFactsOf } from './predicates/stage-provenance.ts'
import type { Reproduction } from './reproduction-facts.ts'
import type { SourceApproval } from './source-approval-facts.ts'
import type { SourceBuild } from './source-build-facts.ts'
import type { StageFacts } from './stage-facts.ts'
import { parseStatement, type Statement } from './statement.ts'
import type { BuilderGrant, ProvenTime, Role, TrustedSigner, TrustPolicy } from './trust-policy.ts'

declare const verified: unique symbol

/** What a signed stage statement says. Only `verifyStage` can make one. */
export type VerifiedStage = Readonly<{
  facts: StageFacts
  signer: TrustedSigner
  grant: BuilderGrant
  /** Digest of the bundle. */
  attestation: Sha256
  /** The earliest moment before which it is proven to have been signed. */
  proven?: ProvenTime
  readonly [verified]: 'stage'
}>

/** What a signed gate verdict says. Only `verifyGateVerdict` can make one. */
export type VerifiedGates = Readonly<{
  verdict: GateVerdict
  signer: TrustedSigner
  grant: BuilderGrant
  /** Digest of the bundle. */
  attestation: Sha256
  readonly [verified]: 'gates'
}>

/** What a signed approval says. Only `verifySourceApproval` can make one. */
export type VerifiedApproval = Readonly<{
  approval: SourceApproval
  signer: TrustedSigner
  /** Digest of the bundle. */
  attestation: Sha256
  readonly [verified]: 'approval'
}>

/** What a signed statement of a build from source says. Only `verifySourceBuild` can make one. */
export type VerifiedSourceBuild = Readonly<{
  build: SourceBuild
  signer: TrustedSigner
  grant: BuilderGrant
  /** Digest of the bundle. */
  attestation: Sha256
  readonly [verified]: 'source-build'
}>

/** What a signed statement of an environment says. Only `verifyEnvironmentBuild` can make one. */
export type VerifiedEnvironmentBuild = Readonly<{
  build: EnvironmentBuild
  signer: TrustedSigner
  grant: BuilderGrant
  /** Digest of the bundle. */
  attestation: Sha256
  readonly [verified]: 'environment-build'
}>

/** What a signed data verdict says. Only `verifyDataVerdict` can make one. */
export type VerifiedDataVerdict = Readonly<{
  verdict: DataVerdict
  signer: TrustedSigner
  /** Digest of the bundle. */
  attestation: Sha256
  readonly [verified]: 'data-verdict'
}>

/** What a signed reproduction says. Only `verifyReproduction` can make one. */
export type VerifiedReproduction = Readonly<{
  reproduction: Reproduction
  signer: TrustedSigner
  /** Digest of the bundle. */
  attestation: Sha256
  /** As of a stage. */
  proven?: ProvenTime
  readonly [verified]: 'reproduction'
}>

/** What a signed decision about data says. Only `verifyDataDecision` can make one. */
export type VerifiedDataDecision<Kind extends DataDecisionKind> = Readonly<{
  decision: DataDecisions[Kind]
  signer: TrustedSigner
  /** Digest of the bundle. */
  attestation: Sha256
  readonly [verified]: 'data-decision'
}>

/** What a signed review of a definition says. Only `verifyDefinitionReview` can make one. */
export type VerifiedReview = Readonly<{
  review: DefinitionReview
  signer: TrustedSigner
  /** Digest of the bundle. */
  attestation: Sha256
  readonly [verified]: 'review'
}>

export type Verdict<Verified> =
  | Readonly<{ trusted: true; statement: Verified; findings: readonly Finding[] }>
  | Readonly<{ trusted: false; findings: readonly Finding[] }>

/**
 * Decides whether a bundle is a stage's statement, signed by a builder that the policy lists.
 *
 * Trust: `bytes` are hostile; `policy` is trusted as far as its origin says.
 * Order: the signature is checked before the payload is parsed, so unsigned bytes never reach the parser.
 *
 * @returns every finding in the order made; `statement` only when all passed
 */
export function verifyStage(bytes: Uint8Array, policy: TrustPolicy): Verdict<VerifiedStage> {
  const signed = openSigned(bytes, policy, 'builder')
  if (signed.signer === undefined) return { trusted: false, findings: signed.findings }

  const read = readPayload(signed.payload, stageFactsOf)
  if (read.value === undefined) return { trusted: false, findings: [...signed.findings, read.finding] }

  const { signer } = signed
  const grant = grantOf(policy, signer, read.value.builderId)
  const findings = [
    ...signed.findings,
    read.finding,
    builderListed(grant, signer, read.value),
    ofProject(policy, read.value.project.id),
    ...(signed.certified?.stageFindings(read.value) ?? []),
  ]
  if (grant === undefined || !allPassed(findings)) return { trusted: false, findings }
  // `as`: all findings passed, which is what the brand says.
  const statement = {
    facts: read.value,
    signer,
    grant,
    attestation: sha256Of(bytes),
    ...provenOf(signed),
  } as VerifiedStage
  return { trusted: true, statement, findings }
}

/** Decides whether a bundle says of a wheel that it was built from source, signed by a builder that the policy lists. */
export function verifySourceBuild(bytes: Uint8Array, policy: TrustPolicy): Verdict<VerifiedSourceBuild> {
  return verifyByBuilder(bytes, policy, sourceBuildOf, (build) => ({ build }))
}

/** Decides whether a bundle says what an environment was put together from, signed by a builder that the policy lists. */
export function verifyEnvironmentBuild(bytes: Uint8Array, policy: TrustPolicy): Verdict<VerifiedEnvironmentBuild> {
  return verifyByBuilder(bytes, policy, environmentBuildOf, (build) => ({ build }))
}

/** Decides whether a bundle says what the gates of a model came to, signed by a builder that the policy lists. It may say FAILED. */
export function verifyGateVerdict(bytes: Uint8Array, policy: TrustPolicy): Verdict<VerifiedGates> {
  return verifyByBuilder(bytes, policy, gateVerdictOf, (verdict) => ({ verdict }))
}

function verifyByBuilder<T extends Readonly<{ project: string; builderId: string }>, V extends object>(
  bytes: Uint8Array,
  policy: TrustPolicy,
  read: (statement: Statement) => T,
  named: (value: T) => object,
): Verdict<V> {
  const signed = readSigned(bytes, policy, 'builder', read)
  if (!signed.trusted) return signed
  const { value, signer } = signed
  const grant = grantOf(policy, signer, value.builderId)
  const certified = signed.certified?.builderFindings(value.builderId) ?? []
  const findings = [...signed.findings, builderListed(grant, signer, value), ...certified]
  if (grant === undefined || !allPassed(findings)) return { trusted: false, findings }
  // `as`: all findings passed, which is what the brand says.
  const statement = { ...named(value), signer, grant, attestation: sha256Of(bytes) } as V
  return { trusted: true, statement, findings }
}

/** Decides whether a bundle is an approval or revocation, signed by a source-approver of the policy. */
export function verifySourceApproval(bytes: Uint8Array, policy: TrustPolicy): Verdict<VerifiedApproval> {
  return named(bytes, readSigned(bytes, policy, 'source-approver', sourceApprovalOf), 'approval')
}

/** Decides whether a bundle is a data verdict, signed by a data-validator of the policy. It may say FAILED. */
export function verifyDataVerdict(bytes: Uint8Array, policy: TrustPolicy): Verdict<VerifiedDataVerdict> {
  return named(bytes, readSigned(bytes, policy, 'data-validator', dataVerdictOf), 'verdict')
}

/** Decides whether a bundle is the verdict of a reproduction, signed by a reproducer of the policy. It may say `diverged`. */
export function verifyReproduction(bytes: Uint8Array, policy: TrustPolicy): Verdict<VerifiedReproduction> {
  const read = readSigned(bytes, policy, 'reproducer', reproductionOf)
  return named(bytes, read, 'reproduction', read.trusted ? provenOf(read) : {})
}

/** Decides whether a bundle is a decision of this kind, signed by a reviewer of the policy, of a model by a promoter. Expiry is asked elsewhere. */
export function verifyDataDecision<Kind extends DataDecisionKind>(
  kind: Kind,
  bytes: Uint8Array,
  policy: TrustPolicy,
): Verdict<VerifiedDataDecision<Kind>> {
  const read = readSigned(bytes, policy, kind === 'model-approval' ? 'promoter' : 'reviewer', (statement) =>
    dataDecisionOf(kind, statement),
  )
  return named(bytes, read, 'decision')
}

/** Decides whether a bundle is a review of a definition, signed by a reviewer of the policy. Whom it counts for is asked elsewhere. */
export function verifyDefinitionReview(bytes: Uint8Array, policy: TrustPolicy): Verdict<VerifiedReview> {
  return named(bytes, readSigned(bytes, policy, 'reviewer', definitionReviewOf), 'review')
}

/** @param name what the statement calls what it says */
function named<V extends object>(
  bytes: Uint8Array,
  read: ReadSigned<unknown>,
  name: string & keyof V,
  more: object = {},
): Verdict<V> {
  if (!read.trusted) return read
  const { value, signer, findings } = read
  // `as`: all findings passed, which is what the brand says.
  const statement = { [name]: value, signer, attestation: sha256Of(bytes), ...more } as V
  return { trusted: true, statement, findings }
}

type ReadSigned<T> =
  | Readonly<{
      trusted: true
      value: T
      signer: TrustedSigner
      certified: Certified | undefined
      proven?: ProvenTime
      findings: readonly Finding[]
    }>
  | Readonly<{ trusted: false; findings: readonly Finding[] }>

/** A statement of a project, signed for a role: order as in `verifyStage`. */
function readSigned<T extends Readonly<{ project: string }>>(
  bytes: Uint8Array,
  policy: TrustPolicy,
  role: Role,
  parse: (statement: Statement) => T,
): ReadSigned<T> {
  const signed = openSigned(bytes, policy, role)
  if (signed.signer === undefined) return { trusted: false, findings: signed.findings }
  const read = readPayload(signed.payload, parse)
  if (read.value === undefined) return { trusted: false, findings: [...signed.findings, read.finding] }
  const findings = [...signed.findings, read.finding, ofProject(policy, read.value.project)]
  if (!allPassed(findings)) return { trusted: false, findings }
  const { signer, certified } = signed
  return { trusted: true, value: read.value, signer, certified, ...provenOf(signed), findings }
}

/**
 * The digests that a bundle's statement names, for an index that finds evidence by its subject.
 *
 * Trust: nothing is verified; what comes out is a hint and no more. Empty when the bytes are no statement.
 */
export function subjectsOfBundle(bytes: Uint8Array): readonly Digest[] {
  try {
    const { subject } = parseStatement(statedPayload(bytes))
    return subject.flatMap(({ digest }) => fromDigestSet(digest) ?? [])
  } catch (error) {
    if (isDomainError(error)) return [] // INVARIANT: an index without an entry only ever finds less
    throw error
  }
}

function provenOf({ proven }: Readonly<{ proven?: ProvenTime }>): Pick<VerifiedStage, 'proven'> {
  return proven === undefined ? {} : { proven }
}

function readPayload<T>(payload: Uint8Array, read: (statement: Statement) => T): Attempt<T> {
  return attempt('statement', 'is a statement of the type that is needed', () => read(parseStatement(payload)))
}

/** Of several the strictest: whoever writes a lower level beneath a higher one means it. */
export function grantOf({ builders }: TrustPolicy, signer: TrustedSigner, builderId: string): BuilderGrant | undefined {
  return builders
    .filter(({ key, builder }) => key === signer.name && builder === builderId)
    .toSorted((left, right) => left.maxLevel - right.maxLevel)[0]
}

function builderListed(
  grant: BuilderGrant | undefined,
  signer: TrustedSigner,
  { builderId }: Pick<StageFacts, 'builderId'>,
): Finding {
  return grant === undefined
    ? refused('builder', 'ERR_BUILDER_UNLISTED', `\`${signer.name}\` is not listed for the builder \`${builderId}\``)
    : passed('builder', `\`${signer.name}\` is listed for the builder \`${builderId}\``)
}

function ofProject(policy: TrustPolicy, project: string): Finding {
  return policy.project === undefined || policy.project === project
    ? passed('project', `belongs to the project \`${project}\``)
    : refused('project', 'ERR_CHAIN_PROJECT', `belongs to the project \`${project}\`, not to \`${policy.project}\``)
}
