/** What a commit holds for one project: the commit itself and its files, each with what the port says of it. */
import { posix } from 'node:path'
import { DomainError, oneLine } from '../core/index.ts'
import { type GitPlace, gitFault, openObjectReader, runGit } from './git.exec.ts'
import { parseCommit } from './git-objects.ts'
import { descend, listTree, type RawFile, type ReadObjects } from './git-tree.ts'
import type { GitCommit, GitOid, Repository, RepositoryFinding, TreeEntry } from './repository.ts'
import { recallContent, rememberContent } from './repository-memory.ts'
import type { StatCache } from './stat-cache.sqlite.ts'

export type RepositoryContent = Pick<Repository, 'head' | 'treeOid' | 'tree'> &
  Readonly<{ findings: readonly RepositoryFinding[] }>

/** LIMIT: Linux takes link targets up to 4,095 bytes. */
const maxTargetBytes = 4095

/**
 * Empty before the first commit and for a folder that the commit does not have.
 *
 * @param cache remembers what was read: a commit's name fixes all that is in it
 */
export async function readContent(
  git: GitPlace,
  commit: GitOid | undefined,
  { prefix, cache }: Readonly<{ prefix: string; cache: StatCache | undefined }>,
): Promise<RepositoryContent> {
  if (commit === undefined) return { tree: new Map(), findings: [] }
  const known = recallContent(cache, commit, prefix)
  if (known !== undefined) return known
  const content = await readAnew(git, commit, prefix)
  rememberContent(cache, content, commit, prefix)
  return content
}

async function readAnew(git: GitPlace, commit: GitOid, prefix: string): Promise<RepositoryContent> {
  using reader = openObjectReader(git)
  const { read } = reader
  const head = await readCommit(read, commit)
  const treeOid = await descend(read, head.tree, prefix)
  if (treeOid === undefined) return { head, tree: new Map(), findings: [] }
  const { files, findings } = await listTree(read, treeOid)
  const blobs = files.filter(({ mode }) => mode !== '160000')
  const sizes = await sizesOf(git, blobs)
  const targets = await targetsOf(read, files, sizes)
  const tree = new Map(files.map((file) => [file.path, entryOf(file, sizes, targets)]))
  return { head, treeOid, tree, findings }
}

async function readCommit(read: ReadObjects, commit: GitOid): Promise<GitCommit> {
  for await (const object of read([commit])) return parseCommit(object)
  throw new Error('a reader ended without the commit that it was asked for')
}

/** Sizes as git tells them: only the bytes themselves are proven. */
async function sizesOf(git: GitPlace, files: readonly RawFile[]): Promise<ReadonlyMap<GitOid, number>> {
  const oids = [...new Set(files.map(({ oid }) => oid))]
  const sizes = new Map<GitOid, number>()
  if (oids.length === 0) return sizes
  const answer = await runGit(git, ['cat-file', '--batch-check', '--buffer'], { input: `${oids.join('\n')}\n` })
  if (answer.status !== 0) throw gitFault(answer, 'read the sizes of files')
  for (const line of answer.stdout.split('\n')) {
    const match = /^([0-9a-f]+) blob (\d{1,15})$/.exec(line)
    if (match !== null) sizes.set(match[1] ?? '', Number(match[2]))
  }
  return sizes
}

async function targetsOf(
  read: ReadObjects,
  files: readonly RawFile[],
  sizes: ReadonlyMap<GitOid, number>,
): Promise<ReadonlyMap<GitOid, string>> {
  const links = files.filter(({ mode }) => mode === '120000')
  for (const { path, oid } of links) {
    if ((sizes.get(oid) ?? 0) > maxTargetBytes) throw corrupt(`the link \`${oneLine(path)}\` has no plain target`)
  }
  const targets = new Map<GitOid, string>()
  for await (const { oid, bytes } of read([...new Set(links.map(({ oid }) => oid))])) {
    targets.set(oid, bytes.toString('utf8'))
  }
  return targets
}

function entryOf(
  { path, mode, oid }: RawFile,
  sizes: ReadonlyMap<GitOid, number>,
  targets: ReadonlyMap<GitOid, string>,
): TreeEntry {
  if (mode === '160000') return { kind: 'submodule', mode, commit: oid }
  const sizeBytes = sizes.get(oid)
  if (sizeBytes === undefined) {
    throw new DomainError('ERR_GIT_FAILED', `the bytes of \`${path}\` (${oid}) are not in the repository`, {
      help: 'complete the clone: clone without --filter and --sparse',
    })
  }
  if (mode === '120000') {
    const target = targets.get(oid) ?? ''
    return { kind: 'symlink', mode, blob: oid, sizeBytes, target, escapes: leavesProject(path, target) }
  }
  // 100664 is what git wrote in its first months.
  return { kind: 'file', mode: mode === '100755' ? '100755' : '100644', blob: oid, sizeBytes }
}

function leavesProject(path: string, target: string): boolean {
  if (target.startsWith('/')) return true
  const resolved = posix.normalize(posix.join(posix.dirname(path), target))
  return resolved === '..' || resolved.startsWith('../')
}

function corrupt(what: string): DomainError {
  return new DomainError('ERR_GIT_CORRUPT', what)
}
