/**
 * Source distributions that assay.yaml allows: fetched by a digest of the lock, built once, kept as wheels by digest.
 *
 * What a build gave is remembered under the user's seal. THREAT: a checkout may bring a memory of its own, with a wheel
 * that no source gave.
 */
import { randomUUID } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { DomainError, digestOfJson, isSha256, type Sha256 } from '../../core/index.ts'
import type { Environment } from '../environment.ts'
import { removeTree } from '../remove-tree.fs.ts'
import type { BuiltFrom, ChosenWheel } from './acquire.fs.ts'
import type { LockedRequirement } from './lock.ts'
import { refusalAt } from './lock-text.ts'
import type { MarkerEnvironment } from './marker.ts'
import {
  type AcquireRequest,
  type Context,
  type Fetched,
  fetchAll,
  fetchFirst,
  isOffline,
  offersFor,
} from './offers.fs.ts'
import type { PythonDefinition, PythonRequest } from './read-lock.fs.ts'
import { fits, sameVersion } from './select-wheel.ts'
import { refuseUnmet } from './source-choice.ts'
import { parseWheelName, sourceVersion } from './wheel-name.ts'

/** Changes whenever the same source would be built another way. */
export const sourceRecipe = 'assay-source/2'

export type SourcesRequest = Readonly<{
  request: PythonRequest
  acquiring: AcquireRequest
  /** Those that are built. */
  requirements: readonly LockedRequirement[]
  markers: MarkerEnvironment
}>

/** The environment that sources are built in: a lock of its own, or the same one without what is built. */
export function builderDefinition({ definition }: PythonRequest): PythonDefinition | undefined {
  const { sources, interpreter } = definition
  if (sources === undefined) return undefined
  const { projects, lock, lockBytes } = sources
  const same = lock === definition.lock
  return {
    kind: 'python',
    lock,
    lockBytes,
    without: projects,
    ...(interpreter === undefined ? {} : { interpreter }),
    ...(same && definition.extras !== undefined ? { extras: definition.extras } : {}),
    ...(same && definition.groups !== undefined ? { groups: definition.groups } : {}),
  }
}

const digestShape = z.custom<Sha256>(isSha256)
const rememberedShape = z.strictObject({
  source: z.strictObject({ fileName: z.string(), digest: digestShape, source: z.string() }),
  step: z.strictObject({
    environment: digestShape,
    backend: z.string(),
    wheel: z.strictObject({ name: z.string(), digest: digestShape, sizeBytes: z.int() }),
    sandbox: z.strictObject({ engine: z.enum(['bubblewrap', 'none']), digest: digestShape }),
    limits: z.strictObject({
      cpus: z.number(),
      ...{ memoryBytes: z.int(), timeMs: z.int(), processes: z.int(), outputBytes: z.int() },
    }),
    deniedAttempts: z.int(),
    ...{ startedAt: z.string(), finishedAt: z.string() },
  }),
})

/** What was built before, when it was built in the same environment and is in the store still. */
export function recallBuilt(asked: SourcesRequest, builder: Sha256): readonly ChosenWheel[] | undefined {
  const { requirements, acquiring, request } = asked
  const found = requirements.flatMap((requirement): readonly ChosenWheel[] => {
    const text = request.sealedTrees?.fact(keyOf(requirement, builder))
    const known = rememberedShape.safeParse(text === undefined ? undefined : JSON.parse(text))
    if (!known.success) return []
    const { source, step } = known.data
    const { name, digest } = step.wheel
    const wheel = parseWheelName(name)
    const holds = wheel !== undefined && fits(wheel, requirement, acquiring.ranks) && step.environment === builder
    if (!holds || !requirement.sha256.includes(source.digest) || !request.store.has(digest)) return []
    return [{ requirement, wheel, digest, source: '', built: { source, step, warnings: [] } }]
  })
  return found.length === requirements.length ? found : undefined
}

function keyOf({ name, version, sha256 }: LockedRequirement, builder: Sha256): string {
  return `built-wheel:${digestOfJson({ recipe: sourceRecipe, name, version, sha256: sha256.toSorted(), builder })}`
}

/**
 * Fetches and builds each source.
 *
 * @param builder ready to be mounted
 * @throws ERR_ENV_SOURCE_DIST, ERR_ENV_HASH_MISMATCH, ERR_ENV_FETCH, ERR_ENV_GONE, ERR_ENV_BUILD, ERR_ENV_NO_WHEEL
 */
