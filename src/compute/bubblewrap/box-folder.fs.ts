/**
 * The folder of one box on the host: view, scratch, /etc, a fifo for output. Removed when the box has ended.
 *
 * Its name says which process owns it, so that a later run can sweep what a killed one left.
 */
import { randomBytes } from 'node:crypto'
import {
  chmodSync,
  chownSync,
  closeSync,
  constants,
  copyFileSync,
  lchownSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { setImmediate as breathe } from 'node:timers/promises'
import type { ObjectStore } from '../../data/index.ts'
import { entriesOf, removeTree } from '../remove-tree.fs.ts'
import type { OutRequest } from '../sandbox.ts'
import type { Layout, Scratch, ViewFile } from './layout.ts'
import { errnoOf, pidNamespace, processState } from './process-facts.fs.ts'
import { type Bind, etcFiles, projectFolder } from './recipe.ts'

export type BoxFolder = Readonly<{
  /** Absolute; everything that the sandbox is shown lies in it. */
  path: string
  /** In the work folder: what a later run needs to sweep this box. See `sweep.fs.ts`. */
  record: string
  remove(): void
}>

/** Files between two turns of the event loop. */
const filesPerTurn = 512
/** Longest kept first: `/tmp` is emptied at boot. */
export const neutralPlaces = ['/var/tmp', '/tmp']
export const neutralPath = /^\/(?:var\/)?tmp\/assay-[0-9a-f]{32}$/
/** Best first. What is made there has a name until it is opened. */
export const fifoPlaces = ['/dev/shm', '/tmp']
export const fifoName = /^assay-[0-9a-f]{32}$/
/** In a box outside of the project: who made it, for whoever finds it when the project is gone. See `sweep.fs.ts`. */
export const ownerFile = 'owner'

/**
 * @param workFolder absolute
 * @param uid owner when every sandbox has its own user id; nobody else may enter then. `everybody` may look into a folder
 * of what all boxes are shown
 */
export function makeBoxFolder(workFolder: string, uid: number | 'everybody' | undefined): BoxFolder {
  mkdirSync(workFolder, { recursive: true, mode: 0o700 })
  const owner = `${pidNamespace()}-${process.pid}-${processState(process.pid)?.startTicks ?? 0}`
  const record = makeFolder(join(workFolder, `box-${owner}-${randomBytes(8).toString('hex')}`), 0o700)
  const path = makeNeutralFolder(record, owner) ?? record
  if (uid !== undefined) {
    // the sandbox's user must pass through; names of boxes stay hidden from others
    if (path === record) chmodSync(workFolder, 0o711)
    if (uid === 'everybody') chmodSync(path, 0o755)
    else chownSync(path, uid, uid)
  }
  const remove = (): void => {
    removeTree(path)
    removeTree(record)
  }
  return { path, record, remove }
}

/**
 * THREAT: a stage can read in its mount table where on its file system the view lies; a place outside the project says
 * nothing of the user. It must be on the file system of the store, so that objects can be linked.
 */
function makeNeutralFolder(record: string, owner: string): string | undefined {
  const { dev } = statSync(record)
  const place = neutralPlaces.find((folder) => statSync(folder, { throwIfNoEntry: false })?.dev === dev)
  if (place === undefined) return undefined
  const path = join(place, `assay-${randomBytes(16).toString('hex')}`)
  writeFileSync(join(record, 'place'), path, { mode: 0o600, flag: 'wx' })
  try {
    makeFolder(path, 0o700)
    writeFileSync(join(path, ownerFile), owner, { mode: 0o600, flag: 'wx' })
    return path
  } catch (error) {
    if (errnoOf(error) === undefined) throw error
    return undefined // a place that we may not write to
  }
}

/** A folder whose mode does not depend on the caller's umask. */
export function makeFolder(path: string, mode = 0o755): string {
  mkdirSync(path, { mode })
  chmodSync(path, mode)
  return path
}

function makeFile(path: string, content = ''): void {
  writeFileSync(path, content, { mode: 0o444, flag: 'wx' })
  chmodSync(path, 0o444)
}

/** /etc of a box in `parent`, with places for the binds of the host's pieces. */
export function makeEtc(parent: string, hostEtc: readonly Bind[], traced: boolean): string {
  const folder = makeFolder(join(parent, 'etc'))
  for (const [name, content] of Object.entries(etcFiles(traced))) makeFile(join(folder, name), content)
  for (const { source, target } of hostEtc) {
    const inner = target.slice('/etc/'.length)
    makeParents(folder, dirname(inner))
    if (statSync(source).isDirectory()) makeFolder(join(folder, inner))
    else makeFile(join(folder, inner))
  }
  return folder
}

function makeParents(root: string, inner: string): void {
  if (inner === '.') return
  makeParents(root, dirname(inner))
  try {
    makeFolder(join(root, inner))
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw error
  }
}

/**
 * The view: hard links to objects, 0644 in 0755 folders, as a working tree has them: a copy that a stage makes with the
 * mode of the original may be written.
 *
 * INVARIANT: never bound writable: a writable mount of a link would rewrite the object.
 * @throws ERR_STORE_MISSING
 */
export async function makeView(box: BoxFolder, layout: Layout, store: ObjectStore): Promise<string> {
  const view = makeFolder(join(box.path, 'view'))
  for (const folder of layout.folders) makeFolder(join(view, folder))
  for (const [index, file] of layout.files.entries()) {
    placeFile(store, file, join(view, file.path))
    if (index % filesPerTurn === filesPerTurn - 1) await breathe()
  }
  return view
}

function placeFile(store: ObjectStore, { digest, executable }: ViewFile, target: string): void {
  const object = store.pathOf(digest)
  if (!executable) {
    try {
      linkSync(object, target)
      return
    } catch (error) {
      // another file system, too many links, or an object of another user: a copy does as well
      if (!['EXDEV', 'EMLINK', 'EPERM', 'EACCES'].includes(errnoOf(error) ?? '')) throw error
    }
  }
  copyFileSync(object, target, constants.COPYFILE_FICLONE | constants.COPYFILE_EXCL)
  chmodSync(target, executable ? 0o755 : 0o644) // a mode belongs to the inode, so an executable is a copy
}

export type MadeScratch = Readonly<{ scratch: Scratch; path: string; binds: readonly Bind[] }>

/** A writable folder with mount points for its neighbours, and previous bytes of persisted outs as copies. */
export async function makeScratch(
  options: Readonly<{ place: string; index: number; view: string; store: ObjectStore; uid: number | undefined }>,
  scratch: Scratch,
  requests: readonly OutRequest[],
): Promise<MadeScratch> {
  const { view, store, uid } = options
  const path = makeFolder(join(options.place, `${options.index}`))
  const target = inProject(scratch.folder)
  const binds: Bind[] = [{ kind: 'writable', source: path, target }]
  for (const { name, kind, held } of scratch.neighbours) {
    const source = join(view, scratch.folder, name)
    if (held === 'copy') {
      copyFileSync(source, join(path, name), constants.COPYFILE_FICLONE)
      continue
    }
    if (kind === 'folder') makeFolder(join(path, name))
    else makeFile(join(path, name))
    binds.push({ kind: 'read-only', source, target: `${target}/${name}` })
  }
  for (const { path: out, before } of requests) {
    if (before === undefined || !scratch.outs.includes(out)) continue
    const place = join(path, out.slice(out.lastIndexOf('/') + 1))
    await store.restore(before, place, { within: path })
    if (uid !== undefined) giveTree(place, uid)
  }
  if (uid !== undefined) chownSync(path, uid, uid)
  return { scratch, path, binds }
}

export function inProject(path: string): string {
  return path === '.' ? projectFolder : `${projectFolder}/${path}`
}

/** Changes the owner of a tree, links themselves included, following none. */
export function giveTree(path: string | Buffer, uid: number, gid = uid): void {
  const isFolder = lstatSync(path).isDirectory()
  if (isFolder) for (const entry of entriesOf(path)) giveEntry(entry, uid, gid)
  lchownSync(path, uid, gid)
}

function giveEntry(entry: Readonly<{ path: Buffer; isFolder: boolean }>, uid: number, gid: number): void {
  if (entry.isFolder) giveTree(entry.path, uid, gid)
  else lchownSync(entry.path, uid, gid)
}

/** A file of the box opened for a child to read, already complete. */
export function openFilled(box: BoxFolder, name: string, content: Uint8Array | string): number {
  const path = join(box.path, name)
  writeFileSync(path, content, { mode: 0o600, flag: 'wx' })
  return openSync(path, 'r')
}

export function closeAll(fds: readonly number[]): void {
  for (const fd of fds) closeSync(fd)
}
