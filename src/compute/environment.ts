/**
 * The interpreter and packages that a stage runs with: the port. Lock formats are an explicit list of adapters.
 */
import type { Sha256, Tier } from '../core/index.ts'
import type { Mount, Root } from './sandbox.ts'

export type EnvironmentPackage = Readonly<{ name: string; version: string; digest?: Sha256 }>

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
  /** Things a reader should know: `.pth` with code, `sitecustomize`. */
  warnings: readonly string[]
  /** Whether its files are still those that were verified, by inode and times; absent where none were verified. */
  isUnchanged?(): Promise<boolean>
}>
