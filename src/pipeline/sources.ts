/** The inventory of a project, with the status that its signed statements give. */
import { type TrustPolicy, verifySourceApproval } from '../attestation/index.ts'
import { type ApprovalFact, type Source, sourceStatus } from '../data/index.ts'
import type { StoredApproval } from './evidence.fs.ts'
import type { ListedSource } from './project.ts'

/**
 * Trust: approvals are files of the repository; only those that a source-approver of the policy signed count.
 */
export function listSources(
  sources: readonly Source[],
  approvals: readonly StoredApproval[],
  policy: TrustPolicy,
  now: Date,
): ReadonlyMap<string, ListedSource> {
  const facts: ApprovalFact[] = approvals.flatMap(({ bytes }) => {
    const verdict = verifySourceApproval(bytes, policy)
    if (!verdict.trusted) return []
    const { approval, attestation } = verdict.statement
    return [
      {
        ...approval,
        id: approval.source.id,
        origin: approval.source.origin,
        classification: approval.source.classification,
        attestation,
      },
    ]
  })
  return new Map(sources.map((source) => [source.id, { source, ...sourceStatus(source, { approvals: facts, now }) }]))
}
