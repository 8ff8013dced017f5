/**
 * An environment from a lock: wheels by digest, unpacked without starting an interpreter, compiled in the sandbox,
 * mounted read-only at `/env`, verified before each use.
 *
 * Order: the lock is parsed once, from the bytes that were given; what applies is decided with the interpreter's own
 * answer; only then are bytes asked for. A tree is built beside and renamed, so that a killed build leaves only `tmp-*`.
 */

import { randomUUID } from 'node:crypto'
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { type DirHash, DomainError, digestOfJson, hexOf, type Sha256, sha256Of } from '../../core/index.ts'
import type { Environment } from '../environment.ts'
import type { Mount } from '../sandbox.ts'
import { type AcquireRequest, acquireWheels, type ChosenWheel, recallChoice } from './acquire.fs.ts'
import { blasFact, interpreterFacts } from './facts.ts'
import { type Interpreter, interpreterIdentity } from './interpreter.ts'
import type { LockChoice, LockedRequirement } from './lock.ts'
import { type PythonRequest, readLockHere } from './read-lock.fs.ts'
import { sweepTemporaries } from './sweep.fs.ts'
import {
  type LocalParts,
  localPartsOf,
  readManifest,
  type TreeManifest,
  treeDigest,
  treeFault,
  treeStamp,
  writeLocalParts,
  writeManifest,
} from './tree.fs.ts'
import { clockStepMs, treeMemory } from './tree-memory.fs.ts'
import { environmentTarget } from './wheel-layout.ts'

/** Changes whenever the same inputs would make another tree. */
const recipe = 'assay-python/1'

/**
 * @throws ERR_ENV_LOCK_INVALID, ERR_ENV_HASH_MISSING, ERR_ENV_UNPINNED, ERR_ENV_UNSUPPORTED, ERR_ENV_INTERPRETER,
 * ERR_ENV_NO_WHEEL, ERR_ENV_SOURCE_DIST, ERR_ENV_HASH_MISMATCH, ERR_ENV_FETCH, ERR_ENV_WHEEL_REFUSED, ERR_ENV_BUILD
 */
export async function preparePython(request: PythonRequest): Promise<Environment> {
  const plan = await planOf(request)
  const recalled = recallChoice(plan.acquiring, plan.key)
  const built =
    (recalled && (await reuse(recalled, plan))) ??
    (await build(await acquireWheels(plan.acquiring, plan.key, recalled), plan))
  return describe(built, plan)
}

async function planOf(request: PythonRequest): Promise<Plan> {
  const { definition, cacheFolder } = request
  mkdirSync(cacheFolder, { recursive: true })
  sweepTemporaries(cacheFolder)
  const { lock, choice, requirements, ranks, interpreter, mounts } = await readLockHere(request)
  const acquiring = { ...request, lock, lockPath: definition.lock, requirements, ranks }
  const lockDigest = sha256Of(definition.lockBytes)
  const key = digestOfJson({
    recipe,
    lock: lockDigest,
    ...asked(choice),
    interpreter: interpreterIdentity(interpreter),
  })
  const local = localPartsOf(interpreter.path, interpreter.probe.version)
  return { request, acquiring, interpreter, mounts, local, lockDigest, choice, key }
}

/** `digest` and `tree` are missing while it is not built. */
export type TreeState = Readonly<{
  state: 'right' | 'not built' | 'changed'
  because: string
  digest?: Sha256
  tree?: DirHash
  requirements: readonly LockedRequirement[]
  facts: Environment['facts']
}>

/**
 * Whether what is on disk is what the lock means here; nothing is fetched, built or mended.
 *
 * `mount` reads every byte of it; `identify` only looks whether it is there.
 */
export async function inspectPython(request: PythonRequest): Promise<TreeState> {
  const plan = await planOf(request)
  const known = { requirements: plan.acquiring.requirements, facts: interpreterFacts(plan.interpreter) }
  const chosen = recallChoice(plan.acquiring, plan.key)
  const identity = chosen === undefined ? undefined : identityOf(chosen, plan)
  const folder = join(request.cacheFolder, hexOf(identity ?? plan.key))
  const manifest = readManifest(folder)
  if (identity === undefined || manifest === undefined) {
    return { ...known, state: 'not built', because: 'no tree of this lock and interpreter is here' }
  }
  const found = { ...known, digest: identity, tree: treeDigest(manifest) }
  const fault =
    manifest.identity !== identity || !isOwnTree(manifest, plan)
      ? 'its manifest is not the one that you wrote when it was built here'
      : request.purpose === 'mount'
        ? await treeFault(join(folder, 'tree'), manifest, plan.local)
        : undefined
  if (fault !== undefined) return { ...found, state: 'changed', because: fault }
  const because = request.purpose === 'mount' ? `every byte of ${manifest.files.length} files` : 'it is there'
  return { ...found, state: 'right', because }
}

