/**
 * From locked requirements to wheels in the object store: asks the indexes, downloads what is missing, keeps only bytes
 * whose SHA-256 the lock pins.
 *
 * What was chosen is remembered beside the environments, so that an unchanged lock needs no network. The memory is a
 * hint: each line of it is checked against the lock and the interpreter again.
 */
import { createHash, randomUUID } from 'node:crypto'
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { z } from 'zod'
import { DomainError, isDomainError, isSha256, type Sha256 } from '../../core/index.ts'
import { type ObjectStore, withoutCredentials } from '../../data/index.ts'
import type { FetchClient } from './fetch.http.ts'
import type { IndexFile } from './index-page.ts'
import type { LockedArtefacts, LockedFile, LockedRequirement } from './lock.ts'
import { defaultIndex, type NetworkSettings } from './network-settings.ts'
import { mapPooled } from './pool.ts'
import type { OnProgress } from './progress.ts'
import { type Candidate, fits, type Selection, selectWheel } from './select-wheel.ts'
import type { TagRanks } from './tags.ts'
import { parseWheelName, type WheelName } from './wheel-name.ts'

export type ChosenWheel = Readonly<{
  requirement: LockedRequirement
  wheel: WheelName
  digest: Sha256
  /** Where it came from, without credentials; empty when it was in the store already. */
  source: string
}>

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

const parallelFetches = 4

/** The remembered choice when it still holds for this lock and interpreter, else undefined. No network, no store. */
export function recallChoice(request: AcquireRequest, key: Sha256): readonly ChosenWheel[] | undefined {
  const remembered = readMemory(memoryPath(request.cacheFolder, key))
  if (remembered?.length !== request.requirements.length) return undefined
  const chosen = request.requirements.flatMap((requirement, index) => {
    const { fileName = '', digest = '', source = '' } = remembered[index] ?? {}
    const wheel = parseWheelName(fileName)
    const holds = wheel !== undefined && isSha256(digest) && requirement.sha256.includes(digest)
    return holds && fits(wheel, requirement, request.ranks) ? [{ requirement, wheel, digest, source }] : []
  })
  return chosen.length === request.requirements.length ? chosen : undefined
}

/**
 * Chooses a wheel for each requirement and sees that its bytes are in the store.
 *
 * @param recalled a choice of `recallChoice`: then only bytes that the store lacks are asked for
 * @throws ERR_ENV_FETCH, ERR_ENV_NO_WHEEL, ERR_ENV_SOURCE_DIST, ERR_ENV_HASH_MISMATCH
 */
export async function acquireWheels(
  request: AcquireRequest,
  key: Sha256,
  recalled: readonly ChosenWheel[] | undefined,
): Promise<readonly ChosenWheel[]> {
  if (recalled?.every(({ digest }) => request.store.has(digest))) return recalled
  const abort = new AbortController()
  const signal = AbortSignal.any([request.signal, abort.signal])
  const { openFetchClient } = await import('./fetch.http.ts') // half of all code, for the one time that it is needed
  const client = openFetchClient(request.network, signal)
  try {
    const context: Context = { ...request, client, folders: new Map() }
    let resolved = 0
    const chosen = await mapPooled(request.requirements, parallelFetches, async (requirement) => {
      try {
        const selection = await selectFor(requirement, context)
        resolved += 1
        const { length: total } = request.requirements
        request.onProgress({ kind: 'resolving', project: requirement.name, done: resolved, total })
        return await fetchSelection(selection, context)
      } catch (error) {
        abort.abort(error) // The other downloads are of no use any more.
        throw error
      }
    })
    writeMemory(memoryPath(request.cacheFolder, key), chosen)
    return chosen
  } finally {
    abort.abort()
    await client.close()
  }
}

type Context = AcquireRequest &
  Readonly<{
    client: FetchClient
    /** Digests of local wheels, by path: each is read once. */
    folders: Map<string, Sha256>
  }>

