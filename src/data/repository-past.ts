/** Single files of any commit, by their digest: what a statement about an earlier commit is held to. */
import { isDomainError, type Sha256, sha256Of } from '../core/index.ts'
import { type GitPlace, openObjectReader } from './git.exec.ts'
import { isOid, parseCommit, parseTree, type RawTreeEntry } from './git-objects.ts'
import { descend, type ReadObjects } from './git-tree.ts'
import type { GitOid } from './repository.ts'
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
  const all = new Map([...known, ...found])
  cache?.recordFact(slot, JSON.stringify([...all]))
  return all
}

function recall(cache: StatCache | undefined, slot: string): DigestsAt {
  return new Map((jsonFact(cache, slot) ?? []) as [string, Sha256 | 'absent'][]) // our own text
}

async function readAt(
  read: ReadObjects,
  { prefix, commit, paths }: Readonly<{ prefix: string; commit: GitOid; paths: Iterable<string> }>,
): Promise<DigestsAt | undefined> {
  try {
    const root = await descend(read, parseCommit(await one(read, commit)).tree, prefix)
    if (root === undefined) return undefined
    const entriesOf = rememberedTrees(read)
    const digests = new Map<string, Sha256 | 'absent'>()
    for (const path of paths) {
      const blob = await blobAt(entriesOf, root, path)
      digests.set(path, blob === undefined ? 'absent' : sha256Of((await one(read, blob)).bytes))
    }
    return digests
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
