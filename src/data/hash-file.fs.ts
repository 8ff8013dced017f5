/** One file, read once: its digest, what its stat said, and (when asked) its bytes brought into a store. */
import { createHash } from 'node:crypto'
import { type BigIntStats, closeSync, constants, fstatSync, openSync, readSync, rmSync } from 'node:fs'
import { type Md5, sha256Of } from '../core/index.ts'
import { digestFd, md5Of } from './digest-fd.fs.ts'
import { isSameStat, type StatKey, statKeyOf } from './file-stat.ts'
import { errnoOf } from './io-fault.ts'
import { readAll, stageFile } from './object-files.fs.ts'

/** `sha256` of the bytes, or the name that git gives a blob of them. */
export type HashScheme = 'sha256' | 'git-sha1' | 'git-sha256'

/** With scheme `sha256` only: `storeRoot` has the bytes staged in that store too, `md5` has both digests made at once. */
export type HashJob = Readonly<{ scheme: HashScheme; storeRoot?: string; md5?: boolean }>

export type HashOutcome =
  | Readonly<{
      kind: 'hashed'
      digest: string
      md5?: Md5
      sizeBytes: number
      executable: boolean
      stat: StatKey
      temp?: string
    }>
  | Readonly<{ kind: 'missing' | 'not-plain' | 'changed' }>

const smallBytes = 1024 * 1024
let buffer: Buffer | undefined

/** THREAT: the last step is never a link, and opening a fifo does not wait. */
const openFlags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK | constants.O_NOCTTY

/**
 * @param file a path, or a descriptor that stays open
 * @throws system errors other than those that `HashOutcome` names; DomainError from the store
 */
export function hashFile(file: string | number, job: HashJob): HashOutcome {
  if (typeof file === 'number') return hashOpen(file, job)
  const fd = openPlain(file)
  if (typeof fd === 'object') return fd
  try {
    return hashOpen(fd, job)
  } finally {
    closeSync(fd)
  }
}

function hashOpen(fd: number, job: HashJob): HashOutcome {
  const before = fstatSync(fd, { bigint: true })
  if (!before.isFile()) return { kind: 'not-plain' }
  const found = job.storeRoot === undefined ? digestOf(fd, before, job) : stageFile(job.storeRoot, fd, job)
  if (found === undefined || !isSameStat(fstatSync(fd, { bigint: true }), before)) {
    if (found?.temp !== undefined) rmSync(found.temp, { force: true })
    return { kind: 'changed' }
  }
  return { kind: 'hashed', ...found, executable: (before.mode & 0o100n) !== 0n, stat: statKeyOf(before) }
}

function openPlain(path: string): number | HashOutcome {
  try {
    return openSync(path, openFlags)
  } catch (error) {
    const errno = errnoOf(error)
    if (errno === 'ENOENT' || errno === 'ENOTDIR') return { kind: 'missing' }
    if (errno === 'ELOOP' || errno === 'ENXIO' || errno === 'ENODEV') return { kind: 'not-plain' }
    throw error
  }
}

type Found = Readonly<{ digest: string; sizeBytes: number; md5?: Md5; temp?: string }>

/** Undefined when there were more or fewer bytes than the size said. */
function digestOf(fd: number, { size }: BigIntStats, { scheme, md5 = false }: HashJob): Found | undefined {
  const sizeBytes = Number(size)
  if (sizeBytes > smallBytes) {
    const found = scheme === 'sha256' ? digestFd(fd, { md5 }) : digestLargeBlob(fd, sizeBytes, scheme)
    return found.sizeBytes === sizeBytes ? found : undefined
  }
  buffer ??= Buffer.allocUnsafe(smallBytes + 1)
  // A read that ends before what was asked for has met the end of the file: one call says both.
  const first = readSync(fd, buffer, 0, sizeBytes + 1, 0)
  const length = first === sizeBytes ? first : readAll(fd, buffer)
  if (length !== sizeBytes) return undefined
  const bytes = buffer.subarray(0, length)
  if (scheme !== 'sha256') return { digest: gitBlobName(bytes, scheme), sizeBytes }
  return { digest: sha256Of(bytes), sizeBytes, ...(md5 ? { md5: md5Of(bytes) } : {}) }
}

/** SOURCE: git, gitformat-pack "object names": hash of `blob <size> NUL <bytes>`. */
function gitBlobName(bytes: Uint8Array, scheme: HashScheme): string {
  return createHash(algorithmOf(scheme)).update(`blob ${bytes.length}\0`).update(bytes).digest('hex')
}

function digestLargeBlob(fd: number, sizeBytes: number, scheme: HashScheme): Found {
  const hasher = createHash(algorithmOf(scheme)).update(`blob ${sizeBytes}\0`)
  const chunk = Buffer.allocUnsafe(4 * smallBytes)
  let position = 0
  for (;;) {
    const length = readSync(fd, chunk, 0, chunk.length, position)
    if (length === 0) return { digest: hasher.digest('hex'), sizeBytes: position }
    hasher.update(chunk.subarray(0, length))
    position += length
  }
}

function algorithmOf(scheme: HashScheme): 'sha1' | 'sha256' {
  return scheme === 'git-sha1' ? 'sha1' : 'sha256'
}
