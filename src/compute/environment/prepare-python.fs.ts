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
import { acquireWheels, type ChosenWheel, recallChoice } from './acquire.fs.ts'
import { asked, builtFacts, describePython, recipe } from './describe-python.ts'
import { interpreterFacts } from './facts.ts'
import { interpreterIdentity } from './interpreter.ts'
import type { LockedRequirement } from './lock.ts'
import type { Built, Plan } from './python-plan.ts'
import { type PythonRequest, readLockHere } from './read-lock.fs.ts'
import { builderDefinition, buildSources, recallBuilt } from './sources.fs.ts'
import { sweepTemporaries } from './sweep.fs.ts'
import {
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

/**
 * @throws ERR_ENV_LOCK_INVALID, ERR_ENV_HASH_MISSING, ERR_ENV_UNPINNED, ERR_ENV_UNSUPPORTED, ERR_ENV_INTERPRETER,
 * ERR_ENV_NO_WHEEL, ERR_ENV_SOURCE_DIST, ERR_ENV_HASH_MISMATCH, ERR_ENV_FETCH, ERR_ENV_WHEEL_REFUSED, ERR_ENV_BUILD
 */
export async function preparePython(request: PythonRequest): Promise<Environment> {
  const plan = await planOf(request)
  const recalled = await recall(plan)
  const built = (recalled && (await reuse(recalled, plan))) ?? (await build(await acquire(plan, recalled), plan))
  return describePython(built, plan)
}

/** The artefacts that were chosen and built before, where all are known. No network, nothing is built. */
async function recall(plan: Plan): Promise<readonly ChosenWheel[] | undefined> {
  const wheels = recallChoice(plan.acquiring, plan.key)
  const { sources } = plan
  if (wheels === undefined || sources.requirements.length === 0) return wheels
  const builder = builderDefinition(plan.request)
  if (builder === undefined) return undefined
  const builderPlan = await planOf({ ...plan.request, definition: builder })
  const builderWheels = await recall(builderPlan)
  const built = builderWheels && recallBuilt(sources, identityOf(builderWheels, builderPlan))
  return built && inOrder([...wheels, ...built], plan)
}

async function acquire(plan: Plan, recalled: readonly ChosenWheel[] | undefined): Promise<readonly ChosenWheel[]> {
  const known = recalled?.filter(({ built }) => built === undefined)
  const wheels = await acquireWheels(plan.acquiring, plan.key, known)
  const definition = builderDefinition(plan.request)
  if (plan.sources.requirements.length === 0 || definition === undefined) return wheels
  const { request } = plan
  const name = `${request.name} (to build from source)`
  const builder = await preparePython({ ...request, name, purpose: 'mount', definition })
  return inOrder([...wheels, ...(await buildSources(plan.sources, builder))], plan)
}

/** In the order of the lock. */
function inOrder(chosen: readonly ChosenWheel[], { requirements }: Plan): readonly ChosenWheel[] {
  const position = new Map(requirements.map(({ name }, index) => [name, index]))
  const at = ({ requirement }: ChosenWheel): number => position.get(requirement.name) ?? 0
  return chosen.toSorted((left, right) => at(left) - at(right))
}

async function planOf(request: PythonRequest): Promise<Plan> {
  const { definition, cacheFolder } = request
  mkdirSync(cacheFolder, { recursive: true })
  sweepTemporaries(cacheFolder)
  const { lock, choice, requirements, ranks, interpreter, mounts } = await readLockHere(request)
  const projects = definition.sources?.projects ?? []
  const acquiring = {
    ...{ ...request, lock, lockPath: definition.lock, ranks },
    requirements: requirements.filter(({ name }) => !projects.includes(name)),
  }
  const sources = {
    ...{ request, acquiring, markers: interpreter.probe.markers },
    requirements: requirements.filter(({ name }) => projects.includes(name)),
  }
  const lockDigest = sha256Of(definition.lockBytes)
  const key = digestOfJson({
    recipe,
    lock: lockDigest,
    ...asked(choice, definition),
    interpreter: interpreterIdentity(interpreter),
  })
  const local = localPartsOf(interpreter.path, interpreter.probe.version)
  return { request, requirements, acquiring, sources, interpreter, mounts, local, lockDigest, choice, key }
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
  const known = { requirements: plan.requirements, facts: interpreterFacts(plan.interpreter) }
  const chosen = await recall(plan)
  const identity = chosen === undefined ? undefined : identityOf(chosen, plan)
  const folder = join(request.cacheFolder, hexOf(identity ?? plan.key))
  const manifest = readManifest(folder)
  if (identity === undefined || manifest === undefined) {
    return { ...known, state: 'not built', because: 'no tree of this lock and interpreter is here' }
  }
  const facts = [...known.facts, ...builtFacts(chosen ?? [])]
  const found = { ...known, facts, digest: identity, tree: treeDigest(manifest) }
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

/** What the environment is, wherever it is built: the lock as it was read, its wheels in order, the interpreter. */
function identityOf(chosen: readonly ChosenWheel[], { request, interpreter, lockDigest, choice }: Plan): Sha256 {
  return digestOfJson({
    recipe,
    lock: lockDigest,
    ...asked(choice, request.definition),
    interpreter: interpreterIdentity(interpreter),
    wheels: chosen.map(({ requirement, digest, built }) => ({
      name: requirement.name,
      digest,
      ...(built === undefined ? {} : { source: built.source.digest, builder: built.builder }),
    })),
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
async function refuseCorrupt(chosen: readonly ChosenWheel[], plan: Plan): Promise<void> {
  const { request } = plan
  const faults = await request.store.verify(chosen.map(({ digest }) => digest))
  if (faults.length === 0) return
  // The store has set the bad ones aside: they are fetched, or built, again, once.
  await acquire(plan, undefined)
  const [still] = await request.store.verify(chosen.map(({ digest }) => digest))
  if (still !== undefined) throw new DomainError('ERR_ENV_BUILD', `the stored wheel ${still.digest} is ${still.fault}`)
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
  return {
    identity,
    files: [...files, ...compiled].toSorted((a, b) => (a.path < b.path ? -1 : 1)),
    warnings: [...chosen.flatMap(({ built }) => built?.warnings ?? []), ...warnings],
  }
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
