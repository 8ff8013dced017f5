/**
 * Many files digested: here when they are few, by worker threads when they are many.
 *
 * LIMIT: a worker costs some 25 ms to start, so that they pay from about 3,000 files or 100 MB. One file's SHA-256
 * cannot be split: a single large file takes one core.
 */
import { rmSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import { DomainError } from '../core/index.ts'
import { type HashJob, type HashOutcome, hashFile } from './hash-file.fs.ts'
import { decodeOutcomes } from './hash-reply.ts'
import type { HashReply, HashRequest } from './hash-worker.fs.ts'
import { ioFault } from './io-fault.ts'

export type HashOptions = HashJob &
  Readonly<{
    /** Sizes of the files, as far as they are known: to share the work well. */
    sizes?: readonly number[]
    /** Worker threads at most; 0 for none. The machine's cores when left out. */
    workers?: number
  }>

const workersPayFiles = 3000
const workersPayBytes = 100_000_000
const batchFiles = 256
const batchBytes = 16_000_000

/**
 * Digests regular files, by path or open descriptor.
 *
 * @returns one outcome a file, in their order
 * @throws ERR_IO, ERR_DISK_FULL when a file cannot be read or staged; staged files are removed then
 */
export async function hashFiles(
  files: readonly (string | number)[],
  options: HashOptions,
): Promise<readonly HashOutcome[]> {
  const { sizes = [], workers = availableParallelism() } = options
  const job: HashJob = {
    scheme: options.scheme,
    ...(options.storeRoot === undefined ? {} : { storeRoot: options.storeRoot }),
    ...(options.md5 === true ? { md5: true } : {}),
  }
  const bytes = sizes.reduce((sum, size) => sum + size, 0)
  const pays = files.length > workersPayFiles || bytes > workersPayBytes
  if (workers === 0 || !pays) return hashHere(files, job)
  const batches = batchesOf(files, sizes)
  return hashInWorkers(files, batches, { job, workers: Math.min(workers, batches.length) })
}

function hashHere(files: readonly (string | number)[], job: HashJob): readonly HashOutcome[] {
  const outcomes: HashOutcome[] = []
  for (const file of files) {
    try {
      outcomes.push(hashFile(file, job))
    } catch (error) {
      discardStaged(outcomes)
      throw ioFault(error, String(file))
    }
  }
  return outcomes
}

/** Indexes into `files`; the largest batch first, so that no worker is left with it at the end. */
function batchesOf(files: readonly (string | number)[], sizes: readonly number[]): readonly (readonly number[])[] {
  const batches: { indexes: number[]; bytes: number }[] = []
  let open: { indexes: number[]; bytes: number } | undefined
  for (const index of files.keys()) {
    if (open === undefined || open.indexes.length >= batchFiles || open.bytes >= batchBytes) {
      open = { indexes: [], bytes: 0 }
      batches.push(open)
    }
    open.indexes.push(index)
    open.bytes += sizes[index] ?? 0
  }
  return batches.toSorted((left, right) => right.bytes - left.bytes).map(({ indexes }) => indexes)
}

async function hashInWorkers(
  files: readonly (string | number)[],
  batches: readonly (readonly number[])[],
  { job, workers }: Readonly<{ job: HashJob; workers: number }>,
): Promise<readonly HashOutcome[]> {
  const outcomes: HashOutcome[] = []
  const queue = batches.values()
  const threads = Array.from({ length: workers }, () => new Worker(new URL('./hash-worker.fs.ts', import.meta.url)))
  try {
    // Every worker ends by itself before one failure is told: nothing is staged behind our back then.
    const ends = await Promise.allSettled(threads.map((thread) => drive(thread, queue, { files, job, outcomes })))
    const failed = ends.find((end) => end.status === 'rejected')
    if (failed !== undefined) throw failed.reason
    return outcomes
  } catch (error) {
    discardStaged(outcomes)
    throw error
  } finally {
    await Promise.all(threads.map((thread) => thread.terminate()))
  }
}

/** Feeds one worker from the common queue until it is empty. */
async function drive(
  thread: Worker,
  queue: Iterator<readonly number[]>,
  { files, job, outcomes }: Readonly<{ files: readonly (string | number)[]; job: HashJob; outcomes: HashOutcome[] }>,
): Promise<void> {
  for (let next = queue.next(); next.done !== true; next = queue.next()) {
    const indexes = next.value
    const reply = await ask(thread, { job, files: indexes.map((index) => files[index] ?? '') })
    for (const [place, outcome] of decodeOutcomes(reply.outcomes).entries()) outcomes[indexes[place] ?? -1] = outcome
    if (reply.kind === 'done') continue
    if (reply.code === undefined) throw new Error(`a hash worker failed: ${reply.message}`)
    throw new DomainError(reply.code, reply.message)
  }
}

function ask(thread: Worker, request: HashRequest): Promise<HashReply> {
  return new Promise((resolve, reject) => {
    thread.removeAllListeners()
    thread.once('message', resolve)
    thread.once('error', reject)
    thread.once('exit', () => reject(new Error('a hash worker ended before it answered')))
    thread.postMessage(request)
  })
}

/** Removes what was staged and not taken. */
export function discardStaged(outcomes: readonly HashOutcome[]): void {
  for (const outcome of Object.values(outcomes)) {
    if (outcome.kind === 'hashed' && outcome.temp !== undefined) rmSync(outcome.temp, { force: true })
  }
}
