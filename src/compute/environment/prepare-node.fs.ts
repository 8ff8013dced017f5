/**
 * An environment from a lock of npm: `node_modules` by digest, unpacked without starting npm or any script of a package,
 * mounted read-only at `/node_modules`, where every module of the project finds it.
 */
import { createReadStream, statSync } from 'node:fs'
import { join, posix } from 'node:path'
import { createGunzip } from 'node:zlib'
import { digestOfJson, type Sha256, sha256Of } from '../../core/index.ts'
import type { Environment } from '../environment.ts'
import { fetchByDigest, type WantedFile } from './fetch-by-digest.fs.ts'
import { type BuiltTree, buildTree, type FoundTree, inspectTree, reuseTree, watched } from './keep-tree.fs.ts'
import { findNode, type NodeRuntime, nodeFacts } from './node-runtime.fs.ts'
import { readNpmSettings, tarballAddress } from './npm-settings.fs.ts'
import {
  type LockedNodePackage,
  packageSettings,
  parsePackageLock,
  parseWorkspaceLinks,
  type WorkspaceLink,
} from './package-lock.ts'
import type { EnvironmentRequest } from './request.ts'
import { openCacheFolder } from './sweep.fs.ts'
import { decompressed, type MemberSink, readTar, type TarArchive, type TarMember } from './tar-members.ts'
import { type TreeArtefact, type TreeManifest, treeDigest } from './tree.fs.ts'
import { openTreeWriter, refusedPackage, type TreeWriter } from './tree-writer.fs.ts'
import { systemCommands } from './wheel-layout.ts'

/** Changes whenever the same inputs would make another tree. */
const recipe = 'assay-node/1'
const target = '/node_modules'

export type NodeDefinition = Extract<EnvironmentRequest['definition'], { kind: 'node' }>
export type NodeRequest = EnvironmentRequest & Readonly<{ definition: NodeDefinition }>

type Plan = Readonly<{
  request: NodeRequest
  packages: readonly LockedNodePackage[]
  workspaces: readonly WorkspaceLink[]
  runtime: NodeRuntime
  identity: Sha256
  local: { links: ReadonlyMap<string, string> }
}>

async function planOf(request: NodeRequest): Promise<Plan> {
  const { definition, cacheFolder } = request
  openCacheFolder(cacheFolder)
  const runtime = await findNode(request, definition.interpreter)
  const choice = { extras: [], groups: definition.groups ?? [] }
  const packages = parsePackageLock(definition.lockBytes, definition.lock, { choice, platform: runtime.platform })
  const inLock = parseWorkspaceLinks(definition.lockBytes, definition.lock, choice)
  const workspaces = inLock.map((one) => ({ ...one, folder: posix.join(posix.dirname(definition.lock), one.folder) }))
  const { binary, version, platform } = runtime
  const identity = digestOfJson({
    ...{ recipe, lock: sha256Of(definition.lockBytes), groups: choice.groups },
    node: { binary, version, ...platform },
    packages: packages.map(({ path, integrity: { algorithm, hex } }) => ({ path, integrity: `${algorithm}:${hex}` })),
    ...(workspaces.length === 0 ? {} : { workspaces }),
  })
  return { request, packages, workspaces, runtime, identity, local: { links: new Map() } }
}

/**
 * @throws ERR_ENV_LOCK_INVALID, ERR_ENV_HASH_MISSING, ERR_ENV_UNPINNED, ERR_ENV_INTERPRETER, ERR_ENV_NO_WHEEL,
 * ERR_ENV_HASH_MISMATCH, ERR_ENV_FETCH, ERR_ENV_GONE, ERR_ENV_PACKAGE_REFUSED, ERR_ENV_BUILD
 */
export async function prepareNode(request: NodeRequest): Promise<Environment> {
  const plan = await planOf(request)
  return describe((await reuseTree(plan)) ?? (await buildTree(plan, (temporary) => fill(temporary, plan))), plan)
}

export type NodeFound = Omit<FoundTree, 'manifest'> &
  Readonly<{ digest: Sha256; packages: readonly LockedNodePackage[]; facts: Environment['facts'] }>

