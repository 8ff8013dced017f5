/**
 * Looks at the system layer; asked again while nothing of what it looked at has another stat.
 *
 * LIMIT: of packages only what dpkg wrote down is read, never all of /usr (6 GB on a developer's machine). Where it knows
 * of none, or is not there, the programs and libraries of /usr are read themselves, each once.
 */
import {
  accessSync,
  closeSync,
  constants,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  readSync,
  realpathSync,
  statSync,
} from 'node:fs'
import { join } from 'node:path'
import { sha256Of } from '../../core/index.ts'
import { digestPath, jsonFact, type StatCache } from '../../data/index.ts'
import { areSettled, stampOf } from '../environment/stamp.fs.ts'
import type { SystemLayer, SystemPackage } from './layer.ts'
import { isCoreLibrary, isLocalLibrary, parseLibraryCache } from './library-cache.ts'
import { type InstalledPackage, installedPackages } from './package-status.ts'

export type ObservedSystem = Readonly<{
  layer: SystemLayer
  /** Whether everything that was looked at still has the stat that it had. */
  isUnchanged(): boolean
}>

const database = '/var/lib/dpkg'
const databaseFiles = [`${database}/status`, `${database}/updates`]
const linkerCache = '/etc/ld.so.cache'
/** Where whoever rules a machine puts what no package owns, and where it is found before what a package brings. */
export const localFolders: readonly string[] = ['/usr/local/sbin', '/usr/local/bin', '/usr/local/lib']
/** Read besides where no database tells what is in them. */
const systemFolders = ['/usr/sbin', '/usr/bin', '/usr/lib', '/usr/lib64', '/bin', '/sbin', '/lib', '/lib64']
const shells = ['/bin/sh', '/bin/bash']
const release = ['/etc/os-release', '/usr/lib/os-release']

type Kept = Readonly<{ layer: SystemLayer; places: readonly string[]; stamps: string }>

export async function observeSystem(memory: StatCache | undefined): Promise<ObservedSystem> {
  const kept = jsonFact(memory, 'system-layer') as Kept | undefined // our own text
  if (kept !== undefined && stampsOf(kept.places) === kept.stamps) return observed(kept)
  const readAtMs = Date.now()
  const places = placesLookedAt()
  const stamps = stampsOf(places)
  const fresh = { layer: await readLayer(memory), places, stamps }
  if (areSettled(places, readAtMs)) memory?.recordFact('system-layer', JSON.stringify(fresh))
  return observed(fresh)
}

function observed({ layer, places, stamps }: Kept): ObservedSystem {
  return { layer, isUnchanged: () => stampsOf(places) === stamps }
}

/** What is installed, as dpkg knows it; empty where there is no dpkg. */
export function packagesInstalled(): readonly InstalledPackage[] {
  const status = readOr(databaseFiles[0] ?? '')
  const updates = namesIn(`${database}/updates`).filter((name) => /^\d+$/.test(name))
  return installedPackages([status, ...updates.map((name) => readOr(`${database}/updates/${name}`))])
}

/** Each path, and what a link leads to; folders too, so that a new name in one shows. */
function placesLookedAt(): readonly string[] {
  const folders = foldersToRead(packagesInstalled())
  const files = [
    ...filesToRead(librariesOfHost()),
    ...folders.flatMap((folder) => namesIn(folder).map((name) => join(folder, name))),
  ]
  const all = [...databaseFiles, linkerCache, ...release, ...folders, ...files]
  return [...new Set(all.flatMap((path) => [path, realPath(path) ?? path]))]
}

/** THREAT: a database that is empty, or that may not be read, must not turn off both ways of looking. */
export function foldersToRead(installed: readonly InstalledPackage[]): readonly string[] {
  return installed.length === 0 ? [...localFolders, ...systemFolders] : localFolders
}

/** What runs under every stage, and each library that the linker takes from elsewhere than the packages' folders. */
export function filesToRead(libraries: ReadonlyMap<string, string>): readonly string[] {
  const named = [...libraries].flatMap(([name, path]) => (isCoreLibrary(name) || isLocalLibrary(path) ? [path] : []))
  const loaders = ['/lib', '/lib64'].flatMap((folder) =>
    namesIn(folder)
      .filter((name) => name.startsWith('ld-'))
      .map((name) => join(folder, name)),
  )
  return [...new Set([...shells, ...loaders, ...named])].toSorted()
}