/** What is chosen for a requirement, and the places to ask for it. */
async function selectFor(requirement: LockedRequirement, context: Context): Promise<Selection> {
  if (requirement.files !== undefined) return placesOf(requirement, requirement.files, context)
  const { files, fault } = await offersFor(requirement, context)
  try {
    return selectWheel(requirement, files, context.ranks, context.lockPath)
  } catch (error) {
    throw fault ?? error
  }
}

/**
 * The lock names its files, so it alone says which is taken: no index can make one machine take another than the next.
 * An index of the caller's own is asked before the address in the lock, which a closed network may not reach.
 */
async function placesOf(
  requirement: LockedRequirement,
  named: readonly LockedFile[],
  context: Context,
): Promise<Selection> {
  const { ranks, lockPath, network, store } = context
  const offered = named.map(({ fileName, sha256, url = '' }) => ({ fileName, digest: sha256, url, yanked: false }))
  const [best] = selectWheel(requirement, offered, ranks, lockPath).candidates
  const [first] = best?.files ?? []
  if (best === undefined || first?.digest === undefined) throw new Error('a selection of named files holds one')
  if (store.has(first.digest)) return { requirement, candidates: [best] }
  const addresses = network.indexes.length === 0 ? [] : best.files.filter(({ url }) => url !== '')
  const isOwnIndex = network.indexes.some((index) => index !== defaultIndex)
  const asksIndexes = addresses.length === 0 || isOwnIndex
  const { files, fault } = asksIndexes
    ? await offersFor(requirement, context)
    : { files: localFiles(requirement, context), fault: undefined }
  const places = [...files.filter(({ digest }) => digest === first.digest), ...addresses]
  if (places.length > 0) return { requirement, candidates: [{ wheel: best.wheel, files: places }] }
  throw files.some(({ fileName }) => fileName === best.wheel.fileName)
    ? otherBytes(requirement, best.wheel, lockPath)
    : (fault ?? nowhere(requirement, best.wheel, lockPath))
}

function otherBytes({ name, version, line }: LockedRequirement, { fileName }: WheelName, path: string): DomainError {
  const what = `${path}:${line}: every \`${fileName}\` that is offered has other bytes than the lock pins`
  return new DomainError('ERR_ENV_HASH_MISMATCH', what, { details: { file: path, line, project: name, version } })
}

function nowhere({ line }: LockedRequirement, { fileName }: WheelName, path: string): DomainError {
  return new DomainError('ERR_ENV_FETCH', `${path}:${line}: no index or folder has \`${fileName}\``, {
    help: 'name the index with PIP_INDEX_URL, or a folder of wheels with PIP_FIND_LINKS',
  })
}

type Offers = Readonly<{ files: readonly IndexFile[]; fault: DomainError | undefined }>

