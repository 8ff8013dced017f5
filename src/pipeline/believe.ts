/** A stage's statement that this project's own trust policy believes; remembered, since a bundle never changes. */
import { judgeBundle, type StageFacts, statedStage } from '../attestation/index.ts'
import { DomainError, type Sha256 } from '../core/index.ts'
import type { Project } from './project.ts'

export type Believing = Pick<Project, 'id' | 'evidence' | 'trust' | 'verdicts'>

/** Undefined when the bundle is missing, broken, not signed by a builder of the policy, or of another project. */
export function believedStage(project: Believing, attestation: Sha256): StageFacts | undefined {
  const { verdict } = judgeBundle({ evidence: project.evidence, policy: project.trust }, attestation, project.verdicts)
  return verdict.trusted && verdict.statement.facts.project.id === project.id ? verdict.statement.facts : undefined
}

/**
 * What the evidence says, for people who look at it; `believed` tells whether it counts for anything.
 *
 * @throws ERR_EVIDENCE_MISSING when the bundle is not here, or is no statement of a stage
 */
export function lookAtStage(project: Project, attestation: Sha256): Readonly<{ facts: StageFacts; believed: boolean }> {
  const believed = believedStage(project, attestation)
  if (believed !== undefined) return { facts: believed, believed: true }
  const bytes = project.evidence.bundle(attestation)
  const facts = bytes === undefined ? undefined : statedStage(bytes)
  if (facts === undefined)
    throw new DomainError('ERR_EVIDENCE_MISSING', `the evidence ${attestation} is not here, or damaged`)
  return { facts, believed: false }
}

/** @throws ERR_EVIDENCE_MISSING when nothing believable is there */
export function readStage(project: Project, attestation: Sha256): StageFacts {
  const facts = believedStage(project, attestation)
  if (facts === undefined)
    throw new DomainError('ERR_EVIDENCE_MISSING', `the evidence ${attestation} is not here, or not believed`)
  return facts
}
