/** What a project can tell a verifier: its evidence, and the facts around it. */
import type { ChainEvidence, ChainSurroundings } from '../attestation/index.ts'
import type { Sha256 } from '../core/index.ts'
import { gatesAtHandOf, gatesKey } from './gates-key.ts'
import { proofsAtHand } from './log-proofs.fs.ts'
import { loggedBy } from './log-trust.ts'
import type { Project } from './project.ts'
import { reproductionsAtHand } from './reproduction-key.ts'
import { approvalsToJudge } from './sources.ts'

export function chainEvidenceOf(project: Project): ChainEvidence {
  return {
    bundle: project.evidence.bundle,
    bySubject: project.evidence.bySubject,
    reproductionsOf: (attestation) => reproductionsAtHand(project, attestation),
    gatesOf: (attestation) => {
      const counting = gatesAtHandOf(project, attestation)
      return counting.length > 0 ? counting : project.evidence.byKey(gatesKey(attestation)).slice(0, 1) // to be told why
    },
    approvals: approvalsToJudge(project).map(({ name, bytes }) => ({
      ...{ name, bytes },
      committed: project.code.isCommitted(name),
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
  const logged = loggedBy(project.trust, proofsAtHand(project.root))
  return untilKnown({
    nothing: (): Asked => ({ definitions: new Map(), logs: new Set(), people: [] }),
    judge: (asked) => judge(surroundingsOf(project, { asked, logs, logged })),
    learn: async (asked) => {
      await learnLogs(project, asked.logs, logs)
      const isLearnt = [
        await project.code.learnDefinitions(asked.definitions),
        await project.code.learnPeople(asked.people),
      ]
      return isLearnt.includes(true) || asked.logs.size > 0
    },
  })
}

/**
 * Judges, learns what was asked for and is not known yet, and judges again.
 *
 * @param judge the same question each time; it notes down what it asks for
 * @param learn false where all of it was asked for before: to judge again would change nothing
 */
export async function untilKnown<Asked, Verdict>({
  nothing,
  judge,
  learn,
}: Readonly<{
  nothing(): Asked
  judge(asked: Asked): Verdict
  learn(asked: Asked): Promise<boolean>
}>): Promise<Verdict> {
  for (;;) {
    const asked = nothing()
    const verdict = judge(asked)
    if (!(await learn(asked))) return verdict
  }
}

async function learnLogs(project: Project, asked: ReadonlySet<Sha256>, logs: Logs): Promise<void> {
  for (const log of asked) logs.set(log, 'present')
  for (const { digest, fault } of await project.store.verify(asked)) logs.set(digest, fault)
}

type Asked = Readonly<{
  definitions: Map<string, Set<string>>
  logs: Set<Sha256>
  people: Parameters<Project['code']['learnPeople']>[0][number][]
}>
type Known = Readonly<{ asked: Asked; logs: Logs; logged: ReturnType<typeof loggedBy> }>

function surroundingsOf(project: Project, { asked, logs, logged }: Known): ChainSurroundings {
  return {
    now: project.now(),
    definitionAt: (commit, path) => {
      const known = project.code.definitionAt(commit, path)
      if (known === undefined) asked.definitions.set(commit, (asked.definitions.get(commit) ?? new Set()).add(path))
      return known
    },
    logAt: (log) => {
      const known = logs.get(log)
      if (known === undefined) asked.logs.add(log)
      return known
    },
    peopleAt: (commit, since) => {
      const known = project.code.peopleAt(commit, since)
      if (known === undefined) asked.people.push({ commit, since })
      return known
    },
    revokedSources: project.revokedSources,
    ...logged,
  }
}
