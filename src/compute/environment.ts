/**
 * The interpreter and packages that a stage runs with: the port. Lock formats are an explicit list of adapters.
 */
import type { Sha256, Tier } from '../core/index.ts'
import type { Limits, Mount, Root } from './sandbox.ts'

export type EnvironmentPackage = Readonly<{ name: string; version: string; digest?: Sha256 }>

/** One step from source to wheel, as it happened when it was built. */
export type BuiltWheel = Readonly<{
  package: Readonly<{ name: string; version: string }>
  source: Readonly<{ name: string; digest: Sha256 }>
  /** Identity of the environment that it was built in. */
  environment: Sha256
  /** As `pyproject.toml` names it, such as `setuptools.build_meta`. */
  backend: string
  wheel: Readonly<{ name: string; digest: Sha256; sizeBytes: number }>
  sandbox: Readonly<{ engine: 'bubblewrap' | 'none'; digest: Sha256 }>
  limits: Limits
  deniedAttempts: number
  /** RFC 3339, UTC. */
  startedAt: string
  finishedAt: string
}>

/** An environment that is ready to be mounted: verified a moment ago. */
export type Environment = Readonly<{
  name: string
  kind: 'host' | 'python' | 'node' | 'conda' | 'image'
  /** Identity: lock bytes, artefacts, interpreter and the recipe of the builder. For `host` what was recorded of it. */
  digest: Sha256
  /** True when every artefact came by a hash of the lock. Never for `host`. */
  locked: boolean
  mounts: readonly Mount[]
  /** Of an image: what stands in place of the machine's own system folders. */
  root?: Root
  /** Folders for PATH, in order. */
  path: readonly string[]
  variables: Readonly<Record<string, string>>
  packages: readonly EnvironmentPackage[]
  /** Interpreter, libc, BLAS and the like, each with its tier. */
  facts: readonly Readonly<{ name: string; value: string; tier: Tier }>[]
  /** Digests of what it was made from: the lock, each wheel. `uri` is where it was fetched, without credentials. */
  materials: readonly Readonly<{ name: string; digest: Sha256; uri?: string }>[]
  /** Those of the materials that were made here, from a source distribution, as a step of its own. */
  built?: readonly BuiltWheel[]
  /** Things a reader should know: `.pth` with code, `sitecustomize`. */
  warnings: readonly string[]
  /** Whether its files are still those that were verified, by inode and times; absent where none were verified. */
  isUnchanged?(): Promise<boolean>
}>
