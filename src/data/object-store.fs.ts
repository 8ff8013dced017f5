/**
 * The object store in a folder: the adapter of the port `object-store.ts`.
 *
 * Processes may share it: names are digests, a rename is atomic, and equal bytes are equal. A process that is killed
 * leaves only files in `tmp`, which `collect-garbage.fs.ts` sweeps.
 */
import {
  chmodSync,
  closeSync,
  constants,
  copyFileSync,
  fstatSync,
  lstatSync,
  mkdirSync,
  renameSync,
  rmSync,
} from 'node:fs'
import { join } from 'node:path'
import { type Content, DomainError, isSha256, type Md5, type Sha256, sha256Of } from '../core/index.ts'
import { parseFolderList, printFolderList } from './folder-list.ts'
import { hashFiles } from './hash-files.fs.ts'
import { errnoOf, ioFault, withIoFaults } from './io-fault.ts'
import type { Md5Memory } from './md5-memory.ts'
import { stagedBatch } from './object-batch.fs.ts'
import { closeOff, keepToOwner } from './object-close.fs.ts'
import {
  freshen,
  holdFolder,
  isObject,
  missingObject,
  objectMode,
  objectPath,
  openObject,
  readAll,
  type Staged,
  setAside,
  stageBytes,
  tempFolder,
} from './object-files.fs.ts'
import { type ProvenObjects, proveObjects } from './object-proof.fs.ts'
import { linkContent, restoreContent } from './object-restore.fs.ts'
import type { ObjectBatch, ObjectStore } from './object-store.ts'
import { nameOfOwn } from './process-owner.fs.ts'
import { holdStore } from './store-hold.fs.ts'

/** LIMIT: a folder's list is read up to 512 MiB, some three million files. */
const maxListBytes = 512 * 1024 * 1024

export type ObjectStoreOptions = Readonly<{ md5Memory?: Md5Memory }>

/**
 * Opens the store at `root`, making it (0700) when it is not there.
 *
 * Trust: whoever may write to `root` may change objects; `read`, `restore` and `verify` find it out.
 *
 * @throws ERR_DISK_FULL, ERR_IO
 */
export function openObjectStore(root: string, options: ObjectStoreOptions = {}): ObjectStore {
  makeFolders(root)
  const proven: ProvenObjects = new Map()
  const store: ObjectStore = {
    root,
    ...options,
    has: (digest) => isObject(root, digest),
    keep: (digest) => freshen(root, digest),
    pathOf(digest) {
      if (!isObject(root, digest)) throw missingObject(digest)
      return objectPath(root, digest)
    },
    sizeOf(digest) {
      const stats = lstatSync(objectPath(root, digest), { throwIfNoEntry: false })
      if (stats?.isFile() !== true) throw missingObject(digest)
      return stats.size
    },
    async putBytes(bytes) {
      using batch = store.batch()
      const digest = batch.addBytes(bytes)
      await batch.commit()
      return digest
    },
    async putFile(fd) {
      using batch = openBatch(root, {})
      const stored = await batch.addFile(fd)
      await batch.commit()
      return stored
    },
    batch: () => openBatch(root, options),
    read: (digest, maxBytes) => withIoFaults(objectPath(root, digest), () => readObject(root, digest, maxBytes)),
    md5s: (digests) => withIoFaults(root, () => md5sOf(root, [...new Set(digests)], options)),
    verify: (digests) => withIoFaults(root, () => verifyObjects(root, new Set(digests))),
    prove: (digests) => withIoFaults(root, () => proveObjects(store, digests, proven)),
    putFolder: (files) => store.putBytes(Buffer.from(printFolderList(files))),
    readFolder: async (list) => parseFolderList(await store.read(list, maxListBytes), list),
    restore: (content: Content, target, options = {}) => restoreContent(root, content, target, options),
    link: (content: Content, target, options = {}) => linkContent(root, content, target, options),
    closeOff: (digests, folder) => closeOff(root, digests, folder),
    hold: () => holdStore(root),
  }
  return store
}

function makeFolders(root: string): void {
  try {
    mkdirSync(root, { recursive: true, mode: 0o700 })
    keepToOwner(root)
    for (const folder of [tempFolder(root), holdFolder(root)]) mkdirSync(folder, { recursive: true, mode: 0o700 })
  } catch (error) {
    throw ioFault(error, root)
  }
}

