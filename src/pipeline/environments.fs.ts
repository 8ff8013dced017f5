/** `assay env build`, `env verify`, `env show`, `env diff`: the environments of a project, without running a stage. */
import { join, resolve } from 'node:path'
import {
  adaptersFor,
  type Environment,
  type InspectedTree,
  imageText,
  inspectEnvironmentTree,
  type LockQuestion,
  maxPackageLockBytes,
  type OtherLock,
  parseLock,
  parseWheelName,
  prepareEnvironment,
  readLockHere,
  readOtherLock,
  removeTree,
  usualName,
} from '../compute/index.ts'
import { isPlainPath } from '../core/index.ts'
import { lookAtStage } from './believe.ts'
import { definitionOf, environmentPlace, environmentRequest, type Telling } from './environment-request.ts'
import type { Project } from './project.ts'
import { readProjectFile } from './project-file.fs.ts'

export type BuiltEnvironment = Readonly<{ environment: Environment; tree?: string }>

/** Those of `names`, else every one that assay.yaml defines, else `host`. @throws ERR_SETTINGS_INVALID */
export function environmentNames(project: Project, names: readonly string[]): readonly string[] {
  for (const name of names) definitionOf(project, name)
  const defined = [...project.settings.environments.keys()].filter((name) => name !== 'host')
  return names.length > 0 ? names : defined.length > 0 ? defined : ['host']
}

/** Fetches, builds and verifies it; every byte of what was there already is read again. @throws the ERR_ENV codes */
export async function buildEnvironment(project: Project, name: string, telling: Telling): Promise<BuiltEnvironment> {
  const wanted = { name, purpose: 'mount' as const, definition: definitionOf(project, name) }
  const environment = await prepareEnvironment({
    ...(await environmentRequest(project, wanted, telling)),
    rehash: true,
  })
  const tree = environment.facts.find((fact) => fact.name === 'tree')?.value
  return { environment, ...(tree === undefined ? {} : { tree }) }
}

export type InspectedEnvironment = Readonly<{
  name: string
  kind: Environment['kind']
  lock?: string
  image?: string
}> &
  Omit<InspectedTree, 'state'> &
  Readonly<{ state: InspectedTree['state'] | 'not locked' }>

/**
 * What an environment is and whether it is as it was built. Nothing is fetched, built or mended.
 *
 * @param rehash whether every byte is read, or only looked whether it is there
 */
export async function inspectEnvironment(
  project: Project,
  name: string,
  { rehash, ...telling }: Telling & Readonly<{ rehash: boolean }>,
): Promise<InspectedEnvironment> {
  const definition = definitionOf(project, name)
  const request = {
    ...(await environmentRequest(project, { name, purpose: rehash ? 'mount' : 'identify', definition }, telling)),
    rehash,
  }
  const locked = request.definition
  if (locked.kind !== 'host') {
    const inspected = await inspectEnvironmentTree({ ...request, definition: locked })
    const from = locked.kind === 'image' ? { image: imageText(locked.image) } : { lock: locked.lock }
    return { name, kind: locked.kind, ...from, ...inspected }
  }
  const { digest, packages, facts } = await prepareEnvironment(request)
  const requirements = packages.map((one) => ({ ...one, extras: [], sha256: [] }))
  const because = "the machine's own: recorded, not locked"
  return { name, kind: 'host', state: 'not locked', because, digest, requirements, facts }
}

/**
 * Builds an environment once more, in an empty folder, from its wheels or layers, and compares every file, bytecode
 * included.
 *
 * Tells that a tree is what its wheels give on this machine, and not only what was built once.
 */
export async function rebuildEnvironment(
  project: Project,
  name: string,
  telling: Telling,
): Promise<InspectedEnvironment> {
  const inspected = await inspectEnvironment(project, name, { ...telling, rehash: true })
  if (inspected.state !== 'right') return inspected
  const request = await environmentRequest(
    project,
    { name, purpose: 'mount', definition: definitionOf(project, name) },
    telling,
  )
  const parts = { image: 'layers', python: 'wheels', node: 'packages', conda: 'packages', host: 'parts' }[
    inspected.kind
  ]
  const cacheFolder = join(project.root, '.assay', 'environments', `tmp-${process.pid}-again`)
  try {
    const { sealedTrees: _, ...unsealed } = request
    const again = await prepareEnvironment({ ...unsealed, cacheFolder, rehash: true })
    const tree = again.facts.find((fact) => fact.name === 'tree')?.value
    if (again.digest === inspected.digest && tree === inspected.tree) {
      return { ...inspected, because: `${inspected.because}, and the same when built again from its ${parts}` }
    }
    return {
      ...inspected,
      state: 'changed',
      because: differenceOf(inspected.facts, again) ?? `built again from its ${parts} it is another tree: ${tree}`,
    }
  } finally {
    removeTree(cacheFolder)
  }
}

/** A source that gives another wheel than before: what its build depends on is not in its lock. */
function differenceOf(before: Environment['facts'], { facts }: Environment): string | undefined {
  const known = new Map(before.map(({ name, value }) => [name, value]))
  const other = facts.find(({ name, value }) => name.startsWith('source/') && known.get(name) !== value)
  if (other === undefined) return undefined
  const [earlier, after] = [known.get(other.name), other.value].map((value = '') =>
    value.slice(value.lastIndexOf(' ') + 1),
  )
  return `built again, the source of \`${other.name.slice('source/'.length)}\` gives another wheel: ${earlier} before, ${after} now`
}

export type PackageChange = Readonly<{
  name: string
  change: 'added' | 'removed' | 'version' | 'files'
  before: string
  after: string
}>

export type EnvironmentDifference = Readonly<{ left: string; right: string; changes: readonly PackageChange[] }>

