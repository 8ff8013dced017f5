/** One opened project: what the rest of the pipeline works on. Nouns only; `project.fs.ts` opens it. */

import type {
  DataDecisionKind,
  DataVerdict,
  KeySource,
  RevokedSource,
  StageFacts,
  StageVerdicts,
  TrustPolicy,
  VerifiedDataDecision,
  VerifiedReview,
} from '../attestation/index.ts'
import type { Content, Digest, Json, Sha256, Tier } from '../core/index.ts'
import type { ObjectStore, Seen, Source, StatCache } from '../data/index.ts'
import type { CodeTree } from './code.ts'
import type { Overrides } from './define/index.ts'
import type { PipelineDefinition, ProjectSettings } from './definition.ts'
import type { EvidenceStore } from './evidence.fs.ts'
import type { ForbiddenSet } from './golden.ts'
import type { Surroundings } from './inputs.ts'
import type { Lock } from './lock.ts'
import type { RunArchive } from './runs.fs.ts'
import type { SystemPins } from './system-pin.ts'

/** Who asks: a command line, later a server. */
export type Caller = Readonly<{
  workingFolder: string
  environment: Readonly<Record<string, string | undefined>>
  now(): Date
  version: string
  /** Ends what is asked of other machines; never when left out. */
  signal?: AbortSignal
}>

export type Project = Readonly<{
  /** Absolute real path. */
  root: string
  /** From trust.yaml; the empty text where there is none yet. */
  id: string
  version: string
  now(): Date
  /** The caller's environment: for the key home, the package index and `env: [NAME]`. */
  environment: Readonly<Record<string, string | undefined>>

  /** Absolute folder of built environments. */
  environmentsFolder: string
  /** A checkout that is thrown away: DVC is told nothing of what is made in it. */
  apart: boolean
  /** Of such a checkout: the project whose store and evidence these are, as it is now. */
  lentBy?: Project

  settings: ProjectSettings
  pipeline: PipelineDefinition
  surroundings: Surroundings
  /** Tracked files that every stage may see beside its own deps. */
  visible: readonly string[]
  /** Definition files as they were read. */
  definition: StageFacts['definition']
  /** `--set` as given, and parsed. */
  overrides: readonly string[]
  parsedOverrides: Overrides

  code: CodeTree
  contents: Contents
  store: ObjectStore
  /** Facts that follow from their keys, in the cache beside the project: losing them costs time. */
  hints: Pick<StatCache, 'fact' | 'recordFact'>
  /** Those of the project paths that git ignores; none without a repository. */
  gitIgnored(paths: readonly string[]): Promise<ReadonlySet<string>>
  /** Whether `.dvcignore` keeps the project path from DVC. */
  isDvcIgnored(path: string): boolean
  /** Digest of `.dvcignore`; the empty text where there is none. */
  dvcIgnoreRules: string
  evidence: EvidenceStore
  runs: RunArchive
  lock: Lock
  /** Which systems stages may stand on, by the working tree and by the commit. */
  systems: SystemPins
  /** Inventory by id, with the status that signed statements give. */
  sources: ReadonlyMap<string, ListedSource>
  trust: TrustPolicy
  /** Who the user says to be, to git; asked once, when something is to be signed. */
  principal(): Promise<Readonly<{ name: string; email: string; tier: Tier }>>
  /** By sources.yaml, or by a signed revocation, of sources that are no longer in the file too. */
  /** What no stage may read. */
  goldenSets: readonly ForbiddenSet[]
  revokedSources: readonly RevokedSource[]
  /** Where the signing key is; asked for when the first statement is to be signed. @throws ERR_KEY_HOME, ERR_KEY_LOCKED */
  keySource(): KeySource
  /** Bundles that were judged by `trust`: one never changes. */
  verdicts: StageVerdicts
  /** Digests, and what else was learnt of this machine; sealed by the user. Undefined when nothing may be remembered. */
  statCache: StatCache | undefined
  /** The same under `--rehash` too: for what is not a digest of a file by its times, but only our own word. */
  sealedFacts: Pick<StatCache, 'fact' | 'recordFact'>
  /** Where in data of this content, at this path, is looked when it is too large to be looked at whole: only the user knows. */
  sampleSeed(path: string, digest: Digest): number
  /** What reviewers read, as far as the trust policy believes them; read when it is first asked for. */
  definitionReviews(): readonly VerifiedReview[]
  /** What people decided about data, as far as the trust policy believes them; read when it is first asked for. */
  dataDecisions(): DataDecisionsHeld
  /** Data verdicts that `believedVerdict` has verified. */
  dataVerdicts: Map<Sha256, DataVerdict>
}>

/** `isTaken`: a commit took it away. An anchor of these is none, and is still in the place of those before it. */
export type HeldDecision<Kind extends DataDecisionKind> = VerifiedDataDecision<Kind> & Readonly<{ isTaken?: true }>
export type DataDecisionsHeld = Readonly<{ [Kind in DataDecisionKind]: readonly HeldDecision<Kind>[] }>

export type ListedSource = Readonly<{
  source: Source
  status: 'proposed' | 'approved' | 'revoked' | 'expired'
  because: string
  /** The newest approval that counts. */
  approval?: Readonly<{ attestation: Sha256 }>
}>

/** Contents of the working tree and of the store. Paths are project paths. */
export type Contents = Readonly<{
  /** In the store; undefined when nothing is there. */
  ingest(path: string): Promise<Content | undefined>
  /** Digest only, by the stat cache where it is sure. */
  digest(path: string): Promise<Digest | undefined>
  /** As `digest`, with the files as they were found. */
  see(path: string): Promise<Seen | undefined>
  /** Digest by every byte. THREAT: whoever can write the stat cache could make a changed model look as it was. */
  rehash(path: string): Promise<Digest | undefined>
  /** Puts content into the working tree. */
  restore(path: string, content: Content): Promise<void>
  /** Content that evidence names, when the store holds all of it. */
  stored(output: StageFacts['outputs'][number]): Promise<Content | undefined>
  readJson(digest: Digest, name: string): Promise<Json>
}>
