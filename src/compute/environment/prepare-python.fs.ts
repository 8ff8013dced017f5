/**
 * An environment from a lock: wheels by digest, unpacked without starting an interpreter, compiled in the sandbox,
 * mounted read-only at `/env`, verified before each use.
 *
 * Order: the lock is parsed once, from the bytes that were given; what applies is decided with the interpreter's own
 * answer; only then are bytes asked for. A tree is built beside and renamed, so that a killed build leaves only `tmp-*`.
 */

import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { DomainError, digestOfJson, type Sha256, sha256Of } from '../../core/index.ts'
import type { Environment } from '../environment.ts'
import { removeTree } from '../remove-tree.fs.ts'
import { acquireWheels, type ChosenWheel, recallChoice } from './acquire.fs.ts'
import { asked, builtFacts, describePython, recipe } from './describe-python.ts'
import { interpreterFacts } from './facts.ts'
import { interpreterIdentity } from './interpreter.ts'
import { buildTree, type FoundTree, inspectTree, notBuilt, reuseTree, type TreePlan } from './keep-tree.fs.ts'
import type { LockedRequirement } from './lock.ts'
import type { Built, Plan } from './python-plan.ts'
import { type PythonRequest, readLockHere } from './read-lock.fs.ts'
import { builderDefinition, buildSources, recallBuilt, sourceRecipe } from './sources.fs.ts'
import { openCacheFolder } from './sweep.fs.ts'
import { localPartsOf, type TreeManifest, writeLocalParts } from './tree.fs.ts'

/**
 * @throws ERR_ENV_LOCK_INVALID, ERR_ENV_HASH_MISSING, ERR_ENV_UNPINNED, ERR_ENV_UNSUPPORTED, ERR_ENV_INTERPRETER,
 * ERR_ENV_NO_WHEEL, ERR_ENV_SOURCE_DIST, ERR_ENV_HASH_MISMATCH, ERR_ENV_FETCH, ERR_ENV_GONE, ERR_ENV_WHEEL_REFUSED, ERR_ENV_BUILD
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
  openCacheFolder(cacheFolder)
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
export type TreeState = Pick<FoundTree, 'state' | 'because' | 'tree'> &
  Readonly<{
    digest?: Sha256
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
  if (chosen === undefined) return { ...known, ...notBuilt }
  const found = treePlan(chosen, plan)
  const { manifest, ...state } = await inspectTree(found)
  if (manifest === undefined) return { ...known, ...state }
  return { ...known, ...state, facts: [...known.facts, ...builtFacts(chosen)], digest: found.identity }
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
      ...(built === undefined
        ? {}
        : { source: built.source.digest, builder: built.step.environment, recipe: sourceRecipe }),
    })),
  })
}

function treePlan(chosen: readonly ChosenWheel[], plan: Plan): TreePlan {
  return { request: plan.request, identity: identityOf(chosen, plan), local: plan.local }
}

async function reuse(chosen: readonly ChosenWheel[], plan: Plan): Promise<Built | undefined> {
  const built = await reuseTree(treePlan(chosen, plan))
  return built === undefined ? undefined : { ...built, chosen }
}

async function build(chosen: readonly ChosenWheel[], plan: Plan): Promise<Built> {
  const existing = await reuse(chosen, plan)
  if (existing !== undefined) return existing
  await refuseCorrupt(chosen, plan)
  const wanted = treePlan(chosen, plan)
  const built = await buildTree(wanted, (temporary) => fillTree(temporary, chosen, plan, wanted.identity))
  return { ...built, chosen }
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

async function fillTree(
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
  removeTree(scratch)
  writeLocalParts(tree, local)
  return {
    identity,
    files: [...files, ...compiled].toSorted((a, b) => (a.path < b.path ? -1 : 1)),
    warnings: [...chosen.flatMap(({ built }) => built?.warnings ?? []), ...warnings],
  }
}