async function offersFor(requirement: LockedRequirement, context: Context): Promise<Offers> {
  const faults: DomainError[] = []
  const offered: IndexFile[] = [...localFiles(requirement, context)]
  const indexes = [...new Set([...context.network.indexes, ...context.lock.indexes])]
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

/** Wheels of `find-links` folders that carry the project's name. */
function localFiles({ name }: LockedRequirement, { network, folders }: Context): readonly IndexFile[] {
  return network.folders.flatMap((folder) =>
    readdirSync(folder)
      .filter((fileName) => parseWheelName(fileName)?.project === name)
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

async function fetchSelection({ requirement, candidates }: Selection, context: Context): Promise<ChosenWheel> {
  const faults: unknown[] = []
  for (const candidate of candidates) {
    for (const file of candidate.files) {
      try {
        return await fetchFile(requirement, candidate, file, context)
      } catch (error) {
        if (!isDomainError(error, 'ERR_ENV_FETCH', 'ERR_ENV_HASH_MISMATCH')) throw error
        faults.push(error) // Another index may have the right bytes.
      }
    }
  }
  throw faults.find((fault) => isDomainError(fault, 'ERR_ENV_HASH_MISMATCH')) ?? faults[0]
}

async function fetchFile(
  requirement: LockedRequirement,
  { wheel }: Candidate,
  file: IndexFile,
  context: Context,
): Promise<ChosenWheel> {
  const { store, onProgress, lockPath } = context
  if (file.digest !== undefined && store.has(file.digest)) {
    onProgress({ kind: 'fetched', fileName: wheel.fileName, sizeBytes: 0, fromStore: true })
    return { requirement, wheel, digest: file.digest, source: '' }
  }
  const temporary = join(context.cacheFolder, `tmp-${process.pid}-${randomUUID()}.part`)
  const fd = openSync(temporary, 'wx+', 0o600)
  try {
    const { digest, sizeBytes } = await download(file, fd, wheel.fileName, context)
    // INVARIANT: bytes enter the store only after their digest was found in the lock.
    if (!requirement.sha256.includes(digest)) throw wrongBytes(requirement, wheel, digest, lockPath)
    const kept = await store.putFile(fd)
    if (kept.digest !== digest) throw wrongBytes(requirement, wheel, kept.digest, lockPath)
    onProgress({ kind: 'fetched', fileName: wheel.fileName, sizeBytes, fromStore: false })
    return { requirement, wheel, digest, source: sourceOf(file.url) }
  } finally {
    closeSync(fd)
    rmSync(temporary, { force: true })
  }
}

async function download(
  file: IndexFile,
  fd: number,
  fileName: string,
  { client, onProgress }: Context,
): Promise<Readonly<{ digest: Sha256; sizeBytes: number }>> {
  if (file.url.startsWith('file:')) {
    const bytes = readFileSync(new URL(file.url))
    writeFileSync(fd, bytes)
    return { digest: `sha256:${createHash('sha256').update(bytes).digest('hex')}`, sizeBytes: bytes.length }
  }
  return client.download(file.url, fd, (receivedBytes, totalBytes) =>
    onProgress({ kind: 'downloading', fileName, receivedBytes, ...(totalBytes === undefined ? {} : { totalBytes }) }),
  )
}

/** A local folder is named by nothing: its path would tell of the user. */
function sourceOf(url: string): string {
  return url.startsWith('file:') ? 'a local folder' : withoutCredentials(url)
}

function wrongBytes(
  { name, version, line }: LockedRequirement,
  wheel: WheelName,
  digest: Sha256,
  path: string,
): DomainError {
  return new DomainError(
    'ERR_ENV_HASH_MISMATCH',
    `${path}:${line}: the bytes of \`${wheel.fileName}\` are ${digest}, which the lock does not pin`,
    { details: { file: path, line, project: name, version, digest } },
  )
}

const memoryShape = z.array(
  z.strictObject({ fileName: z.string().max(300), digest: z.string().max(100), source: z.string().max(4000) }),
)

function memoryPath(cacheFolder: string, key: Sha256): string {
  return join(cacheFolder, 'chosen', `${key.slice('sha256:'.length)}.json`)
}

function readMemory(path: string): z.infer<typeof memoryShape> | undefined {
  if (!existsSync(path)) return undefined
  try {
    return memoryShape.parse(JSON.parse(readFileSync(path, 'utf8')))
  } catch {
    return undefined // INVARIANT: a broken memory is the same as none: the indexes are asked.
  }
}

function writeMemory(path: string, chosen: readonly ChosenWheel[]): void {
  mkdirSync(join(path, '..'), { recursive: true })
  const temporary = `${path}.tmp-${process.pid}-${randomUUID()}`
  const lines = chosen.map(({ wheel, digest, source }) => ({ fileName: wheel.fileName, digest, source }))
  writeFileSync(temporary, `${JSON.stringify(lines)}\n`)
  renameSync(temporary, path)
}
