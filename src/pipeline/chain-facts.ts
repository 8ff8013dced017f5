/** What a project can tell a verifier: its evidence, and the facts around it. */
import type { ChainEvidence, ChainSurroundings, ChainVerdict } from '../attestation/index.ts'
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

/**
 * Judges with the definitions of all commits that the chain names: what it asks for is read, and it is asked again.
 *
 * @param judge the same question each time, with the surroundings that it is given
 */
export async function withDefinitions(
  project: Project,
  judge: (surroundings: ChainSurroundings) => ChainVerdict,
): Promise<ChainVerdict> {
  for (;;) {
    const asked = new Map<string, Set<string>>()
    const verdict = judge(surroundingsOf(project, asked))
    if (!(await project.code.learnDefinitions(asked))) return verdict
  }
}

function surroundingsOf(project: Project, asked: Map<string, Set<string>>): ChainSurroundings {
  return {
    now: project.now(),
    definitionAt: (commit, path) => {
      const known = project.code.definitionAt(commit, path)
      if (known === undefined) asked.set(commit, (asked.get(commit) ?? new Set()).add(path))
      return known
    },
    logAt: (log) => (project.store.has(log) ? 'present' : 'missing'),
    revokedSources: project.revokedSources,
  }
}
