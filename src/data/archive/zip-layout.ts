/**
 * Whether an archive has exactly one reading: each byte belongs to one thing, and both headers of a member agree.
 *
 * Readers of zip differ in which header they believe and what they skip; a wheel that two of them read differently could
 * show clean files to a reviewer and install others. yauzl parses; this file only compares what it found.
 * SOURCE: PKWARE APPNOTE 6.3.10, sections 4.3 to 4.5.
 */
import type { Entry, LocalFileHeader } from 'yauzl'

export type LocatedEntry = Readonly<{
  entry: Entry
  local: LocalFileHeader
  /** Bytes after the data, up to the next thing. */
  trailer: Buffer
}>

const hasDescriptor = 0x0008
const isUtf8 = 0x0800
const isEncrypted = 0x2041
const zip64ExtraId = 0x0001

/** What both headers of a member say, as far as they are compared. */
export type ToldTwice = Readonly<{
  entry: Pick<Entry, 'fileNameRaw' | 'generalPurposeBitFlag' | 'compressionMethod' | SizeField>
  local: Pick<LocalFileHeader, 'fileName' | 'generalPurposeBitFlag' | 'compressionMethod' | 'extraField' | SizeField>
  /** Bytes after the data, up to the next thing. */
  trailer: Buffer
}>
type SizeField = 'crc32' | 'compressedSize' | 'uncompressedSize'

/** Why a member is not plain, or undefined: its headers do not agree, or it is not what every reader reads. */
export function headerFault(located: LocatedEntry): string | undefined {
  const { entry, local } = located
  if (local.generalPurposeBitFlag !== entry.generalPurposeBitFlag) return 'has other flags in its local header'
  if ((entry.generalPurposeBitFlag & isEncrypted) !== 0) return 'is encrypted'
  if (entry.compressionMethod !== 0 && entry.compressionMethod !== 8) return 'is neither stored nor deflated'
  if (entry.compressionMethod === 0 && entry.compressedSize !== entry.uncompressedSize) return 'has two sizes'
  return disagreement(located)
}

/** Why the two headers of a member do not agree, or undefined when they do. Flags of how well it was packed may differ. */
export function disagreement({ entry, local, trailer }: ToldTwice): string | undefined {
  if (!local.fileName.equals(entry.fileNameRaw)) return 'has another name in its local header'
  const otherFlags = local.generalPurposeBitFlag ^ entry.generalPurposeBitFlag
  if ((otherFlags & (isEncrypted | hasDescriptor | isUtf8)) !== 0) return 'has other flags in its local header'
  if (local.compressionMethod !== entry.compressionMethod) return 'has another compression in its local header'
  if ((entry.generalPurposeBitFlag & hasDescriptor) !== 0) return descriptorFault({ entry, local, trailer })
  if (trailer.length > 0) return 'is followed by bytes that belong to nothing'
  return agrees(local, entry) ? undefined : 'has another size or checksum in its local header'
}

function agrees(local: ToldTwice['local'], entry: ToldTwice['entry']): boolean {
  const { compressed, uncompressed } = localSizes(local)
  return local.crc32 === entry.crc32 && compressed === entry.compressedSize && uncompressed === entry.uncompressedSize
}

/** Sizes of a local header; over 4 GiB they stand in its zip64 field, the uncompressed one first. */
function localSizes(local: ToldTwice['local']): Readonly<{ compressed: number; uncompressed: number }> {
  const wide = zip64Sizes(local.extraField)
  const uncompressed = local.uncompressedSize === 0xffffffff ? (wide[0] ?? -1) : local.uncompressedSize
  const next = local.uncompressedSize === 0xffffffff ? wide[1] : wide[0]
  return { uncompressed, compressed: local.compressedSize === 0xffffffff ? (next ?? -1) : local.compressedSize }
}

function zip64Sizes(extra: Buffer): readonly number[] {
  for (let at = 0; at + 4 <= extra.length; at += 4 + extra.readUInt16LE(at + 2)) {
    if (extra.readUInt16LE(at) !== zip64ExtraId) continue
    const data = extra.subarray(at + 4, at + 4 + extra.readUInt16LE(at + 2))
    return Array.from({ length: Math.floor(data.length / 8) }, (_, index) => Number(data.readBigUInt64LE(index * 8)))
  }
  return []
}

