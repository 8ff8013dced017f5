/** What the directory of a zip says of its members, where their own headers agree. Pure but for `read`. */
import { disagreement, endFault, type ToldTwice } from '../archive/zip-layout.ts'

export type ZipMember = Readonly<{
  /** Where its bytes begin, how many they are, and how many they claim to unpack to. */
  start: number
  packed: number
  claimed: number
  method: 'stored' | 'deflated' | 'other'
}>

/** @returns fewer bytes where the file ends */
export type ReadAt = (from: number, length: number) => Buffer

/** LIMIT: a longer directory is none. THREAT: thousands of small files, each of which claims a huge one. */
const maxDirectoryBytes = 64 * 1024 * 1024
const endBytes = 22 + 0xffff
const endMark = Buffer.from([0x50, 0x4b, 0x05, 0x06])
const marks = { wideLocator: 0x07064b50, entry: 0x02014b50, local: 0x04034b50 }
const encrypted = 0x2041
const wide = 0xffffffff
const maxDescriptorBytes = 24

/**
 * Undefined without one directory that fits exactly between the members and the end mark, and members of different names
 * side by side from the first byte, whose own headers say the same. THREAT: readers look for a directory in more places than
 * one, or for none; members that lie on one another are packed once and read often.
 */
export function zipMembers(readAt: ReadAt, size: number): readonly ZipMember[] | undefined {
  // THREAT: places of 2^64 - 1
  const read: ReadAt = (from, length) => (from < size ? readAt(from, length) : Buffer.alloc(0))
  const place = directoryOf(read, size)
  if (place === undefined || place.length > maxDirectoryBytes) return undefined
  const entries = entriesOf(read(place.start, place.length))
  if (entries?.length !== place.count || !areNamedOnce(entries)) return undefined
  const sorted = entries.toSorted((left, right) => left.offset - right.offset)
  const members: ZipMember[] = []
  let position = 0
  for (const [index, entry] of sorted.entries()) {
    if (entry.offset !== position) return undefined
    position = sorted[index + 1]?.offset ?? place.start
    const member = memberOf(read, entry, position)
    if (member === undefined) return undefined
    members.push(member)
  }
  return position === place.start ? members : undefined
}

/** Whether a file ends as a zip does, whatever it begins with: readers look for its directory from the end. */
export function endsAsZip(read: ReadAt, size: number): boolean {
  return size >= 22 && endsOf(read, size).length > 0
}

type ZipEntry = ToldTwice['entry'] & Readonly<{ offset: number }>

function entriesOf(directory: Buffer): readonly ZipEntry[] | undefined {
  const entries: ZipEntry[] = []
  let at = 0
  for (; at + 46 <= directory.length && directory.readUInt32LE(at) === marks.entry; ) {
    const [name = 0, extra = 0, comment = 0] = [28, 30, 32].map((field) => directory.readUInt16LE(at + field))
    const next = at + 46 + name + extra + comment
    entries.push(entryOf(directory.subarray(at, next), 46 + name))
    at = next
  }
  return at === directory.length ? entries : undefined
}

function areNamedOnce(entries: readonly ZipEntry[]): boolean {
  return new Set(entries.map(({ fileNameRaw }) => fileNameRaw.toString('latin1'))).size === entries.length
}

type Place = Readonly<{ start: number; length: number; count: number }>

/** Bytes from the end mark on, of each one whose comment ends the file. */
function endsOf(read: ReadAt, size: number): readonly Readonly<{ at: number; end: Buffer }>[] {
  const from = Math.max(0, size - endBytes)
  const tail = read(from, size - from)
  const ends: { at: number; end: Buffer }[] = []
  for (let at = tail.indexOf(endMark); at >= 0; at = tail.indexOf(endMark, at + 1))
    if (at + 22 <= tail.length && at + 22 + tail.readUInt16LE(at + 20) === tail.length)
      ends.push({ at: from + at, end: tail.subarray(at) })
  return ends
}

