/** Who wrote what was reviewed, for evidence that travelled: the histories of the checkouts of its project, where there are any. */
import type { ChainSurroundings } from '../attestation/index.ts'
import { openRepository } from '../data/index.ts'
import { untilKnown } from './chain-facts.ts'
import type { CodeTree } from './code.ts'
import { peopleIn } from './code-tree.ts'
import type { Caller } from './project.ts'

type History = Pick<CodeTree, 'peopleAt' | 'learnPeople'>
type Spans = Parameters<History['learnPeople']>[0]

/**
 * Judges with what the histories say; without any, the reviewer's word counts, and the verdict says so. A repository is opened when a review is asked about.
 *
 * THREAT: a reviewer who leaves out that they wrote a part, beside the history that names them.
 *
 * @param roots checkouts that do not say that they are of another project
 * @param judge the same question each time
 * @throws ERR_GIT_UNAVAILABLE, ERR_GIT_UNSAFE, ERR_GIT_CORRUPT
 */
export async function withHistory<Verdict>(
  { environment }: Caller,
  roots: readonly string[],
  judge: (history: Pick<ChainSurroundings, 'peopleAt'>) => Verdict,
): Promise<Verdict> {
  let histories: readonly History[] | undefined = roots.length === 0 ? [] : undefined
  return untilKnown({
    nothing: (): Spans[number][] => [],
    judge: (asked) => judge(histories?.length === 0 ? {} : { peopleAt: peopleAtOf(histories ?? [], asked) }),
    learn: async (asked) => {
      if (asked.length === 0) return false
      histories ??= await historiesOf(roots, environment)
      const isLearnt = await Promise.all(histories.map((history) => history.learnPeople(asked)))
      return isLearnt.includes(true) || histories.length === 0
    },
  })
}

function peopleAtOf(histories: readonly History[], asked: Spans[number][]): History['peopleAt'] {
  return (commit, since) => {
    for (const history of histories) {
      const known = history.peopleAt(commit, since)
      if (known !== undefined) return known
    }
    asked.push({ commit, since })
    return undefined
  }
}

async function historiesOf(roots: readonly string[], environment: Caller['environment']): Promise<readonly History[]> {
  const opened = await Promise.all(roots.map((root) => openRepository(root, { environment })))
  return opened.flatMap((repository) => (repository === undefined ? [] : [peopleIn(repository)]))
}
