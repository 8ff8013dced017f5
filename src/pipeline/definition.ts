/**
 * What the user declared, resolved: nouns of `define`, read by `plan` and `run`. No effects, no trust.
 */
import type { ImageReference } from '../compute/index.ts'
import type { EngineName, Json } from '../core/index.ts'
import type { Bound } from '../data/index.ts'
import type { Tolerance } from '../reproducibility/index.ts'
import type { Expectation } from './expected.ts'

/** A scalar that keeps the text that DVC would print (`1.0`, `1e-05`), since a JS number would lose it. */
export type OutDefinition = Readonly<{
  path: string
  cache: boolean
  persist: boolean
  push?: boolean
  remote?: string
  /** Which list it stood in. */
  role: 'out' | 'metric' | 'plot'
}>

export type StageDefinition = Readonly<{
  /** DVC's address: `prepare`, `train@0.1`, `sub/dvc.yaml:train`. */
  name: string
  /** The file that defines it, a project path. */
  file: string
  /** Resolved command lines, byte for byte as DVC would give them to the shell: a text of several lines is several. */
  commands: readonly string[]
  /**
   * `cmd` as DVC has it, always a list, when that differs from `commands`: a text of several lines is one entry, and an
   * exact template can make an entry that is no text, which nobody can run.
   */
  cmd?: readonly Json[]
  /** `cmd` is a list in dvc.yaml, which dvc.lock tells from a text. */
  isCommandList?: true
  /** Project path -> how dvc.yaml spells it, where that is not the plain path from the working folder. */
  spelled?: ReadonlyMap<string, string>
  /** Project path. */
  workingDirectory: string
  deps: readonly string[]
  /** Params file -> keys; an empty list stands for the whole file. Project paths. */
  params: Readonly<Record<string, readonly string[]>>
  outs: readonly OutDefinition[]
  frozen: boolean
  alwaysChanged: boolean
  desc?: string
  meta?: Json
}>

/** A `.dvc` file: data that came from elsewhere. */
export type TrackedData = Readonly<{
  file: string
  path: string
  /** 32 hex digits, `.dir` behind those of a folder. */
  md5?: string
  /** The MD5 is of DVC 2's kind, which reads line ends of Windows as those of Unix. */
  isLegacy?: true
  executable?: true
  sizeBytes?: number
  isImport: boolean
}>

/** What a dvc.yaml declares beside its stages, templates filled in: for reports, nothing is run from it. */
export type TopLevel = Readonly<{
  metrics: readonly Json[]
  plots: readonly Json[]
  params: readonly Json[]
  datasets: readonly Json[]
  artifacts: Readonly<Record<string, Json>>
}>

export type PipelineDefinition = Readonly<{
  stages: readonly StageDefinition[]
  tracked: readonly TrackedData[]
  /** stage -> stages that must run before it (direct edges, sorted). */
  after: ReadonlyMap<string, readonly string[]>
  /** stage -> `.dvc` files whose data it reads (direct edges, sorted). */
  afterData?: ReadonlyMap<string, readonly string[]>
  /** dvc.yaml -> what it declares beside its stages. */
  topLevel?: ReadonlyMap<string, TopLevel>
  /** Every file that was read to resolve this, as project paths: dvc.yaml, vars files, .dvc files. */
  files: readonly string[]
  warnings: readonly string[]
}>

export type PythonEnvironment = Readonly<{
  kind: 'python'
  lock: string
  interpreter?: string
  /** Asked of the lock beside its main packages. */
  extras?: readonly string[]
  groups?: readonly string[]
  /** Built from their source distributions; `lock` pins what such a build needs. Names as PEP 503 writes them. */
  sources?: Readonly<{ projects: readonly string[]; lock: string }>
}>

export type NodeEnvironment = Readonly<{
  kind: 'node'
  lock: string
  interpreter?: string
  /** `dev`, or nothing. */
  groups?: readonly string[]
}>