/** Name -> versions, and the digests of the files that may be installed. */
type Packages = ReadonlyMap<string, Readonly<{ versions: readonly string[]; digests: readonly string[] }>>

/**
 * Which packages differ between two locks, environments of assay.yaml, or runs.
 *
 * Two locks are compared whole, for all platforms and groups; a lock and a run by what applies on this machine. A package
 * of one version on both sides differs by its files when no digest is common. A lock lies anywhere and has any name.
 *
 * @param folder where paths begin; else in the project's own
 * @throws ERR_RUN_UNKNOWN, and what a reader of locks refuses
 */
export async function diffEnvironments(
  project: Project,
  [left, right]: readonly [string, string],
  { folder, ...telling }: Telling & Readonly<{ folder: string }>,
): Promise<EnvironmentDifference> {
  const whole = [left, right].every((word) => lockNamed(project, word, folder) !== undefined)
  const sideOf = (word: string): Promise<Packages> => packagesOf(project, word, { ...telling, whole, folder })
  const [then, now] = [await sideOf(left), await sideOf(right)]
  const names = [...new Set([...then.keys(), ...now.keys()])].toSorted()
  return { left, right, changes: names.flatMap((name) => changeOf(name, then.get(name), now.get(name))) }
}

type Known = ReturnType<Packages['get']>

function changeOf(name: string, before: Known, after: Known): readonly PackageChange[] {
  const [old = '', now = ''] = [before, after].map((one) => one?.versions.join(', '))
  if (before === undefined) return [{ name, change: 'added', before: '', after: now }]
  if (after === undefined) return [{ name, change: 'removed', before: old, after: '' }]
  if (old !== now) return [{ name, change: 'version', before: old, after: now }]
  const isComparable = before.digests.length > 0 && after.digests.length > 0
  if (!isComparable || before.digests.some((digest) => after.digests.includes(digest))) return []
  return [{ name, change: 'files', before: before.digests[0] ?? '', after: after.digests[0] ?? '' }]
}

async function packagesOf(
  project: Project,
  word: string,
  { whole, folder, ...telling }: Telling & Readonly<{ whole: boolean; folder: string }>,
): Promise<Packages> {
  const image = project.settings.environments.get(word)?.kind === 'image'
  if (image) return gathered((await inspectEnvironment(project, word, { ...telling, rehash: false })).requirements)
  const other = otherNamed(project, word, folder)
  if (other !== undefined) return gathered(other.packages)
  const definition = lockNamed(project, word, folder)
  if (definition === undefined) return gathered(packagesOfRun(project, word))
  const { lock, lockBytes } = definition
  const adapters = adaptersFor(lock, lockBytes)
  if (whole) return gathered(parseLock(lock, lockBytes, { adapters }).requirements)
  const question = { ...environmentPlace(project, telling), adapters, definition }
  return gathered((await readLockHere(question)).requirements)
}

/** A lock of npm or conda, of an environment or at a path; whole, for this machine. */
function otherNamed(project: Project, word: string, folder: string): OtherLock | undefined {
  const known = project.settings.environments.get(word)
  const isOther = known?.kind === 'node' || known?.kind === 'conda'
  const bytes = isOther ? projectLock(project, known.lock) : lockFile(project, word, folder)
  const path = isOther ? known.lock : word
  return bytes === undefined ? undefined : readOtherLock(path, bytes, usualName(path, bytes))
}

/** The lock of an environment, or at a path; as it lies in the working tree. */
function lockNamed(project: Project, word: string, folder: string): LockQuestion['definition'] | undefined {
  const environments = [...project.settings.environments.entries()]
  const known = environments.find(([name, one]) => name === word || (one.kind === 'python' && one.lock === word))?.[1]
  if (known?.kind !== 'python') {
    const bytes = lockFile(project, word, folder)
    return bytes === undefined ? undefined : { kind: 'python', lock: word, lockBytes: bytes }
  }
  // What is compared is what is pinned; how it is built is of no matter.
  const { sources: _, ...definition } = known
  const lockBytes = projectLock(project, definition.lock)
  return lockBytes === undefined ? undefined : { ...definition, lockBytes }
}

function projectLock(project: Project, path: string): Uint8Array | undefined {
  return isPlainPath(path) ? readProjectFile(project.root, path, maxPackageLockBytes) : undefined
}

/** Where its user stands, or in the project. */
function lockFile(project: Project, path: string, folder: string): Uint8Array | undefined {
  return readProjectFile('/', resolve(folder, path), maxPackageLockBytes) ?? projectLock(project, path)
}

type Package = Readonly<{ name: string; version: string; digest?: string; sha256?: readonly string[] }>

/** Evidence names the wheels among the materials, and the packages beside them. */
function packagesOfRun(project: Project, run: string): readonly Package[] {
  const { report } = project.runs.load(run)
  return report.stages.flatMap(({ attestation }) => {
    if (attestation === undefined) return []
    const { packages, materials } = lookAtStage(project, attestation).facts.environment
    const wheels = new Map(materials.map(({ name, digest }) => [parseWheelName(name)?.project, digest]))
    return packages.map((one) => {
      const digest = one.digest ?? wheels.get(one.name)
      return digest === undefined ? one : { ...one, digest }
    })
  })
}

function gathered(packages: readonly Package[]): Packages {
  const byName = Map.groupBy(packages, ({ name }) => name)
  const distinct = (items: readonly string[]): readonly string[] => [...new Set(items)].toSorted()
  return new Map(
    [...byName].map(([name, all]) => [
      name,
      {
        versions: distinct(all.map(({ version }) => version)),
        digests: distinct(all.flatMap(({ digest, sha256 = [] }) => (digest === undefined ? sha256 : [digest]))),
      },
    ]),
  )
}
