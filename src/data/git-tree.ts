/** All files of a commit's folder, level by level, each tree re-hashed. Pure but for the reader that it is given. */
import { comparePaths, DomainError, oneLine } from '../core/index.ts'
import { entryFault, type GitObject, parseTree, type RawTreeEntry } from './git-objects.ts'
import type { GitOid, RepositoryFinding } from './repository.ts'

export type ReadObjects = (oids: readonly GitOid[]) => AsyncIterable<GitObject>
export type RawFile = Readonly<{ path: string; mode: string; oid: GitOid }>

/** LIMIT: THREAT: a few trees that name each other ten times over make ten thousand million files. */
const maxFiles = 2_000_000
const maxDepth = 256
const folderMode = '40000'

/** The tree of the folder `prefix` below the tree `oid`; undefined when there is no such folder. */
export async function descend(read: ReadObjects, oid: GitOid, prefix: string): Promise<GitOid | undefined> {
  let tree = oid
  for (const name of prefix === '.' ? [] : prefix.split('/')) {
    const entry = (await entriesOf(read, tree)).find((candidate) => candidate.name === name)
    if (entry?.mode !== folderMode) return undefined
    tree = entry.oid
  }
  return tree
}

async function entriesOf(read: ReadObjects, tree: GitOid): Promise<readonly RawTreeEntry[]> {
  for await (const object of read([tree])) return parseTree(object)
  throw new Error('a reader ended without the object that it was asked for')
}

/**
 * Every file below a tree, sorted by path. Names that assay does not take are left out and reported.
 *
 * @throws ERR_INPUT_TOO_LARGE over 2,000,000 files or 256 folders deep
 */
export async function listTree(
  read: ReadObjects,
  oid: GitOid,
): Promise<Readonly<{ files: readonly RawFile[]; findings: readonly RepositoryFinding[] }>> {
  const files: RawFile[] = []
  const findings: RepositoryFinding[] = []
  let level = new Map<GitOid, string[]>([[oid, ['']]])
  for (let depth = 0; level.size > 0; depth += 1) {
    const next = new Map<GitOid, string[]>()
    let count = files.length
    for await (const object of read([...level.keys()])) {
      for (const entry of parseTree(object)) {
        const fault = entryFault(entry)
        for (const folder of level.get(object.oid) ?? []) {
          const path = `${folder}${entry.name}`
          count += 1
          if (count > maxFiles || depth > maxDepth) throw tooLarge()
          if (fault !== undefined) findings.push(leftOut(path, fault))
          else if (entry.mode === folderMode) appendTo(next, entry.oid, `${path}/`)
          else files.push({ path, mode: entry.mode, oid: entry.oid })
        }
      }
    }
    level = next
  }
  return { files: files.sort((left, right) => comparePaths(left.path, right.path)), findings }
}

function appendTo(lists: Map<GitOid, string[]>, oid: GitOid, path: string): void {
  const list = lists.get(oid)
  if (list === undefined) lists.set(oid, [path])
  else list.push(path)
}

function leftOut(path: string, fault: string): RepositoryFinding {
  const shown = oneLine(path).slice(0, 200)
  return { code: 'ERR_PATH_UNSAFE', because: `the commit holds \`${shown}\`, whose name ${fault}: no stage sees it` }
}

function tooLarge(): DomainError {
  return new DomainError('ERR_INPUT_TOO_LARGE', `the commit has more than ${maxFiles} files or ${maxDepth} levels`)
}
