/**
 * May one signed statement be believed?
 *
 * Everything here is pure and works on bytes that an attacker chose. Chains of statements: `verify-chain.ts`.
 */
import type { Sha256 } from '../core/index.ts'
import type { Finding } from './finding.ts'
import type { SourceApproval } from './source-approval-facts.ts'
import type { StageFacts } from './stage-facts.ts'
import type { BuilderGrant, TrustedKey } from './trust-policy.ts'

declare const verified: unique symbol

/** What a signed stage statement says. Only `verifyStage` can make one. */
export type VerifiedStage = Readonly<{
  facts: StageFacts
  signer: TrustedKey
  grant: BuilderGrant
  /** Digest of the bundle. */
  attestation: Sha256
  readonly [verified]: 'stage'
}>

/** Only `verifySourceApproval` can make one. */
export type VerifiedApproval = Readonly<{
  approval: SourceApproval
  signer: TrustedKey
  attestation: Sha256
  readonly [verified]: 'approval'
}>

export type Verdict<Verified> =
  | Readonly<{ trusted: true; statement: Verified; findings: readonly Finding[] }>
  | Readonly<{ trusted: false; findings: readonly Finding[] }>
