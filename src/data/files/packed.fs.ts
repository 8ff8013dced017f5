/**
 * Whether a packed file stands for hundreds of times its size, or holds more than it says, for whoever unpacks it later.
 * Runs in the sandboxed process.
 *
 * THREAT: a zip that claims little and holds much. Claims are added up first; then every member is unpacked, into nothing,
 * in pieces, until it is over or beyond its claim. LIMIT: members that are encrypted, or packed by another method than
 * deflate, and what comes after the budget of bytes, are believed; it is told.
 * Source: PKWARE APPNOTE 6.3.10, sections 4.3.7, 4.3.12 to 4.3.16 and 4.5.3; RFC 1952.
 */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { constants, createGunzip, createInflateRaw, type Gunzip, type InflateRaw, inflateRawSync } from 'node:zlib'
import { endsAsZip, type ZipMember, zipMembers } from './zip-directory.ts'

/**
 * `bomb`: hundreds of times its size; `lies`: it holds more than it says; `believed`: not all of it can be unpacked; `unread`:
 * not all of it was, since others used up the budget.
 */
export type PackedFault = 'bomb' | 'lies' | 'believed' | 'unread'

/** Bytes that may still be unpacked, of all files together. */
export type UnpackBudget = { bytes: number }

/** LIMIT: as of a packed table. */
const maxTimes = 200
/** What is unpacked to less harms nobody: masks of organs, of which most is nothing, are packed to a thousandth. */
const harmlessBytes = 64 * 1024 * 1024
/** Members up to this size are unpacked in one call. */
const wholeBytes = 1024 * 1024
const pieceBytes = 64 * 1024

/**
 * THREAT: a zip with something before it, an image too, is one for readers that look from the end.
 *
 * @param type as `fileTypeOf` says
 */
export async function packedFault(path: string, type: string, budget: UnpackBudget): Promise<PackedFault | undefined> {
  const fd = openSync(path, 'r')
  try {
    const { size } = fstatSync(fd)
    if (type === 'zip' || isZipAtItsEnd(fd, size)) return await zipFault(fd, size, budget)
    return type === 'gzip' ? await gzipFault(fd, size, budget) : undefined
  } finally {
    closeSync(fd)
  }
}

/** Whether readers that look from the end take the file for a zip. */
export function hidesZip(path: string): boolean {
  const fd = openSync(path, 'r')
  try {
    return isZipAtItsEnd(fd, fstatSync(fd).size)
  } finally {
    closeSync(fd)
  }
}

function isZipAtItsEnd(fd: number, size: number): boolean {
  return endsAsZip((from, length) => read(fd, from, length), size)
}

function allowed(sizeBytes: number): number {
  return Math.max(harmlessBytes, maxTimes * sizeBytes)
}

/** One that is torn swells to nothing more: that it is torn is another question. */
async function gzipFault(fd: number, size: number, budget: UnpackBudget): Promise<PackedFault | undefined> {
  if (budget.bytes <= 0) return 'unread'
  const limit = Math.min(allowed(size), budget.bytes)
  const unpacker = createGunzip({ chunkSize: pieceBytes, finishFlush: constants.Z_SYNC_FLUSH })
  const bytes = await unpacked(unpacker, piecesOf(fd, 0, size), limit)
  budget.bytes -= bytes
  return bytes > allowed(size) ? 'bomb' : bytes > limit ? 'unread' : undefined
}

async function zipFault(fd: number, size: number, budget: UnpackBudget): Promise<PackedFault | undefined> {
  const members = zipMembers((from, length) => read(fd, from, length), size)
  if (members === undefined) return 'lies'
  if (members.reduce((sum, { claimed }) => sum + claimed, 0) > allowed(size)) return 'bomb'
  let [isBelieved, isUnread] = [false, false]
  for (const member of members) {
    if (member.method === 'stored') {
      if (member.packed > member.claimed) return 'lies'
    } else if (member.method === 'other') isBelieved = true
    else if (budget.bytes <= 0) isUnread = true
    else {
      const limit = Math.min(member.claimed, budget.bytes)
      const bytes = await unpackedMember(fd, member, limit)
      budget.bytes -= member.packed + bytes // what was read and made, not what is claimed
      if (bytes > member.claimed) return 'lies'
      if (bytes > limit) isUnread = true
    }
  }
  return isUnread ? 'unread' : isBelieved ? 'believed' : undefined
}

/** @returns how many bytes were made, more than `limit` when there are more; at least as many as of one that is torn */
async function unpackedMember(fd: number, { start, packed, claimed }: ZipMember, limit: number): Promise<number> {
  if (packed > wholeBytes || claimed > wholeBytes) {
    const unpacker = createInflateRaw({ chunkSize: pieceBytes, finishFlush: constants.Z_SYNC_FLUSH })
    return unpacked(unpacker, piecesOf(fd, start, packed), limit)
  }
  try {
    const limits = { maxOutputLength: Math.max(1, limit), finishFlush: constants.Z_SYNC_FLUSH }
    return inflateRawSync(read(fd, start, packed), limits).length
  } catch (error) {
    // THREAT: members that are torn after much was made of them
    return error instanceof Error && 'code' in error && error.code === 'ERR_BUFFER_TOO_LARGE' ? limit + 1 : limit
  }
}

/** Counts what comes out, and stops when that is more than `limit`. */
function unpacked(unpacker: Gunzip | InflateRaw, pieces: Iterator<Buffer>, limit: number): Promise<number> {
  return new Promise((resolve) => {
    let bytes = 0
    const stop = (): void => {
      unpacker.destroy()
      resolve(bytes)
    }
    unpacker.on('data', (piece: Buffer) => {
      bytes += piece.length
      if (bytes > limit) stop()
    })
    unpacker.on('end', stop)
    unpacker.on('error', stop)
    const feed = (): void => {
      if (unpacker.destroyed) return
      const next = pieces.next()
      if (next.done === true) unpacker.end()
      else unpacker.write(next.value, feed)
    }
    feed()
  })
}

function* piecesOf(fd: number, from: number, length: number): Generator<Buffer> {
  for (let at = 0; at < length; at += pieceBytes) yield read(fd, from + at, Math.min(pieceBytes, length - at))
}

function read(fd: number, from: number, length: number): Buffer {
  const buffer = Buffer.allocUnsafe(length)
  return buffer.subarray(0, readSync(fd, buffer, 0, length, from))
}