export type CondaEnvironment = Readonly<{
  kind: 'conda'
  /** A conda-lock.yml, or an explicit list. */
  lock: string
  /** Categories of the lock beside `main`. */
  groups?: readonly string[]
}>

export type EnvironmentDefinition =
  | Readonly<{ kind: 'host' }>
  | PythonEnvironment
  | NodeEnvironment
  | CondaEnvironment
  | Readonly<{ kind: 'image'; image: ImageReference }>

/** What data is held to before a stage may read it. Files are project paths. */
export type DataRules = Readonly<{
  contract?: string
  /** Made by `assay data profile`. */
  baseline?: string
  /** The column that a model learns to predict. */
  label?: string
  /** Id of the golden set that its anchor has to agree with, in the inventory. */
  golden?: string
  /** How much it may differ from the anchor, where that is not assay's own; in order of their names. */
  bounds?: readonly Bound[]
}>

export type StageSettings = Readonly<{
  environment: string
  /** The least that is to isolate it; what runs it when nobody asks for another. */
  engine?: EngineName
  network: 'none' | readonly string[]
  /** Why attempts to reach other places than the listed ones do no harm: then they do not fail the stage. */
  harmlessAttempts?: string
  seed: number
  limits: Readonly<{
    cpus?: number
    memoryBytes?: number
    timeMs?: number
    processes?: number
    outputBytes?: number
    gpus?: number
    ioBytes?: number
    ioBytesPerSecond?: number
    networkBytes?: number
    sentBytes?: number
    connections?: number
  }>
  /** name -> value; null passes the caller's value through. */
  env: Readonly<Record<string, string | null>>
  secrets: readonly string[]
  /** Fingerprint of a credential, or an out that may hold any -> why they do no harm there. */
  harmlessCredentials?: Readonly<Record<string, string>>
  expect?: Expectation
  /** Folders that it may write and that are thrown away afterwards. */
  scratch: readonly string[]
  /** By how much its outs may differ when it is run again, and why. */
  tolerances?: readonly Tolerance[]
  /** Arithmetic is held to what processors of the architecture have in common, so that a run repeats on another machine. */
  portable?: boolean
  /** File -> rule of `assay lint` -> why what it finds there does no harm. */
  harmless?: Readonly<Record<string, Readonly<Record<string, string>>>>
  /** Project path of an out -> what it is held to: data made by a stage is checked too. */
  outs?: Readonly<Record<string, DataRules>>
}>

export type RemoteSettings = Readonly<{
  /** As `parseRemoteAddress` reads it; a folder may be relative to the project. */
  url: string
  /** The most secret data that may be there. */
  classification: 'public' | 'internal' | 'confidential' | 'restricted'
  /** Of S3. */
  region?: string
  /** The one that is meant when none is named. */
  isDefault: boolean
}>

export type ProjectSettings = Readonly<{
  name: string
  /** External input path -> its source id, and what it is held to. */
  data: ReadonlyMap<string, Readonly<{ source?: string }> & DataRules>
  environments: ReadonlyMap<string, EnvironmentDefinition>
  /** Settings of a stage: its own over the defaults. `foreach` groups match by their stem too. */
  settingsOf(stage: string): StageSettings
  model?: Readonly<{ name: string; path: string; metrics?: string; gates: readonly string[] }>
  /** The serving configuration, a project path. */
  serving?: string
  protected: readonly string[]
  require: readonly string[]
  clearance: 'public' | 'internal' | 'confidential' | 'restricted'
  /** `recorded`: stages may run on any system, and the evidence says on which; left out, the lock pins it. */
  system?: 'recorded'
  /** Where what was made is kept for others, by name. */
  remotes: ReadonlyMap<string, RemoteSettings>
  /** The locks that are written; left out, dvc.lock is where the repository has one. */
  lock?: readonly ('assay' | 'dvc')[]
}>

/** The stage that declares an out at this very path. */
export function makerOf({ stages }: Pick<PipelineDefinition, 'stages'>, path: string): StageDefinition | undefined {
  return stages.find(({ outs }) => outs.some((out) => out.path === path))
}
