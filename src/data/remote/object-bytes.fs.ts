/** Bytes of what is sent, in chunks of one size but for the last. */
import { closeSync, constants, openSync, readSync } from 'node:fs'
import type { Outgoing } from './remote.ts'

export function* bytesFrom(file: Outgoing, chunkBytes: number): Generator<Uint8Array> {
  if ('bytes' in file) {
    for (let at = 0; at < file.bytes.length; at += chunkBytes) yield file.bytes.subarray(at, at + chunkBytes)
    return
  }
  const fd = openSync(file.path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  try {
    for (let at = 0; ; ) {
      const chunk = Buffer.allocUnsafe(chunkBytes) // its own: it may wait to be sent
      let length = 0
      while (length < chunkBytes) {
        const count = readSync(fd, chunk, length, chunkBytes - length, at + length)
        if (count === 0) break
        length += count
      }
      if (length > 0) yield chunk.subarray(0, length)
      if (length < chunkBytes) return
      at += length
    }
  } finally {
    closeSync(fd)
  }
}
