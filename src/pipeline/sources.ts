/** The inventory of a project, with the status that its signed statements give. */
import {
  type DataDecisionKind,
  type RevokedSource,
  type TrustPolicy,
  verifyDataDecision,
  verifySourceApproval,
} from '../attestation/index.ts'
import { type ApprovalFact, type Source, sourceStatus } from '../data/index.ts'
import type { StoredApproval } from './evidence.fs.ts'
import type { DataDecisionsHeld, HeldDecision, ListedSource, Project } from './project.ts'

/** Trust: approvals are files of the repository; only those that a source-approver of the policy signed count. */
export function believedDecisions(approvals: readonly StoredApproval[], policy: TrustPolicy): readonly ApprovalFact[] {
  return approvals.flatMap(({ bytes }) => {
    const verdict = verifySourceApproval(bytes, policy)
    if (!verdict.trusted) return []
    const { approval, attestation, signer } = verdict.statement
    const { name, email } = approval.approver
    return [
      {
        ...approval,
        id: approval.source.id,
        origin: approval.source.origin,
        classification: approval.source.classification,
        kind: approval.source.kind,
        ...(approval.source.path === undefined ? {} : { path: approval.source.path }),
        attestation,
        approvedBy: `${name} <${email}>, key ${signer.name}`,
      },
    ]
  })
}

/** What verdicts are judged by: an anchor that a commit took away is none. */
export function approvalsToJudge({ evidence, trust }: Pick<Project, 'evidence' | 'trust'>): readonly StoredApproval[] {
  return evidence
    .approvals()
    .filter(({ bytes, isTaken }) => isTaken !== true || !verifyDataDecision('data-anchor', bytes, trust).trusted)
}

/** Decisions about data that a reviewer of the policy signed. */
export function heldDataDecisions(approvals: readonly StoredApproval[], policy: TrustPolicy): DataDecisionsHeld {
  const held = <Kind extends DataDecisionKind>(kind: Kind): readonly HeldDecision<Kind>[] =>
    approvals.flatMap(({ bytes, isTaken }) => {
      const read = verifyDataDecision(kind, bytes, policy)
      if (!read.trusted) return []
      return [isTaken === true ? { ...read.statement, isTaken } : read.statement]
    })
  return {
    'data-waiver': held('data-waiver'),
    'data-anchor': held('data-anchor'),
    'data-review': held('data-review'),
    'model-approval': [], // about models: the chain asks for them
  }
}

export function listSources(
  sources: readonly Source[],
  approvals: readonly ApprovalFact[],
  now: Date,
): ReadonlyMap<string, ListedSource> {
  return new Map(sources.map((source) => [source.id, { source, ...sourceStatus(source, { approvals, now }) }]))
}

/** What may never be used again: by the word of sources.yaml, or by a signed revocation, whichever is left. */
export function revokedSources(
  sources: readonly Source[],
  decisions: readonly ApprovalFact[],
): readonly RevokedSource[] {
  const listed = sources.filter(({ revoked }) => revoked !== undefined)
  const signed = decisions.filter(({ decision }) => decision === 'revoked')
  return [...listed, ...signed].map(({ id, digest }) => ({ id, digest }))
}
