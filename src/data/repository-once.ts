/** What ever lay in a folder, in any commit that leads to HEAD: what is taken away by a commit stays in those before it. */
import { type GitPlace, gitFault, openObjectReader, runGit } from './git.exec.ts'
import { isOid, parseCommit, parseTree } from './git-objects.ts'
import type { ReadObjects } from './git-tree.ts'
import type { GitOid, OnceThere } from './repository.ts'
import { jsonFact, type StatCache } from './stat-cache.sqlite.ts'

const folderMode = '40000'
const fileModes: ReadonlySet<string> = new Set(['100644', '100664', '100755'])
/** LIMIT: commits that changed the folder, of which what they left there is read. */
const maxCommits = 200_000

/**
 * Regular files of the folder itself. Git names the commits that changed it, on every branch that was merged; what they hold is
 * read as objects. What was found is remembered by the commit, whose name fixes it.
 *
 * @param folder from the top of the work tree
 * @throws ERR_GIT_CORRUPT, ERR_GIT_FAILED
 */
export async function onceIn(
  { git, cache }: Readonly<{ git: GitPlace; cache: StatCache | undefined }>,
  { head, folder }: Readonly<{ head: GitOid; folder: string }>,
): Promise<OnceThere> {
  const slot = `git-once:${head}:${folder}`
  const known = jsonFact(cache, slot)
  if (known !== undefined) return known as OnceThere // our own text
  const range = ['--full-history', `--max-count=${maxCommits + 1}`, head, '--', `:(top,literal)${folder}`]
  const answer = await runGit(git, ['rev-list', ...range])
  if (answer.status !== 0) throw gitFault(answer, 'read the history')
  const commits = answer.stdout.split('\n').filter(isOid)
  using reader = openObjectReader(git)
  const files = await filesOf(reader.read, commits.slice(0, maxCommits), folder.split('/'))
  const found = { files, isWhole: commits.length <= maxCommits }
  cache?.recordFact(slot, JSON.stringify(found))
  return found
}

async function filesOf(
  read: ReadObjects,
  commits: readonly GitOid[],
  folder: readonly string[],
): Promise<OnceThere['files']> {
  let trees = new Set<GitOid>()
  if (commits.length > 0) for await (const object of read(commits)) trees.add(parseCommit(object).tree)
  for (const name of folder) {
    const next = new Set<GitOid>()
    for await (const object of read([...trees]))
      for (const entry of parseTree(object)) if (entry.name === name && entry.mode === folderMode) next.add(entry.oid)
    trees = next
  }
  const files = new Map<GitOid, string>()
  for await (const object of read([...trees]))
    for (const { mode, name, oid } of parseTree(object)) if (fileModes.has(mode)) files.set(oid, name)
  return [...files].map(([blob, name]) => ({ blob, name }))
}
