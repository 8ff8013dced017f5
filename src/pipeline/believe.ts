/** A stage's statement that this project's own trust policy believes; remembered, since a bundle never changes. */
import { type StageFacts, verifyStage } from '../attestation/index.ts'
import { DomainError, type Sha256 } from '../core/index.ts'
import type { Project } from './project.ts'

/** Undefined when the bundle is missing, broken, not signed by a builder of the policy, or of another project. */
export function believedStage(project: Project, attestation: Sha256): StageFacts | undefined {
  const known = project.memory.get(attestation)
  if (known !== undefined) return known
  const bytes = project.evidence.bundle(attestation)
  if (bytes === undefined) return undefined
  const verdict = verifyStage(bytes, project.trust)
  if (!verdict.trusted || verdict.statement.facts.project.id !== project.id) return undefined
  project.memory.set(attestation, verdict.statement.facts)
  return verdict.statement.facts
}

/** @throws ERR_EVIDENCE_MISSING when nothing believable is there */
export function readStage(project: Project, attestation: Sha256): StageFacts {
  const facts = believedStage(project, attestation)
  if (facts === undefined)
    throw new DomainError('ERR_EVIDENCE_MISSING', `the evidence ${attestation} is not here, or not believed`)
  return facts
}
