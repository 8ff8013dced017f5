/**
 * An environment from a lock of conda: packages by SHA-256, linked at `/env` without starting conda or any script of a
 * package, compiled in the sandbox, mounted read-only.
 */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { DomainError, digestOfJson, type FileEntry, type Sha256, sha256Of } from '../../core/index.ts'
import { jsonFact, withoutCredentials } from '../../data/index.ts'
import type { Environment } from '../environment.ts'
import { removeTree } from '../remove-tree.fs.ts'
import { openCompiler } from './compile.fs.ts'
import { condaPlatform, type LockedCondaPackage, parseCondaLock } from './conda-lock.ts'
import { unpackConda } from './conda-package.fs.ts'
import { blasFact } from './facts.ts'
import { fetchByDigest } from './fetch-by-digest.fs.ts'
import { type BuiltTree, buildTree, type FoundTree, inspectTree, reuseTree, watched } from './keep-tree.fs.ts'
import type { EnvironmentRequest } from './request.ts'
import { openCacheFolder } from './sweep.fs.ts'
import { type TreeManifest, treeDigest } from './tree.fs.ts'
import { openTreeWriter } from './tree-writer.fs.ts'
import { environmentTarget } from './wheel-layout.ts'

/** Changes whenever the same inputs would make another tree. */
const recipe = 'assay-conda/1'

export type CondaDefinition = Extract<EnvironmentRequest['definition'], { kind: 'conda' }>
export type CondaRequest = EnvironmentRequest & Readonly<{ definition: CondaDefinition }>

type Plan = Readonly<{
  request: CondaRequest
  packages: readonly LockedCondaPackage[]
  platform: string
  identity: Sha256
  local: { links: ReadonlyMap<string, string> }
}>

function planOf(request: CondaRequest): Plan {
  const { definition, cacheFolder } = request
  openCacheFolder(cacheFolder)
  const platform = condaPlatform()
  if (platform === undefined) throw new DomainError('ERR_ENV_PLATFORM', `conda has no packages for ${process.arch}`)
  const packages = readOnce(request, platform)
  const { groups = [] } = definition
  const identity = digestOfJson({
    ...{ recipe, lock: sha256Of(definition.lockBytes), groups, platform },
    packages: packages.map(({ fileName, sha256 }) => ({ fileName, sha256 })),
  })
  return { request, packages, platform, identity, local: { links: new Map() } }
}

/** A YAML of a megabyte takes a second: what it says is remembered by its digest, under the user's seal. */
function readOnce({ definition, memory }: CondaRequest, platform: string): readonly LockedCondaPackage[] {
  const { lock, lockBytes, groups = [] } = definition
  const key = `conda-lock:${digestOfJson({ recipe, lock, bytes: sha256Of(lockBytes), groups, platform })}`
  const kept = jsonFact(memory, key) as readonly LockedCondaPackage[] | undefined // our own text
  const packages = kept ?? parseCondaLock(lockBytes, lock, { choice: { extras: [], groups }, platform })
  if (kept === undefined) memory?.recordFact(key, JSON.stringify(packages))
  return packages
}

/**
 * @throws ERR_ENV_LOCK_INVALID, ERR_ENV_HASH_MISSING, ERR_ENV_PLATFORM, ERR_ENV_UNSUPPORTED, ERR_ENV_HASH_MISMATCH,
 * ERR_ENV_FETCH, ERR_ENV_GONE, ERR_ENV_PACKAGE_REFUSED, ERR_ENV_BUILD
 */
export async function prepareConda(request: CondaRequest): Promise<Environment> {
  const plan = planOf(request)
  return describe((await reuseTree(plan)) ?? (await buildTree(plan, (temporary) => fill(temporary, plan))), plan)
}

export type CondaFound = Omit<FoundTree, 'manifest'> &
  Readonly<{ digest: Sha256; packages: readonly LockedCondaPackage[]; facts: Environment['facts'] }>

/** As `inspectTree`: nothing is fetched or built. */
export async function inspectConda(request: CondaRequest): Promise<CondaFound> {
  const plan = planOf(request)
  const { manifest: _, ...found } = await inspectTree(plan)
  return { ...found, digest: plan.identity, packages: plan.packages, facts: factsOf(plan) }
}

/** `3.12`, of the lock's own Python. */
function pythonOf({ packages }: Plan): string | undefined {
  const version = packages.find(({ name }) => name === 'python')?.version
  return /^(\d{1,2}\.\d{1,3})(\.|$)/.exec(version ?? '')?.[1]
}

