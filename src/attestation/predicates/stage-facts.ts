/** What one signed statement says about one stage: nouns only. `stage-provenance.ts` writes and reads them. */
import type { CodeRecordShape, Digest, Json, Sha256, Tier } from '../../core/index.ts'

export type DependencyOrigin =
  | Readonly<{ kind: 'stage'; stage: string; attestation: Sha256 }>
  | Readonly<{ kind: 'source'; id: string; classification: string }>
  | Readonly<{ kind: 'code' }>
  | Readonly<{ kind: 'unlisted' }>

export type StageDependency = Readonly<{
  path: string
  digest: Digest
  role: 'dep' | 'params' | 'persist'
  origin: DependencyOrigin
}>

export type StageOutput = Readonly<{
  path: string
  digest: Digest
  sizeBytes: number
  executable: boolean
  /** Of a folder: the object that lists its files. */
  list?: Sha256
}>

export type StageFacts = Readonly<{
  project: Readonly<{ id: string; name: string }>
  runId: string
  stage: string
  /** The file that defines the stage. */
  pipelineFile: string
  source: Readonly<{
    commit?: string
    treeDigest?: Sha256
    uri?: string
    ref?: string
    shallow: boolean
    /** Names of files that differ from the commit; empty when clean. */
    dirty: readonly string[]
  }>
  /** Definition files as they were read. */
  definition: readonly Readonly<{ path: string; digest: Sha256 }>[]
  commands: readonly string[]
  workingDirectory: string
  parameters: Readonly<Record<string, Readonly<Record<string, Json>>>>
  /** `--set` as given. */
  overrides: readonly string[]
  variables: Readonly<Record<string, string>>
  seed: number
  dependencies: readonly StageDependency[]
  /** Tracked files that the stage opened, or one digest over all that it could see. */
  code: CodeRecordShape
  environment: Readonly<{
    name: string
    kind: 'host' | 'python'
    digest: Sha256
    locked: boolean
    materials: readonly Readonly<{ name: string; digest: Sha256 }>[]
    packages: readonly Readonly<{ name: string; version: string }>[]
  }>
  sandbox: Readonly<{ engine: string; digest: Sha256 }>
  limits: Readonly<Record<string, number>>
  network: Readonly<{ deniedAttempts: number; destinations: readonly string[] }>
  resources: Readonly<Record<string, number | string>>
  log: Readonly<{ digest: Sha256; sizeBytes: number }>
  outputs: readonly StageOutput[]
  /** Everything recorded, each with its tier. */
  facts: readonly Readonly<{ name: string; value: string; tier: Tier }>[]
  /** The stage's key. */
  key: Sha256
  principal: Readonly<{ name: string; email: string; tier: Tier }>
  draft: boolean
  builderId: string
  builderVersion: string
  /** RFC 3339, UTC, milliseconds. */
  startedAt: string
  finishedAt: string
}>
