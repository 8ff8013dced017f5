/**
 * Files digested with the help of what is remembered: read are those that changed, and a few at random to keep the
 * memory honest.
 */
import { randomInt } from 'node:crypto'
import { lstatSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { DomainError, isSha256 } from '../core/index.ts'
import { type FileStat, fileStatOf, isSettled } from './file-stat.ts'
import type { HashJob, HashOutcome, HashScheme } from './hash-file.fs.ts'
import { hashFiles, openFileHasher } from './hash-files.fs.ts'
import { freshen } from './object-files.fs.ts'
import type { KnownFile, StatCache } from './stat-cache.sqlite.ts'

/** `path` is absolute; a file that nobody looked at is asked when that serves to read less. */
export type FoundFile = Readonly<{ path: string }> | (Readonly<{ path: string }> & FileStat)

export type DigestFilesOptions = Readonly<{
  cache?: StatCache
  /** Reads every file, whatever is remembered; what is found is remembered anew. */
  rehash?: boolean
  /** Remembered files that are read all the same, at most; 8 when left out. */
  spotChecks?: number
  workers?: number
  /** Milliseconds since the epoch. */
  now?: () => number
  /** A whole number from 0 to below `limit`. */
  random?: (limit: number) => number
}>

/** LIMIT: a spot check reads 2 MiB on average at most; a larger file is read with the probability that keeps this. */
const spotCheckBytes = 2 * 1024 * 1024

/** Beyond so many files workers are at it, and a size serves no more. */
const askSizeFiles = 3000
/** Files after which waiting workers are fed. */
const turnEveryFiles = 256

/**
 * One outcome a file, in their order; with `storeRoot` (scheme `sha256`) every digest is in that store or staged.
 *
 * @param files may be found while those before them are read already
 * @throws ERR_DATA_STAT_CACHE_WRONG when a file that is remembered holds other bytes; everything is forgotten then
 */
export async function digestFiles(
  files: Iterable<FoundFile>,
  job: HashJob,
  options: DigestFilesOptions = {},
): Promise<readonly HashOutcome[]> {
  const { cache, now = Date.now, workers, rehash = false } = options
  const shared = workers === undefined ? {} : { workers }
  const readAtMs = now()
  const recall = recallFrom(cache, job)
  const paths: string[] = []
  const outcomes: HashOutcome[] = []
  const known: number[] = []
  const unknown: number[] = []
  await using hasher = openFileHasher({ ...job, ...shared })
  const read = (index: number, sizeBytes?: number): void => {
    unknown.push(index)
    hasher.add(paths[index] ?? '', sizeBytes)
  }
  for (const file of files) {
    const { path } = file
    const seen = 'stat' in file ? file : undefined
    const index = paths.push(path) - 1
    const entry = recall(path)
    const stat = seen ?? (entry !== undefined || unknown.length < askSizeFiles ? lookAt(path) : undefined)
    if (entry !== undefined && entry.stat === stat?.stat && isKept(entry, job)) {
      const { sizeBytes, executable } = stat
      outcomes[index] = { kind: 'hashed', digest: entry.digest, sizeBytes, executable, stat: stat.stat }
      known.push(index)
    } else {
      read(index, stat?.sizeBytes)
      if (unknown.length % turnEveryFiles === 0) await setImmediate()
    }
  }

  // What is in the store already is read without being copied again.
  const knownAt = (index: number): readonly Known[] => {
    const outcome = outcomes[index]
    return outcome?.kind === 'hashed' ? [{ index, path: paths[index] ?? '', ...outcome }] : []
  }
  const checked = rehash ? known.flatMap(knownAt) : drawSpots(known, knownAt, options)
  const sizes = checked.map(({ sizeBytes }) => sizeBytes)
  const places = checked.map(({ path }) => path)
  const found = await hashFiles(places, { scheme: job.scheme, sizes, ...shared })
  for (const [place, file] of checked.entries()) {
    const outcome = found[place]
    if (outcome?.kind === 'hashed' && outcome.digest === file.digest) continue
    if (!rehash) refuseWrongMemory(file, outcome, cache)
    read(file.index, file.sizeBytes)
  }
  for (const [place, outcome] of (await hasher.outcomes()).entries()) outcomes[unknown[place] ?? -1] = outcome
  cache?.record(unknown.flatMap((index) => rememberable(paths[index], outcomes[index], job.scheme, readAtMs)))
  return outcomes
}

/** A file whose digest is remembered. */
type Known = FileStat & Readonly<{ index: number; path: string; digest: string }>

/** Undefined for what is no regular file any more: reading will say so. */
function lookAt(path: string): FileStat | undefined {
  const stats = lstatSync(path, { bigint: true, throwIfNoEntry: false })
  return stats?.isFile() === true ? fileStatOf(stats) : undefined
}

/** Tells what is remembered under a path; files of one folder come one after the other. */
function recallFrom(cache: StatCache | undefined, { scheme }: HashJob): (path: string) => KnownFile | undefined {
  if (cache === undefined) return () => undefined
  let [folder, length] = ['', -1]
  let entryOf: (name: string) => KnownFile | undefined = () => undefined
  return (path) => {
    const end = path.lastIndexOf('/')
    if (end !== length || !path.startsWith(folder)) {
      folder = dirname(path)
      length = end
      entryOf = cache.recall(folder, scheme)
    }
    return entryOf(path.slice(end + 1))
  }
}

function isKept({ digest }: KnownFile, { storeRoot }: HashJob): boolean {
  return storeRoot === undefined || (isSha256(digest) && freshen(storeRoot, digest))
}

function drawSpots(
  known: readonly number[],
  knownAt: (index: number) => readonly Known[],
  { spotChecks = 8, random = randomInt }: DigestFilesOptions,
): readonly Known[] {
  const candidates = [...known]
  const spots: Known[] = []
  for (let drawn = 0; drawn < spotChecks; drawn += 1) {
    if (candidates.length === 0) break
    const [file] = candidates.splice(random(candidates.length), 1).flatMap(knownAt)
    const odds = Math.ceil((file?.sizeBytes ?? 0) / spotCheckBytes)
    if (file !== undefined && (odds <= 1 || random(odds) === 0)) spots.push(file)
  }
  return spots
}

/** A file that was touched since it was seen is only read again; one that was not is the fault. */
function refuseWrongMemory(file: Known, found: HashOutcome | undefined, cache: StatCache | undefined): void {
  if (found?.kind !== 'hashed' || found.stat !== file.stat) return
  cache?.clear()
  throw new DomainError('ERR_DATA_STAT_CACHE_WRONG', `\`${file.path}\` changed without a trace in its stat`, {
    details: { found: found.digest },
  })
}

function rememberable(
  path: string | undefined,
  outcome: HashOutcome | undefined,
  scheme: HashScheme,
  readAtMs: number,
): Parameters<StatCache['record']>[0] {
  if (path === undefined || outcome?.kind !== 'hashed' || !isSettled(outcome.stat, readAtMs)) return []
  const { stat, digest } = outcome
  return [{ scheme, folder: dirname(path), name: basename(path), stat, digest }]
}
