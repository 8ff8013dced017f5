/**
 * Digests of an open file, read once from its beginning: SHA-256, and MD5 beside it when DVC is to be told.
 *
 * MD5 takes more than twice the time of SHA-256 where the processor knows the latter, so that a large file has its MD5
 * made by a second thread, from the same buffers, while this one reads, makes the SHA-256 and writes the copy.
 */
import { createHash, hash } from 'node:crypto'
import { fstatSync, readSync } from 'node:fs'
import { Worker } from 'node:worker_threads'
import type { Md5, Sha256 } from '../core/index.ts'
import { filled, type Md5Ring, md5Ring, ringChunkBytes, ringChunks, taken } from './md5-ring.ts'

export type DigestedFd = Readonly<{ digest: Sha256; sizeBytes: number; md5?: Md5 }>

export type DigestFdOptions = Readonly<{
  md5?: boolean
  /** Is given every chunk after the other; the buffer is used again afterwards. */
  eachChunk?: (chunk: Uint8Array) => void
}>

const chunkBytes = 4 * 1024 * 1024
/** LIMIT: a second thread takes some 30 ms to start, so that it pays from about this size. */
const laneFromBytes = 64 * 1024 * 1024
/** LIMIT: a second thread that takes no chunk for so long is gone. */
const laneTimeoutMs = 120_000

// Reused, since allocation costs more than reading a small file; safe because nothing here awaits.
let chunkBuffer: Buffer | undefined
let lane: Md5Ring | undefined

export function md5Of(bytes: Uint8Array): Md5 {
  return `md5:${hash('md5', bytes, 'hex')}`
}

/** @throws system errors, and whatever `eachChunk` throws */
export function digestFd(fd: number, { md5 = false, eachChunk }: DigestFdOptions = {}): DigestedFd {
  if (md5 && fstatSync(fd).size >= laneFromBytes) return digestInTwoThreads(fd, eachChunk)
  chunkBuffer ??= Buffer.allocUnsafe(chunkBytes)
  const hashers = [createHash('sha256'), ...(md5 ? [createHash('md5')] : [])]
  let position = 0
  for (;;) {
    const length = readSync(fd, chunkBuffer, 0, chunkBytes, position)
    if (length === 0) break
    const chunk = length === chunkBytes ? chunkBuffer : chunkBuffer.subarray(0, length)
    for (const hasher of hashers) hasher.update(chunk)
    eachChunk?.(chunk)
    position += length
  }
  const [digest = '', other] = hashers.map((hasher) => hasher.digest('hex'))
  return { digest: `sha256:${digest}`, sizeBytes: position, ...(other === undefined ? {} : { md5: `md5:${other}` }) }
}

function digestInTwoThreads(fd: number, eachChunk: DigestFdOptions['eachChunk']): DigestedFd {
  lane ??= startLane()
  const ring = lane
  const hasher = createHash('sha256')
  let position = 0
  try {
    for (;;) {
      const chunk = freeChunk(ring)
      const length = readSync(fd, chunk, 0, ringChunkBytes, position)
      if (length === 0) break
      handOver(ring, length)
      const bytes = length === ringChunkBytes ? chunk : chunk.subarray(0, length)
      hasher.update(bytes)
      eachChunk?.(bytes)
      position += length
    }
  } catch (error) {
    if (lane === ring) endFile(ring) // what was handed over is no part of the next file
    throw error
  }
  return { digest: `sha256:${hasher.digest('hex')}`, sizeBytes: position, md5: endFile(ring) }
}

/** Never joined: it ends with the thread that started it. */
function startLane(): Md5Ring {
  const ring = md5Ring()
  new Worker(new URL('./md5-lane.fs.ts', import.meta.url), { workerData: ring.shared }).unref()
  return ring
}

/** The next buffer to fill, as soon as the other thread has taken what was in it. */
function freeChunk(ring: Md5Ring): Uint8Array<SharedArrayBuffer> {
  const number = Atomics.load(ring.counters, filled)
  awaitTaken(ring, (behind) => behind < ringChunks)
  return ring.chunk(number)
}

function handOver(ring: Md5Ring, length: number): void {
  const number = Atomics.load(ring.counters, filled)
  ring.lengths[ring.slot(number)] = length
  Atomics.store(ring.counters, filled, (number + 1) | 0)
  Atomics.notify(ring.counters, filled)
}

function endFile(ring: Md5Ring): Md5 {
  freeChunk(ring)
  handOver(ring, 0)
  awaitTaken(ring, (behind) => behind === 0)
  return `md5:${Buffer.from(ring.digest).toString('hex')}`
}

function awaitTaken({ counters }: Md5Ring, isEnough: (behind: number) => boolean): void {
  for (;;) {
    const done = Atomics.load(counters, taken)
    if (isEnough((Atomics.load(counters, filled) - done) | 0)) return
    if (Atomics.wait(counters, taken, done, laneTimeoutMs) !== 'timed-out') continue
    lane = undefined
    throw new Error('the thread that makes MD5s does not answer')
  }
}
