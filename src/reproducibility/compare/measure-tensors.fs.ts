/**
 * Tensors of two files, measured side by side: here when they are small, by worker threads when they are large.
 *
 * LIMIT: a worker costs some 30 ms to start and takes 8 MiB, so that they pay from about 64 MiB; four at most.
 */
import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import type { Measure } from './compared.ts'
import { type Element, isFloat } from './elements.ts'
import { type FilePair, pause } from './file-pair.fs.ts'
import { type KeptTally, kept, measureOf, mergeTallies, type Tally } from './tally.ts'
import { measureSlice, type Place, type Slice } from './tensor-slice.fs.ts'
import type { TensorReply, TensorWork } from './tensor-worker.fs.ts'
import type { Bound } from './tolerance.ts'
import { Unreadable } from './unreadable.ts'

export type TensorPair = Readonly<{
  name: string
  /** As the format calls it. */
  type: string
  element: Element
  /** Elements; of complex numbers both parts count. */
  count: number
  left: Place
  right: Place
  bound: Bound
}>

const workersPayBytes = 64 * 1024 * 1024
const sliceBytes = 32 * 1024 * 1024
const maxWorkers = 4

type Part = Readonly<{ pair: number; slice: Slice }>

/**
 * @param pairs lie in their files, as somebody has made sure
 * @param common bytes at the beginning of the files that are the same
 * @returns a measure of each that differs in any bit, in the order given
 * @throws Unreadable when a file becomes shorter, and the reason of the signal
 */
export async function measureTensors(
  files: FilePair,
  pairs: readonly TensorPair[],
  common: number,
  signal: AbortSignal,
): Promise<readonly Measure[]> {
  const parts = pairs.flatMap((pair, index) => [...slicesOf(pair, common)].map((slice) => ({ pair: index, slice })))
  const bytes = parts.reduce((sum, { slice }) => sum + slice.count * slice.element.sizeBytes, 0)
  const tallies = pairs.map((): KeptTally[] => [])
  const take = ({ pair }: Part, tally: Tally): void => {
    if (tally.differing > 0 || tally.bitsOnly > 0) tallies[pair]?.push(kept(tally))
  }
  if (bytes < workersPayBytes) await measureHere(files, parts, take, signal)
  else await measureByWorkers(files, parts, take, signal)
  return pairs.flatMap(({ name, type, element, count }, index) => {
    const found = tallies[index] ?? []
    return found.length === 0
      ? []
      : [measureOf(name, type, { ...mergeTallies(found), elements: count }, isFloat(element))]
  })
}

/** All but what is known to be the same already. */
function* slicesOf({ element, count, left, right, bound }: TensorPair, common: number): Generator<Slice> {
  const { sizeBytes } = element
  const isAligned = left.offset === right.offset && left.isBigEndian === right.isBigEndian
  const known = isAligned ? Math.floor((common - left.offset) / sizeBytes) : 0
  const step = Math.max(1, Math.floor(sliceBytes / sizeBytes))
  const moved = ({ offset, isBigEndian }: Place, first: number): Place => ({
    offset: offset + first * sizeBytes,
    isBigEndian,
  })
  for (let first = Math.max(0, known); first < count; first += step) {
    const slice = { element, count: Math.min(step, count - first), first, bound }
    yield { ...slice, left: moved(left, first), right: moved(right, first) }
  }
}

type Take = (part: Part, tally: Tally) => void

async function measureHere(files: FilePair, parts: readonly Part[], take: Take, signal: AbortSignal): Promise<void> {
  let bytes = 0
  for (const part of parts) {
    take(part, measureSlice(files.left, files.right, part.slice))
    bytes += part.slice.count * part.slice.element.sizeBytes
    if (bytes < sliceBytes) continue
    bytes = 0
    await pause(signal)
  }
}

async function measureByWorkers(
  files: FilePair,
  parts: readonly Part[],
  take: Take,
  signal: AbortSignal,
): Promise<void> {
  const queue = parts[Symbol.iterator]()
  const workerData: TensorWork = { left: files.left.path, right: files.right.path }
  const count = Math.min(maxWorkers, availableParallelism(), parts.length)
  const threads = Array.from(
    { length: count },
    () => new Worker(new URL('./tensor-worker.fs.ts', import.meta.url), { workerData }),
  )
  try {
    await Promise.all(
      threads.map(async (thread) => {
        for (const part of queue) {
          signal.throwIfAborted()
          take(part, await ask(thread, part.slice))
        }
      }),
    )
  } finally {
    await Promise.all(threads.map((thread) => thread.terminate()))
  }
}

function ask(thread: Worker, slice: Slice): Promise<Tally> {
  return new Promise((resolve, reject) => {
    thread.removeAllListeners()
    thread.once('message', (reply: TensorReply) =>
      reply.kind === 'measured' ? resolve(reply.tally) : reject(new Unreadable(reply.because)),
    )
    thread.once('error', reject)
    thread.once('exit', () => reject(new Error('a worker ended before it answered')))
    thread.postMessage(slice)
  })
}