async function fill(temporary: string, plan: Plan): Promise<TreeManifest> {
  const { request, packages, identity } = plan
  const { definition, store, onProgress, signal, runInBox, workFolder, caller } = request
  const alias = caller.environment['CONDA_CHANNEL_ALIAS']
  await fetchByDigest(
    packages.map(({ fileName, sha256, url, line }) => ({
      ...{ fileName, url: mirrored(url, alias), algorithm: 'sha256' as const, hex: sha256.slice('sha256:'.length) },
      place: `${definition.lock}:${line}`,
    })),
    request,
    { key: digestOfJson({ recipe, lock: sha256Of(definition.lockBytes) }) },
  )
  const tree = join(temporary, 'tree')
  const writer = openTreeWriter(tree)
  const warnings: string[] = []
  const python = pythonOf(plan)
  for (const [index, one] of packages.entries()) {
    signal.throwIfAborted()
    onProgress({ kind: 'unpacking', fileName: one.fileName, done: index, total: packages.length })
    const unpacking = { tree, python, writer, runInBox, workFolder, signal, archive: store.pathOf(one.sha256) }
    warnings.push(...(await unpackConda(one, { ...unpacking, scratch: join(temporary, 'unpacked') })))
  }
  const { files, layout } = writer.finish()
  const compiled = await compile({ temporary, files }, plan)
  const folders = new Set([
    ...(layout?.folders ?? []),
    ...compiled.map(({ path }) => path.slice(0, path.lastIndexOf('/'))),
  ])
  return {
    identity,
    files: [...files, ...compiled].toSorted((left, right) => (left.path < right.path ? -1 : 1)),
    layout: { links: layout?.links ?? [], folders: [...folders].toSorted() },
    warnings,
  }
}

/** SOURCE: conda, "Configuration", `channel_alias`. */
function mirrored(url: string, alias: string | undefined): string {
  const own = 'https://conda.anaconda.org/'
  if (alias === undefined || !URL.canParse(alias) || !url.startsWith(own)) return url
  return `${alias.replace(/\/+$/, '')}/${url.slice(own.length)}`
}

type Uncompiled = Readonly<{ temporary: string; files: readonly FileEntry[] }>

/** By the environment's own Python, in the sandbox. */
async function compile({ temporary, files }: Uncompiled, plan: Plan): Promise<readonly FileEntry[]> {
  const { onProgress, runInBox, workFolder, signal } = plan.request
  const python = pythonOf(plan)
  const program = `bin/python${python}`
  if (python === undefined || !files.some(({ path }) => path === program)) return []
  const sources = files.filter(({ path }) => path.endsWith('.py'))
  onProgress({ kind: 'compiling', files: sources.length })
  const scratch = join(temporary, 'compiled')
  mkdirSync(scratch)
  const [major = 3, minor = 0] = python.split('.').map(Number)
  await using compiler = openCompiler({
    ...{ tree: join(temporary, 'tree'), scratch, runInBox, workFolder, signal },
    interpreter: {
      path: `${environmentTarget}/${program}`,
      probe: { version: [major, minor, 0], cacheTag: `cpython-${major}${minor}` },
    },
    interpreterMounts: [],
    root: `lib/python${python}`,
  })
  compiler.add(sources)
  const compiled = await compiler.end()
  removeTree(scratch)
  return compiled
}

function factsOf(plan: Plan): Environment['facts'] {
  const python = plan.packages.find(({ name }) => name === 'python')
  return [
    { name: 'conda/platform', value: plan.platform, tier: 'observed' },
    ...(python === undefined
      ? []
      : [
          { name: 'python/version', value: python.version, tier: 'observed' as const },
          { name: 'python/build', value: python.build, tier: 'observed' as const },
        ]),
  ]
}

function describe(built: BuiltTree, plan: Plan): Environment {
  const { request, packages } = plan
  const { folder, manifest } = built
  const { definition } = request
  const { groups = [] } = definition
  return {
    name: request.name,
    kind: 'conda',
    digest: manifest.identity,
    locked: true,
    mounts: [{ source: join(folder, 'tree'), target: environmentTarget }],
    path: [`${environmentTarget}/bin`, '/usr/local/bin', '/usr/bin', '/bin'],
    variables: { CONDA_PREFIX: environmentTarget, PYTHONNOUSERSITE: '1', PYTHONDONTWRITEBYTECODE: '1' },
    packages: packages.map(({ name, version, sha256 }) => ({ name, version, digest: sha256 })),
    facts: [
      ...factsOf(plan),
      { name: 'tree', value: treeDigest(manifest), tier: 'observed' },
      { name: 'recipe', value: recipe, tier: 'observed' },
      ...blasFact([...manifest.files, ...(manifest.layout?.links ?? [])].map(({ path }) => path)),
      ...(groups.length === 0 ? [] : [{ name: 'lock/groups', value: groups.join(', '), tier: 'declared' as const }]),
    ],
    materials: [
      { name: definition.lock, digest: sha256Of(definition.lockBytes) },
      ...packages.map(({ fileName, sha256, url }) => ({
        name: fileName,
        digest: sha256,
        uri: withoutCredentials(url),
      })),
    ],
    warnings: manifest.warnings,
    ...watched(built),
  }
}
