/** Who wrote and committed what leads to a commit: read as objects, by their names, and never by `git log`. */
import { isDomainError } from '../core/index.ts'
import { type GitPlace, openObjectReader } from './git.exec.ts'
import { isOid, parseCommit } from './git-objects.ts'
import type { ReadObjects } from './git-tree.ts'
import type { GitCommit, GitOid, Person } from './repository.ts'

/** LIMIT: commits that one look at a history reads. */
const maxCommits = 200_000

/** What leads to `head` and not to `until`; all of it where that is undefined. */
export type HistorySpan = Readonly<{ head: GitOid; until: GitOid | undefined }>

/**
 * Authors, committers and named co-authors of what each span holds; each once, sorted by their addresses.
 *
 * @returns one answer a span: undefined when a commit is not here (a shallow clone) or is none, `until` does not lead to `head`,
 *   or there are too many commits, or co-authors of one
 * @throws ERR_GIT_CORRUPT
 */
export async function peopleIn(
  git: GitPlace,
  spans: readonly HistorySpan[],
): Promise<readonly (readonly Person[] | undefined)[]> {
  using reader = openObjectReader(git)
  /** Of all spans: they are parts of one history. */
  const known = new Map<GitOid, GitCommit>()
  const answers: (readonly Person[] | undefined)[] = []
  for (const span of spans) answers.push(await peopleOf(reader.read, span, known))
  return answers
}

async function peopleOf(
  read: ReadObjects,
  { head, until }: HistorySpan,
  known: Map<GitOid, GitCommit>,
): Promise<readonly Person[] | undefined> {
  if (!isOid(head) || (until !== undefined && !isOid(until))) return undefined
  const all = await commitsFrom(read, head, known)
  const before = until === undefined ? new Map<GitOid, GitCommit>() : await commitsFrom(read, until, known)
  if (all === undefined || before === undefined || (until !== undefined && !all.has(until))) return undefined
  const since = [...all].flatMap(([oid, commit]) => (before.has(oid) ? [] : [commit]))
  const people: Person[] = []
  for (const { author, committer, coAuthors } of since) {
    if (coAuthors === undefined) return undefined
    people.push(author, committer, ...coAuthors)
  }
  const each = new Map(people.map(({ name, email }) => [`${email} ${name}`, { name, email }]))
  return [...each].toSorted(([left], [right]) => (left < right ? -1 : 1)).map(([, person]) => person)
}

async function commitsFrom(
  read: ReadObjects,
  from: GitOid,
  known: Map<GitOid, GitCommit>,
): Promise<ReadonlyMap<GitOid, GitCommit> | undefined> {
  const found = new Map<GitOid, GitCommit>()
  try {
    for (let open: readonly GitOid[] = [from]; open.length > 0; ) {
      const parents = new Set<GitOid>()
      const unread = open.filter((oid) => !known.has(oid))
      for await (const object of read(unread)) {
        if (object.type !== 'commit') return undefined // whatever a review names
        known.set(object.oid, parseCommit(object))
      }
      for (const oid of open) {
        const commit = known.get(oid)
        if (commit === undefined) return undefined
        found.set(oid, commit)
        for (const parent of commit.parents) parents.add(parent)
      }
      if (found.size > maxCommits) return undefined
      open = [...parents].filter((oid) => !found.has(oid))
    }
    return found
  } catch (error) {
    if (isDomainError(error, 'ERR_GIT_FAILED')) return undefined // a shallow or partial clone: it is not here
    if (isDomainError(error, 'ERR_INPUT_TOO_LARGE')) return undefined // data, or a message of a size that nobody reads
    throw error
  }
}
