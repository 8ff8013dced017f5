/** What the directory of a zip says of its members, and whether their own headers agree. Pure but for `read`. */

export type ZipMember = Readonly<{
  /** Where its own header begins. */
  offset: number
  /** Where its bytes begin, how many they are, and how many they claim to unpack to. */
  start: number
  packed: number
  claimed: number
  method: 'stored' | 'deflated' | 'other'
  /** Its own header is not there, or claims another size: readers that stream believe that one. */
  isContradicted: boolean
}>

/** @returns fewer bytes where the file ends */
export type ReadAt = (from: number, length: number) => Buffer

/** LIMIT: a longer directory is none. THREAT: thousands of small files, each of which claims a huge one. */
const maxDirectoryBytes = 64 * 1024 * 1024
const endBytes = 22 + 0xffff
const endMark = Buffer.from([0x50, 0x4b, 0x05, 0x06])
const marks = { wideEnd: 0x06064b50, wideLocator: 0x07064b50, entry: 0x02014b50, local: 0x04034b50 }
const [encrypted, described] = [0x0001, 0x0008]
const wide = 0xffffffff

/**
 * Undefined without one directory that fits exactly between the members and the end mark, and members side by side. THREAT:
 * readers look for a directory in more places than one; members that lie on one another are packed once and read often.
 */
export function zipMembers(read: ReadAt, size: number): readonly ZipMember[] | undefined {
  const place = directoryOf(read, size)
  if (place === undefined || place.length > maxDirectoryBytes) return undefined
  const directory = read(place.start, place.length)
  const members: ZipMember[] = []
  let at = 0
  for (; at + 46 <= directory.length && directory.readUInt32LE(at) === marks.entry; ) {
    const [name, extra, comment] = [28, 30, 32].map((field) => directory.readUInt16LE(at + field))
    const next = at + 46 + (name ?? 0) + (extra ?? 0) + (comment ?? 0)
    members.push(memberOf(read, directory.subarray(at, next), 46 + (name ?? 0)))
    at = next
  }
  return at === place.length && areApart(members, place.start) ? members : undefined
}

function areApart(members: readonly ZipMember[], end: number): boolean {
  const sorted = members.toSorted((left, right) => left.offset - right.offset)
  return sorted.every(({ start, packed }, index) => start + packed <= (sorted[index + 1]?.offset ?? end))
}

type Place = Readonly<{ start: number; length: number }>

/** The end mark is the one whose comment ends the file; two that do are none. */
function directoryOf(read: ReadAt, size: number): Place | undefined {
  const from = Math.max(0, size - endBytes)
  const tail = read(from, size - from)
  const ends: number[] = []
  for (let at = tail.indexOf(endMark); at >= 0; at = tail.indexOf(endMark, at + 1))
    if (at + 22 <= tail.length && at + 22 + tail.readUInt16LE(at + 20) === tail.length) ends.push(at)
  const [at, other] = ends
  if (at === undefined || other !== undefined) return undefined
  const [length, start] = [tail.readUInt32LE(at + 12), tail.readUInt32LE(at + 16)]
  if (length !== wide && start !== wide) return start + length === from + at ? { start, length } : undefined
  return wideDirectory(read, from + at)
}

function wideDirectory(read: ReadAt, end: number): Place | undefined {
  if (end < 20) return undefined
  const locator = read(end - 20, 20)
  if (locator.length < 20 || locator.readUInt32LE(0) !== marks.wideLocator) return undefined
  const at = numberAt(locator, 8)
  if (at > end - 76) return undefined
  const record = read(at, 56)
  if (record.length < 56 || record.readUInt32LE(0) !== marks.wideEnd) return undefined
  const [length, start] = [numberAt(record, 40), numberAt(record, 48)]
  return start + length === at ? { start, length } : undefined
}

function memberOf(read: ReadAt, entry: Buffer, extraAt: number): ZipMember {
  const [flags, method] = [entry.readUInt16LE(8), entry.readUInt16LE(10)]
  const sizes = { packed: entry.readUInt32LE(20), claimed: entry.readUInt32LE(24), offset: entry.readUInt32LE(42) }
  const { packed, claimed, offset } = widened(sizes, entry.subarray(extraAt))
  const local = read(offset, 30)
  const isThere = local.length === 30 && local.readUInt32LE(0) === marks.local
  const said = isThere ? local.readUInt32LE(22) : claimed
  const isTold = isThere && (flags & described) === 0 && said !== wide
  return {
    offset,
    start: isThere ? offset + 30 + local.readUInt16LE(26) + local.readUInt16LE(28) : 0,
    packed: isThere ? packed : 0,
    claimed,
    method:
      !isThere || (flags & encrypted) !== 0 ? 'other' : method === 0 ? 'stored' : method === 8 ? 'deflated' : 'other',
    isContradicted: !isThere || (isTold && claimed <= wide && said !== claimed),
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