function librariesOfHost(): ReadonlyMap<string, string> {
  return parseLibraryCache(bytesOr(linkerCache), process.arch)
}

async function readLayer(memory: StatCache | undefined): Promise<SystemLayer> {
  const installed = packagesInstalled()
  const folders = [...new Set(foldersToRead(installed).map((folder) => realPath(folder) ?? folder))]
  const inFolders = folders.flatMap((folder) => namesIn(folder).map((name) => join(folder, name)))
  const files: Record<string, string> = {}
  for (const path of filesToRead(librariesOfHost())) {
    const real = realPath(path) ?? path
    const said = (isLocalLibrary(path) ? largeFile(real) : undefined) ?? (await bytesDigest(real, memory))
    if (said !== undefined) files[path] = said
  }
  for (const path of inFolders) {
    const said = linkTarget(path) ?? largeFile(path) ?? (await bytesDigest(path, memory))
    if (said !== undefined) files[path] ??= said
  }
  return {
    architecture: process.arch,
    distribution: /^PRETTY_NAME="?([^"\n]*)"?$/m.exec(release.map(readOr).join('\n'))?.[1] ?? 'unknown distribution',
    libc: libcOfHost(),
    packages: installed.map(withDigest).toSorted((left, right) => (left.name < right.name ? -1 : 1)),
    files,
  }
}

/** The list of files and digests that the package was installed with; the list of its files where it has no digests. */
function withDigest({ name, architecture, version }: InstalledPackage): SystemPackage {
  const lists = ['md5sums', 'list'].flatMap((kind) => [`${name}:${architecture}.${kind}`, `${name}.${kind}`])
  const found = lists.map((file) => bytesOr(`${database}/info/${file}`)).find((bytes) => bytes.length > 0)
  return { name: `${name}:${architecture}`, version, digest: sha256Of(found ?? Buffer.alloc(0)) }
}

/** Undefined for a folder, and for what is neither file nor folder. */
async function bytesDigest(path: string, memory: StatCache | undefined): Promise<string | undefined> {
  if (statSync(path, { throwIfNoEntry: false })?.isFile() !== true) return undefined
  if (!isReadable(path)) return 'unreadable'
  return (await digestPath(path, memory === undefined ? {} : { cache: memory })).digest
}

/** LIMIT: a file over 16 MiB that no package owns is known by its size and its first MiB. */
const largeFrom = 16 * 1024 * 1024
const partBytes = 1024 * 1024

function largeFile(path: string): string | undefined {
  const status = statSync(path, { throwIfNoEntry: false })
  if (status?.isFile() !== true || status.size <= largeFrom || !isReadable(path)) return undefined
  const fd = openSync(path, 'r')
  try {
    const part = Buffer.alloc(partBytes)
    return `${status.size} bytes, the first MiB ${sha256Of(part.subarray(0, readSync(fd, part, 0, partBytes, 0)))}`
  } finally {
    closeSync(fd)
  }
}

function isReadable(path: string): boolean {
  try {
    accessSync(path, constants.R_OK)
    return true
  } catch {
    return false // INVARIANT: a stage has no more rights than whoever runs it.
  }
}

function linkTarget(path: string): string | undefined {
  try {
    return `-> ${readlinkSync(path)}`
  } catch {
    return undefined // INVARIANT: no link; its bytes are read.
  }
}

/** The C library of this machine as Node sees it; `unknown` where it does not say (musl). */
export function libcOfHost(): string {
  Object.assign(process.report, { excludeNetwork: true }) // else it asks for the names of all peers
  const report = process.report.getReport() as { header?: { glibcVersionRuntime?: string } } // untyped in @types/node
  const version = report.header?.glibcVersionRuntime
  return version === undefined ? 'unknown' : `glibc ${version}`
}

function stampsOf(places: readonly string[]): string {
  return sha256Of(places.map(stampOf).join('\n'))
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder).toSorted()
  } catch {
    return [] // INVARIANT: a folder that is not there, or that may not be read, gives a stage nothing either.
  }
}

function realPath(path: string): string | undefined {
  try {
    return realpathSync(path)
  } catch {
    return undefined // INVARIANT: what is not there is told by the stamp of the path itself.
  }
}

function bytesOr(path: string): Buffer {
  try {
    return readFileSync(path)
  } catch {
    return Buffer.alloc(0) // INVARIANT: a system without the file has no dpkg, or no cache of libraries: the layer says so.
  }
}

function readOr(path: string): string {
  return bytesOr(path).toString('utf8')
}
