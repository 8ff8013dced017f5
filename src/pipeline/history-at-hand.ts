/** Who wrote what was reviewed, for evidence that travelled: the histories of the checkouts of its project, where there are any. */
import type { ChainSurroundings, ChainVerdict } from '../attestation/index.ts'
import { isDomainError } from '../core/index.ts'
import { openRepository, type Repository } from '../data/index.ts'
import { untilKnown } from './chain-facts.ts'
import type { CodeTree } from './code.ts'
import { peopleIn } from './code-tree.ts'
import type { Caller } from './project.ts'

type History = Pick<CodeTree, 'peopleAt' | 'learnPeople'>
type Spans = Parameters<History['learnPeople']>[0]

/** A checkout that the artifact lies in, or that is asked from. */
export type Checkout = Readonly<{
  root: string
  /** Its `trust.yaml` says of which project it is, and that is not another one. */
  isNamed: boolean
}>

/**
 * Judges with what the histories say; without any, the reviewer's word counts, and the verdict says so. A repository is opened when a review is asked about.
 *
 * One that does not say of which project it is counts when it holds a commit that the chain or a review names, or is cut off
 * (shallow), so that nobody can tell; one that cannot be opened does not.
 * THREAT: a reviewer who leaves out that they wrote a part, beside the history that names them; one who names a commit that is
 * nowhere, so that this would be taken for the checkout of something else: the builder's commits are looked for too.
 *
 * @param judge the same question each time
 * @throws ERR_GIT_UNAVAILABLE, ERR_GIT_UNSAFE, ERR_GIT_CORRUPT of a checkout that is named
 */
export async function withHistory<Verdict extends Pick<ChainVerdict, 'commits'>>(
  { environment }: Caller,
  checkouts: readonly Checkout[],
  judge: (history: Pick<ChainSurroundings, 'peopleAt'>) => Verdict,
): Promise<Verdict> {
  let histories: readonly History[] | undefined = checkouts.length === 0 ? [] : undefined
  let commits: readonly string[] = []
  return untilKnown({
    nothing: (): Spans[number][] => [],
    judge: (asked) => {
      const verdict = judge(histories?.length === 0 ? {} : { peopleAt: peopleAtOf(histories ?? [], asked) })
      commits = verdict.commits
      return verdict
    },
    learn: async (asked) => {
      if (asked.length === 0) return false
      const named = new Set([...commits, ...asked.flatMap(({ commit, since = commit }) => [commit, since])])
      histories ??= (await Promise.all(checkouts.map((one) => historyOf(one, named, environment)))).flat()
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

/** None or one. */
async function historyOf(
  { root, isNamed }: Checkout,
  named: ReadonlySet<string>,
  environment: Caller['environment'],
): Promise<readonly History[]> {
  try {
    const repository = await openRepository(root, { environment })
    if (repository === undefined) return []
    return isNamed || repository.isShallow || (await holdsAny(repository, named)) ? [peopleIn(repository)] : []
  } catch (error) {
    if (!isNamed && isDomainError(error)) return [] // INVARIANT: of what nobody can read nobody knows that it is of the project
    throw error
  }
}

async function holdsAny({ holds }: Pick<Repository, 'holds'>, commits: ReadonlySet<string>): Promise<boolean> {
  for (const commit of commits) if (await holds(commit)) return true
  return false
}
