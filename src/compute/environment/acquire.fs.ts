/**
 * From locked requirements to wheels in the object store: asks the indexes, downloads what is missing, keeps only bytes
 * whose SHA-256 the lock pins.
 *
 * What was chosen is remembered beside the environments, so that an unchanged lock needs no network. The memory is a
 * hint: each line of it is checked against the lock and the interpreter again.
 */
import { DomainError, isSha256, type Sha256 } from '../../core/index.ts'
import type { BuiltWheel } from '../environment.ts'
import { readChosen, writeChosen } from './chosen-memory.fs.ts'
import type { LockedFile, LockedRequirement } from './lock.ts'
import { defaultIndex } from './network-settings.ts'
import {
  type AcquireRequest,
  type Context,
  type Fetched,
  fetchAll,
  fetchFirst,
  isOffline,
  localFiles,
  offersFor,
} from './offers.fs.ts'
import { fits, type Selection, selectWheel } from './select-wheel.ts'
import { parseWheelName, type WheelName } from './wheel-name.ts'

export type ChosenWheel = Readonly<{
  requirement: LockedRequirement
  wheel: WheelName
  /** Where it was built here, from a source distribution. */
  built?: BuiltFrom
}> &
  Fetched

/** What a wheel of this machine was made from: everything by digest. */
export type BuiltFrom = Readonly<{
  source: Fetched & Readonly<{ fileName: string }>
  /** The step itself, for its statement. */
  step: Omit<BuiltWheel, 'package' | 'source'>
  /** What a reader should know; said when it is built. */
  warnings: readonly string[]
}>

/** The remembered choice when it still holds for this lock and interpreter, else undefined. No network, no store. */
export function recallChoice(request: AcquireRequest, key: Sha256): readonly ChosenWheel[] | undefined {
  const remembered = readChosen(request.cacheFolder, key)
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
 * @throws ERR_ENV_FETCH, ERR_ENV_GONE, ERR_ENV_NO_WHEEL, ERR_ENV_SOURCE_DIST, ERR_ENV_HASH_MISMATCH
 */
export async function acquireWheels(
  request: AcquireRequest,
  key: Sha256,
  recalled: readonly ChosenWheel[] | undefined,
): Promise<readonly ChosenWheel[]> {
  if (recalled?.every(({ digest }) => request.store.has(digest))) return recalled
  let resolved = 0
  const { length: total } = request.requirements
  const chosen = await fetchAll(request, request.requirements, async (requirement, context) => {
    const found = await selectFor(requirement, context)
    resolved += 1
    request.onProgress({ kind: 'resolving', project: requirement.name, done: resolved, total })
    return fetchSelection(found, context)
  })
  writeChosen(
    request.cacheFolder,
    key,
    chosen.map(({ wheel, digest, source }) => ({ fileName: wheel.fileName, digest, source })),
  )
  return chosen
}

/** What is chosen for a requirement, and the places to ask for it; `fault` of a place that did not answer. */
type Found = Selection & Readonly<{ fault?: DomainError | undefined }>

async function selectFor(requirement: LockedRequirement, context: Context): Promise<Found> {
  if (requirement.files !== undefined) return placesOf(requirement, requirement.files, context)
  const { files, fault } = await offersFor(requirement, context)
  try {
    return { ...selectWheel(requirement, files, context.ranks, context.lockPath), fault }
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
): Promise<Found> {
  const { ranks, lockPath, network, store } = context
  const offered = named.map(({ fileName, sha256, url = '' }) => ({ fileName, digest: sha256, url, yanked: false }))
  const [best] = selectWheel(requirement, offered, ranks, lockPath).candidates
  const [first] = best?.files ?? []
  if (best === undefined || first?.digest === undefined) throw new Error('a selection of named files holds one')
  if (store.has(first.digest)) return { requirement, candidates: [best] }
  const addresses = isOffline(context) ? [] : best.files.filter(({ url }) => url !== '')
  const isOwnIndex = network.indexes.some((index) => index !== defaultIndex)
  const asksIndexes = addresses.length === 0 || isOwnIndex
  const { files, fault } = asksIndexes
    ? await offersFor(requirement, context)
    : { files: localFiles(requirement, context), fault: undefined }
  const { fileName } = best.wheel
  // Its own name: an index may offer the same bytes under another.
  const places = [...files.filter(({ digest }) => digest === first.digest), ...addresses].map((file) => ({
    ...file,
    fileName,
  }))
  if (places.length > 0) return { requirement, candidates: [{ wheel: best.wheel, files: places }], fault }
  throw files.some((file) => file.fileName === fileName)
    ? otherBytes(requirement, best.wheel, lockPath)
    : (fault ?? nowhere(requirement, best.wheel, lockPath))
}

function otherBytes({ name, version, line }: LockedRequirement, { fileName }: WheelName, path: string): DomainError {
  const what = `${path}:${line}: every \`${fileName}\` that is offered has other bytes than the lock pins`
  return new DomainError('ERR_ENV_HASH_MISMATCH', what, { details: { file: path, line, project: name, version } })
}

function nowhere({ line }: LockedRequirement, { fileName }: WheelName, path: string): DomainError {
  return new DomainError('ERR_ENV_GONE', `${path}:${line}: no index or folder has \`${fileName}\``, {
    help: 'name the index with PIP_INDEX_URL, or a folder of wheels with PIP_FIND_LINKS',
  })
}

async function fetchSelection({ requirement, candidates, fault }: Found, context: Context): Promise<ChosenWheel> {
  const wheels = new Map(candidates.map(({ wheel }) => [wheel.fileName, wheel]))
  const files = candidates.flatMap((candidate) => candidate.files)
  const { fileName, ...fetched } = await fetchFirst(requirement, files, context, fault)
  const wheel = wheels.get(fileName)
  if (wheel === undefined) throw new Error('a place of a selection names one of its wheels')
  return { requirement, wheel, ...fetched }
}