type Plan = Readonly<{
  request: PythonRequest
  acquiring: AcquireRequest
  interpreter: Interpreter
  mounts: readonly Mount[]
  local: LocalParts
  lockDigest: Sha256
  choice: LockChoice
  /** Under which it is remembered which wheels were chosen. */
  key: Sha256
}>
type Built = Readonly<{
  folder: string
  manifest: TreeManifest
  chosen: readonly ChosenWheel[]
  /** Taken before every byte was verified, or when the tree had just been built. */
  stamp?: string
}>

/** What of the lock was asked for, where that is more than its main packages. */
function asked({ extras, groups }: LockChoice): Readonly<Record<string, readonly string[]>> {
  return { ...(extras.length === 0 ? {} : { extras }), ...(groups.length === 0 ? {} : { groups }) }
}

/** What the environment is, wherever it is built: the lock as it was read, its wheels in order, the interpreter. */
function identityOf(chosen: readonly ChosenWheel[], { interpreter, lockDigest, choice }: Plan): Sha256 {
  return digestOfJson({
    recipe,
    lock: lockDigest,
    ...asked(choice),
    interpreter: interpreterIdentity(interpreter),
    wheels: chosen.map(({ requirement, digest }) => ({ name: requirement.name, digest })),
  })
}

/** The built tree when it is there and, if it is to be mounted, every byte of it is right, or was and nothing changed. */
async function reuse(chosen: readonly ChosenWheel[], plan: Plan): Promise<Built | undefined> {
  const identity = identityOf(chosen, plan)
  const folder = join(plan.request.cacheFolder, hexOf(identity))
  const manifest = readManifest(folder)
  if (manifest?.identity !== identity) return undefined
  if (plan.request.purpose === 'identify') return { folder, manifest, chosen }
  if (!isOwnTree(manifest, plan)) return undefined
  const tree = join(folder, 'tree')
  const { memory, rehash = false, onProgress } = plan.request
  const known = treeMemory(memory, tree, manifest, plan.local)
  const stamp = treeStamp(tree)
  const built = { folder, manifest, chosen, stamp: stamp.digest }
  if (!rehash && (await known.knows(stamp))) return built
  onProgress({ kind: 'verifying', files: manifest.files.length })
  const verifiedFromMs = Date.now()
  if ((await treeFault(tree, manifest, plan.local)) !== undefined) return undefined
  known.remember(stamp, verifiedFromMs)
  return built
}

function treeKey(identity: Sha256, { local }: Plan): string {
  return `tree:${digestOfJson({ identity, configuration: local.configuration })}`
}

/** The manifest is the one that was written when this user built the tree. */
function isOwnTree(manifest: TreeManifest, plan: Plan): boolean {
  const { sealedTrees } = plan.request
  return sealedTrees === undefined || sealedTrees.fact(treeKey(manifest.identity, plan)) === treeDigest(manifest)
}

async function build(chosen: readonly ChosenWheel[], plan: Plan): Promise<Built> {
  const existing = await reuse(chosen, plan)
  if (existing !== undefined) return existing
  await refuseCorrupt(chosen, plan)
  const { cacheFolder } = plan.request
  const temporary = join(cacheFolder, `tmp-${process.pid}-${randomUUID()}`)
  mkdirSync(join(temporary, 'tree'), { recursive: true })
  try {
    const identity = identityOf(chosen, plan)
    const manifest = await buildTree(temporary, chosen, plan, identity)
    writeManifest(temporary, manifest)
    plan.request.sealedTrees?.recordFact(treeKey(identity, plan), treeDigest(manifest))
    const folder = join(cacheFolder, hexOf(identity))
    // Before others know its name; later than the last write by more than a step of the clock.
    const writtenMs = Date.now()
    await setTimeout(2 * clockStepMs)
    const stamp = treeStamp(join(temporary, 'tree'))
    const others = await publish(temporary, folder, () => reuse(chosen, plan))
    if (others !== undefined) return others
    treeMemory(plan.request.memory, join(folder, 'tree'), manifest, plan.local).remember(
      stamp,
      writtenMs + 2 * clockStepMs,
    )
    return { folder, manifest, chosen, stamp: stamp.digest }
  } finally {
    rmSync(temporary, { recursive: true, force: true })
  }
}

/** THREAT: an object of the store that was changed on disk since it was fetched. */
async function refuseCorrupt(chosen: readonly ChosenWheel[], { request, acquiring }: Plan): Promise<void> {
  const faults = await request.store.verify(chosen.map(({ digest }) => digest))
  if (faults.length === 0) return
  // The store has set the bad ones aside: they are fetched again, once.
  await acquireWheels(acquiring, identityKey(chosen), undefined)
  const [still] = await request.store.verify(chosen.map(({ digest }) => digest))
  if (still !== undefined) throw new DomainError('ERR_ENV_BUILD', `the stored wheel ${still.digest} is ${still.fault}`)
}

