/** What an approval or revocation of a data source says. */
import type { Digest } from '../core/index.ts'

export type SourceApproval = Readonly<{
  /** Id of the project: an approval counts in no other. */
  project: string
  source: Readonly<{
    id: string
    /** Where the data came from, as a URI or in words. */
    origin: string
    /** `Name <mail>` of the person who answers for it. */
    owner: string
    classification: 'public' | 'internal' | 'confidential' | 'restricted'
    licence: string
    /** `data`, `model`, `golden`. */
    kind: string
    /** Project path of a golden set: what lies there stays out of stages when `sources.yaml` forgets it. */
    path?: string
  }>
  /** The bytes that are approved; a revocation counts for every digest of the source. */
  digest: Digest
  decision: 'approved' | 'revoked'
  because?: string
  /** RFC 3339, UTC. */
  at: string
  /** Date (`2027-01-31`) after which the approval has expired. */
  reviewBy?: string
  approver: Readonly<{ name: string; email: string }>
}>
