/**
 * Where the bytes of a locked requirement may be, and how they come into the object store: only when their SHA-256 is one
 * that the lock pins.
 */
import { createHash, randomUUID } from 'node:crypto'
import { closeSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { DomainError, type ErrorCode, isDomainError, type Sha256 } from '../../core/index.ts'
import { type ObjectStore, withoutCredentials } from '../../data/index.ts'
import type { FetchClient } from './fetch.http.ts'
import type { IndexFile } from './index-page.ts'
import type { LockedArtefacts, LockedRequirement } from './lock.ts'
import type { NetworkSettings } from './network-settings.ts'
import { mapPooled } from './pool.ts'
import type { OnProgress } from './progress.ts'
import type { TagRanks } from './tags.ts'
import { parseWheelName, sourceVersion } from './wheel-name.ts'

export type AcquireRequest = Readonly<{
  lock: LockedArtefacts
  lockPath: string
  requirements: readonly LockedRequirement[]
  ranks: TagRanks
  store: ObjectStore
  cacheFolder: string
  network: NetworkSettings
  onProgress: OnProgress
  signal: AbortSignal
}>

export type Context = AcquireRequest &
  Readonly<{
    client: FetchClient
    /** Digests of local wheels, by path: each is read once. */
    folders: Map<string, Sha256>
  }>

export type Fetched = Readonly<{
  digest: Sha256
  /** Where it came from, without credentials; empty when it was in the store already. */
  source: string
}>

export const parallelFetches = 4

/** Asks for all of `items`, a few at a time; the first failure ends the others. */
export async function fetchAll<Item, Result>(
  request: AcquireRequest,
  items: readonly Item[],
  fetchOne: (item: Item, context: Context) => Promise<Result>,
): Promise<readonly Result[]> {
  const abort = new AbortController()
  const signal = AbortSignal.any([request.signal, abort.signal])
  const { openFetchClient } = await import('./fetch.http.ts') // half of all code, for the one time that it is needed
  const client = openFetchClient(request.network, signal)
  try {
    const context: Context = { ...request, client, folders: new Map() }
    return await mapPooled(items, parallelFetches, async (item) => {
      try {
        return await fetchOne(item, context)
      } catch (error) {
        abort.abort(error) // The other downloads are of no use any more.
        throw error
      }
    })
  } finally {
    abort.abort()
    await client.close()
  }
}

type Offers = Readonly<{ files: readonly IndexFile[]; fault: DomainError | undefined }>

/** The caller asks for folders alone: PIP_NO_INDEX. The lock's own indexes and addresses are not asked then either. */
export function isOffline({ network }: Pick<AcquireRequest, 'network'>): boolean {
  return network.indexes.length === 0
}

/** What all indexes and folders say of a project. A fault is told only where nothing else is enough. */
export async function offersFor(requirement: LockedRequirement, context: Context): Promise<Offers> {
  const faults: DomainError[] = []
  const offered: IndexFile[] = [...localFiles(requirement, context)]
  const indexes = isOffline(context) ? [] : [...new Set([...context.network.indexes, ...context.lock.indexes])]
  await mapPooled(indexes, parallelFetches, async (index) => {
    try {
      offered.push(...((await context.client.page(index, requirement.name)) ?? []))
    } catch (error) {
      if (!isDomainError(error, 'ERR_ENV_FETCH')) throw error
      faults.push(error) // One index of several may be down: the lock decides whether what others offer is enough.
    }
  })
  return { files: offered, fault: faults[0] }
}

/** Wheels and source distributions of `find-links` folders that carry the project's name. */
export function localFiles({ name: project }: LockedRequirement, { network, folders }: Context): readonly IndexFile[] {
  return network.folders.flatMap((folder) =>
    readdirSync(folder)
      .filter((name) => parseWheelName(name)?.project === project || sourceVersion(name, project) !== undefined)
      .map((fileName) => {
        const path = join(folder, fileName)
        const digest = folders.get(path) ?? digestOfFile(path)
        folders.set(path, digest)
        return { fileName, url: pathToFileURL(path).href, digest, yanked: false }
      }),
  )
}

function digestOfFile(path: string): Sha256 {
  return `sha256:${createHash('sha256').update(readFileSync(path)).digest('hex')}`
}

/**
 * The first of several places that has bytes which the lock pins.
 *
 * @param unanswered the fault of another place, which may have them and did not answer
 * @throws ERR_ENV_FETCH, ERR_ENV_GONE, ERR_ENV_HASH_MISMATCH
 */
export async function fetchFirst(
  requirement: LockedRequirement,
  files: readonly IndexFile[],
  context: Context,
  unanswered?: DomainError,
): Promise<Fetched & Readonly<{ fileName: string }>> {
  const faults: DomainError[] = []
  for (const file of files) {
    try {
      return { fileName: file.fileName, ...(await fetchFile(requirement, file, context)) }
    } catch (error) {
      if (!isDomainError(error, 'ERR_ENV_FETCH', 'ERR_ENV_GONE', 'ERR_ENV_HASH_MISMATCH')) throw error
      faults.push(error) // Another index may have the right bytes.
    }
  }
  if (unanswered !== undefined) faults.push(unanswered)
  const first = (code: ErrorCode): DomainError | undefined => faults.find((fault) => fault.code === code)
  // That it is gone is only known when each place answered.
  throw first('ERR_ENV_HASH_MISMATCH') ?? first('ERR_ENV_FETCH') ?? faults[0]
}

async function fetchFile(requirement: LockedRequirement, file: IndexFile, context: Context): Promise<Fetched> {
  const { store, onProgress, lockPath } = context
  const { fileName } = file
  if (file.digest !== undefined && store.has(file.digest)) {
    onProgress({ kind: 'fetched', fileName, sizeBytes: 0, fromStore: true })
    return { digest: file.digest, source: '' }
  }
  const temporary = join(context.cacheFolder, `tmp-${process.pid}-${randomUUID()}.part`)
  const fd = openSync(temporary, 'wx+', 0o600)
  try {
    const { digest, sizeBytes } = await download(file, fd, context)
    // INVARIANT: bytes enter the store only after their digest was found in the lock.
    if (!requirement.sha256.includes(digest)) throw wrongBytes(requirement, fileName, digest, lockPath)
    const kept = await store.putFile(fd)
    if (kept.digest !== digest) throw wrongBytes(requirement, fileName, kept.digest, lockPath)
    onProgress({ kind: 'fetched', fileName, sizeBytes, fromStore: false })
    return { digest, source: sourceOf(file.url) }
  } finally {
    closeSync(fd)
    rmSync(temporary, { force: true })
  }
}

async function download(
  file: IndexFile,
  fd: number,
  { client, onProgress }: Context,
): Promise<Readonly<{ digest: Sha256; sizeBytes: number }>> {
  if (file.url.startsWith('file:')) {
    const bytes = readFileSync(new URL(file.url))
    writeFileSync(fd, bytes)
    return { digest: `sha256:${createHash('sha256').update(bytes).digest('hex')}`, sizeBytes: bytes.length }
  }
  return client.download(file.url, fd, (receivedBytes, totalBytes) =>
    onProgress({
      kind: 'downloading',
      fileName: file.fileName,
      receivedBytes,
      ...(totalBytes === undefined ? {} : { totalBytes }),
    }),
  )
}

/** A local folder is named by nothing: its path would tell of the user. */
function sourceOf(url: string): string {
  return url.startsWith('file:') ? 'a local folder' : withoutCredentials(url)
}

function wrongBytes(
  { name, version, line }: LockedRequirement,
  fileName: string,
  digest: Sha256,
  path: string,
): DomainError {
  return new DomainError(
    'ERR_ENV_HASH_MISMATCH',
    `${path}:${line}: the bytes of \`${fileName}\` are ${digest}, which the lock does not pin`,
    { details: { file: path, line, project: name, version, digest } },
  )
}
