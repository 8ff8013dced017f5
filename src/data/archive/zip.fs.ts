/**
 * The members of a zip archive, read with suspicion: every refusal of `zip-layout.ts`, no links, plain names, bounded sizes.
 *
 * Nothing is written here. Content is checked against CRC and size as it is read.
 */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { Readable } from 'node:stream'
import { crc32, createInflateRaw, inflateRawSync } from 'node:zlib'
import { type Entry, fromFdPromise, type ZipFile } from 'yauzl'
import { nameFault } from '../../core/index.ts'
import { endFault, headerFault, type LocatedEntry, plainNameOf } from './zip-layout.ts'

export type ZipMember = Readonly<{
  /** Path inside the archive, with `/`; each name is plain. */
  path: string
  sizeBytes: number
  executable: boolean
}>

export type ZipArchive = Readonly<{
  /** Files. */
  members: readonly ZipMember[]
  /** Entries for folders alone, each with a `/` at its end. */
  folders: readonly string[]
  /** The bytes in pieces; small members are one piece. @throws what `refuse` makes, when they are not what was said */
  content(path: string): AsyncIterable<Buffer>
  /** A small member whole. @throws what `refuse` makes, when it is missing or over `maxBytes` */
  read(path: string, maxBytes: number): Promise<Buffer>
  [Symbol.dispose](): void
}>

/** LIMIT: 100,000 members and 16 GiB an archive, and at most 100 times its own size once it unpacks to over 256 MiB. */
const maxMembers = 100_000
const maxUnpackedBytes = 16 * 1024 ** 3
const maxRatio = 100
const ratioFreeBytes = 256 * 1024 ** 2

/** Members up to this size are inflated in one call, larger ones in pieces. */
const wholeBytes = 32 * 1024 ** 2

/** Makes the error for an archive that is not plain. @param what a predicate, after the archive as subject */
export type Refuse = (what: string, cause?: unknown) => Error

/**
 * Trust: every byte is hostile; nobody changes the file meanwhile.
 *
 * @param path absolute
 * @throws what `refuse` makes
 */
export async function openZip(path: string, refuse: Refuse): Promise<ZipArchive> {
  const fd = openSync(path, 'r')
  try {
    const { members: located, folders } = await locateMembers(fd, refuse)
    const byPath = new Map(located.map((member) => [member.path, member]))
    const content = (wanted: string): AsyncIterable<Buffer> => {
      const member = byPath.get(wanted)
      if (member === undefined) throw refuse(`has no \`${wanted}\``)
      return contentOf(fd, member, refuse)
    }
    return {
      members: located.map(({ path: member, entry, executable }) => ({
        path: member,
        sizeBytes: entry.uncompressedSize,
        executable,
      })),
      folders,
      content,
      read: async (wanted, maxBytes) => {
        const size = byPath.get(wanted)?.entry.uncompressedSize ?? 0
        if (size > maxBytes) throw refuse(`has a \`${wanted}\` of ${size} bytes`)
        return Buffer.concat(await collect(content(wanted)))
      },
      [Symbol.dispose]: () => closeSync(fd),
    }
  } catch (error) {
    closeSync(fd)
    throw error
  }
}

type Member = Readonly<{ path: string; entry: Entry; dataStart: number; executable: boolean }>

async function locateMembers(
  fd: number,
  refuse: Refuse,
): Promise<Readonly<{ members: readonly Member[]; folders: readonly string[] }>> {
  const sizeBytes = fstatSync(fd).size
  const { entries, start, zip } = await readDirectory(fd, sizeBytes, refuse)
  const sorted = entries.toSorted((a, b) => a.relativeOffsetOfLocalHeader - b.relativeOffsetOfLocalHeader)
  const members: Member[] = []
  const folders: string[] = []
  let position = 0
  for (const [index, entry] of sorted.entries()) {
    // INVARIANT: members follow each other without gap or overlap, from the first byte to the directory.
    if (entry.relativeOffsetOfLocalHeader !== position) throw refuse('has overlapping members or hidden bytes')
    const local = await yauzlSays(refuse, () => zip.readLocalFileHeaderPromise(entry))
    const dataEnd = local.fileDataStart + entry.compressedSize
    position = sorted[index + 1]?.relativeOffsetOfLocalHeader ?? start
    if (dataEnd > position) throw refuse('has overlapping members or hidden bytes')
    const trailer = readAt(fd, dataEnd, Math.min(position - dataEnd, 32))
    const member = toMember({ entry, local, trailer }, refuse)
    if (typeof member === 'string') folders.push(member)
    else members.push(member)
  }
  if (position !== start) throw refuse('has bytes before its directory that belong to nothing')
  refuseDuplicates(members, refuse)
  refuseBomb(members, sizeBytes, refuse)
  return { members, folders }
}

async function readDirectory(
  fd: number,
  sizeBytes: number,
  refuse: Refuse,
): Promise<Readonly<{ entries: readonly Entry[]; start: number; zip: ZipFile }>> {
  const zip = await yauzlSays(refuse, () =>
    fromFdPromise(fd, { lazyEntries: true, autoClose: false, strictFileNames: true }),
  )
  // The types say boolean; the code and its own documentation say a number: the offset that is read next.
  const cursor = (): number => Number(zip.readEntryCursor)
  const start = cursor()
  if (zip.entryCount > maxMembers) throw refuse(`has more than ${maxMembers} members`)
  const entries = await yauzlSays(refuse, () => collect(zip.eachEntry()))
  const directory = { start, end: cursor(), entries: entries.length, sizeBytes }
  const tail = Math.min(98, sizeBytes - directory.end)
  const fault = endFault(tail < 22 ? Buffer.alloc(22) : readAt(fd, sizeBytes - tail, tail), directory)
  if (fault !== undefined) throw refuse(fault)
  return { entries, start, zip }
}

