/** What a project can tell a verifier: its evidence, and the facts around it. */
import type { ChainEvidence, ChainSurroundings } from '../attestation/index.ts'
import type { Project } from './project.ts'

export function chainEvidenceOf(project: Project): ChainEvidence {
  return {
    bundle: project.evidence.bundle,
    bySubject: project.evidence.bySubject,
    approvals: project.evidence.approvals().map((approval) => ({
      ...approval,
      committed: project.code.isCommitted(approval.name),
    })),
  }
}

export function surroundingsOf(project: Project): ChainSurroundings {
  return {
    now: project.now(),
    definitionAt: project.code.definitionAt,
    logAt: (log) => (project.store.has(log) ? 'present' : 'missing'),
    revokedSources: project.revokedSources,
  }
}
