/**
 * Files digested with the help of what is remembered: read are those that changed, and a few at random to keep the
 * memory honest.
 */
import { randomInt } from 'node:crypto'
import { basename, dirname } from 'node:path'
import { DomainError, isSha256 } from '../core/index.ts'
import { isSettled, type StatKey } from './file-stat.ts'
import type { HashJob, HashOutcome, HashScheme } from './hash-file.fs.ts'
import { hashFiles } from './hash-files.fs.ts'
import { freshen } from './object-files.fs.ts'
import type { KnownFile, StatCache } from './stat-cache.sqlite.ts'

/** A regular file as `lstat` just saw it; `path` is absolute. */
export type SeenFile = Readonly<{ path: string; stat: StatKey; sizeBytes: number; executable: boolean }>

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

/**
 * One outcome a file, in their order; with `storeRoot` (scheme `sha256`) every digest is in that store or staged.
 *
 * @throws ERR_DATA_STAT_CACHE_WRONG when a file that is remembered holds other bytes; everything is forgotten then
 */
export async function digestFiles(
  files: readonly SeenFile[],
  job: HashJob,
  options: DigestFilesOptions = {},
): Promise<readonly HashOutcome[]> {
  const { cache, now = Date.now, workers, rehash = false } = options
  const read = (indexes: readonly number[], how: HashJob): Promise<readonly HashOutcome[]> => {
    const sizes = indexes.map((index) => files[index]?.sizeBytes ?? 0)
    const paths = indexes.map((index) => files[index]?.path ?? '')
    return hashFiles(paths, { ...how, sizes, ...(workers === undefined ? {} : { workers }) })
  }
  const readAtMs = now()
  const known = cache === undefined ? new Map<number, string>() : knownDigests(files, job, cache)
  const outcomes = files.map((file, index) => rememberedOutcome(file, known.get(index)))

  // What is in the store already is read without being copied again.
  const checked = rehash ? [...known.keys()] : drawSpots(files, [...known.keys()], options)
  for (const [place, outcome] of (await read(checked, { scheme: job.scheme })).entries()) {
    const index = checked[place] ?? -1
    if (isAsRemembered(outcome, outcomes[index])) continue
    if (!rehash) refuseWrongMemory(files[index], outcome, cache)
    known.delete(index)
  }
  const unknown = [...files.keys()].filter((index) => !known.has(index))
  for (const [place, outcome] of (await read(unknown, job)).entries()) outcomes[unknown[place] ?? -1] = outcome
  cache?.record(unknown.flatMap((index) => rememberable(files[index], outcomes[index], job.scheme, readAtMs)))
  return outcomes
}

function rememberedOutcome({ sizeBytes, executable, stat }: SeenFile, digest = ''): HashOutcome {
  return { kind: 'hashed', digest, sizeBytes, executable, stat }
}

function isAsRemembered(found: HashOutcome, remembered: HashOutcome | undefined): boolean {
  return found.kind === 'hashed' && remembered?.kind === 'hashed' && found.digest === remembered.digest
}

function knownDigests(
  files: readonly SeenFile[],
  { scheme, storeRoot }: HashJob,
  cache: StatCache,
): Map<number, string> {
  const folders = new Map<string, ReadonlyMap<string, KnownFile>>()
  const known = new Map<number, string>()
  for (const [index, { path, stat }] of files.entries()) {
    const folder = dirname(path)
    const entries = folders.get(folder) ?? cache.folder(folder, scheme)
    folders.set(folder, entries)
    const entry = entries.get(basename(path))
    if (entry === undefined || entry.stat !== stat) continue
    const isKept = storeRoot === undefined || (isSha256(entry.digest) && freshen(storeRoot, entry.digest))
    if (isKept) known.set(index, entry.digest)
  }
  return known
}

function drawSpots(
  files: readonly SeenFile[],
  candidates: number[],
  { spotChecks = 8, random = randomInt }: DigestFilesOptions,
): readonly number[] {
  const spots: number[] = []
  for (let drawn = 0; drawn < spotChecks && candidates.length > 0; drawn += 1) {
    const [index = -1] = candidates.splice(random(candidates.length), 1)
    const odds = Math.ceil((files[index]?.sizeBytes ?? 0) / spotCheckBytes)
    if (odds <= 1 || random(odds) === 0) spots.push(index)
  }
  return spots
}

/** A file that was touched since it was seen is only read again; one that was not is the fault. */
function refuseWrongMemory(file: SeenFile | undefined, found: HashOutcome, cache: StatCache | undefined): void {
  if (file === undefined || found.kind !== 'hashed' || found.stat !== file.stat) return
  cache?.clear()
  throw new DomainError('ERR_DATA_STAT_CACHE_WRONG', `\`${file.path}\` changed without a trace in its stat`, {
    details: { found: found.digest },
  })
}

function rememberable(
  file: SeenFile | undefined,
  outcome: HashOutcome | undefined,
  scheme: HashScheme,
  readAtMs: number,
): Parameters<StatCache['record']>[0] {
  if (file === undefined || outcome?.kind !== 'hashed' || !isSettled(outcome.stat, readAtMs)) return []
  const { stat, digest } = outcome
  return [{ scheme, folder: dirname(file.path), name: basename(file.path), stat, digest }]
}
