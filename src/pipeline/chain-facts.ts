/** What a project can tell a verifier: its evidence, and the facts around it. */
import type { ChainEvidence, ChainSurroundings } from '../attestation/index.ts'
import type { Sha256 } from '../core/index.ts'
import { gatesAtHandOf, gatesKey } from './gates-key.ts'
import { proofsAtHand } from './log-proofs.fs.ts'
import { loggedBy } from './log-trust.ts'
import type { Project } from './project.ts'
import { reproductionsAtHand } from './reproduction-key.ts'

export function chainEvidenceOf(project: Project): ChainEvidence {
  return {
    bundle: project.evidence.bundle,
    bySubject: project.evidence.bySubject,
    reproductionsOf: (attestation) => reproductionsAtHand(project, attestation),
    gatesOf: (attestation) => {
      const counting = gatesAtHandOf(project, attestation)
      return counting.length > 0 ? counting : project.evidence.byKey(gatesKey(attestation)).slice(0, 1) // to be told why
    },
    approvals: project.evidence.approvals().map((approval) => ({
      ...approval,
      committed: project.code.isCommitted(approval.name),
    })),
  }
}

type Logs = Map<Sha256, 'present' | 'missing' | 'corrupt'>

/**
 * Judges with the definitions of all commits and the logs of all stages that the chain names: what it asks for is read,
 * every byte of it, and it is asked again.
 *
 * @param judge the same question each time, with the surroundings that it is given
 */
export async function withDefinitions<Verdict>(
  project: Project,
  judge: (surroundings: ChainSurroundings) => Verdict,
): Promise<Verdict> {
  const logs: Logs = new Map()
  let proofs: ReturnType<typeof proofsAtHand> | undefined
  const logged = loggedBy(project.trust, (attestation) => {
    proofs ??= proofsAtHand(project.root)
    return proofs(attestation)
  })
  for (;;) {
    const asked = new Map<string, Set<string>>()
    const askedLogs = new Set<Sha256>()
    const askedPeople: Notes['askedPeople'] = []
    const verdict = judge(surroundingsOf(project, { asked, logs, askedLogs, askedPeople, logged }))
    await learnLogs(project, askedLogs, logs)
    const isLearnt = [await project.code.learnDefinitions(asked), await project.code.learnPeople(askedPeople)]
    if (!isLearnt.includes(true) && askedLogs.size === 0) return verdict
  }
}

async function learnLogs(project: Project, asked: ReadonlySet<Sha256>, logs: Logs): Promise<void> {
  for (const log of asked) logs.set(log, 'present')
  for (const { digest, fault } of await project.store.verify(asked)) logs.set(digest, fault)
}

type Notes = Readonly<{
  asked: Map<string, Set<string>>
  logs: Logs
  askedLogs: Set<Sha256>
  askedPeople: Parameters<Project['code']['learnPeople']>[0][number][]
  logged: ReturnType<typeof loggedBy>
}>

function surroundingsOf(project: Project, { asked, logs, askedLogs, askedPeople, logged }: Notes): ChainSurroundings {
  return {
    now: project.now(),
    definitionAt: (commit, path) => {
      const known = project.code.definitionAt(commit, path)
      if (known === undefined) asked.set(commit, (asked.get(commit) ?? new Set()).add(path))
      return known
    },
    logAt: (log) => {
      const known = logs.get(log)
      if (known === undefined) askedLogs.add(log)
      return known
    },
    peopleAt: (commit, since) => {
      const known = project.code.peopleAt(commit, since)
      if (known === undefined) askedPeople.push({ commit, since })
      return known
    },
    revokedSources: project.revokedSources,
    ...logged,
  }
}
