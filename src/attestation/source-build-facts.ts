/**
 * All that is said of one source distribution that was made into a wheel, as a step of its own. Plain JSON throughout.
 * `predicates/source-build.ts` gives each fact its place in SLSA Provenance v1.
 */
import type { Sha256 } from '../core/index.ts'
import type { StageFacts } from './stage-facts.ts'

export type SourceBuild = Readonly<{
  /** Id of the project: a build counts in no other. */
  project: string
  /** As the lock pins it; the name in its normal form. */
  package: Readonly<{ name: string; version: string }>
  /** The archive, by a digest of the lock. */
  source: Readonly<{ name: string; digest: Sha256 }>
  /** Identity of the environment that it was built in. */
  environment: Sha256
  /** As `pyproject.toml` names it: `setuptools.build_meta`. */
  backend: string
  /** The subject: the wheel, by its file name. */
  wheel: Readonly<{ name: string; digest: Sha256; sizeBytes: number }>
  sandbox: StageFacts['sandbox']
  limits: StageFacts['limits']
  /** Attempts to reach the network, none of which got out. */
  deniedAttempts: number
  builderId: string
  builderVersion: string
  /** RFC 3339, UTC. */
  startedAt: string
  finishedAt: string
}>
