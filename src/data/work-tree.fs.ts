/**
 * What differs between a commit and the files on disk, found by hashing the files.
 *
 * THREAT: `git status` runs filters and believes the index (`assume-unchanged`); neither is asked here. A file that a
 * filter or an end-of-line rule would convert is told as such and counts as dirty: its bytes are not the commit's.
 */

import { lstatSync, readFileSync, readlinkSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { isInside } from '../core/index.ts'
import { type DigestFilesOptions, digestFiles } from './digest-files.fs.ts'
import { type FileStat, fileStatOf } from './file-stat.ts'
import { nameOfObject } from './git-objects.ts'
import { hashFiles } from './hash-files.fs.ts'
import type { DirtyKind, DirtyPath, LfsPointer, Repository, TreeEntry } from './repository.ts'

type FileEntry = Extract<TreeEntry, { kind: 'file' }>

export type WorkTreeOptions = DigestFilesOptions &
  Readonly<{
    /** The attributes of these project paths that make work files differ from blobs, such as `filter=lfs`. */
    attributesOf(paths: readonly string[]): Promise<ReadonlyMap<string, readonly string[]>>
    /** Blobs that are LFS pointers, of these entries. */
    pointersOf(entries: readonly FileEntry[]): Promise<ReadonlyMap<string, LfsPointer>>
  }>

/** LIMIT: above this size line ends are not compared. */
const maxTextBytes = 16 * 1024 * 1024

export async function dirtyPaths(
  { projectRoot, tree, objectFormat }: Pick<Repository, 'projectRoot' | 'tree' | 'objectFormat'>,
  within: readonly string[],
  options: WorkTreeOptions,
): Promise<readonly DirtyPath[]> {
  const dirty: DirtyPath[] = []
  const toHash: TrackedFile[] = []
  const isFolder = folderCheck(projectRoot)
  for (const [path, entry] of tree) {
    if (entry.kind === 'submodule' || !within.some((folder) => isInside(path, folder))) continue
    const seen = isFolder(dirname(path)) ? seeEntry(join(projectRoot, path), entry) : missing
    if ('kind' in seen) dirty.push({ path, ...seen })
    else if (entry.kind === 'file') toHash.push({ path, entry, seen })
  }
  const scheme = objectFormat === 'sha1' ? 'git-sha1' : 'git-sha256'
  const found = toHash.map(({ seen }) => seen)
  const outcomes = await digestFiles(found, { scheme }, options)
  const differing = toHash.filter(({ entry }, index) => {
    const outcome = outcomes[index]
    return outcome?.kind !== 'hashed' || outcome.digest !== entry.blob
  })
  dirty.push(...(await explain(differing, objectFormat, options)))
  return dirty.sort((left, right) => (left.path < right.path ? -1 : 1))
}

type Fault = Omit<DirtyPath, 'path'>
/** `path` is absolute. */
type SeenFile = FileStat & Readonly<{ path: string }>
type TrackedFile = Readonly<{ path: string; entry: FileEntry; seen: SeenFile }>

const told = (kind: DirtyKind, because: string): Fault => ({ kind, because })
const missing = told('missing', 'it is in the commit and not on disk')

/** What differs without reading the file; else the file as it was seen. */
function seeEntry(path: string, entry: Exclude<TreeEntry, { kind: 'submodule' }>): Fault | SeenFile {
  const stats = lstatSync(path, { bigint: true, throwIfNoEntry: false })
  if (stats === undefined) return missing
  const seen = { path, ...fileStatOf(stats) }
  if (entry.kind === 'symlink') {
    if (!stats.isSymbolicLink()) return told('type', 'it is a link in the commit')
    return readlinkSync(path) === entry.target ? seen : told('modified', 'the link has another target')
  }
  if (!stats.isFile()) return told('type', 'it is a regular file in the commit')
  if (seen.executable === (entry.mode === '100755')) return seen
  return told('mode', seen.executable ? 'it is executable, not so in the commit' : 'it is executable in the commit')
}

/** THREAT: a tracked folder replaced by a link would show other files: they count as missing. */
function folderCheck(projectRoot: string): (folder: string) => boolean {
  const known = new Map<string, boolean>([['.', true]])
  const isFolder = (folder: string): boolean => {
    const before = known.get(folder)
    if (before !== undefined) return before
    const found =
      isFolder(dirname(folder)) &&
      lstatSync(join(projectRoot, folder), { throwIfNoEntry: false })?.isDirectory() === true
    known.set(folder, found)
    return found
  }
  return isFolder
}

async function explain(
  differing: readonly TrackedFile[],
  objectFormat: Repository['objectFormat'],
  options: WorkTreeOptions,
): Promise<readonly DirtyPath[]> {
  if (differing.length === 0) return []
  const attributes = await options.attributesOf(differing.map(({ path }) => path))
  const pointers = await options.pointersOf(differing.map(({ entry }) => entry))
  const dirty: DirtyPath[] = []
  for (const { path, entry, seen } of differing) {
    const pointer = pointers.get(entry.blob)
    if (pointer !== undefined && (await holdsLfsBytes(seen, pointer))) continue
    const named = attributes.get(path) ?? []
    dirty.push({ path, ...reasonOf(seen, entry, { named, objectFormat, isPointer: pointer !== undefined }) })
  }
  return dirty
}

/** Git LFS names its bytes by SHA-256, so that the work file can be compared without running its filter. */
async function holdsLfsBytes(seen: SeenFile, pointer: LfsPointer): Promise<boolean> {
  if (seen.sizeBytes !== pointer.sizeBytes) return false
  const [outcome] = await hashFiles([seen.path], { scheme: 'sha256', sizes: [seen.sizeBytes] })
  return outcome?.kind === 'hashed' && outcome.digest === pointer.digest
}

function reasonOf(
  seen: SeenFile,
  entry: FileEntry,
  {
    named,
    objectFormat,
    isPointer,
  }: Readonly<{ named: readonly string[]; objectFormat: Repository['objectFormat']; isPointer: boolean }>,
): Fault {
  if (isPointer) return told('modified', 'its bytes are not those that the LFS pointer in the commit names')
  if (seen.sizeBytes <= maxTextBytes && differsInLineEnds(seen.path, entry.blob, objectFormat)) {
    const cause = named.length === 0 ? 'core.autocrlf or an editor' : `the attribute ${named.join(', ')}`
    return told('converted', `it has other line ends than the commit (${cause})`)
  }
  if (named.length === 0) return told('modified', 'its bytes are not those of the commit')
  return told(
    'converted',
    `its bytes are not those of the commit; the attribute ${named.join(', ')} would convert it, and assay runs no filter`,
  )
}

function differsInLineEnds(path: string, blob: string, objectFormat: Repository['objectFormat']): boolean {
  const text = readFileSync(path, 'latin1').replaceAll('\r\n', '\n')
  const bytes = Buffer.from(text, 'latin1')
  return nameOfObject('blob', bytes, objectFormat) === blob
}