/** Two end marks are none. A comment may stand behind the one. */
function directoryOf(read: ReadAt, size: number): Place | undefined {
  const [one, other] = endsOf(read, size)
  if (one === undefined || other !== undefined) return undefined
  const isWide = one.at >= 76 && read(one.at - 20, 4).readUInt32LE(0) === marks.wideLocator
  const at = isWide ? one.at - 76 : one.at
  const end = read(at, one.at + 22 - at)
  const [start, count] = isWide ? [numberAt(end, 48), numberAt(end, 32)] : [end.readUInt32LE(16), end.readUInt16LE(10)]
  const fault = endFault(end, { start, end: at, entries: count, sizeBytes: at + end.length })
  return fault === undefined ? { start, length: at - start, count } : undefined
}

function entryOf(entry: Buffer, extraAt: number): ZipEntry {
  const sizes = { packed: entry.readUInt32LE(20), claimed: entry.readUInt32LE(24), offset: entry.readUInt32LE(42) }
  const { packed, claimed, offset } = widened(sizes, entry.subarray(extraAt))
  return {
    fileNameRaw: entry.subarray(46, extraAt),
    generalPurposeBitFlag: entry.readUInt16LE(8),
    compressionMethod: entry.readUInt16LE(10),
    crc32: entry.readUInt32LE(16),
    compressedSize: packed,
    uncompressedSize: claimed,
    offset,
  }
}

/** @param next where the next thing begins */
function memberOf(read: ReadAt, entry: ZipEntry, next: number): ZipMember | undefined {
  const { offset, generalPurposeBitFlag: flags, compressionMethod: method, compressedSize: packed } = entry
  const local = read(offset, 30)
  if (local.length < 30 || local.readUInt32LE(0) !== marks.local) return undefined
  const extraAt = local.readUInt16LE(26)
  const start = offset + 30 + extraAt + local.readUInt16LE(28)
  const gap = next - start - packed
  if (gap < 0 || gap > maxDescriptorBytes) return undefined
  const names = read(offset + 30, start - offset - 30)
  const told = {
    fileName: names.subarray(0, extraAt),
    extraField: names.subarray(extraAt),
    generalPurposeBitFlag: local.readUInt16LE(6),
    compressionMethod: local.readUInt16LE(8),
    crc32: local.readUInt32LE(14),
    compressedSize: local.readUInt32LE(18),
    uncompressedSize: local.readUInt32LE(22),
  }
  if (disagreement({ entry, local: told, trailer: read(start + packed, gap) }) !== undefined) return undefined
  const isOpen = (flags & encrypted) === 0
  return {
    start,
    packed,
    claimed: entry.uncompressedSize,
    method: isOpen && method === 0 ? 'stored' : isOpen && method === 8 ? 'deflated' : 'other',
  }
}

type Sizes = Readonly<{ packed: number; claimed: number; offset: number }>

/** Numbers of more than 32 bits stand in the field with the id 1, those that are needed, in this order. */
function widened({ claimed, packed, offset }: Sizes, extra: Buffer): Sizes {
  const numbers = wideNumbers(extra)
  const [wideClaimed, widePacked, wideOffset] = [claimed, packed, offset].map((value) =>
    value === wide ? (numbers.shift() ?? value) : value,
  )
  return { claimed: wideClaimed ?? claimed, packed: widePacked ?? packed, offset: wideOffset ?? offset }
}

function wideNumbers(extra: Buffer): number[] {
  for (let at = 0; at + 4 <= extra.length; at += 4 + extra.readUInt16LE(at + 2)) {
    if (extra.readUInt16LE(at) !== 0x0001) continue
    const field = extra.subarray(at + 4, at + 4 + extra.readUInt16LE(at + 2))
    return Array.from({ length: Math.floor(field.length / 8) }, (_, index) => numberAt(field, 8 * index))
  }
  return []
}

/** LIMIT: beyond 2^53 a number is nowhere in a file. */
function numberAt(bytes: Buffer, at: number): number {
  return Number(bytes.readBigUInt64LE(at))
}