/** With a descriptor the local sizes are 0 or right, and the trailer is one of the four forms of a descriptor. */
function descriptorFault({ entry, local, trailer }: ToldTwice): string | undefined {
  const unset = local.crc32 === 0 && [0, 0xffffffff].includes(local.compressedSize)
  if (!unset && !agrees(local, entry)) return 'has another size or checksum in its local header'
  const forms = [false, true].flatMap((signed) => [false, true].map((wide) => descriptorOf(entry, signed, wide)))
  return forms.some((form) => form.equals(trailer)) ? undefined : 'has a data descriptor that is not its own'
}

function descriptorOf(
  { crc32, compressedSize, uncompressedSize }: ToldTwice['entry'],
  signed: boolean,
  wide: boolean,
): Buffer {
  const form = Buffer.alloc(wide ? 24 : 16)
  form.writeUInt32LE(0x08074b50, 0)
  form.writeUInt32LE(crc32, 4)
  if (wide) {
    form.writeBigUInt64LE(BigInt(compressedSize), 8)
    form.writeBigUInt64LE(BigInt(uncompressedSize), 16)
  } else {
    form.writeUInt32LE(compressedSize % 2 ** 32, 8)
    form.writeUInt32LE(uncompressedSize % 2 ** 32, 12)
  }
  return signed ? form : form.subarray(4)
}

/** The member's name when it has one reading, else undefined: ASCII, or UTF-8 that says so, and no second name beside. */
export function plainNameOf(entry: Entry): string | undefined {
  const raw = entry.fileNameRaw
  const said = (entry.generalPurposeBitFlag & isUtf8) !== 0
  if (!said && raw.some((byte) => byte > 0x7e)) return undefined
  const name = raw.toString('utf8')
  return name === entry.fileName && Buffer.from(name).equals(raw) ? name : undefined
}

/** Why the end of the archive is not plain, or undefined. @param end all that stands after the directory */
export function endFault(
  end: Buffer,
  directory: Readonly<{ start: number; end: number; entries: number; sizeBytes: number }>,
): string | undefined {
  const trailing = directory.sizeBytes - directory.end
  // 22: the end record alone. 98: a zip64 end record (56), its locator (20) and the end record.
  if (trailing !== 22 && trailing !== 98) return 'has bytes after its directory that belong to nothing'
  const record = end.subarray(-22)
  if (record.readUInt32LE(0) !== 0x06054b50) return 'does not end with its end record'
  if (!isOnOneDisk(end, trailing === 98)) return 'is split over several disks'
  const is = [directory.entries, directory.end - directory.start, directory.start]
  const says = [record.readUInt16LE(10), record.readUInt32LE(12), record.readUInt32LE(16)]
  const tooLarge = trailing === 98 ? [0xffff, 0xffffffff, 0xffffffff] : []
  const agrees = says.every((value, index) => value === is[index] || value === tooLarge[index])
  return agrees && (trailing === 22 || isWideEnd(end, directory)) ? undefined : 'has an end record that lies'
}

/** THREAT: some readers refuse other numbers of disks, and some never look at them. */
function isOnOneDisk(end: Buffer, isWide: boolean): boolean {
  const record = end.subarray(-22)
  const isOne = record.readUInt32LE(4) === 0 && record.readUInt16LE(8) === record.readUInt16LE(10)
  const says = isWide ? [16, 20, 56 + 4, 56 + 16].map((at) => end.readUInt32LE(at)) : [0, 0, 0, 1]
  return isOne && says.every((value, index) => value === [0, 0, 0, 1][index])
}

/** THREAT: of a longer record, or one that its locator does not touch, readers believe different ends. */
function isWideEnd(end: Buffer, directory: Readonly<{ start: number; end: number; entries: number }>): boolean {
  const says = [4, 24, 32, 40, 48].map((at) => Number(end.readBigUInt64LE(at)))
  const is = [44, directory.entries, directory.entries, directory.end - directory.start, directory.start]
  const located = Number(end.readBigUInt64LE(56 + 8)) === directory.end && end.readUInt32LE(56) === 0x07064b50
  return located && end.readUInt32LE(0) === 0x06064b50 && says.every((value, index) => value === is[index])
}
