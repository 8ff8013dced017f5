/** What is needed to prepare an environment: the port's question. */
import type { ObjectStore, StatCache } from '../../data/index.ts'
import type { RunInBox } from '../bubblewrap/index.ts'
import type { ImageReference } from '../image/index.ts'
import type { Caller } from './locate.fs.ts'
import type { LockAdapter } from './lock.ts'
import type { NetworkSettings } from './network-settings.ts'
import type { OnProgress } from './progress.ts'

export type EnvironmentPurpose = 'identify' | 'mount'

export type EnvironmentRequest = Readonly<{
  name: string
  definition:
    | Readonly<{ kind: 'host' }>
    /** `lock` is for messages and for the choice of the format; `lockBytes` are those of the commit. */
    | Readonly<{
        kind: 'python'
        lock: string
        lockBytes: Uint8Array
        interpreter?: string
        /** Asked for beside the main packages of the lock. */
        extras?: readonly string[]
        groups?: readonly string[]
        /** Projects that are built from their source distribution, in what another lock, or the same, pins. */
        sources?: Readonly<{ projects: readonly string[]; lock: string; lockBytes: Uint8Array }>
        /** Not installed: for the environment that the others are built in. */
        without?: readonly string[]
      }>
    | Readonly<{ kind: 'conda'; lock: string; lockBytes: Uint8Array; groups?: readonly string[] }>
    | Readonly<{ kind: 'image'; image: ImageReference }>
    | Readonly<{
        kind: 'node'
        lock: string
        lockBytes: Uint8Array
        interpreter?: string
        /** `dev`, or nothing. */
        groups?: readonly string[]
      }>
  /**
   * `mount`: the tree is verified, since a stage is about to run with it. `identify`: only the identity is asked for, to
   * compare it with earlier runs; what comes back must not be mounted.
   */
  purpose: EnvironmentPurpose
  /** Every byte of a tree is read again, even where `memory` knows that it was verified and has not changed. */
  rehash?: boolean
  store: ObjectStore
  /**
   * What was learnt of this machine before: which interpreter a shim stands for, what it answers, which packages are
   * there, which trees were verified. Without one all of it is asked again.
   */
  memory?: StatCache
  /**
   * Where the digests of built trees are remembered under the user's seal. THREAT: a checkout that comes as an archive may
   * bring a built tree with a manifest that fits it. Without one the manifest alone is believed.
   */
  sealedTrees?: Pick<StatCache, 'fact' | 'recordFact'>
  /** Absolute; `.assay/environments` of the project. */
  cacheFolder: string
  /** Absolute; where the engine keeps its boxes. */
  workFolder: string
  /** PATH, virtual environment and working folder of whoever called assay. */
  caller: Caller
  network: NetworkSettings
  runInBox: RunInBox
  onProgress: OnProgress
  signal: AbortSignal
  /** The formats that are understood; `lockAdapters` when left out. */
  adapters?: readonly LockAdapter[]
}>
