/**
 * A remote in a folder of this machine, or of one that is mounted. Several may push at once: names are digests, a rename
 * is atomic, and equal bytes are equal.
 *
 * THREAT: others write to the folder. No step to a name follows a link, what is read is no device, and a folder of
 * somebody else is never made a remote by mistake.
 */
import { createHash, randomBytes } from 'node:crypto'
import {
  chmodSync,
  closeSync,
  constants,
  fstatSync,
  ftruncateSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs'
import { basename, dirname, join, relative } from 'node:path'
import { setImmediate as breathe } from 'node:timers/promises'
import { DomainError, isDomainError, nameFault, type Sha256, sha256Of } from '../../core/index.ts'
import { digestFd } from '../digest-fd.fs.ts'
import { flush, flushPath } from '../flush.exec.ts'
import { errnoOf } from '../io-fault.ts'
import { readAll } from '../object-files.fs.ts'
import { openParent } from '../safe-folder.fs.ts'
import {
  abandonedMs,
  corruptObject,
  largeBytes,
  maxListed,
  type Outgoing,
  occupied,
  type Remote,
  remoteFault,
  remoteMark,
} from './remote.ts'

const chunkBytes = 4 * 1024 * 1024
/** What is flushed together. */
const groupFiles = 2048
const groupBytes = 64 * 1024 * 1024
const plainRead = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK

/**
 * @param root absolute
 * @param client names this checkout on this machine: what it began and did not end, it takes up
 */
export function openFolderRemote(root: string, client: string): Remote {
  const known = new Set<string>()
  const faults = <Value>(work: () => Value): Value => {
    try {
      return work()
    } catch (error) {
      throw faultOf(error, root)
    }
  }
  return {
    address: root,
    sizes: async (names) => {
      const found = new Map<string, number>()
      for (const [index, name] of names.entries()) {
        const size = faults(() => sizeOf(root, name, known))
        if (size !== undefined) found.set(name, size)
        if (index % 1024 === 1023) await breathe()
      }
      return found
    },
    list: async (folder) => faults(() => listed(root, folder, known)),
    read: (name, start) => chunksOf(root, name, { start, known }),
    put: async (files, onSent) => {
      try {
        for (const group of groupsOf(files)) await putGroup(root, group, { client, onSent })
      } catch (error) {
        throw faultOf(error, root)
      }
    },
    prepare: async () => faults(() => prepare(root)),
    close: async () => undefined,
  }
}

function faultOf(error: unknown, root: string): unknown {
  if (isDomainError(error, 'ERR_PATH_UNSAFE')) {
    return remoteFault('ERR_REMOTE_UNSAFE', `a folder of the remote \`${root}\` is a link or a file`, error)
  }
  const errno = errnoOf(error)
  if (errno === undefined || isDomainError(error)) return error
  if (errno === 'ENOSPC' || errno === 'EDQUOT') {
    return new DomainError('ERR_DISK_FULL', `there is no space left at the remote \`${root}\``, {
      help: 'free space there, then push again: what arrived stays',
      cause: error,
    })
  }
  return remoteFault('ERR_REMOTE_FAILED', `the remote \`${root}\` cannot be used (${errno})`, error)
}

/** Folders on the way are real ones. @returns false when one is not there */
function isReachable(root: string, name: string, known: Set<string>): boolean {
  const folder = dirname(name)
  if (folder === '.' || known.has(folder)) return true
  if (!isReachable(root, folder, known)) return false
  const stats = lstatSync(join(root, folder), { throwIfNoEntry: false })
  if (stats === undefined) return false
  if (!stats.isDirectory()) throw notPlain(root, folder)
  known.add(folder)
  return true
}

function notPlain(root: string, name: string): DomainError {
  return remoteFault('ERR_REMOTE_UNSAFE', `\`${name}\` of the remote \`${root}\` is neither a plain file nor a folder`)
}

function sizeOf(root: string, name: string, known: Set<string>): number | undefined {
  if (!isReachable(root, name, known)) return undefined
  const stats = lstatSync(join(root, name), { throwIfNoEntry: false })
  if (stats === undefined) return undefined
  if (!stats.isFile()) throw notPlain(root, name)
  return stats.size
}

function listed(root: string, folder: string, known: Set<string>): readonly string[] {
  if (!isReachable(root, join(folder, 'x'), known)) return []
  const names = readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) =>
    entry.isFile() && nameFault(entry.name) === undefined ? [entry.name] : [],
  )
  if (names.length > maxListed) throw remoteFault('ERR_REMOTE_UNSAFE', `\`${root}\` lists more than ${maxListed} names`)
  return names
}

