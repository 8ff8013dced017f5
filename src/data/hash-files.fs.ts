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
import { decodeOutcomes, encodeFiles } from './hash-messages.ts'
import type { HashReply, HashRequest } from './hash-worker.fs.ts'
import { ioFault } from './io-fault.ts'

export type HashOptions = HashJob &
  Readonly<{
    /** Worker threads at most; 0 for none. The machine's cores when left out. */
    workers?: number
  }>

/** Takes files as they are found. Workers begin as soon as they pay, if the caller lets the event loop turn. */
export type FileHasher = Readonly<{
  /** @param file path or open descriptor; @param sizeBytes as far as it is known, to share the work well */
  add(file: string | number, sizeBytes?: number): void
  /**
   * One outcome a file, in the order in which they were added; nothing can be added any more.
   *
   * @throws ERR_IO, ERR_DISK_FULL when a file cannot be read or staged; staged files are removed then
   */
  outcomes(): Promise<readonly HashOutcome[]>
  /** Ends the workers, and removes what was staged if nobody took the outcomes. */
  [Symbol.asyncDispose](): Promise<void>
}>

const workersPayFiles = 3000
const workersPayBytes = 100_000_000
const batchFiles = 256
const batchBytes = 16_000_000

/** `first`: the number of its first file. */
type Batch = Readonly<{ first: number; files: (string | number)[]; bytes: number }>

/** @throws ERR_IO, ERR_DISK_FULL */
export async function hashFiles(
  files: readonly (string | number)[],
  options: HashOptions & Readonly<{ sizes?: readonly number[] }>,
): Promise<readonly HashOutcome[]> {
  await using hasher = openFileHasher(options)
  for (const [index, file] of files.entries()) hasher.add(file, options.sizes?.[index])
  return await hasher.outcomes()
}

export function openFileHasher(options: HashOptions): FileHasher {
  const { workers = availableParallelism() } = options
  const job: HashJob = {
    scheme: options.scheme,
    ...(options.storeRoot === undefined ? {} : { storeRoot: options.storeRoot }),
    ...(options.md5 === true ? { md5: true } : {}),
  }
  const queue = openQueue()
  const outcomes: HashOutcome[] = []
  const team: Readonly<{ thread: Worker; end: Promise<unknown> }>[] = []
  let areTaken = false
  const startWorker = (): void => {
    const thread = new Worker(new URL('./hash-worker.fs.ts', import.meta.url))
    team.push({ thread, end: drive(thread, queue, { job, outcomes }).catch((error: unknown) => ({ error })) })
  }
  return {
    add(file, sizeBytes = 0) {
      const { files, bytes, batches } = queue.add(file, sizeBytes)
      const pays = files > workersPayFiles || bytes > workersPayBytes
      if (pays && team.length < Math.min(workers, batches)) startWorker()
    },
    async outcomes() {
      queue.close()
      if (team.length === 0) hashHere(queue, job, outcomes)
      // Every worker ends by itself before one failure is told: nothing is staged behind our back then.
      const ends = await Promise.all(team.map(({ end }) => end))
      const failed = ends.find((end): end is { error: unknown } => end !== undefined)
      if (failed !== undefined) throw failed.error
      areTaken = true
      return outcomes
    },
    async [Symbol.asyncDispose]() {
      queue.close()
      queue.clear()
      for (const { thread, end } of team) {
        await end
        await thread.terminate()
      }
      if (!areTaken) discardStaged(outcomes)
    },
  }
}

type Queue = Readonly<{
  /** @returns how much was added so far, and how many batches that makes */
  add(file: string | number, sizeBytes: number): Readonly<{ files: number; bytes: number; batches: number }>
  close(): void
  clear(): void
  /** A batch to do, undefined when all is done. While files are still added, it is a full one. */
  take(): Batch | undefined
  /** As `take`, but waits for what is still to be added. */
  next(): Promise<Batch | undefined>
}>

function openQueue(): Queue {
  const waiting: Batch[] = []
  const wakes: (() => void)[] = []
  let open: { first: number; files: (string | number)[]; bytes: number } = { first: 0, files: [], bytes: 0 }
  let [batches, bytes, isClosed] = [1, 0, false]
  const shut = (): void => {
    if (open.files.length > 0) waiting.push(open)
    open = { first: open.first + open.files.length, files: [], bytes: 0 }
    for (const wake of wakes.splice(0)) wake()
  }
  const take = (): Batch | undefined => waiting.shift()
  return {
    add(file, sizeBytes) {
      if (open.files.length >= batchFiles || open.bytes >= batchBytes) {
        shut()
        batches += 1
      }
      open.files.push(file)
      open.bytes += sizeBytes
      bytes += sizeBytes
      return { files: open.first + open.files.length, bytes, batches }
    },
    close() {
      isClosed = true
      shut()
      // The largest one first, so that no worker is left with it at the end.
      waiting.sort((left, right) => right.bytes - left.bytes)
    },
    clear: () => waiting.splice(0),
    take,
    async next() {
      while (waiting.length === 0 && !isClosed) await new Promise<void>((resolve) => wakes.push(resolve))
      return take()
    },
  }
}

function hashHere(queue: Queue, job: HashJob, outcomes: HashOutcome[]): void {
  for (let batch = queue.take(); batch !== undefined; batch = queue.take()) {
    for (const [place, file] of batch.files.entries()) {
      try {
        outcomes[batch.first + place] = hashFile(file, job)
      } catch (error) {
        throw ioFault(error, String(file))
      }
    }
  }
}

/** Feeds one worker from the common queue until it is empty. */
async function drive(
  thread: Worker,
  queue: Queue,
  { job, outcomes }: Readonly<{ job: HashJob; outcomes: HashOutcome[] }>,
): Promise<undefined> {
  for (let batch = await queue.next(); batch !== undefined; batch = await queue.next()) {
    const reply = await ask(thread, { job, files: encodeFiles(batch.files) })
    for (const [place, outcome] of decodeOutcomes(reply.outcomes).entries()) outcomes[batch.first + place] = outcome
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