function identityKey(chosen: readonly ChosenWheel[]): Sha256 {
  return digestOfJson(chosen.map(({ digest }) => digest))
}

async function buildTree(
  temporary: string,
  chosen: readonly ChosenWheel[],
  { request, acquiring, interpreter, mounts, local }: Plan,
  identity: Sha256,
): Promise<TreeManifest> {
  const { store, onProgress, signal, runInBox, workFolder } = request
  const tree = join(temporary, 'tree')
  const scratch = join(temporary, 'compiled')
  mkdirSync(scratch)
  const { probe } = interpreter
  // Loaded when something is built: a warm start reads no archive.
  const [{ installWheels }, { openCompiler }] = await Promise.all([
    import('./install.fs.ts'),
    import('./compile.fs.ts'),
  ])
  await using compiler = openCompiler({
    tree,
    interpreter,
    interpreterMounts: mounts,
    scratch,
    runInBox,
    workFolder,
    signal,
  })
  const { files, warnings } = await installWheels({
    tree,
    wheels: chosen.map(({ requirement, wheel, digest }) => ({
      requirement,
      fileName: wheel.fileName,
      path: store.pathOf(digest),
    })),
    version: probe.version,
    markers: probe.markers,
    ranks: acquiring.ranks,
    modules: probe.modules,
    onWheel: (fileName, done) => onProgress({ kind: 'unpacking', fileName, done, total: chosen.length }),
    onUnpacked: compiler.add,
    signal,
  })
  onProgress({ kind: 'compiling', files: files.filter(({ path }) => path.endsWith('.py')).length })
  const compiled = await compiler.end()
  rmSync(scratch, { recursive: true, force: true })
  writeLocalParts(tree, local)
  return { identity, files: [...files, ...compiled].toSorted((a, b) => (a.path < b.path ? -1 : 1)), warnings }
}

/**
 * Renames the new folder into place. A right one that another process put there first stays, and is returned; a wrong one
 * goes.
 */
async function publish(
  temporary: string,
  folder: string,
  rightOne: () => Promise<Built | undefined>,
): Promise<Built | undefined> {
  for (let tries = 0; tries < 5; tries += 1) {
    try {
      renameSync(temporary, folder)
      return undefined
    } catch (error) {
      const occupied = error instanceof Error && 'code' in error && ['ENOTEMPTY', 'EEXIST'].includes(String(error.code))
      if (!occupied) throw error
    }
    const others = await rightOne()
    if (others !== undefined) return others
    const aside = `${temporary}-aside-${tries}`
    if (existsSync(folder)) renameSync(folder, aside)
    rmSync(aside, { recursive: true, force: true })
  }
  throw new DomainError('ERR_ENV_BUILD', 'other processes keep changing the environment while it is built')
}

function describe(
  { folder, manifest, chosen, stamp }: Built,
  { request, interpreter, mounts, lockDigest, acquiring, choice }: Plan,
): Environment {
  const tree = treeDigest(manifest)
  return {
    name: request.name,
    kind: 'python',
    digest: manifest.identity,
    locked: true,
    mounts: [...mounts, { source: join(folder, 'tree'), target: environmentTarget }],
    path: [`${environmentTarget}/bin`, '/usr/local/bin', '/usr/bin', '/bin'],
    variables: { VIRTUAL_ENV: environmentTarget, PYTHONNOUSERSITE: '1', PYTHONDONTWRITEBYTECODE: '1' },
    packages: chosen.map(({ requirement, digest }) => ({
      name: requirement.name,
      version: requirement.version,
      digest,
    })),
    facts: [
      ...interpreterFacts(interpreter),
      { name: 'tree', value: tree, tier: 'observed' },
      { name: 'recipe', value: recipe, tier: 'observed' },
      ...blasFact(manifest.files.map(({ path }) => path)),
      ...Object.entries(asked(choice)).map(([kind, names]) => ({
        name: `lock/${kind}`,
        value: names.join(', '),
        tier: 'declared' as const,
      })),
      ...acquiring.lock.options.map((value) => ({ name: 'lock/option', value, tier: 'declared' as const })),
    ],
    materials: [
      { name: request.definition.lock, digest: lockDigest },
      ...chosen.map(({ wheel, digest, source }) => ({
        name: wheel.fileName,
        digest,
        ...(source.startsWith('http') ? { uri: source } : {}),
      })),
    ],
    warnings: [...manifest.warnings, ...request.network.warnings],
    ...(stamp === undefined ? {} : { isUnchanged: () => treeStamp(join(folder, 'tree')).digest === stamp }),
  }
}