/** As `inspectTree`: nothing is fetched or built. */
export async function inspectNode(request: NodeRequest): Promise<NodeFound> {
  const plan = await planOf(request)
  const { identity, packages, runtime } = plan
  const { manifest: _, ...found } = await inspectTree(plan)
  return { ...found, digest: identity, packages, facts: nodeFacts(runtime) }
}

async function fill(temporary: string, plan: Plan): Promise<TreeManifest> {
  const { request, packages, workspaces, identity } = plan
  const { definition, store, onProgress, signal } = request
  const settings = readNpmSettings(request.caller.environment)
  const wanted = packages.map(
    (one): WantedFile => ({
      fileName: `${one.name.replace('/', '-')}-${one.version}.tgz`,
      url: tarballAddress(one, settings),
      ...one.integrity,
      place: `${definition.lock}:${one.line}`,
    }),
  )
  const key = digestOfJson({ recipe, lock: sha256Of(definition.lockBytes) })
  const artefacts = await fetchByDigest(wanted, request, { key, credentials: settings.credentials })
  const writer = openTreeWriter(join(temporary, 'tree'))
  const warnings: string[] = []
  for (const [index, one] of packages.entries()) {
    signal.throwIfAborted()
    const { digest, name } = artefacts[index] as TreeArtefact // as many as packages
    onProgress({ kind: 'unpacking', fileName: name, done: index, total: packages.length })
    warnings.push(...(await unpack(one, store.pathOf(digest), writer)))
    if (one.hasInstallScript) warnings.push(`${one.name}: has an install script, which was not run`)
  }
  for (const { path, folder, hasCommands } of workspaces) {
    writer.addProjectLink(inTree(path), folder, folder)
    if (hasCommands) warnings.push(`${folder}: its commands are not linked: start them by their path`)
  }
  return { identity, ...writer.finish(), artefacts: distinct(artefacts), warnings }
}

/** One version may lie in several places. */
function distinct(artefacts: readonly TreeArtefact[]): readonly TreeArtefact[] {
  return [...new Map(artefacts.map((one) => [one.digest, one])).values()]
}

/** Place in the tree: `/node_modules` itself is where it is mounted. */
const inTree = (path: string): string => path.slice('node_modules/'.length)

const maxSettingsBytes = 16 * 1024 * 1024

/** @returns warnings */
async function unpack(one: LockedNodePackage, archive: string, writer: TreeWriter): Promise<readonly string[]> {
  const owner = `${one.name}@${one.version}`
  const root = inTree(one.path)
  const programs = await programsIn(one, archive)
  let settings = false
  await readTar(decompressed(createReadStream(archive), createGunzip()), archiveOf(archive, owner), (member) => {
    const inner = innerPath(member, owner)
    if (inner === undefined) return undefined
    if (inner === 'package.json') settings = true
    return writer.openFile(`${root}/${inner}`, owner, member.executable || programs.has(inner))
  })
  if (!settings) throw refusedPackage(owner, 'has no package.json')
  return [...programs].flatMap(([file, names]) => names.flatMap((name) => link({ name, file, root, owner }, writer)))
}

function archiveOf(path: string, name: string): TarArchive {
  return { name, sizeBytes: statSync(path).size, globalHeaders: 'passed' }
}

/** Below the archive's one folder, whatever that is called; undefined for folders. */
function innerPath({ path, type }: TarMember, owner: string): string | undefined {
  // npm's own archives never hold a link.
  if (type === 'link' || type === 'hard-link') throw refusedPackage(owner, `has a link: \`${path}\``)
  if (type === 'folder') return undefined
  const plain = path.startsWith('./') ? path.slice(2) : path
  const cut = plain.indexOf('/')
  if (cut <= 0) throw refusedPackage(owner, `has a file outside of its folder: \`${path}\``)
  return plain.slice(cut + 1)
}

