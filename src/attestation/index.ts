/** The only file of `attestation` that other domains import. */
export { parseBundle, statedPayload } from './bundle.ts'
export * from './chain.ts'
export { judgeApprovals, promoterFault } from './chain-approvals.ts'
export { isCompared } from './chain-data.ts'
export { gateFinding, gatesAlone, gatesThatCount, hasRead, maxGateVerdicts, maySignGates } from './chain-gates.ts'
export {
  clockFindings,
  evidenceDemands,
  logFindings,
  recalledFindings,
  recallFindings,
  sourceDemands,
  stageDemands,
  standingFindings,
} from './chain-policy.ts'
export { maxReproductions, newestReproductionFirst } from './chain-reproductions.ts'
export { commitFacts, heldReviews, isApart, isReviewed, reviewedCommits } from './chain-reviews.ts'
export { decideSource, type SourceQuestion, type SourceStanding } from './chain-sources.ts'
export { judgeStages } from './chain-stage.ts'
export { judgeBundle, maxClockSkewMs } from './chain-walk.ts'
export { certifiedBuilder, triggerFactsOf } from './ci-identity.ts'
export * from './data-decisions.ts'
export * from './data-verdict-facts.ts'
export type * from './definition-review-facts.ts'
export type * from './environment-build-facts.ts'
export * from './finding.ts'
export type * from './foreign/index.ts'
export * from './gate.ts'
export type * from './gate-verdict-facts.ts'
export type { SignerRoute } from './held-key-source.fs.ts'
export { heldKeySource } from './held-key-source.fs.ts'
export { isHeldAddress } from './held-signer/address.ts'
export { credentialsIn } from './held-signer/variables.ts'
export { withIdentities } from './identities.ts'
export type { HeldKeySource, KeySource, KeyType } from './key.ts'
export { type KeyHomeOptions, openKeyHome, revokedKeys } from './key-home.fs.ts'
export * from './key-home.ts'
export { keyFindings } from './key-validity.ts'
export { levelRules } from './level.ts'
export { loadForeign } from './load-foreign.ts'
export { takenBackFindings } from './open-signed.ts'
export { judgeSuccession } from './policy-signature.ts'
export { isSecret, testResultType } from './predicates/data-verdict.ts'
export { resultOfGates } from './predicates/gate-verdict.ts'
export { linkFileName } from './predicates/in-toto-legacy.ts'
export type { VerificationSummary } from './predicates/verification-summary.ts'
export { behindIt, hintOf, holdsMorePrivate, parsePublicKey } from './public-key.ts'
export * from './reproduction-facts.ts'
export { loadRowKey, type RowKey, requireRowKey } from './row-key.fs.ts'
export { loadSeal } from './seal.fs.ts'
export { everySeenStatus, keepNewestTime, keepStatus, readSeen, type SeenTrust, seenLimits } from './seen.fs.ts'
export { linkKeyOf } from './signer/sign-legacy.ts'
export { type Signed, type Signer, type SignerOptions, type SignRequest, startSigner } from './signer.exec.ts'
export type * from './source-approval-facts.ts'
export type * from './source-build-facts.ts'
export { speaksAgainst } from './speaks-against.ts'
export type * from './stage-facts.ts'
export { stampBundle, stampedSignature } from './stamp-bundle.ts'
export { predicateTypeOf, statedGates, statedReproduction, statedStage } from './stated.ts'
export {
  acceptTimestamp,
  parseAuthority,
  printTimestampRequest,
  type TimestampAuthority,
  verifyTimestamp,
} from './time/timestamp.ts'
export type { CheckpointTrust, VerifiedCheckpoint } from './tlog/checkpoint.ts'
export { parseCheckpoint, verifyCheckpoint } from './tlog/checkpoint.ts'
export { logOrigin, type TreeHead } from './tlog/checkpoint-text.ts'
export { isShownBy, parseHash, parseLogProof, printLogProof, verifyLogProof } from './tlog/log-proof.ts'
export {
  isConsistent,
  isIncluded,
  isSameHash,
  leafHashOf,
  nodesShown,
  type TreeHash,
  type TreeNode,
} from './tlog/merkle.ts'
export { type LogReader, nothingSeen, observeLog, parseSeen, printSeen, type Seen } from './tlog/monitor.ts'
export { cosignNote, type NoteKey, noteKeyOf, printNoteKey } from './tlog/note.ts'
export { decodeBase64, parseNoteKey, parseSignature } from './tlog/read-note.ts'
export { parseEntries, parseTile, type TileAt, tilePath, tileWidth, widthOf } from './tlog/tile.ts'
export {
  bundleEntries,
  type Edges,
  edgesOf,
  growTree,
  proveConsistency,
  proveInclusion,
  rootAt,
  rootOfEdges,
  type TileWrite,
  type Tree,
} from './tlog/tree.ts'
export * from './travelled.ts'
export type { TrustStatus } from './trust-documents.ts'
export * from './trust-policy.ts'
export { type NewTrustPolicy, newTrustPolicy, parseTrustPolicy } from './trust-policy-file.ts'
export { builderIdOf, policyFromKey } from './trust-policy-shape.ts'
export { momentOf } from './trust-policy-signers.ts'
export {
  freshness,
  notOlder,
  statedStatus,
  statusesIn,
  takenBackNoMore,
  verifyStatus,
  withStatus,
} from './trust-status.ts'
export * from './verify.ts'
export { verifyChain } from './verify-chain.ts'
