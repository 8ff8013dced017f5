/**
 * Objects as files: where they lie, how bytes are brought in, and what happens to those that went bad.
 *
 *   <root>/<2 hex>/<62 hex>   objects, 0644; a folder as `root` is 0700
 *   <root>/closed/<name>/...  the same, of data that is kept apart: a folder of each name, 0700
 *   <root>/tmp                bytes on their way in, named by the process that writes them
 *   <root>/holds              processes that want no object collected
 *   <root>/../quarantine      objects that do not hold the bytes of their name
 *
 * All of it is synchronous, so that a worker can do it too; `object-batch.fs.ts` makes it durable.
 */
import {
  closeSync,
  constants,
  copyFileSync,
  existsSync,
  fchmodSync,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  type Stats,
  utimesSync,
  writeSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { DomainError, hexOf, type Md5, type Sha256, sha256Of } from '../core/index.ts'
import { digestFd, md5Of } from './digest-fd.fs.ts'
import { errnoOf } from './io-fault.ts'
import { nameOfOwn } from './process-owner.fs.ts'

/** Bytes that were read: an object already, or a temporary file that waits to become one. */
export type Staged = Readonly<{ digest: Sha256; sizeBytes: number; md5?: Md5; temp?: string }>

/** `md5`: the MD5 is wanted beside the SHA-256. */
export type StageOptions = Readonly<{ md5?: boolean }>

/** An object is made young again at most this often: a touch is a write, and a no-change run touches every object. */
export const freshForMs = 10 * 60_000
/** As a working tree has files: a stage that copies a dep with its mode may write the copy. */
export const objectMode = 0o644
/** Up to this size a file is read whole. */
const smallBytes = 1024 * 1024
// Reused, since allocation costs more than reading a small file; safe because nothing here awaits.
let smallBuffer: Buffer | undefined
let otherBuffer: Buffer | undefined

export const tempFolder = (root: string): string => join(root, 'tmp')
export const holdFolder = (root: string): string => join(root, 'holds')

/** Folders of objects that are kept apart, the strictest first: an object is in the strictest that it was ever put in. */
export const closedFolders = ['restricted', 'confidential'] as const
export type ClosedFolder = (typeof closedFolders)[number]

export const closedRoot = (root: string, name: ClosedFolder): string => `${root}/closed/${name}`

export function placeUnder(root: string, digest: Sha256): string {
  const hex = hexOf(digest)
  return `${root}/${hex.slice(0, 2)}/${hex.slice(2)}`
}

type FoundObject = Readonly<{ path: string; stats: Stats; closed?: ClosedFolder }>

/**
 * What lies where the object belongs, file or not: in the open, else apart.
 *
 * An object is moved to a stricter folder while others read: looked for twice, it is found wherever it was on its way.
 */
export function findObject(root: string, digest: Sha256): FoundObject | undefined {
  const found = lookFor(root, digest)
  return found !== undefined || !existsSync(`${root}/closed`) ? found : lookFor(root, digest)
}

function lookFor(root: string, digest: Sha256): FoundObject | undefined {
  const open = lookAt(placeUnder(root, digest))
  if (open !== undefined || !existsSync(`${root}/closed`)) return open
  for (const closed of closedFolders) {
    const found = lookAt(placeUnder(closedRoot(root, closed), digest))
    if (found !== undefined) return { ...found, closed }
  }
  return undefined
}

function lookAt(path: string): FoundObject | undefined {
  const stats = lstatSync(path, { throwIfNoEntry: false })
  return stats === undefined ? undefined : { path, stats }
}

/** Where the object lies, or where a new one belongs. */
export function objectPath(root: string, digest: Sha256): string {
  return findObject(root, digest)?.path ?? placeUnder(root, digest)
}

export function isObject(root: string, digest: Sha256): boolean {
  return findObject(root, digest)?.stats.isFile() === true
}

/**
 * Tells the collector that the object is wanted now.
 *
 * @returns false when it is not there
 */
export function freshen(root: string, digest: Sha256): boolean {
  const now = new Date()
  const found = findObject(root, digest)
  if (found?.stats.isFile() !== true) return false
  if (Math.abs(now.getTime() - found.stats.mtimeMs) < freshForMs) return true
  try {
    utimesSync(found.path, now, now)
    return true
  } catch {
    return isObject(root, digest) // moved meanwhile; or a store that is only readable to us, which we then cannot collect either
  }
}

/** Brings in bytes; when the object is there and right, nothing is written. */
export function stageBytes(root: string, bytes: Uint8Array, { md5 = false }: StageOptions = {}): Staged {
  const digest = sha256Of(bytes)
  const found = { digest, sizeBytes: bytes.length, ...(md5 ? { md5: md5Of(bytes) } : {}) }
  if (holds(root, digest, bytes) && freshen(root, digest)) return found
  const temp = join(tempFolder(root), nameOfOwn())
  writeNew(temp, (fd) => {
    writeAll(fd, bytes, bytes.length)
    fchmodSync(fd, objectMode)
  })
  return { ...found, temp }
}

/**
 * Brings in a file, reading it once from its beginning whatever the position of `fd`.
 *
 * @throws ERR_DATA_NOT_PLAIN when `fd` is not a regular file
 */
export function stageFile(root: string, fd: number, options: StageOptions = {}): Staged {
  const stats = fstatSync(fd)
  if (!stats.isFile()) throw new DomainError('ERR_DATA_NOT_PLAIN', 'only regular files can be stored')
  if (stats.size <= smallBytes) {
    smallBuffer ??= Buffer.allocUnsafe(smallBytes + 1)
    const length = readAll(fd, smallBuffer)
    if (length <= smallBytes) return stageBytes(root, smallBuffer.subarray(0, length), options)
  }
  const temp = join(tempFolder(root), nameOfOwn())
  return { ...copyDigesting(fd, temp, { mode: objectMode, ...options }), temp }
}

/** Copies a file to a new one; the digest is that of the bytes written. Leaves nothing behind when it throws. */
export function copyDigesting(
  fd: number,
  target: string,
  { mode, md5 = false }: StageOptions & Readonly<{ mode: number }>,
): Omit<Staged, 'temp'> {
  if (fstatSync(fd).size > smallBytes && clone(fd, target)) {
    // A clone is digested where it lies: the source may have changed since.
    return writeExisting(target, (copy) => {
      const found = digestFd(copy, { md5 })
      fchmodSync(copy, mode)
      return found
    })
  }
  return writeNew(target, (copy) => {
    const found = digestFd(fd, { md5, eachChunk: (chunk) => writeAll(copy, chunk, chunk.length) })
    fchmodSync(copy, mode)
    return found
  })
}

/** THREAT: the path may be a link that someone put there: never followed. @throws ERR_STORE_MISSING */
export function openObject(root: string, digest: Sha256): number {
  for (let tries = 0; ; tries += 1) {
    const path = objectPath(root, digest)
    try {
      return openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
    } catch (error) {
      const isGone = errnoOf(error) === 'ENOENT'
      // between the look and the opening it may have been moved to a stricter folder, and from there to the strictest
      if (isGone && tries < closedFolders.length && isObject(root, digest)) continue
      if (!isGone && errnoOf(error) !== 'ELOOP') throw error
      throw missingObject(digest)
    }
  }
}

export function missingObject(digest: Sha256): DomainError {
  return new DomainError('ERR_STORE_MISSING', `the object \`${digest}\` is not in the store`, { details: { digest } })
}

/** Moves a bad object out of the way and says so. */
export function setAside(root: string, digest: Sha256): DomainError {
  const name = `${hexOf(digest)}.${nameOfOwn()}`
  const beside = join(dirname(root), 'quarantine')
  const inside = join(root, 'quarantine')
  const from = objectPath(root, digest)
  let place = beside
  try {
    move(from, beside, name)
  } catch (error) {
    // The store may be a mount of its own, or its parent not ours to write.
    if (!['EXDEV', 'EACCES', 'EPERM', 'EROFS'].includes(errnoOf(error) ?? '')) throw error
    place = inside
    move(from, inside, name)
  }
  return new DomainError('ERR_STORE_CORRUPT', `the object \`${digest}\` does not hold the bytes of its name`, {
    details: { digest, setAside: join(place, name) },
  })
}

function move(from: string, folder: string, name: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  try {
    renameSync(from, join(folder, name))
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error // another process set it aside
  }
}

/** Whether the object is there with exactly these bytes: a put of the right bytes replaces a bad object. */
function holds(root: string, digest: Sha256, bytes: Uint8Array): boolean {
  if (bytes.length > smallBytes || !isObject(root, digest)) return false
  const fd = openObject(root, digest)
  try {
    otherBuffer ??= Buffer.allocUnsafe(smallBytes + 1)
    const length = readAll(fd, otherBuffer)
    return length === bytes.length && otherBuffer.subarray(0, length).equals(bytes)
  } finally {
    closeSync(fd)
  }
}

/** LIMIT: file systems without reflinks answer once an attempt; the attempt costs one open and one ioctl. */
function clone(fd: number, target: string): boolean {
  try {
    copyFileSync(`/proc/self/fd/${fd}`, target, constants.COPYFILE_FICLONE_FORCE | constants.COPYFILE_EXCL)
    return true
  } catch (error) {
    rmSync(target, { force: true })
    if (errnoOf(error) === 'ENOSPC') throw error
    return false // no reflinks here, or no /proc: the bytes are copied
  }
}

function writeNew<T>(target: string, write: (fd: number) => T): T {
  return closing(target, openSync(target, 'wx', 0o600), write)
}

function writeExisting<T>(target: string, write: (fd: number) => T): T {
  return closing(target, openSync(target, 'r'), write)
}

function closing<T>(target: string, fd: number, write: (fd: number) => T): T {
  try {
    return write(fd)
  } catch (error) {
    rmSync(target, { force: true })
    throw error
  } finally {
    closeSync(fd)
  }
}

/** Reads from the beginning until the end or until the buffer is full. */
export function readAll(fd: number, buffer: Buffer): number {
  let length = 0
  while (length < buffer.length) {
    const count = readSync(fd, buffer, length, buffer.length - length, length)
    if (count === 0) break
    length += count
  }
  return length
}

function writeAll(fd: number, bytes: Uint8Array, length: number): void {
  for (let done = 0; done < length; ) done += writeSync(fd, bytes, done, length - done)
}
