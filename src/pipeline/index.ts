/** The only file of `pipeline` that the doors import. */

export { gateSentence, isSecret, rowVerdicts, statedReproduction } from '../attestation/index.ts'
export type { DataCheck } from '../data/index.ts'
export { isToLookAt, printBaseline, printReport } from '../data/index.ts'
export { type AcceptedSystem, acceptSystem } from './accept-system.fs.ts'
export { decideAboutSource } from './approve.ts'
export { approveModel, type SignedApproval } from './approve-model.ts'
export { believedStage, lookAtStage, readStage } from './believe.ts'
export type { StageCause, StageDifference } from './causes.fs.ts'
export { type CheckoutReport, checkout } from './checkout.fs.ts'
export { collectProject } from './collect.fs.ts'
export { commitFiles, requireRepository } from './commit.exec.ts'
export { currentAnchor, type DataDecisionRequest, decideAboutData, digestHere, keepHere } from './decide-data.ts'
export { diffData, draftContractFor, profileData } from './describe-data.ts'
export { diffRuns, type RunDifference } from './diff-runs.ts'
export { type Check, type Examination, examineMachine } from './doctor.fs.ts'
export { dueArtifacts } from './due.ts'
export { type EnteredLog, logFolderOf } from './enter-log.ts'
export { environmentRecord, type RecordedItem } from './environment-record.ts'
export {
  buildEnvironment,
  diffEnvironments,
  environmentNames,
  type InspectedEnvironment,
  inspectEnvironment,
  rebuildEnvironment,
} from './environments.fs.ts'
export type { EvidenceStore } from './evidence.fs.ts'
export { evidenceAt, writeEvidence } from './evidence-files.fs.ts'
export { type AnchorRequest, examineAnchor } from './examine-anchor.ts'
export { type ExportedEvidence, exportedEvidence } from './exported-evidence.ts'
export {
  type FetchedSource,
  type FetchOptions,
  fetchIntoStore,
  isAddress,
  isFetchable,
  networkRouteOf,
  placeContent,
  placeOf,
  protectData,
  recordedOrigin,
} from './fetch-source.fs.ts'
export { type HermeticityReport, hermeticityIn } from './hermeticity.ts'
export { importEvidence } from './import-evidence.ts'
export { unlistedInputs } from './inputs.ts'
export { nextStep, reviewCommand } from './judge-command.ts'
export {
  adoptHere,
  backupKey,
  chooseHeldKey,
  describeKey,
  type KeyDescription,
  makeKey,
  useKey,
  useOwnKey,
  writeFile,
} from './keys.fs.ts'
export { type LintReport, lintStages, type StageFinding } from './lint-stages.fs.ts'
export { lockEnvironment } from './lock-environment.fs.ts'
export { isLogStore } from './log-objects.http.ts'
export type { Remote } from './log-remote.http.ts'
export { logTrust } from './log-trust.ts'
export type { LockedEnvironment } from './name-lock.fs.ts'
export { evidenceInRegistry, exportToRegistry, isOciAddress, parseOciAddress } from './oci/index.ts'
export { pinImage } from './pin-image.fs.ts'
export { pinTrust, type SignedPolicy, signTrust } from './pin-trust.fs.ts'
export { openPlan, openProject, type ProjectNames, projectNames } from './project.fs.ts'
export type { ListedSource, Project } from './project.ts'
export { type ProofReport, type ProveOptions, proveRun } from './prove.ts'
export { type PullOptions, type PullReport, pull } from './pull.ts'
export { type PushOptions, type PushReport, push } from './push.ts'
export {
  declaredOrigin,
  type NewSource,
  type Registered,
  refuseFacts,
  registerSource,
  writeRevocation,
} from './register-source.fs.ts'
export { type ReplacedKey, type RevokedOwnKey, revokeKey, rotateKey } from './replace-key.fs.ts'
export type { OutputReport, RunReport, StageReport } from './report.ts'
export { type ReproduceOptions, type ReproductionReport, reproduce } from './reproduce.ts'
export { reproductionsAtHand } from './reproduction-key.ts'
export { curvesOf, holderIn, printResourceReport, type StageUse, totalsOf } from './resource-report.ts'
export { type RowWord, signReview, type Triage, triageData } from './review-data.ts'
export { type ReviewOptions, reviewDefinition, type SignedReview } from './review-definition.ts'
export { listedTriage, printReviewPage } from './review-page.ts'
export { drawSuspects } from './review-pictures.fs.ts'
export { type RunEvent, type RunOptions, runPipeline } from './run.ts'
export { type GrantedSecret, grantSecret, listSecrets, type SecretOrigin, takeSecret } from './secrets.fs.ts'
export { openShell, type ShellOptions } from './shell.ts'
export { evidenceShownAt, type ShownBundle, type ShownEvidence } from './show-bundle.fs.ts'
export { type SignedModel, type SignModelOptions, signModelAt } from './sign-model.fs.ts'
export { readSmall } from './small-file.fs.ts'
export { type StampedData, stampData } from './stamp-data.fs.ts'
export { summarizeVerdict } from './summarize.ts'
export {
  appendToLog,
  type Contradiction,
  isGrowth,
  isWebLog,
  type LogPlace,
  type LogTrust,
  type Look,
  logFolderAt,
  logPlaceOf,
  monitorLog,
  ownLogKey,
  parseWitness,
  proveEntry,
  proveGrowth,
  verifyEntry,
  verifyGrowth,
  verifyWholeLog,
  witnessLog,
} from './transparency.ts'
export { changeStatus, readStatus, type ShownStatus, type StatusChange } from './trust-status.fs.ts'
export { type ContentQuestions, type ContentTools, type ContentVerdict, validateContent } from './validate-content.ts'
export {
  type DataVerdictReport,
  readGiven,
  validateData,
  writeNewFile,
  writeReport,
} from './validate-data.fs.ts'
export { type ArtifactVerdict, finalOuts } from './verify.ts'
export { type VerifyOptions, verifyArtifact } from './verify-any.ts'
export { chainOfArtifact, subjectsOf } from './verify-artifact.fs.ts'
export { type SourceFinding, verifySource } from './verify-source.ts'
export { requireFailure } from './waivable.ts'
export type { ShownDiff } from './withheld.ts'
export { requireRoot } from './workspace.fs.ts'
export { type BomFormat, type WrittenBom, writeBom } from './write-bom.ts'
export { writeLinks } from './write-links.fs.ts'