function openBatch(root: string, { md5Memory }: ObjectStoreOptions): ObjectBatch {
  const batch = stagedBatch(root)
  const md5s = new Map<Sha256, Md5>()
  return {
    addBytes(bytes) {
      try {
        const staged = stageBytes(root, bytes)
        batch.add(staged)
        return staged.digest
      } catch (error) {
        throw ioFault(error, root)
      }
    },
    addFile: (fd) =>
      withIoFaults(root, async () => {
        const staged = await stageOpen(root, fd, md5Memory !== undefined)
        batch.add(staged)
        if (staged.md5 !== undefined) md5s.set(staged.digest, staged.md5)
        return { digest: staged.digest, sizeBytes: staged.sizeBytes }
      }),
    adopt: (path, stored) =>
      withIoFaults(root, async () => {
        batch.add({ ...stored, temp: takeOver(root, path) })
      }),
    drop(digest) {
      batch.drop(digest)
      md5s.delete(digest)
    },
    commit: () =>
      withIoFaults(root, async () => {
        await batch.commit()
        md5Memory?.recordMd5s(md5s)
      }),
    [Symbol.dispose]: () => batch[Symbol.dispose](),
  }
}

function takeOver(root: string, path: string): string {
  const temp = join(tempFolder(root), nameOfOwn())
  try {
    renameSync(path, temp)
  } catch (error) {
    if (errnoOf(error) !== 'EXDEV') throw error
    copyFileSync(path, temp, constants.COPYFILE_EXCL)
    rmSync(path)
  }
  chmodSync(temp, objectMode)
  return temp
}

/** A large file goes to a worker, so that the event loop turns meanwhile. */
async function stageOpen(root: string, fd: number, md5: boolean): Promise<Staged> {
  const sizes = [fstatSync(fd).size]
  const [outcome] = await hashFiles([fd], { scheme: 'sha256', storeRoot: root, md5, sizes, workers: 1 })
  if (outcome?.kind === 'hashed' && isSha256(outcome.digest)) return { ...outcome, digest: outcome.digest }
  if (outcome?.kind === 'changed') throw new DomainError('ERR_DATA_CHANGED', 'the file changed while it was being read')
  throw new DomainError('ERR_DATA_NOT_PLAIN', 'only regular files can be stored')
}

function readObject(root: string, digest: Sha256, maxBytes: number): Buffer {
  const fd = openObject(root, digest)
  try {
    const stats = fstatSync(fd)
    if (!stats.isFile()) throw setAside(root, digest)
    if (stats.size > maxBytes) {
      throw new DomainError('ERR_INPUT_TOO_LARGE', `\`${digest}\` has ${stats.size} bytes, the limit is ${maxBytes}`)
    }
    const bytes = Buffer.allocUnsafe(stats.size)
    const length = readAll(fd, bytes)
    if (length !== stats.size || sha256Of(bytes) !== digest) throw setAside(root, digest)
    return bytes
  } finally {
    closeSync(fd)
  }
}

/** INVARIANT: an object whose MD5 is made is re-hashed in the same read; a bad one is never given a name. */
async function md5sOf(
  root: string,
  digests: readonly Sha256[],
  { md5Memory }: ObjectStoreOptions,
): Promise<ReadonlyMap<Sha256, Md5>> {
  const known = new Map(md5Memory?.md5s(digests))
  const unknown = digests.filter((digest) => !known.has(digest))
  const paths = unknown.map((digest) => objectPath(root, digest))
  const sizes = paths.map((path) => lstatSync(path, { throwIfNoEntry: false })?.size ?? 0)
  const made = new Map<Sha256, Md5>()
  for (const [place, outcome] of (await hashFiles(paths, { scheme: 'sha256', md5: true, sizes })).entries()) {
    const digest = unknown[place]
    if (digest === undefined || outcome.kind === 'missing') throw missingObject(digest ?? 'sha256:')
    if (outcome.kind !== 'hashed' || outcome.digest !== digest || outcome.md5 === undefined)
      throw setAside(root, digest)
    made.set(digest, outcome.md5)
  }
  md5Memory?.recordMd5s(made)
  return new Map([...known, ...made])
}

async function verifyObjects(root: string, digests: ReadonlySet<Sha256>): ReturnType<ObjectStore['verify']> {
  const there: Sha256[] = []
  const missing: Sha256[] = []
  for (const digest of digests) (isObject(root, digest) ? there : missing).push(digest)
  const paths = there.map((digest) => objectPath(root, digest))
  const sizes = paths.map((path) => lstatSync(path, { throwIfNoEntry: false })?.size ?? 0)
  const results = await hashFiles(paths, { scheme: 'sha256', sizes })
  const corrupt: Sha256[] = []
  for (const [index, digest] of there.entries()) {
    const result = results[index]
    if (result?.kind === 'missing') missing.push(digest)
    else if (result?.kind !== 'hashed' || result.digest !== digest) corrupt.push(digest)
  }
  for (const digest of corrupt) setAside(root, digest)
  return [
    ...missing.map((digest) => ({ digest, fault: 'missing' as const })),
    ...corrupt.map((digest) => ({ digest, fault: 'corrupt' as const })),
  ]
}
