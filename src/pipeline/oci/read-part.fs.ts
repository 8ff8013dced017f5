/** A part of an object, for an upload in pieces. */
import { closeSync, constants, openSync, readSync } from 'node:fs'

/** Bytes `start` up to, not including, `end`; fewer where the file ends. */
export function readPart(path: string, start: number, end: number): Uint8Array {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW)
  try {
    const bytes = Buffer.allocUnsafe(end - start)
    let length = 0
    while (length < bytes.length) {
      const count = readSync(fd, bytes, length, bytes.length - length, start + length)
      if (count === 0) break
      length += count
    }
    return bytes.subarray(0, length)
  } finally {
    closeSync(fd)
  }
}
