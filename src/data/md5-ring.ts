/**
 * Chunks of one file on their way to a second thread, which makes its MD5 while the first makes the SHA-256: a ring of
 * buffers that both threads see, and two counters of chunks, filled and taken.
 *
 * A chunk of no bytes ends a file; the taker then leaves the digest in `digest` before it counts it as taken.
 */

export type Md5Ring = Readonly<{
  /** What is handed to the other thread. */
  shared: SharedArrayBuffer
  counters: Int32Array<SharedArrayBuffer>
  lengths: Int32Array<SharedArrayBuffer>
  /** The 16 bytes of the last file's MD5. */
  digest: Uint8Array<SharedArrayBuffer>
  /** The buffer of the chunk with this number. */
  chunk(number: number): Uint8Array<SharedArrayBuffer>
  /** Its place in `lengths`. */
  slot(number: number): number
}>

/** Places in `counters`. */
export const filled = 0
export const taken = 1

export const ringChunkBytes = 1024 * 1024
const slots = 8
const lengthsAt = 8
const digestAt = lengthsAt + 4 * slots
const chunksAt = 64

export function md5Ring(shared = new SharedArrayBuffer(chunksAt + slots * ringChunkBytes)): Md5Ring {
  const slot = (number: number): number => (number >>> 0) % slots
  return {
    shared,
    counters: new Int32Array(shared, 0, 2),
    lengths: new Int32Array(shared, lengthsAt, slots),
    digest: new Uint8Array(shared, digestAt, 16),
    chunk: (number) => new Uint8Array(shared, chunksAt + slot(number) * ringChunkBytes, ringChunkBytes),
    slot,
  }
}

/** Chunks that may wait in the ring. */
export const ringChunks = slots
