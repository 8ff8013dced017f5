/**
 * The MD5 that DVC 2 gave to files: line ends of Windows are read as those of Unix in what looks like text.
 *
 * SOURCE: dvc-data 3.19 hashfile/hash.py Dos2UnixHashStreamFile: a block of 1 MiB after the other, each judged by its
 * own first 512 bytes; a line end that two blocks share stays as it is.
 */
import { createHash } from 'node:crypto'
import { closeSync, readSync } from 'node:fs'
import { setImmediate as breathe } from 'node:timers/promises'
import type { Md5, Sha256 } from '../core/index.ts'
import { openObject } from './object-files.fs.ts'
import type { ObjectStore } from './object-store.ts'

const blockBytes = 1024 * 1024
const judgedBytes = 512
const carriageReturn = 13
const lineFeed = 10

/** Of objects of the store; nothing is remembered, since such locks go away with their first change. @throws ERR_STORE_MISSING */
export async function legacyMd5s(
  store: Pick<ObjectStore, 'root'>,
  digests: readonly Sha256[],
): Promise<ReadonlyMap<Sha256, Md5>> {
  const found = new Map<Sha256, Md5>()
  for (const digest of new Set(digests)) {
    const fd = openObject(store.root, digest)
    try {
      found.set(digest, dos2unixMd5(fd))
    } finally {
      closeSync(fd)
    }
    await breathe()
  }
  return found
}

/** @param fd an open file, read from its beginning */
export function dos2unixMd5(fd: number): Md5 {
  const hasher = createHash('md5')
  const block = Buffer.allocUnsafe(blockBytes)
  for (let position = 0; ; ) {
    let length = 0
    while (length < blockBytes) {
      const count = readSync(fd, block, length, blockBytes - length, position + length)
      if (count === 0) break
      length += count
    }
    if (length === 0) return `md5:${hasher.digest('hex')}`
    const bytes = block.subarray(0, length)
    hasher.update(looksLikeText(bytes.subarray(0, judgedBytes)) ? withUnixLines(bytes) : bytes)
    position += length
  }
}

function looksLikeText(bytes: Uint8Array): boolean {
  if (bytes.includes(0)) return false
  let strange = 0
  for (const byte of bytes) if (!isTextByte(byte)) strange += 1
  return strange / bytes.length <= 0.3
}

function isTextByte(byte: number): boolean {
  return (
    (byte >= 32 && byte < 127) ||
    byte === 8 ||
    byte === 9 ||
    byte === lineFeed ||
    byte === 12 ||
    byte === carriageReturn
  )
}

function withUnixLines(bytes: Buffer): Buffer {
  const kept = Buffer.allocUnsafe(bytes.length)
  let length = 0
  for (let at = 0; at < bytes.length; at += 1) {
    if (bytes[at] === carriageReturn && bytes[at + 1] === lineFeed) continue
    kept[length] = bytes[at] ?? 0
    length += 1
  }
  return kept.subarray(0, length)
}
