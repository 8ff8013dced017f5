/**
 * The members of a tar archive, in order, to a visitor that says what becomes of each. Everything read is hostile.
 *
 * Nothing is written here; `tar-stream` reads the format, and refuses a header whose checksum is wrong.
 */

import { type Duplex, pipeline as piped, type Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { extract, type Header } from 'tar-stream'
import { DomainError } from '../../core/index.ts'
import { type ArchiveFrame, newArchiveFrame } from '../image/archive-frame.ts'
import { refusedPackage } from './tree-writer.fs.ts'

export type TarMember = Readonly<{
  /** As the archive writes it. */
  path: string
  type: 'file' | 'link' | 'hard-link' | 'folder'
  executable: boolean
  sizeBytes: number
  /** Of links. */
  target: string
}>

export type MemberSink = Readonly<{ write(piece: Buffer): void; end(): void }>

/** LIMIT: 200,000 members and 16 GiB an archive, and at most 100 times its own size once it unpacks to over 256 MiB. */
const maxMembers = 200_000
const maxUnpackedBytes = 16 * 1024 ** 3
const maxRatio = 100
const ratioFreeBytes = 256 * 1024 ** 2

export type TarArchive = Readonly<{
  /** For messages. */
  name: string
  /** As it was fetched, compressed. */
  sizeBytes: number
  /** Headers for all entries: npm and git write and read them, conda does not. */
  globalHeaders: 'passed' | 'refused'
}>

/** What a decompressor makes of a source. An error of either one reaches whoever reads; when that one stops, both end. */
export function decompressed(source: Readable, decompressor: Duplex): AsyncIterable<Buffer> {
  return piped(source, decompressor, () => undefined) // told to the reader
}

/**
 * @param pieces the archive, decompressed
 * @param visit says where the bytes go; undefined passes over them
 * @throws ERR_ENV_PACKAGE_REFUSED, and what `visit` throws
 */
export async function readTar(
  pieces: AsyncIterable<Buffer>,
  { name, sizeBytes, globalHeaders }: TarArchive,
  visit: (member: TarMember) => MemberSink | undefined,
): Promise<void> {
  const archive = extract()
  const limit = Math.min(maxUnpackedBytes, Math.max(ratioFreeBytes, sizeBytes * maxRatio))
  // THREAT: what npm's or conda's own reader does not see, and so nobody who reviewed the package with it.
  const frame = newArchiveFrame({ refuse: (what) => refusedPackage(name, `has ${what}`), globalHeaders })
  const feeding = pipeline(
    framed(limited(pieces, limit, name), frame),
    archive as unknown as NodeJS.WritableStream, // streamx keeps to Node's interface, its types do not say so
  )
  feeding.catch(() => undefined) // told below, after what the members say
  let members = 0
  try {
    for await (const entry of archive) {
      const isOneSize = entry.header.size === frame.sizes[members]
      if (!isOneSize) throw refusedPackage(name, `states two sizes of one file: \`${entry.header.name}\``)
      members += 1
      if (members > maxMembers) throw refusedPackage(name, `has more than ${maxMembers} members`)
      const sink = visit(memberOf(entry.header, name))
      for await (const piece of entry as AsyncIterable<Buffer>) sink?.write(piece)
      sink?.end()
    }
    await feeding
  } catch (error) {
    const fault: unknown = await feeding.then(
      () => undefined,
      (reason: unknown) => reason,
    )
    // What a visitor refused is told first; then what was found while it was fed.
    for (const one of [error, fault]) if (one instanceof DomainError) throw one
    throw refusedPackage(
      name,
      `is not a plain tar archive: ${error instanceof Error ? error.message : 'unreadable'}`,
      error,
    )
  }
}

const types: ReadonlyMap<string, TarMember['type']> = new Map([
  ['file', 'file'],
  ['contiguous-file', 'file'],
  ['symlink', 'link'],
  ['link', 'hard-link'],
  ['directory', 'folder'],
])

function memberOf({ name: path, type, mode, size = 0, linkname, pax }: Header, owner: string): TarMember {
  const known = types.get(type ?? '')
  // GNU's way of leaving out holes: the bytes are not those of the file.
  const isSparse = Object.keys(pax ?? {}).some((key) => key.startsWith('GNU.sparse'))
  if (known === undefined || isSparse) {
    throw refusedPackage(owner, `has a device or something else that is no file: \`${path}\``)
  }
  if (known !== 'file' && size > 0) throw refusedPackage(owner, `has a link or folder that has bytes: \`${path}\``)
  if ((mode & 0o6000) !== 0) throw refusedPackage(owner, `has a set-uid file: \`${path}\``)
  return {
    ...{ path, type: known, executable: (mode & 0o111) !== 0, sizeBytes: size, target: linkname ?? '' },
  }
}

async function* limited(pieces: AsyncIterable<Buffer>, limit: number, name: string): AsyncGenerator<Buffer> {
  let unpacked = 0
  try {
    for await (const piece of pieces) {
      unpacked += piece.length
      if (unpacked > limit) throw refusedPackage(name, `unpacks to over ${limit} bytes, the limit for its size`)
      yield piece
    }
  } catch (cause) {
    throw cause instanceof DomainError ? cause : refusedPackage(name, 'does not decompress', cause)
  }
}

async function* framed(pieces: AsyncIterable<Buffer>, frame: ArchiveFrame): AsyncGenerator<Buffer> {
  for await (const piece of pieces) {
    frame.add(piece)
    yield piece
  }
}