export async function buildSources(asked: SourcesRequest, builder: Environment): Promise<readonly ChosenWheel[]> {
  const { requirements, acquiring } = asked
  // THREAT: an archive in the store that was changed on disk since it was fetched: it is set aside, and fetched again.
  const { store } = acquiring
  await store.verify(requirements.flatMap(({ sha256 }) => sha256).filter((digest) => store.has(digest)))
  const sources = await fetchAll(acquiring, requirements, fetchSource)
  const built = []
  for (const [index, requirement] of requirements.entries()) {
    const source = sources[index]
    if (source !== undefined) built.push(await buildOne(requirement, source, builder, asked))
  }
  return built
}

type Source = Fetched & Readonly<{ fileName: string }>

async function fetchSource(requirement: LockedRequirement, context: Context): Promise<Source> {
  const { lockPath } = context
  const named = requirement.files
  const addresses = (named ?? []).flatMap(({ fileName, sha256, url }) =>
    url === undefined || isOffline(context) ? [] : [{ fileName, digest: sha256, url, yanked: false }],
  )
  const inStore = named?.find(({ fileName, sha256 }) => isSourceOf(fileName, requirement) && context.store.has(sha256))
  if (inStore !== undefined) return { fileName: inStore.fileName, digest: inStore.sha256, source: '' }
  const { files, fault } = await offersFor(requirement, context)
  const pinned = new Set<string>(requirement.sha256)
  const places = [...files, ...addresses]
    .filter(({ fileName }) => isSourceOf(fileName, requirement))
    .filter(({ digest }) => digest === undefined || pinned.has(digest))
    .toSorted((left, right) => order(left.fileName) - order(right.fileName))
  if (places.length > 0) return fetchFirst(requirement, places, context, fault)
  const { name, version, line } = requirement
  const what = `no source distribution of \`${name}==${version}\` that the lock pins is offered`
  throw (
    fault ??
    refusalAt(lockPath, line)('ERR_ENV_SOURCE_DIST', what, 'take it out of `sdists` in assay.yaml: it has wheels')
  )
}

function isSourceOf(fileName: string, { name, version }: LockedRequirement): boolean {
  const found = sourceVersion(fileName, name)
  // It becomes a name in the sandbox.
  return found !== undefined && /^[\w.+!-]{1,255}$/.test(fileName) && sameVersion(found, version)
}

function order(fileName: string): number {
  return fileName.endsWith('.tar.gz') ? 0 : 1
}

async function buildOne(
  requirement: LockedRequirement,
  source: Source,
  builder: Environment,
  { request, acquiring, markers }: SourcesRequest,
): Promise<ChosenWheel> {
  const { cacheFolder, store, runInBox, workFolder, signal, onProgress } = request
  const scratch = join(cacheFolder, `tmp-${process.pid}-${randomUUID()}`)
  mkdirSync(scratch)
  onProgress({ kind: 'building', fileName: source.fileName })
  const { buildWheel } = await import('./build-wheel.fs.ts')
  try {
    const { lockPath } = acquiring
    const needing = {
      packages: builder.packages,
      buildLock: request.definition.sources?.lock ?? lockPath,
      markers,
      requirement,
      lockPath,
    }
    const made = await buildWheel({
      ...{ source, builder, scratch, store, runInBox, workFolder, signal },
      refuseUnmet: (requires) => refuseUnmet(requires, needing),
    })
    const { name, digest } = made.wheel
    const wheel = parseWheelName(name)
    if (wheel === undefined || !fits(wheel, requirement, acquiring.ranks)) {
      throw new DomainError('ERR_ENV_NO_WHEEL', `\`${source.fileName}\` was built to \`${name}\`, which does not fit`)
    }
    const kept = { fileName: source.fileName, digest: source.digest, source: source.source }
    request.sealedTrees?.recordFact(keyOf(requirement, builder.digest), JSON.stringify({ source: kept, step: made }))
    const tried = `${requirement.name}: its build tried to reach the network, ${made.deniedAttempts} times, in vain`
    const warnings = made.deniedAttempts === 0 ? [] : [tried]
    const built: BuiltFrom = { source, step: made, warnings }
    return { requirement, wheel, digest, source: '', built }
  } finally {
    removeTree(scratch)
  }
}