/** yauzl's own refusals (bad signatures, absolute names, `..`) become ours. */
async function yauzlSays<Result>(refuse: Refuse, read: () => Promise<Result>): Promise<Result> {
  try {
    return await read()
  } catch (cause) {
    throw refuse(`is not a plain zip archive: ${cause instanceof Error ? cause.message : 'unreadable'}`, cause)
  }
}

const typeMask = 0o170000
const regularFile = 0o100000
const folder = 0o040000

/** Of a folder its path alone. */
function toMember(located: LocatedEntry, refuse: Refuse): Member | string {
  const { entry, local } = located
  const path = plainNameOf(entry)
  if (path === undefined) throw refuse('has a member whose name has two readings')
  const fault = headerFault(located)
  if (fault !== undefined) throw refuse(`has a member that ${fault}: \`${path}\``)
  const mode = entry.externalFileAttributes >>> 16
  const type = mode & typeMask
  const isFolder = path.endsWith('/')
  // THREAT: a link would let a later member be written anywhere.
  if (type !== 0 && type !== (isFolder ? folder : regularFile)) throw refuse(`has a link or device: \`${path}\``)
  for (const part of path.slice(0, isFolder ? -1 : undefined).split('/')) {
    const unsafe = nameFault(part)
    if (unsafe !== undefined) throw refuse(`has a name that ${unsafe}: \`${path}\``)
  }
  if (isFolder && entry.uncompressedSize !== 0) throw refuse(`has a folder with content: \`${path}\``)
  if (isFolder) return path
  if ((mode & 0o6000) !== 0) throw refuse(`has a set-uid file: \`${path}\``)
  return { path, entry, dataStart: local.fileDataStart, executable: (mode & 0o111) !== 0 }
}

function refuseDuplicates(members: readonly Member[], refuse: Refuse): void {
  const seen = new Set<string>()
  for (const { path } of members) {
    if (seen.has(path)) throw refuse(`has two members \`${path}\``)
    seen.add(path)
  }
}

function refuseBomb(members: readonly Member[], sizeBytes: number, refuse: Refuse): void {
  const unpacked = members.reduce((sum, { entry }) => sum + entry.uncompressedSize, 0)
  const limit = Math.min(maxUnpackedBytes, Math.max(ratioFreeBytes, sizeBytes * maxRatio))
  if (unpacked > limit) throw refuse(`unpacks to ${unpacked} bytes, the limit for its size is ${limit}`)
}

function readAt(fd: number, position: number, length: number): Buffer {
  const buffer = Buffer.allocUnsafe(length)
  for (let done = 0; done < length; ) {
    const count = readSync(fd, buffer, done, length - done, position + done)
    if (count === 0) throw new Error('the archive became shorter while it was read')
    done += count
  }
  return buffer
}

async function* contentOf(fd: number, member: Member, refuse: Refuse): AsyncGenerator<Buffer> {
  const { entry, path } = member
  let size = 0
  let checksum = 0
  try {
    for await (const piece of inflated(fd, member)) {
      size += piece.length
      if (size > entry.uncompressedSize) break
      checksum = crc32(piece, checksum)
      yield piece
    }
  } catch (cause) {
    throw refuse(`has a member that does not inflate to its size: \`${path}\``, cause)
  }
  if (size !== entry.uncompressedSize) throw refuse(`has a member of another size than it says: \`${path}\``)
  if (checksum !== entry.crc32) throw refuse(`has a member with a wrong checksum: \`${path}\``)
}

async function* inflated(fd: number, { entry, dataStart }: Member): AsyncGenerator<Buffer> {
  if (entry.uncompressedSize <= wholeBytes && entry.compressedSize <= wholeBytes * 2) {
    const raw = readAt(fd, dataStart, entry.compressedSize)
    yield entry.compressionMethod === 0 ? raw : inflateWhole(raw, entry.uncompressedSize)
    return
  }
  const pieces = piecesOf(fd, dataStart, entry.compressedSize)
  if (entry.compressionMethod === 0) {
    yield* pieces
    return
  }
  const inflater = createInflateRaw({ chunkSize: 1024 * 1024 })
  const source = Readable.from(pieces)
  source.on('error', (error) => inflater.destroy(error))
  yield* source.pipe(inflater) as AsyncIterable<Buffer>
  if (inflater.bytesWritten !== entry.compressedSize) throw new Error('bytes after the end of the compressed data')
}

function inflateWhole(raw: Buffer, sizeBytes: number): Buffer {
  const { buffer, engine } = inflateRawSync(raw, {
    info: true,
    maxOutputLength: Math.max(sizeBytes, 1),
  }) as unknown as {
    buffer: Buffer
    engine: { bytesWritten: number }
  } // `info: true` returns this object; the types know the Buffer alone
  if (engine.bytesWritten !== raw.length) throw new Error('bytes after the end of the compressed data')
  return buffer
}

async function collect<Item>(items: AsyncIterable<Item>): Promise<readonly Item[]> {
  const found: Item[] = []
  for await (const item of items) found.push(item)
  return found
}

function* piecesOf(fd: number, start: number, length: number): Generator<Buffer> {
  const step = 4 * 1024 ** 2
  for (let done = 0; done < length; done += step) yield readAt(fd, start + done, Math.min(step, length - done))
}
