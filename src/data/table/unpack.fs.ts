/**
 * A gzip file, unpacked as a whole before anything reads it.
 *
 * THREAT: engines take a stream that ends early for a shorter table (seen: DuckDB), and a bomb for a long one.
 * LIMIT: 200 times its packed size, counted from 64 MiB on; real tables reach 50, a bomb 1,000.
 */
import { createReadStream, createWriteStream } from 'node:fs'
import { Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGunzip } from 'node:zlib'

const maxRatio = 200
const freeBytes = 64 * 1024 * 1024

export type UnpackFault = Readonly<{ because: string; code: 'ERR_DATA_LIMIT' | 'ERR_DATA_UNREADABLE' }>

/** @returns why it was not unpacked, or undefined */
export async function unpackGzip(source: string, target: string, maxBytes: number): Promise<UnpackFault | undefined> {
  const packed = createReadStream(source)
  let unpackedBytes = 0
  let over: string | undefined
  const counted = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      unpackedBytes += chunk.length
      if (unpackedBytes > maxBytes) over = `unpacked it has more than ${maxBytes} bytes`
      else if (unpackedBytes > freeBytes && unpackedBytes > maxRatio * packed.bytesRead)
        over = `it unpacks to more than ${maxRatio} times its size`
      if (over === undefined) done(null, chunk)
      else done(new Error(over))
    },
  })
  try {
    const unpacker = createGunzip()
    await pipeline(packed, unpacker, counted, createWriteStream(target, { flags: 'wx' }))
    if (unpacker.bytesWritten === packed.bytesRead) return undefined
    return {
      because: 'it has bytes behind its end, which readers take for different things',
      code: 'ERR_DATA_UNREADABLE',
    }
  } catch (error) {
    if (over !== undefined) return { because: over, code: 'ERR_DATA_LIMIT' }
    const code = error instanceof Error && 'code' in error ? String(error.code) : ''
    if (!code.startsWith('Z_')) throw error
    return {
      because: `it does not unpack: ${code === 'Z_BUF_ERROR' ? 'it ends early' : code}`,
      code: 'ERR_DATA_UNREADABLE',
    }
  }
}
