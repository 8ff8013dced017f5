/** What a commit holds, as one text to remember. The seal of the cache says that we wrote it; its shape is ours. Pure. */
import type { GitCommit, GitOid, Repository, RepositoryFinding, TreeEntry } from './repository.ts'
import type { RepositoryContent } from './repository-content.ts'
import { jsonFact, type StatCache } from './stat-cache.sqlite.ts'

/** One commit is remembered: the last one that was read. */
const slot = 'git-content'

type Kept = Readonly<{
  commit: GitOid
  prefix: string
  head: GitCommit | undefined
  treeOid: Repository['treeOid']
  findings: readonly RepositoryFinding[]
  /** In the order of their paths. */
  tree: readonly (readonly [path: string, entry: TreeEntry])[]
}>

export function rememberContent(
  cache: StatCache | undefined,
  { head, treeOid, tree, findings }: RepositoryContent,
  commit: GitOid,
  prefix: string,
): void {
  cache?.recordFact(slot, JSON.stringify({ commit, prefix, head, treeOid, findings, tree: [...tree] } satisfies Kept))
}

/** Undefined when another commit, another folder of it, or nothing is remembered. */
export function recallContent(
  cache: StatCache | undefined,
  commit: GitOid,
  prefix: string,
): RepositoryContent | undefined {
  const kept = jsonFact(cache, slot) as Kept | undefined // our own text
  if (kept?.commit !== commit || kept.prefix !== prefix) return undefined
  const { head, treeOid, findings, tree } = kept
  return {
    findings,
    tree: new Map(tree),
    ...(head === undefined ? {} : { head: withDates(head) }),
    ...(treeOid === undefined ? {} : { treeOid }),
  }
}

/** JSON has no dates. */
function withDates({ author, committer, ...rest }: GitCommit): GitCommit {
  return {
    ...rest,
    author: { ...author, at: new Date(author.at) },
    committer: { ...committer, at: new Date(committer.at) },
  }
}
