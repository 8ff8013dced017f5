/** What a review of a definition says: these files, as they are in this commit, were read and may run. */
import type { Sha256 } from '../core/index.ts'

export type DefinitionReview = Readonly<{
  /** Id of the project: a review counts in no other. */
  project: string
  /** 40 or 64 hex digits. */
  commit: string
  /** The commit of the review before: what changed since is what was read. All of it was read where it is missing. */
  since?: string
  /** Protected files, as they are in the commit. */
  files: readonly Readonly<{ path: string; digest: Sha256 }>[]
  /** Addresses of everybody who wrote or committed a change since. */
  authors: readonly string[]
  because?: string
  /** RFC 3339, UTC. */
  at: string
  by: Readonly<{ name: string; email: string }>
}>
