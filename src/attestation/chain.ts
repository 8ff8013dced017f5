/** The nouns of a chain's verification: what is asked, what the caller knows, what comes out. */
import type { Digest, Sha256 } from '../core/index.ts'
import type { Finding } from './finding.ts'
import type { TrustPolicy } from './trust-policy.ts'
import type { Verdict, VerifiedGates, VerifiedStage } from './verify.ts'

/** Evidence as it lies around. INVARIANT: nothing of it is believed; every bundle is hashed and verified. */
export type ChainEvidence = Readonly<{
  /** Bytes of the bundle with this digest. */
  bundle(attestation: Sha256): Uint8Array | undefined
  /** Attestations that may name the subject, likeliest first. */
  bySubject(subject: Digest): readonly Sha256[]
  /** Attestations of reproductions that may speak of the stage's, newest first; none when left out. */
  reproductionsOf?(attestation: Sha256): readonly Sha256[]
  /** Attestations of gate verdicts on what a stage's statement made, newest first; none when left out. */
  gatesOf?(attestation: Sha256): readonly Sha256[]
  /** Bundles with approvals and revocations; `committed` when git tracks them unchanged. */
  approvals: readonly Readonly<{ name: string; bytes: Uint8Array; committed: boolean }>[]
}>

/** What only the caller can know. A function that is left out, and one that answers undefined, say "not at hand". */
export type ChainSurroundings = Readonly<{
  /** What the clock says; `policy.times` may know of a later time. */
  now: Date
  /** Digest of a file in a commit; `absent` when the commit is here and does not hold the file. */
  definitionAt?: (commit: string, path: string) => Sha256 | 'absent' | undefined
  /** `Name <mail>` of everybody who wrote or committed what leads to a commit and not to `since`; all where that is undefined. */
  peopleAt?: (commit: string, since: string | undefined) => readonly string[] | undefined
  logAt?: (log: Sha256) => 'present' | 'missing' | 'corrupt' | undefined
  /** Whether the attestation is in a log that the policy names. Asked only where it names any. */
  loggedAt?: (attestation: Sha256) => Finding | undefined
  /** What the caller knows to be revoked, beside the revocations of the evidence: `sources.yaml` says so. */
  revokedSources?: readonly RevokedSource[]
}>

/** INVARIANT: a revocation is for ever: of the id whatever its bytes, and of the bytes under whatever id or none. */
export type RevokedSource = Readonly<{ id: string; digest: Digest }>

/** A stage that judges the artifact, and the statement of it that is at hand; without one it has not judged. */
export type ChainJudge = Readonly<{ stage: string; attestation?: Sha256 }>

export type ChainQuestion = Readonly<{
  subject: Readonly<{ path: string; digest: Digest }>
  /** The artifact lies elsewhere than where it was made: its bytes alone say what it is. Else its path must fit too. */
  renamed?: boolean
  /** Attestations to try first (from assay.lock); those that the evidence knows by subject are tried after them. */
  entries: readonly Sha256[]
  /** Judging stages (evaluation, gates): each must be there and build on the statement of the subject. */
  judges?: readonly ChainJudge[]
  /** Of the caller's own `assay.yaml`, who judges its gates, and those of the policy, by the metrics themselves. */
  ownGates?: Sha256
  evidence: ChainEvidence
  policy: TrustPolicy
  surroundings: ChainSurroundings
  /** `chainLimits` when left out. */
  limits?: ChainLimits
  /** What was verified under this very policy before, and is not verified again: a bundle never changes. */
  verdicts?: StageVerdicts
}>

/** What one bundle came to; its size counts for the limits of each chain that it stands in. */
export type JudgedBundle = Readonly<{ verdict: Verdict<VerifiedStage>; sizeBytes: number }>
export type StageVerdicts = Map<Sha256, JudgedBundle>

export type ChainLimits = Readonly<{
  bundleBytes: number
  totalBytes: number
  statements: number
  edges: number
  depth: number
  approvals: number
  candidates: number
}>

/** LIMIT: what one verification reads. docs/formats/stage-provenance.md publishes the numbers. */
export const chainLimits: ChainLimits = {
  bundleBytes: 16 * 1024 * 1024,
  totalBytes: 512 * 1024 * 1024,
  statements: 10_000,
  edges: 100_000,
  depth: 1_000,
  approvals: 10_000,
  candidates: 32,
}

export type Level = 0 | 1 | 2 | 3 | 4

/** One row of the rule table, answered. */
export type LevelRequirement = Readonly<{
  level: Exclude<Level, 0>
  requirement: string
  held: boolean
  because: string
  /** What would make it hold; empty when it does. */
  howTo: string
}>

/** Earned beside the level, so that progress shows. */
export type ChainProperties = Readonly<{
  isolated: boolean
  hermetic: boolean
  inputsApproved: boolean
  locked: boolean
  validated: boolean
  reproduced: boolean
}>

export type ChainVerdict = Readonly<{
  /** Every finding passed, and the level is at least the policy's minimum. */
  trusted: boolean
  level: Level
  /** Why the next level is not reached; empty at level 4. */
  whyNotHigher: readonly string[]
  requirements: readonly LevelRequirement[]
  subject: Readonly<{ path: string; digest: Digest }>
  /** In the order made; the same question has the same findings. */
  findings: readonly Finding[]
  properties: ChainProperties
  /** The statement that names the subject, when one was found. */
  entry?: Sha256
  /** Verified stages, the subject's first. */
  stages: readonly VisitedStage[]
  /** What a builder signed of its gates, when that holds. */
  gates?: VerifiedGates
  /** Commits that the chain spans, sorted. */
  commits: readonly string[]
  /** The newest time that is proven, to be remembered. */
  newestTime?: Date
}>

export type VisitedStage = Readonly<{ attestation: Sha256; stage: VerifiedStage }>
