/** What a file system says about a file, as one text: equal texts mean "not touched", as far as it tells the truth. */
import type { BigIntStats } from 'node:fs'

/** Size, mtime and ctime in nanoseconds, inode and device: 64 bits each, in hex as they lie in memory. */
export type StatKey = string

/** Five decimals in place of these words would take six times as long, which a hundred thousand files feel. */
const words = new BigInt64Array(5)
const bytes = Buffer.from(words.buffer)

/** Times of a file closer than this to the moment of reading could hide a later change: 2 s is FAT's granule. */
const racyNs = 2_000_000_000n

export function statKeyOf({ size, mtimeNs, ctimeNs, ino, dev }: BigIntStats): StatKey {
  words[0] = size
  words[1] = mtimeNs
  words[2] = ctimeNs
  words[3] = ino
  words[4] = dev
  return bytes.toString('hex')
}

/** What `lstat` says of a regular file. */
export type FileStat = Readonly<{ stat: StatKey; sizeBytes: number; executable: boolean }>

export function fileStatOf(stats: BigIntStats): FileStat {
  return { stat: statKeyOf(stats), sizeBytes: Number(stats.size), executable: (stats.mode & 0o100n) !== 0n }
}

/** As equal keys say, without making the texts. */
export function isSameStat(left: BigIntStats, right: BigIntStats): boolean {
  return (
    left.size === right.size &&
    left.mtimeNs === right.mtimeNs &&
    left.ctimeNs === right.ctimeNs &&
    left.ino === right.ino &&
    left.dev === right.dev
  )
}

/**
 * Whether a digest made at `readAtMs` may be remembered for this key.
 *
 * A file written just before it was read could be written again within the same tick of the file system's clock, and
 * nobody would see it. Times in the future say nothing either.
 */
export function isSettled(key: StatKey, readAtMs: number): boolean {
  if (bytes.write(key, 'hex') !== bytes.length) return false
  const [, mtimeNs = 0n, ctimeNs = 0n] = words
  const limit = BigInt(Math.floor(readAtMs)) * 1_000_000n - racyNs
  return mtimeNs < limit && ctimeNs < limit
}
