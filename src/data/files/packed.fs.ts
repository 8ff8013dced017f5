/**
 * Whether a packed file stands for hundreds of times its size, for whoever unpacks it later. Runs in the sandboxed process.
 *
 * Of zip what its directory claims is added up; of gzip the beginning is unpacked. LIMIT: a zip that claims less than it
 * holds, and a gzip that only swells after its first 320 KiB, are not seen.
 * Source: PKWARE APPNOTE 6.3.10, sections 4.3.12 and 4.3.16.
 */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { constants, gunzipSync } from 'node:zlib'

/** LIMIT: as of a packed table. */
const maxTimes = 200
/** What is unpacked to less harms nobody: masks of organs, of which most is nothing, are packed to a thousandth. */
const harmlessBytes = 64 * 1024 * 1024
const headBytes = 320 * 1024
const maxDirectoryBytes = 64 * 1024 * 1024
const endBytes = 22 + 0xffff
const [endMark, entryMark] = [0x06054b50, 0x02014b50]

export function isPackedBomb(path: string, type: string): boolean {
  if (type !== 'zip' && type !== 'gzip') return false
  const fd = openSync(path, 'r')
  try {
    const { size } = fstatSync(fd)
    return type === 'gzip' ? swells(read(fd, 0, Math.min(size, headBytes))) : claimedBytes(fd, size) > allowed(size)
  } finally {
    closeSync(fd)
  }
}

function allowed(sizeBytes: number): number {
  return Math.max(harmlessBytes, maxTimes * sizeBytes)
}

function swells(head: Buffer): boolean {
  try {
    gunzipSync(head, { finishFlush: constants.Z_SYNC_FLUSH, maxOutputLength: allowed(head.length) })
    return false
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'ERR_BUFFER_TOO_LARGE'
  }
}

/** Sizes of all members; one in the wide form of zip counts for 4 GiB. A directory that is none claims nothing. */
function claimedBytes(fd: number, size: number): number {
  const tail = read(fd, Math.max(0, size - endBytes), Math.min(size, endBytes))
  const at = tail.lastIndexOf(Buffer.from([0x50, 0x4b, 0x05, 0x06]))
  if (at < 0 || at + 22 > tail.length || tail.readUInt32LE(at) !== endMark) return 0
  const [length, start] = [tail.readUInt32LE(at + 12), tail.readUInt32LE(at + 16)]
  const isWide = start === 0xffffffff || length === 0xffffffff
  // THREAT: thousands of small files, each of which claims a huge directory
  const isDirectory = start + length <= size && length <= maxDirectoryBytes
  return isWide || !isDirectory ? 0 : membersOf(read(fd, start, length))
}

function membersOf(directory: Buffer): number {
  let sum = 0
  for (let at = 0; at + 46 <= directory.length && directory.readUInt32LE(at) === entryMark; ) {
    sum += directory.readUInt32LE(at + 24)
    at += 46 + directory.readUInt16LE(at + 28) + directory.readUInt16LE(at + 30) + directory.readUInt16LE(at + 32)
  }
  return sum
}

function read(fd: number, from: number, length: number): Buffer {
  const buffer = Buffer.alloc(length)
  return buffer.subarray(0, readSync(fd, buffer, 0, length, from))
}
