/** Who wrote and committed what leads to HEAD: read as objects, by their names, and never by `git log`. */
import { isDomainError } from '../core/index.ts'
import { type GitPlace, openObjectReader } from './git.exec.ts'
import { isOid, parseCommit } from './git-objects.ts'
import type { ReadObjects } from './git-tree.ts'
import type { GitCommit, GitOid } from './repository.ts'

/** LIMIT: commits that one look at a history reads. */
const maxCommits = 200_000

/**
 * Addresses of authors and committers of the commits that lead to `head` and not to `until`; each once, sorted.
 *
 * @returns undefined when a commit is not here (a shallow clone), `until` does not lead to `head`, or there are too many
 * @throws ERR_GIT_CORRUPT
 */
export async function peopleSince(
  git: GitPlace,
  { head, until }: Readonly<{ head: GitOid; until: GitOid | undefined }>,
): Promise<readonly string[] | undefined> {
  if (until !== undefined && !isOid(until)) return undefined
  using reader = openObjectReader(git)
  const all = await commitsFrom(reader.read, head)
  const before = until === undefined ? new Map<GitOid, GitCommit>() : await commitsFrom(reader.read, until)
  if (all === undefined || before === undefined || (until !== undefined && !all.has(until))) return undefined
  const since = [...all].flatMap(([oid, commit]) => (before.has(oid) ? [] : [commit]))
  return [...new Set(since.flatMap(({ author, committer }) => [author.email, committer.email]))].toSorted()
}

async function commitsFrom(read: ReadObjects, from: GitOid): Promise<ReadonlyMap<GitOid, GitCommit> | undefined> {
  const found = new Map<GitOid, GitCommit>()
  try {
    for (let open: readonly GitOid[] = [from]; open.length > 0; ) {
      const parents = new Set<GitOid>()
      for await (const object of read([...open])) {
        const commit = parseCommit(object)
        found.set(object.oid, commit)
        for (const parent of commit.parents) parents.add(parent)
      }
      if (found.size > maxCommits) return undefined
      open = [...parents].filter((oid) => !found.has(oid))
    }
    return found
  } catch (error) {
    if (isDomainError(error, 'ERR_GIT_FAILED')) return undefined // a shallow or partial clone: it is not here
    throw error
  }
}