async function* chunksOf(
  root: string,
  name: string,
  { start, known }: Readonly<{ start: number; known: Set<string> }>,
): AsyncGenerator<Uint8Array> {
  let fd: number | undefined
  try {
    if (!isReachable(root, name, known)) throw gone(root, name)
    fd = openSync(join(root, name), plainRead)
    const stats = fstatSync(fd)
    if (!stats.isFile()) throw notPlain(root, name)
    for (let at = start; ; ) {
      // a buffer of its own, since whoever takes it may keep it
      const chunk = Buffer.allocUnsafe(Math.min(chunkBytes, Math.max(1, stats.size - at)))
      const length = readSync(fd, chunk, 0, chunk.length, at)
      if (length === 0) return
      at += length
      yield chunk.subarray(0, length)
    }
  } catch (error) {
    const errno = errnoOf(error)
    if (errno === 'ENOENT') throw gone(root, name)
    throw errno === 'ELOOP' ? notPlain(root, name) : faultOf(error, root)
  } finally {
    if (fd !== undefined) closeSync(fd)
  }
}

function gone(root: string, name: string): DomainError {
  return remoteFault('ERR_REMOTE_MISSING', `\`${name}\` is not at \`${root}\``)
}

function* groupsOf(files: readonly Outgoing[]): Generator<readonly Outgoing[]> {
  let group: Outgoing[] = []
  let bytes = 0
  for (const file of files) {
    if (group.length >= groupFiles || (group.length > 0 && bytes + file.sizeBytes > groupBytes)) {
      yield group
      group = []
      bytes = 0
    }
    group.push(file)
    bytes += file.sizeBytes
  }
  if (group.length > 0) yield group
}

type Putting = Readonly<{ client: string; onSent(file: Outgoing): void }>

/** Written aside, flushed together, read back, and then given their names. */
async function putGroup(root: string, group: readonly Outgoing[], { client, onSent }: Putting): Promise<void> {
  const staged: Readonly<{ file: Outgoing; temp: string }>[] = []
  try {
    for (const file of group) {
      const temp = join(root, 'tmp', isLarge(file) ? `${client}-${sha256Of(file.name).slice(7, 39)}.part` : temporary())
      openParent(temp, root, folderMode)[Symbol.dispose]()
      if (isLarge(file)) await writeLarge(root, file, temp)
      else writeSmall(file, temp)
      staged.push({ file, temp })
    }
    await flush(
      root,
      staged.map(({ temp }) => temp),
    )
    for (const { file, temp } of staged) refuseOther(root, file, temp)
    const folders = new Set<string>()
    for (const { file, temp } of staged) {
      using parent = openParent(join(root, file.name), root, folderMode)
      // Whoever may read it by the umask may read it; nobody writes to it any more.
      chmodSync(temp, lstatSync(temp).mode & 0o444)
      renameSync(temp, parent.at(basename(file.name)))
      folders.add(dirname(join(root, file.name)))
    }
    await flush(root, [...folders])
  } catch (error) {
    for (const { file, temp } of staged) if (!isLarge(file)) rmSync(temp, { force: true })
    throw error
  }
  for (const { file } of staged) onSent(file)
}

const folderMode = 0o777 // as the umask has it: a folder that a team shares is the team's

function isLarge(file: Outgoing): file is Outgoing & Readonly<{ path: string }> {
  return 'path' in file && file.sizeBytes >= largeBytes
}

