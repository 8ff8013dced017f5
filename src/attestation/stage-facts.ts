/**
 * All that is said about one execution of a stage, before it is a statement and after it was read from one.
 *
 * Plain JSON throughout, so that it crosses to the signer's process as it is: instants are RFC 3339 in UTC, digests
 * carry their algorithm. `predicates/stage-provenance.ts` gives each fact its place in SLSA Provenance v1.
 */
import type { Digest, Json, Sha256, Tier } from '../core/index.ts'

/** One item of the record; the tier says how it is known. */
export type StatedFact = Readonly<{ name: string; value: string; tier: Tier }>

/** Where a dep comes from: what has to be proven next. */
export type DependencyOrigin =
  /** An out of another stage; `attestation` is the digest of that stage's bundle. */
  | Readonly<{ kind: 'stage'; stage: string; attestation: Sha256 }>
  /** An approved source of the inventory; `approval` is the digest of the approval's bundle that the run relied on. */
  | Readonly<{ kind: 'source'; id: string; classification: string; approval?: Sha256 }>
  /** A tracked file, pinned by the commit. */
  | Readonly<{ kind: 'code' }>
  /** External and in no inventory. */
  | Readonly<{ kind: 'unlisted' }>
  /** An out of a frozen stage that has no statement of ours. */
  | Readonly<{ kind: 'not-made-here'; stage: string }>

export type StatedDependency = Readonly<{
  /** Project path of the whole that has one origin; never a part of a folder. */
  path: string
  digest: Digest
  /** `persist`: the previous bytes of an out that the stage adds to. */
  role: 'dep' | 'params' | 'persist'
  origin: DependencyOrigin
  /** Digest of the bundle of the data verdict that the stage was started on. */
  verdict?: Sha256
}>

/** What the stage opened of the tracked files, or, where that was not observed, one digest over all it could see. */
export type StatedCode =
  | Readonly<{
      kind: 'opened'
      files: readonly Readonly<{ path: string; digest: Sha256 }>[]
      /** `names` is the digest of the names in a folder that was listed. */
      folders: readonly Readonly<{ path: string; names: Sha256 }>[]
    }>
  | Readonly<{ kind: 'visible'; digest: Sha256 }>

export type StatedOutput = Readonly<{
  path: string
  digest: Digest
  sizeBytes: number
  /** Folders: the stored object that lists the files. */
  list?: Sha256
  /** Files: true when the executable bit was set. */
  executable?: boolean
}>

export type StageFacts = Readonly<{
  project: Readonly<{ id: string; name: string }>
  runId: string
  /** DVC's address: `train@0.1`, `sub/dvc.yaml:train`. */
  stage: string
  /** The file that defines it, a project path. */
  pipelineFile: string
  source: Readonly<{
    /** 40 or 64 hex digits; missing when nothing is committed. */
    commit?: string
    /** SHA-256 over the whole tree, beside git's own. */
    treeDigest?: Sha256
    uri?: string
    ref?: string
    shallow: boolean
    /** Files that make the tree dirty; empty when it is clean. */
    dirty: readonly string[]
  }>
  /** Files that define what ran, with the bytes that were used; `gitBlob` is git's own id of them. */
  definition: readonly Readonly<{ path: string; digest: Sha256; gitBlob?: string }>[]
  /** Shell command lines, in order. */
  commands: readonly string[]
  workingDirectory: string
  /** Params file -> key -> value. */
  parameters: Readonly<Record<string, Readonly<Record<string, Json>>>>
  /** `--set`, as the user wrote it. */
  overrides: readonly string[]
  /** The whole environment that the stage was given; never a secret. */
  variables: Readonly<Record<string, string>>
  seed: number
  dependencies: readonly StatedDependency[]
  code: StatedCode
  environment: Readonly<{
    name: string
    kind: string
    digest: Sha256
    locked: boolean
    /** Digest of the bundle that says what it was put together from; none of `host`, which nobody put together. */
    build?: Sha256
    /** `build`: of a wheel that was built from source, the digest of the bundle that says so. */
    materials: readonly Readonly<{ name: string; digest: Sha256; build?: Sha256 }>[]
    packages: readonly Readonly<{ name: string; version: string; digest?: Sha256 }>[]
  }>
  sandbox: Readonly<{ engine: string; digest: Sha256; facts: Readonly<Record<string, string | number | boolean>> }>
  limits: Readonly<{
    cpus: number
    memoryBytes: number
    timeMs: number
    processes: number
    outputBytes: number
    gpus?: number
    /** Read and written by system calls, in all. */
    ioBytes?: number
    /** Read from disks, and written to them. */
    ioBytesPerSecond?: number
    /** Over its proxy, in all. */
    networkBytes?: number
    /** Of these, sent. */
    sentBytes?: number
    connections?: number
  }>
  network: Readonly<{
    deniedAttempts: number
    /** Where the denied attempts went, as far as that is known. */
    destinations: readonly string[]
    tier: Tier
    /** Hosts that it was let out to; missing when it was let out to none. */
    allowed?: readonly string[]
    /** Subnets of private networks that it was let into, by whoever ran it. */
    permitted?: readonly string[]
    /** Why the definition takes denied attempts for harmless. */
    harmless?: string
    /** Each connection that the proxy made for it. */
    connections?: readonly Readonly<{
      host: string
      port: number
      address: string
      at: string
      sentBytes: number
      receivedBytes: number
      failed?: string
    }>[]
    /** Connections and refusals beyond those that are listed. */
    more?: number
  }>
  /** Names of the secrets that it was given; never a value. */
  secrets?: readonly string[]
  resources: Readonly<{
    wallMs: number
    cpuMs?: number
    memoryPeakBytes?: number
    processesPeak?: number
    /** By system calls, from files, pipes and sockets. */
    ioReadBytes?: number
    ioWrittenBytes?: number
    /** Over the proxy, of a stage that was let out. */
    sentBytes?: number
    receivedBytes?: number
    heldBy: string
    /** What held the limit of I/O, where there is one. */
    ioHeldBy?: string
    /** Names of the program files that were seen running. */
    programs?: readonly string[]
    /** Looks at equal distances. */
    profile?: Readonly<{
      everyMs: number
      cpuMs?: readonly number[]
      memoryBytes?: readonly number[]
      processes?: readonly number[]
      writtenBytes?: readonly number[]
      gpuPercent?: readonly number[]
      gpuMemoryBytes?: readonly number[]
      ioReadBytes?: readonly number[]
      ioWrittenBytes?: readonly number[]
      sentBytes?: readonly number[]
      receivedBytes?: readonly number[]
    }>
    /** What was unlike earlier runs, in words; missing where there was too little to compare it with. */
    unusual?: readonly string[]
  }>
  log: Readonly<{ digest: Sha256; sizeBytes: number }>
  /** The subjects of the statement, at least one. */
  outputs: readonly StatedOutput[]
  /** The whole record. */
  facts: readonly StatedFact[]
  /** The stage's key: `reproducibility/stage-key.ts`. */
  key: Sha256
  /** Who triggered the run. */
  principal: Readonly<{ name: string; email: string; tier: Tier }>
  draft: boolean
  builderId: string
  builderVersion: string
  /** RFC 3339, UTC, with `Z`. */
  startedAt: string
  finishedAt: string
}>
