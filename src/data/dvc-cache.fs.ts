/**
 * DVC's cache: contents by their MD5, beside our store and never instead of it.
 *
 *   <cache>/files/md5/<2 hex>/<30 hex>[.dir]   DVC 3
 *   <cache>/<2 hex>/<30 hex>[.dir]             DVC 2, MD5s of its own kind (`dos2unix-md5.fs.ts`)
 *
 * THREAT: DVC believes an object of mode 0444 by its name, so that a changed one is checked out with exit 0. Nothing
 * leaves it here before its bytes gave that name again.
 */
import { randomBytes } from 'node:crypto'
import {
  chmodSync,
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { basename, dirname, join } from 'node:path'
import {
  type Content,
  DomainError,
  type FileEntry,
  folderOf,
  hexOf,
  isSha256,
  type Md5,
  type Sha256,
} from '../core/index.ts'
import { md5Of } from './digest-fd.fs.ts'
import { dos2unixMd5 } from './dos2unix-md5.fs.ts'
import { type DvcListEntry, parseDvcList, printDvcList } from './dvc-folder-list.ts'
import { flush } from './flush.exec.ts'
import type { HashOutcome } from './hash-file.fs.ts'
import { discardStaged, hashFiles } from './hash-files.fs.ts'
import { errnoOf, withIoFaults } from './io-fault.ts'
import { stagedBatch } from './object-batch.fs.ts'
import { copyDigesting, objectPath, openObject } from './object-files.fs.ts'
import type { ObjectStore } from './object-store.ts'

/** How DVC names content: 32 hex digits, and `.dir` behind those of a folder. `legacy`: by DVC 2's own MD5. */
export type DvcName = Readonly<{ name: string; legacy: boolean }>

export type DvcCache = Readonly<{
  /** `<cache>`, absolute. */
  root: string
  has(name: string): boolean
  /** Copies objects of the store, and a folder's list when there is one; a wrong object of that name is replaced. */
  put(objects: ReadonlyMap<Md5, Sha256>, list?: readonly DvcListEntry[]): Promise<void>
  /**
   * Brings content into the store, every byte checked against its name.
   *
   * @returns undefined when the cache does not hold all of it
   * @throws ERR_DVC_CACHE_CORRUPT when an object does not hold the bytes of its name
   */
  take(name: DvcName, executable: boolean): Promise<Content | undefined>
}>

export type DvcCacheOptions = Readonly<{
  root: string
  /** Group members write too: DVC's `cache.shared = group`. */
  isShared: boolean
}>

/** LIMIT: a folder's list is read up to 512 MiB, some three million files. */
const maxListBytes = 512 * 1024 * 1024

type Placing = DvcCacheOptions & Readonly<{ aside: string }>

export function openDvcCache(given: DvcCacheOptions, store: ObjectStore): DvcCache {
  const options: Placing = { ...given, aside: join(dirname(store.root), 'tmp') }
  const { root } = options
  const at = (name: string): string => join(root, 'files', 'md5', name.slice(0, 2), name.slice(2))
  return {
    root,
    has: (name) => isFile(at(name)),
    put: (objects, list) =>
      withIoFaults(root, async () => {
        const wrong = await wrongOnes(new Map([...objects].map(([md5, digest]) => [at(hexOf(md5)), { md5, digest }])))
        const written: string[] = []
        for (const [path, { digest }] of wrong)
          written.push(place(path, options, (target) => copyOut(store, digest, target)))
        if (list !== undefined) {
          const text = Buffer.from(printDvcList(list))
          const path = at(`${hexOf(md5Of(text))}.dir`)
          // Last, so that a list that is there speaks of objects that are there.
          if (!isFile(path) || !readFileSync(path).equals(text))
            written.push(place(path, options, (target) => writeFileSync(target, text, { mode: 0o444, flag: 'wx' })))
        }
        if (written.length > 0) await flush(root, written)
      }),
    take: (wanted, executable) => withIoFaults(root, () => takeContent(wanted, executable, { root, store })),
  }
}

function isFile(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isFile() === true
}

type Object = Readonly<{ md5: Md5; digest: Sha256 }>

/** Those that are missing, or that do not hold the bytes of their name. */
async function wrongOnes(wanted: ReadonlyMap<string, Object>): Promise<ReadonlyMap<string, Object>> {
  const there = [...wanted.keys()].filter(isFile)
  const sizes = there.map((path) => lstatSync(path, { throwIfNoEntry: false })?.size ?? 0)
  const outcomes = await hashFiles(there, { scheme: 'sha256', sizes })
  const right = new Set(
    there.filter((path, index) => {
      const outcome = outcomes[index]
      return outcome?.kind === 'hashed' && outcome.digest === wanted.get(path)?.digest
    }),
  )
  return new Map([...wanted].filter(([path]) => !right.has(path)))
}

/** Written aside, where what a killed run leaves is swept, and renamed: DVC never sees half an object. */
function place(path: string, { isShared, aside }: Placing, write: (target: string) => void): string {
  makeFolder(dirname(path), isShared)
  mkdirSync(aside, { recursive: true })
  const name = `${basename(path)}.${randomBytes(6).toString('hex')}.tmp`
  try {
    putFrom(join(aside, name), path, write)
  } catch (error) {
    if (errnoOf(error) !== 'EXDEV') throw error
    putFrom(join(dirname(path), name), path, write) // a cache on another file system
  }
  return path
}

function putFrom(fresh: string, path: string, write: (target: string) => void): void {
  try {
    write(fresh)
    renameSync(fresh, path)
  } catch (error) {
    rmSync(fresh, { force: true })
    throw error
  }
}

/** In a shared cache the group may write to each folder that is made, whatever the umask. */
function makeFolder(folder: string, isShared: boolean): void {
  const first = mkdirSync(folder, { recursive: true })
  if (first === undefined || !isShared) return
  for (let made = folder; made.length >= first.length; made = dirname(made)) chmodSync(made, 0o2775)
}

/** INVARIANT: the bytes are digested as they are copied; a bad object of ours is never given a name of DVC's. */
function copyOut(store: ObjectStore, digest: Sha256, target: string): void {
  const fd = openObject(store.root, digest)
  try {
    if (copyDigesting(fd, target, { mode: 0o444 }).digest === digest) return
  } finally {
    closeSync(fd)
  }
  throw new DomainError('ERR_STORE_CORRUPT', `the object \`${digest}\` does not hold the bytes of its name`)
}

type Taking = Readonly<{ root: string; store: ObjectStore; legacy: boolean }>

async function takeContent(
  { name, legacy }: DvcName,
  executable: boolean,
  place: Omit<Taking, 'legacy'>,
): Promise<Content | undefined> {
  const taking = { ...place, legacy }
  if (!name.endsWith('.dir')) {
    const [file] = (await takeFiles([{ md5: `md5:${name}`, path: name }], taking)) ?? []
    return file === undefined ? undefined : { kind: 'file', digest: file.digest, sizeBytes: file.sizeBytes, executable }
  }
  const bytes = readList(placeOf(taking, name))
  if (bytes === undefined) return undefined
  if (`${hexOf(md5Of(bytes))}.dir` !== name) throw corrupt(placeOf(taking, name))
  const files = await takeFiles(parseDvcList(bytes, name), taking)
  return files === undefined ? undefined : folderOf(files)
}

function placeOf({ root, legacy }: Taking, name: string): string {
  return join(root, ...(legacy ? [] : ['files', 'md5']), name.slice(0, 2), name.slice(2))
}

/** THREAT: a link in the cache's place would have any file of the machine taken for data: never followed. */
function readList(path: string): Buffer | undefined {
  const fd = openPlain(path)
  if (fd === undefined) return undefined
  try {
    const stats = fstatSync(fd)
    if (!stats.isFile() || stats.size > maxListBytes) throw corrupt(path)
    return readFileSync(fd)
  } finally {
    closeSync(fd)
  }
}

function openPlain(path: string): number | undefined {
  try {
    return openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') return undefined
    if (errnoOf(error) === 'ELOOP') throw corrupt(path)
    throw error
  }
}

/** Undefined when one is missing. Each object is read once: checked, digested and staged in the same read. */
async function takeFiles(entries: readonly DvcListEntry[], taking: Taking): Promise<readonly FileEntry[] | undefined> {
  const { store } = taking
  const paths = [...new Set(entries.map(({ md5 }) => placeOf(taking, hexOf(md5))))]
  const sizes = paths.map((path) => lstatSync(path, { throwIfNoEntry: false })?.size ?? 0)
  const outcomes = await hashFiles(paths, { scheme: 'sha256', storeRoot: store.root, md5: true, sizes })
  try {
    if (outcomes.some(({ kind }) => kind === 'missing')) {
      discardStaged(outcomes)
      return undefined
    }
    const found = new Map(paths.map((path, index) => [path, outcomes[index]] as const))
    const files = entries.map((entry) => fileOf(entry, found.get(placeOf(taking, hexOf(entry.md5))), taking))
    await putStaged(store, outcomes)
    return files
  } catch (error) {
    discardStaged(outcomes)
    throw error
  }
}

function fileOf({ md5, path }: DvcListEntry, outcome: HashOutcome | undefined, taking: Taking): FileEntry {
  const object = placeOf(taking, hexOf(md5))
  if (outcome?.kind !== 'hashed' || !isSha256(outcome.digest)) throw corrupt(object)
  const found = taking.legacy ? legacyMd5(outcome.temp ?? objectPath(taking.store.root, outcome.digest)) : outcome.md5
  if (found !== md5) throw corrupt(object)
  return { path, digest: outcome.digest, sizeBytes: outcome.sizeBytes, executable: false }
}

function legacyMd5(path: string): Md5 | undefined {
  const fd = openPlain(path)
  if (fd === undefined) return undefined
  try {
    return dos2unixMd5(fd)
  } finally {
    closeSync(fd)
  }
}

async function putStaged(store: ObjectStore, outcomes: readonly HashOutcome[]): Promise<void> {
  using batch = stagedBatch(store.root)
  const md5s = new Map<Sha256, Md5>()
  for (const outcome of outcomes) {
    if (outcome.kind !== 'hashed' || !isSha256(outcome.digest)) continue
    if (outcome.md5 !== undefined) md5s.set(outcome.digest, outcome.md5)
    if (outcome.temp !== undefined)
      batch.add({ digest: outcome.digest, sizeBytes: outcome.sizeBytes, temp: outcome.temp })
  }
  await batch.commit()
  store.md5Memory?.recordMd5s(md5s)
}

function corrupt(path: string): DomainError {
  return new DomainError('ERR_DVC_CACHE_CORRUPT', `\`${path}\` does not hold the bytes of its name`, {
    details: { path },
    help: `find out what wrote it, remove it, and get it again: rm ${path} && dvc pull`,
  })
}