/** File in the package -> names of the commands that it is; after the package was found to be what the lock says. */
async function programsIn(one: LockedNodePackage, archive: string): Promise<ReadonlyMap<string, readonly string[]>> {
  const owner = `${one.name}@${one.version}`
  const settings = packageSettings(one, await settingsIn(archive, owner))
  if (typeof settings === 'string') throw refusedPackage(owner, settings)
  const { bin } = settings
  const entries =
    typeof bin === 'string'
      ? [[one.name.split('/').at(-1) ?? '', bin] as const]
      : Object.entries(bin instanceof Object ? bin : {})
  const plain = entries.flatMap(([name, file]) => {
    const path = typeof file === 'string' ? posix.normalize(file).replace(/^(\.?\/)+/, '') : ''
    const command = name.split('/').at(-1) ?? ''
    return path === '' || path.startsWith('..') || !/^[\w@.+-]{1,200}$/.test(command) ? [] : [{ path, command }]
  })
  return new Map(
    [...Map.groupBy(plain, ({ path }) => path)].map(([path, all]) => [path, all.map(({ command }) => command)]),
  )
}

async function settingsIn(archive: string, owner: string): Promise<Buffer> {
  const pieces: Buffer[] = []
  let found = false
  await readTar(
    decompressed(createReadStream(archive), createGunzip()),
    archiveOf(archive, owner),
    (member): MemberSink | undefined => {
      if (innerPath(member, owner) !== 'package.json') return undefined
      if (found || member.sizeBytes > maxSettingsBytes) throw refusedPackage(owner, 'has two or too large package.json')
      found = true
      return { write: (piece) => void pieces.push(Buffer.from(piece)), end: () => undefined }
    },
  )
  if (!found) throw refusedPackage(owner, 'has no package.json')
  return Buffer.concat(pieces)
}

type Command = Readonly<{ name: string; file: string; root: string; owner: string }>

/** A link in `.bin` beside the package, as npm makes it; the first one of a name stays. */
function link({ name, file, root, owner }: Command, writer: TreeWriter): readonly string[] {
  const isScoped = root.split('/').at(-2)?.startsWith('@') === true
  const folder = posix.join(root, isScoped ? '../..' : '..', '.bin')
  const path = posix.join(folder, name)
  if (writer.at(`${root}/${file}`) === undefined) return []
  // THREAT: evidence that names one Node.js where stages run another: this folder comes first on their PATH.
  if (path === '.bin/node') return [`${owner}: its command \`node\` is left out: stages run the one of \`interpreter\``]
  const earlier = writer.at(path)?.owner
  if (earlier !== undefined) return [`${owner}: the command \`${name}\` is that of ${earlier}`]
  writer.addLink(path, owner, posix.relative(folder, `${root}/${file}`))
  const shadows = folder === '.bin' && (systemCommands.has(name) || /^(npm|npx|python[\d.]*)$/.test(name))
  return shadows ? [`${owner}: the script \`${name}\` shadows the command of the system`] : []
}

function describe(built: BuiltTree, { request, packages, runtime }: Plan): Environment {
  const { definition } = request
  const { folder, manifest } = built
  const { artefacts = [] } = manifest
  const groups = definition.groups ?? []
  return {
    name: request.name,
    kind: 'node',
    digest: manifest.identity,
    locked: true,
    mounts: [...runtime.mounts, { source: join(folder, 'tree'), target }],
    path: [`${target}/.bin`, ...runtime.path],
    variables: {},
    packages: packages.map(({ name, version }) => ({ name, version })),
    facts: [
      ...nodeFacts(runtime),
      { name: 'tree', value: treeDigest(manifest), tier: 'observed' },
      { name: 'recipe', value: recipe, tier: 'observed' },
      ...(groups.length === 0 ? [] : [{ name: 'lock/groups', value: groups.join(', '), tier: 'declared' as const }]),
    ],
    materials: [
      { name: definition.lock, digest: sha256Of(definition.lockBytes) },
      ...artefacts.map(({ name, digest, source }) => ({ name, digest, ...(source === '' ? {} : { uri: source }) })),
    ],
    warnings: manifest.warnings,
    ...watched(built),
  }
}
