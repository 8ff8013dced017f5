/** What the directory of a zip says of its members, and whether their own headers agree. Pure but for `read`. */

export type ZipMember = Readonly<{
  /** Where its bytes begin, how many they are, and how many they claim to unpack to. */
  start: number
  packed: number
  claimed: number
  method: 'stored' | 'deflated' | 'other'
  /** Its own header claims another size: readers that stream believe that one. */
  isContradicted: boolean
}>

/** @returns fewer bytes where the file ends */
export type ReadAt = (from: number, length: number) => Buffer

/** LIMIT: a longer directory is none. THREAT: thousands of small files, each of which claims a huge one. */
const maxDirectoryBytes = 64 * 1024 * 1024
const endBytes = 22 + 0xffff
const marks = { end: 0x06054b50, wideEnd: 0x06064b50, wideLocator: 0x07064b50, entry: 0x02014b50, local: 0x04034b50 }
const [encrypted, described] = [0x0001, 0x0008]
const wide = 0xffffffff

/** A directory that is none has no members. */
export function zipMembers(read: ReadAt, size: number): readonly ZipMember[] {
  const place = directoryOf(read, size)
  if (place === undefined || place.start + place.length > size || place.length > maxDirectoryBytes) return []
  const directory = read(place.start, place.length)
  const members: ZipMember[] = []
  for (let at = 0; at + 46 <= directory.length && directory.readUInt32LE(at) === marks.entry; ) {
    const [name, extra, comment] = [28, 30, 32].map((field) => directory.readUInt16LE(at + field))
    const next = at + 46 + (name ?? 0) + (extra ?? 0) + (comment ?? 0)
    members.push(memberOf(read, directory.subarray(at, next), 46 + (name ?? 0)))
    at = next
  }
  return members
}

function directoryOf(read: ReadAt, size: number): Readonly<{ start: number; length: number }> | undefined {
  const from = Math.max(0, size - endBytes)
  const tail = read(from, size - from)
  const at = tail.lastIndexOf(Buffer.from([0x50, 0x4b, 0x05, 0x06]))
  if (at < 0 || at + 22 > tail.length) return undefined
  const [length, start] = [tail.readUInt32LE(at + 12), tail.readUInt32LE(at + 16)]
  if (length !== wide && start !== wide) return { start, length }
  const locator = read(from + at - 20, 20)
  if (locator.length < 20 || locator.readUInt32LE(0) !== marks.wideLocator) return undefined
  const record = read(numberAt(locator, 8), 56)
  if (record.length < 56 || record.readUInt32LE(0) !== marks.wideEnd) return undefined
  return { length: numberAt(record, 40), start: numberAt(record, 48) }
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
    start: isThere ? offset + 30 + local.readUInt16LE(26) + local.readUInt16LE(28) : 0,
    packed: isThere ? packed : 0,
    claimed,
    method:
      !isThere || (flags & encrypted) !== 0 ? 'other' : method === 0 ? 'stored' : method === 8 ? 'deflated' : 'other',
    isContradicted: isTold && claimed <= wide && said !== claimed,
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
