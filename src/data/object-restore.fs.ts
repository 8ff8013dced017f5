/**
 * Content out of the store, to a path: as copies that anybody may change, or as links that nobody may.
 *
 * What is put there is built beside the target and takes its place in one rename. LIMIT: a folder that replaces another
 * needs two, so that a kill between them leaves the old one under `.NAME.assay-old-*`; a kill before
 * them leaves `.NAME.assay-new-*`, which nobody takes for anything.
 */
import { randomBytes } from 'node:crypto'
import { closeSync, fstatSync, linkSync, lstatSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { setImmediate as breathe } from 'node:timers/promises'
import { type Content, DomainError, parseProjectPath, type Sha256 } from '../core/index.ts'
import { flush, flushPath } from './flush.exec.ts'
import { errnoOf, withIoFaults } from './io-fault.ts'
import { copyDigesting, missingObject, objectMode, objectPath, openObject, setAside } from './object-files.fs.ts'
import type { RestoreOptions } from './object-store.ts'
import { type OpenFolder, openParent } from './safe-folder.fs.ts'

type Place = (root: string, file: Readonly<{ digest: Sha256; executable: boolean }>, target: string) => void
type Options = RestoreOptions & Readonly<{ durable: boolean }>

/** Files between two turns of the event loop. */
const filesPerTurn = 256

export function restoreContent(root: string, content: Content, target: string, options: RestoreOptions): Promise<void> {
  return putInPlace(root, content, target, placeCopy, { ...options, durable: options.durable ?? true })
}

/** Not flushed: a view for a stage does not outlive the machine. */
export function linkContent(root: string, content: Content, target: string, options: RestoreOptions): Promise<void> {
  return putInPlace(root, content, target, placeLink, { ...options, durable: false })
}

/** INVARIANT: the bytes are digested as they are copied; a bad object is never served. */
function placeCopy(root: string, { digest, executable }: Parameters<Place>[1], target: string): void {
  copyObject(root, digest, target, executable ? 0o755 : 0o644)
}

function placeLink(root: string, { digest, executable }: Parameters<Place>[1], target: string): void {
  if (executable) {
    copyObject(root, digest, target, 0o755)
    return
  }
  if (lstatSync(objectPath(root, digest), { throwIfNoEntry: false })?.isFile() !== true) throw missingObject(digest)
  try {
    linkSync(objectPath(root, digest), target)
  } catch (error) {
    // Another file system, too many links, or an object of another user.
    if (!['EXDEV', 'EMLINK', 'EPERM', 'EACCES'].includes(errnoOf(error) ?? '')) throw error
    copyObject(root, digest, target, objectMode)
  }
}

function copyObject(root: string, digest: Sha256, target: string, mode: number): void {
  const fd = openObject(root, digest)
  try {
    if (fstatSync(fd).isFile() && copyDigesting(fd, target, { mode }).digest === digest) return
    rmSync(target, { force: true })
    throw setAside(root, digest)
  } finally {
    closeSync(fd)
  }
}

function putInPlace(root: string, content: Content, target: string, place: Place, options: Options): Promise<void> {
  return withIoFaults(target, async () => {
    using parent = openParent(target, options.within ?? '/')
    const name = basename(target)
    const fresh = besideName(name, 'new')
    try {
      if (content.kind === 'file') {
        place(root, content, parent.at(fresh))
        if (options.durable) flushPath(parent.at(fresh))
      } else {
        await buildFolder(root, content, parent.at(fresh), { ...options, place })
      }
      replace(parent, name, fresh, content.kind)
      if (options.durable) flushPath(parent.at('.'))
    } catch (error) {
      rmSync(parent.at(fresh), { recursive: true, force: true })
      throw error
    }
  })
}

async function buildFolder(
  root: string,
  content: Extract<Content, { kind: 'folder' }>,
  target: string,
  { place, durable }: Readonly<{ place: Place; durable: boolean }>,
): Promise<void> {
  mkdirSync(target, { mode: 0o755 })
  const made = new Set([target])
  const files: string[] = []
  for (const file of content.files) {
    // THREAT: a list of files may come from evidence; only a path in the project's own spelling stays inside.
    if (parseProjectPath(file.path) !== file.path || file.path === '.') {
      throw new DomainError('ERR_PATH_UNSAFE', `the folder's list holds the path \`${file.path}\``)
    }
    const path = `${target}/${file.path}`
    if (!made.has(dirname(path))) {
      mkdirSync(dirname(path), { recursive: true, mode: 0o755 })
      made.add(dirname(path))
    }
    place(root, file, path)
    if (files.push(path) % filesPerTurn === 0) await breathe()
  }
  if (durable) await flush(target, [...files, ...made])
}

/** A folder cannot be renamed over anything, nor a file over a folder: then the old entry steps aside first. */
function replace(parent: OpenFolder, name: string, fresh: string, kind: Content['kind']): void {
  const before = lstatSync(parent.at(name), { throwIfNoEntry: false })
  if (before === undefined || (kind === 'file' && !before.isDirectory())) {
    renameSync(parent.at(fresh), parent.at(name))
    return
  }
  const old = besideName(name, 'old')
  renameSync(parent.at(name), parent.at(old))
  try {
    renameSync(parent.at(fresh), parent.at(name))
  } catch (error) {
    renameSync(parent.at(old), parent.at(name))
    throw error
  }
  rmSync(parent.at(old), { recursive: true, force: true })
}

/** What restores of this target that were killed have left beside it; nobody else may be restoring it. */
export function sweepRestores(target: string): void {
  const [folder, name] = [dirname(target), basename(target)]
  const left = new RegExp(`^\\.${escapedForPattern(name.slice(0, 40))}\\.assay-(new|old)-[0-9a-f]{16}$`)
  if (lstatSync(folder, { throwIfNoEntry: false })?.isDirectory() !== true) return
  for (const found of readdirSync(folder)) {
    if (left.test(found)) rmSync(join(folder, found), { recursive: true, force: true })
  }
}

function escapedForPattern(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')
}

function besideName(name: string, what: 'new' | 'old'): string {
  return `.${name.slice(0, 40)}.assay-${what}-${randomBytes(8).toString('hex')}`
}
