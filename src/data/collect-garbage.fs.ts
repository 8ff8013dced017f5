/**
 * Removes objects that nothing reaches, and what killed processes left behind.
 *
 * An object stays while it is reachable or young: a put of bytes that are there already makes them young again, so a
 * run that counts on an old object protects it. No process may hold the store meanwhile.
 */
import { type Dirent, lstatSync, readdirSync, renameSync, rmSync, type Stats } from 'node:fs'
import { join } from 'node:path'
import { isSha256, type Sha256 } from '../core/index.ts'
import { errnoOf, withIoFaults } from './io-fault.ts'
import { closedFolders, closedRoot, freshForMs, holdFolder, tempFolder } from './object-files.fs.ts'
import type { ObjectStore } from './object-store.ts'
import { isOwnerAlive, nameOfOwn } from './process-owner.fs.ts'
import { takeCollectorsTurn } from './store-hold.fs.ts'

/**
 * `olderThanMs`: what is younger stays, reachable or not; give at least the length of an ordinary run and ten minutes.
 * LIMIT: 20 minutes at least, since an object that is wanted is touched once in ten.
 */
export type CollectOptions = Readonly<{ olderThanMs: number; now: Date; dryRun?: boolean }>

export type Collected = Readonly<{ freedBytes: number; removed: number }>

/**
 * Trust: the store's folder may hold anything; only regular files at an object's place are removed, links never
 * followed.
 *
 * @throws ERR_STORE_BUSY when a process holds the store or collects it already
 */
export function collectGarbage(
  store: Pick<ObjectStore, 'root'>,
  reachable: ReadonlySet<Sha256>,
  options: CollectOptions,
): Promise<Collected> {
  return withIoFaults(store.root, () => {
    using _turn = takeCollectorsTurn(store.root)
    const limitMs = options.now.getTime() - Math.max(options.olderThanMs, 2 * freshForMs)
    const isOld = (stats: Stats): boolean => stats.mtimeMs <= limitMs
    sweepStore(store, options)
    let freedBytes = 0
    let removed = 0
    for (const { path, digest, stats } of objectsIn(store.root)) {
      if (reachable.has(digest) || !isOld(stats)) continue
      if (options.dryRun !== true && !removeUnlessFreshened(store.root, path, isOld)) continue
      freedBytes += stats.size
      removed += 1
    }
    return { freedBytes, removed }
  })
}

/** Removes what processes that are gone left half done; objects stay. Safe beside anyone who uses the store. */
export function sweepStore(
  store: Pick<ObjectStore, 'root'>,
  { olderThanMs, now }: Pick<CollectOptions, 'olderThanMs' | 'now'>,
): void {
  const isOld = (stats: Stats): boolean => stats.mtimeMs <= now.getTime() - olderThanMs
  sweepDead(tempFolder(store.root), isOld)
  sweepDead(holdFolder(store.root), isOld)
}

type ObjectFile = Readonly<{ path: string; digest: Sha256; stats: Stats }>

function* objectsIn(root: string): Generator<ObjectFile> {
  for (const place of [root, ...closedFolders.map((name) => closedRoot(root, name))]) yield* objectsUnder(place)
}

function* objectsUnder(root: string): Generator<ObjectFile> {
  for (const folder of entriesOf(root)) {
    if (!folder.isDirectory() || !/^[0-9a-f]{2}$/.test(folder.name)) continue
    for (const file of entriesOf(join(root, folder.name))) {
      const digest = `sha256:${folder.name}${file.name}`
      const path = join(root, folder.name, file.name)
      const stats = file.isFile() && isSha256(digest) ? lstatSync(path, { throwIfNoEntry: false }) : undefined
      if (stats?.isFile() === true && isSha256(digest)) yield { path, digest, stats }
    }
  }
}

/** INVARIANT: whoever wanted the object before it left its name made it young, and gets it back. */
function removeUnlessFreshened(root: string, path: string, isOld: (stats: Stats) => boolean): boolean {
  const aside = join(tempFolder(root), nameOfOwn())
  renameSync(path, aside)
  if (!isOld(lstatSync(aside))) {
    renameSync(aside, path)
    return false
  }
  rmSync(aside)
  return true
}

/** Files of processes that are gone; names that are not ours are left alone. */
function sweepDead(folder: string, isOld: (stats: Stats) => boolean): void {
  for (const { name } of entriesOf(folder)) {
    if (isOwnerAlive(name) !== false) continue
    const stats = lstatSync(join(folder, name), { throwIfNoEntry: false })
    if (stats?.isFile() === true && isOld(stats)) rmSync(join(folder, name), { force: true })
  }
}

function entriesOf(folder: string): readonly Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true })
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error
    return []
  }
}