function temporary(): string {
  return `${randomBytes(12).toString('hex')}.tmp`
}

function writeSmall(file: Outgoing, temp: string): void {
  const bytes = 'bytes' in file ? file.bytes : bytesOf(file.path, file.sizeBytes)
  if (sha256Of(bytes) !== file.digest) throw corruptObject(file.digest)
  const fd = openSync(temp, 'wx', 0o666)
  try {
    for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done, bytes.length - done)
  } catch (error) {
    rmSync(temp, { force: true })
    throw error
  } finally {
    closeSync(fd)
  }
}

function bytesOf(path: string, sizeBytes: number): Buffer {
  const fd = openSync(path, plainRead)
  try {
    const bytes = Buffer.allocUnsafe(sizeBytes + 1)
    return bytes.subarray(0, readAll(fd, bytes))
  } finally {
    closeSync(fd)
  }
}

/** Goes on where an earlier push of this checkout broke off; whether that was ours, reading it back tells. */
async function writeLarge(root: string, file: Outgoing & Readonly<{ path: string }>, temp: string): Promise<void> {
  const from = openSync(file.path, plainRead)
  let to: number | undefined
  try {
    to = openPart(root, temp)
    const buffer = Buffer.allocUnsafe(chunkBytes)
    const hasher = createHash('sha256')
    const there = Math.min(fstatSync(to).size, file.sizeBytes)
    let at = 0
    for (;;) {
      const length = readSync(from, buffer, 0, chunkBytes, at)
      if (length === 0) break
      hasher.update(buffer.subarray(0, length))
      for (let done = Math.max(0, Math.min(length, there - at)); done < length; )
        done += writeSync(to, buffer, done, length - done, at + done)
      at += length
      await breathe()
    }
    ftruncateSync(to, at)
    if (`sha256:${hasher.digest('hex')}` !== file.digest) throw corruptObject(file.digest)
  } finally {
    closeSync(from)
    if (to !== undefined) closeSync(to)
  }
}

/** THREAT: a pipe would be waited on for ever; a link, or a file that has another name too, is somebody else's. */
function openPart(root: string, temp: string): number {
  let fd: number
  try {
    fd = openSync(temp, constants.O_WRONLY | constants.O_CREAT | constants.O_NOFOLLOW | constants.O_NONBLOCK, 0o666)
  } catch (error) {
    // ENXIO: a pipe that nobody reads
    if (['ENXIO', 'ELOOP', 'EISDIR'].includes(errnoOf(error) ?? '')) throw notPlain(root, relative(root, temp))
    throw error
  }
  const stats = fstatSync(fd)
  if (stats.isFile() && stats.nlink === 1) return fd
  closeSync(fd)
  throw notPlain(root, relative(root, temp))
}

/** INVARIANT: what has a name at the remote was read back with the bytes of that name. */
function refuseOther(root: string, file: Outgoing, temp: string): void {
  if (digestAt(temp) === file.digest) return
  rmSync(temp, { force: true })
  throw remoteFault('ERR_REMOTE_CORRUPT', `\`${root}\` gave other bytes back for \`${file.name}\` than were written`)
}

function digestAt(path: string): Sha256 {
  const fd = openSync(path, plainRead)
  try {
    return digestFd(fd).digest
  } finally {
    closeSync(fd)
  }
}

function prepare(root: string): void {
  mkdirSync(root, { recursive: true })
  const names = readdirSync(root)
  const isOurs = names.includes(remoteMark) || names.every((name) => name === 'tmp' || name.startsWith(remoteMark))
  if (!isOurs) throw occupied(root)
  const limit = Date.now() - abandonedMs
  for (const name of listed(root, 'tmp', new Set())) {
    const path = join(root, 'tmp', name)
    const stats = lstatSync(path, { throwIfNoEntry: false })
    if (/\.(tmp|part)$/.test(name) && stats?.isFile() === true && stats.mtimeMs < limit) rmSync(path, { force: true })
  }
  flushPath(root)
}
