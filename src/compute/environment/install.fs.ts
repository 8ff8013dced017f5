/**
 * Unpacks wheels into a new tree, without starting any interpreter.
 *
 * THREAT: hostile wheels. A file is written only under a name that one wheel owns, with bytes that its RECORD lists; the
 * tree is new and ours alone, so that no link of another can be in the way (`wx` refuses one that is).
 */

import { createHash } from 'node:crypto'
import { chmodSync, closeSync, fchmodSync, mkdirSync, openSync, writeSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { comparePaths, DomainError, type FileEntry, hexOf, type Sha256 } from '../../core/index.ts'
import type { LockedRequirement } from './lock.ts'
import { normaliseName } from './lock.ts'
import { evaluateMarker, type MarkerEnvironment, MarkerFault, parseMarker } from './marker.ts'
import { sameVersion } from './select-wheel.ts'
import type { TagRanks } from './tags.ts'
import { meetsAll } from './version.ts'
import { openWheelArchive, refused, type WheelArchive } from './wheel-archive.fs.ts'
import { launcherOf, layoutOf, placeMember, type TreeLayout, warningOf, withShebang } from './wheel-layout.ts'
import { type EntryPoint, parseEntryPoints, parseWheelFacts, type WheelFacts } from './wheel-metadata.ts'
import { parseRecord, type RecordEntry, recordFault, recordHasher } from './wheel-record.ts'

export type WheelToInstall = Readonly<{ requirement: LockedRequirement; fileName: string; path: string }>

export type InstallRequest = Readonly<{
  /** Absolute, empty folder. */
  tree: string
  wheels: readonly WheelToInstall[]
  version: readonly [number, number, number]
  markers: MarkerEnvironment
  ranks: TagRanks
  /** Names of the standard library's modules. */
  modules: readonly string[]
  onWheel(fileName: string, done: number): void
  /** What a wheel brought, when all of it is written; paths in order. */
  onUnpacked(files: readonly FileEntry[]): void
  signal: AbortSignal
}>

export type Installed = Readonly<{ files: readonly FileEntry[]; warnings: readonly string[] }>

/** LIMIT: 16 MiB for a wheel's own lists, 4 GiB a script. */
const maxListBytes = 16 * 1024 * 1024

/** @throws ERR_ENV_WHEEL_REFUSED, ERR_ENV_NO_WHEEL */
export async function installWheels(request: InstallRequest): Promise<Installed> {
  const state: State = {
    request,
    layout: layoutOf(request.version),
    modules: new Set(request.modules),
    owners: new Map(),
    unpacked: [],
    folders: new Set(['']),
    locked: new Set(request.wheels.map(({ requirement }) => requirement.name)),
    warnings: [],
  }
  for (const [index, wheel] of request.wheels.entries()) {
    request.signal.throwIfAborted()
    request.onWheel(wheel.fileName, index)
    using archive = await openWheelArchive(wheel.path, wheel.fileName)
    await installWheel(wheel, archive, state)
    request.onUnpacked(state.unpacked.splice(0).toSorted((a, b) => comparePaths(a.path, b.path)))
  }
  return { files: [...state.owners].map(([path, { file }]) => ({ ...file, path })), warnings: state.warnings }
}

type Owned = Readonly<{ owner: string; file: Omit<FileEntry, 'path'> }>
type State = Readonly<{
  request: InstallRequest
  layout: TreeLayout
  modules: ReadonlySet<string>
  /** Path in the tree -> who brought it. */
  owners: Map<string, Owned>
  /** Of the wheel at hand. */
  unpacked: FileEntry[]
  folders: Set<string>
  locked: ReadonlySet<string>
  warnings: string[]
}>

async function installWheel(wheel: WheelToInstall, archive: WheelArchive, state: State): Promise<void> {
  const { fileName } = wheel
  const distInfo = distInfoOf(archive, wheel)
  const entries = parseRecord(await archive.read(`${distInfo}/RECORD`, maxListBytes), distInfo)
  if (typeof entries === 'string') throw refused(fileName, entries)
  const fault = recordFault(entries, archive.members, distInfo)
  if (fault !== undefined) throw refused(fileName, fault)
  judgeFacts(wheel, await readFacts(archive, distInfo, fileName), state)
  for (const member of archive.members) {
    const placement = placeMember(member.path, distInfo, wheel.requirement.name, state.layout)
    if (placement.kind === 'refused') throw refused(fileName, placement.because)
    const source = { archive, member: member.path, record: entries.get(member.path), fileName }
    if (placement.kind === 'skipped') await drain(source)
    else await writeMember(source, placement, member.executable, state)
  }
  for (const point of await readEntryPoints(archive, distInfo, fileName)) await writeLauncher(point, fileName, state)
}

/** Exactly one `.dist-info`, and it is that of the locked project and version. */
function distInfoOf({ members }: WheelArchive, { requirement, fileName }: WheelToInstall): string {
  const folders = new Set(members.map(({ path }) => path.split('/')[0] ?? ''))
  const found = [...folders].filter((name) => name.endsWith('.dist-info'))
  const [name = '', version = ''] = found[0]?.slice(0, -'.dist-info'.length).split('-') ?? []
  const isIts =
    normaliseName(name) === requirement.name && sameVersion(version.replaceAll('_', '-'), requirement.version)
  if (found.length === 1 && isIts) return found[0] ?? ''
  throw refused(fileName, `is not a wheel of \`${requirement.name}==${requirement.version}\``)
}

async function readFacts(archive: WheelArchive, distInfo: string, fileName: string): Promise<WheelFacts> {
  const wheelFile = await archive.read(`${distInfo}/WHEEL`, maxListBytes)
  const facts = parseWheelFacts(wheelFile, await archive.read(`${distInfo}/METADATA`, maxListBytes))
  if (typeof facts === 'string') throw refused(fileName, facts)
  return facts
}

function judgeFacts({ requirement, fileName }: WheelToInstall, facts: WheelFacts, state: State): void {
  const { name, version } = requirement
  if (facts.name !== name || !sameVersion(facts.version, version)) {
    throw refused(fileName, `says that it is \`${facts.name} ${facts.version}\``)
  }
  // THREAT: an index may offer locked bytes under a file name whose tags are better than the wheel's own.
  if (!facts.tags.some((tag) => state.request.ranks.has(tag))) {
    throw new DomainError('ERR_ENV_NO_WHEEL', `\`${fileName}\` says that it is for another interpreter or platform`)
  }
  const python = state.request.markers.python_full_version
  if (facts.requiresPython !== '' && meetsAll(python, facts.requiresPython) === false) {
    throw new DomainError('ERR_ENV_NO_WHEEL', `\`${fileName}\` needs Python ${facts.requiresPython}, this is ${python}`)
  }
  for (const needed of facts.requires) {
    const missing = missingProject(needed, requirement.extras, state)
    if (missing !== undefined) state.warnings.push(`${name}: needs \`${missing}\`, which the lock does not name`)
  }
}

/** The project that a `Requires-Dist` line asks for, when it applies here and is not locked. */
function missingProject(line: string, extras: readonly string[], state: State): string | undefined {
  const [head = '', markerText] = line.split(/;(.*)/s)
  const project = normaliseName(/^\s*([A-Za-z0-9._-]+)/.exec(head)?.[1] ?? '')
  if (project === '' || state.locked.has(project)) return undefined
  try {
    const marker = markerText === undefined ? undefined : parseMarker(markerText)
    const environments = ['', ...extras].map((extra) => ({ ...state.request.markers, extra }))
    const applies = marker === undefined || environments.some((environment) => evaluateMarker(marker, environment))
    return applies ? project : undefined
  } catch (error) {
    if (!(error instanceof MarkerFault)) throw error
    return project // A marker that is not understood: better one warning too many.
  }
}

async function readEntryPoints(
  archive: WheelArchive,
  distInfo: string,
  fileName: string,
): Promise<readonly EntryPoint[]> {
  const path = `${distInfo}/entry_points.txt`
  if (!archive.members.some((member) => member.path === path)) return []
  const points = parseEntryPoints(await archive.read(path, maxListBytes))
  if (typeof points === 'string') throw refused(fileName, points)
  return points
}

type Source = Readonly<{ archive: WheelArchive; member: string; record: RecordEntry | undefined; fileName: string }>

/** The member's bytes; after the last one its RECORD line is checked. SHA-256 is computed of what is written anyway. */
async function* checkedContent(source: Source): AsyncGenerator<Buffer> {
  const { archive, member, record } = source
  const hasher = record === undefined ? undefined : recordHasher(record)
  for await (const piece of archive.content(member)) {
    hasher?.update(piece)
    yield piece
  }
  if (hasher?.matches() === false) throw otherBytes(source)
}

async function drain(source: Source): Promise<void> {
  for await (const _ of checkedContent(source));
}

async function writeMember(
  source: Source,
  { path, script }: Readonly<{ path: string; script: boolean }>,
  executable: boolean,
  state: State,
): Promise<void> {
  const { archive, member, record, fileName } = source
  const isSame = !script && record?.algorithm === 'sha256'
  const target = script ? Buffer.concat(await gather(checkedContent(source))) : undefined
  const checked = isSame ? archive.content(member) : checkedContent(source)
  const pieces = target === undefined ? checked : [withShebang(target)]
  const digest = await writeOwned({ path, owner: fileName, executable: executable || script, pieces }, state)
  if (isSame && Buffer.from(hexOf(digest), 'hex').toString('base64url') !== record.hash) throw otherBytes(source)
}

function otherBytes({ fileName, member }: Source): DomainError {
  return refused(fileName, `has other bytes than its RECORD says: \`${member}\``)
}

async function gather(pieces: AsyncIterable<Buffer>): Promise<Buffer[]> {
  const found: Buffer[] = []
  for await (const piece of pieces) found.push(piece)
  return found
}

type ToWrite = Readonly<{
  path: string
  owner: string
  executable: boolean
  pieces: AsyncIterable<Buffer> | Iterable<Buffer>
}>

async function writeOwned({ path, owner, executable, pieces }: ToWrite, state: State): Promise<Sha256> {
  const earlier = state.owners.get(path)
  const hasher = createHash('sha256')
  let sizeBytes = 0
  let head: Buffer | undefined
  const fd = earlier === undefined ? openNew(path, owner, state) : undefined
  try {
    for await (const piece of pieces) {
      hasher.update(piece)
      head ??= piece.subarray(0, 65_536)
      sizeBytes += piece.length
      if (fd !== undefined) writeAll(fd, piece)
    }
    if (fd !== undefined) fchmodSync(fd, executable ? 0o555 : 0o444)
  } finally {
    if (fd !== undefined) closeSync(fd)
  }
  const file = { digest: `sha256:${hasher.digest('hex')}` as const, sizeBytes, executable }
  if (earlier !== undefined) {
    refuseSecondOwner(path, owner, earlier, file)
    return file.digest
  }
  state.owners.set(path, { owner, file })
  state.unpacked.push({ ...file, path })
  const warning = warningOf({ path, owner, head: head ?? Buffer.alloc(0) }, state.layout, state.modules)
  if (warning !== undefined) state.warnings.push(warning)
  return file.digest
}

/** One path, one owner; equal bytes (the empty `nvidia/__init__.py` of a dozen wheels) have no say in who wins. */
function refuseSecondOwner(path: string, owner: string, earlier: Owned, file: Owned['file']): void {
  if (earlier.file.digest === file.digest && earlier.file.executable === file.executable) return
  throw refused(owner, `brings \`${path}\`, which \`${earlier.owner}\` brings with other bytes`)
}

function openNew(path: string, owner: string, state: State): number {
  const folder = dirname(path)
  makeFolder(folder === '.' ? '' : folder, owner, state)
  if (state.folders.has(path)) throw refused(owner, `brings \`${path}\` as a file, which is a folder elsewhere`)
  return openSync(join(state.request.tree, path), 'wx', 0o600)
}

function makeFolder(folder: string, owner: string, state: State): void {
  if (state.folders.has(folder)) return
  const parent = dirname(folder)
  makeFolder(parent === '.' ? '' : parent, owner, state)
  if (state.owners.has(folder)) throw refused(owner, `brings \`${folder}\` as a folder, which is a file elsewhere`)
  const path = join(state.request.tree, folder)
  mkdirSync(path)
  chmodSync(path, 0o755) // whatever the caller's umask is: a stage runs as another user
  state.folders.add(folder)
}

function writeAll(fd: number, bytes: Buffer): void {
  for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done, bytes.length - done)
}

function writeLauncher(point: EntryPoint, fileName: string, state: State): Promise<Sha256> {
  const placement = placeMember(`x.data/scripts/${point.name}`, 'x.dist-info', 'x', state.layout)
  if (placement.kind !== 'file') throw refused(fileName, `has an entry point \`${point.name}\``)
  const pieces = [Buffer.from(launcherOf(point))]
  return writeOwned({ path: placement.path, owner: fileName, executable: true, pieces }, state)
}
