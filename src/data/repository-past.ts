/** Single files of any commit, by their digest: what a statement about an earlier commit is held to. */
import { isDomainError, type Sha256, sha256Of } from '../core/index.ts'
import { type GitPlace, openObjectReader, runGit } from './git.exec.ts'
import { isOid, parseCommit, parseTree, type RawTreeEntry } from './git-objects.ts'
import { descend, type ReadObjects } from './git-tree.ts'
import type { FilesAt, GitOid } from './repository.ts'
import { jsonFact, type StatCache } from './stat-cache.sqlite.ts'

const folderMode = '40000'
const fileModes: ReadonlySet<string> = new Set(['100644', '100664', '100755'])

export type DigestsAt = ReadonlyMap<string, Sha256 | 'absent'>

/**
 * What was found is remembered by the commit, whose name fixes it.
 *
 * @param prefix the project's folder in the work tree, `.` at its top
 * @param commit as a statement names it: hostile, and possibly of another repository
 * @returns undefined when the commit, or the project's folder in it, or what it holds there, is not here
 * @throws ERR_GIT_CORRUPT, ERR_INPUT_TOO_LARGE
 */
export async function digestsAt(
  { git, cache }: Readonly<{ git: GitPlace; cache: StatCache | undefined }>,
  { prefix, commit, paths }: Readonly<{ prefix: string; commit: GitOid; paths: Iterable<string> }>,
): Promise<DigestsAt | undefined> {
  if (!isOid(commit)) return undefined
  const slot = `git-past:${commit}:${prefix}`
  const known = recall(cache, slot)
  const unknown = [...paths].filter((path) => !known.has(path))
  if (unknown.length === 0) return known
  using reader = openObjectReader(git)
  const found = await readAt(reader.read, { prefix, commit, paths: unknown })
  if (found === undefined) return undefined
  const digests = [...found].map(([path, file]) => [path, file === 'absent' ? file : sha256Of(file)] as const)
  const all = new Map([...known, ...digests])
  cache?.recordFact(slot, JSON.stringify([...all]))
  return all
}

/** A revision, in letters that git reads nothing but a name into; never an option. */
const plainRevision = /^[A-Za-z0-9][A-Za-z0-9_./@{}^~+=#%-]{0,199}$/

/**
 * Few small files of a commit, by whatever name git has for it.
 *
 * @returns undefined when the name is none, or what it names is not here
 * @throws ERR_GIT_CORRUPT, ERR_INPUT_TOO_LARGE
 */
export async function filesAt(
  git: GitPlace,
  { prefix, revision, paths }: Readonly<{ prefix: string; revision: string; paths: readonly string[] }>,
): Promise<FilesAt | undefined> {
  if (!plainRevision.test(revision)) return undefined
  const named = await runGit(git, ['rev-parse', '--quiet', '--verify', `${revision}^{commit}`])
  const commit = named.stdout.trimEnd()
  if (named.status !== 0 || !isOid(commit)) return undefined
  using reader = openObjectReader(git)
  const found = await readAt(reader.read, { prefix, commit, paths })
  if (found === undefined) return undefined
  return { commit, files: new Map([...found].flatMap(([path, file]) => (file === 'absent' ? [] : [[path, file]]))) }
}

function recall(cache: StatCache | undefined, slot: string): DigestsAt {
  return new Map((jsonFact(cache, slot) ?? []) as [string, Sha256 | 'absent'][]) // our own text
}

type Wanted = Readonly<{ prefix: string; commit: GitOid; paths: Iterable<string> }>

async function readAt(
  read: ReadObjects,
  { prefix, commit, paths }: Wanted,
): Promise<ReadonlyMap<string, Buffer | 'absent'> | undefined> {
  try {
    const root = await descend(read, parseCommit(await one(read, commit)).tree, prefix)
    if (root === undefined) return undefined
    const entriesOf = rememberedTrees(read)
    const files = new Map<string, Buffer | 'absent'>()
    for (const path of paths) {
      const blob = await blobAt(entriesOf, root, path)
      files.set(path, blob === undefined ? 'absent' : (await one(read, blob)).bytes)
    }
    return files
  } catch (error) {
    if (isDomainError(error, 'ERR_GIT_FAILED')) return undefined // a shallow or partial clone: it is not here
    throw error
  }
}

async function one(read: ReadObjects, oid: GitOid): Promise<Parameters<typeof parseCommit>[0]> {
  for await (const object of read([oid])) return object
  throw new Error('a reader ended without the object that it was asked for')
}

type EntriesOf = (tree: GitOid) => Promise<readonly RawTreeEntry[]>

function rememberedTrees(read: ReadObjects): EntriesOf {
  const known = new Map<GitOid, readonly RawTreeEntry[]>()
  return async (tree) => {
    const entries = known.get(tree) ?? parseTree(await one(read, tree))
    known.set(tree, entries)
    return entries
  }
}

/** A link, a submodule and a folder are no file: as in HEAD, nothing of a definition is read through them. */
async function blobAt(entriesOf: EntriesOf, root: GitOid, path: string): Promise<GitOid | undefined> {
  const names = path.split('/')
  let tree = root
  for (const [index, name] of names.entries()) {
    const entry = (await entriesOf(tree)).find((candidate) => candidate.name === name)
    if (entry === undefined) return undefined
    if (index === names.length - 1) return fileModes.has(entry.mode) ? entry.oid : undefined
    if (entry.mode !== folderMode) return undefined
    tree = entry.oid
  }
  return undefined
}
