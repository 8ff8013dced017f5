/**
 * How much lies in the folders that a stage may write, while it writes.
 *
 * THREAT: a stage fills the disk where nobody looks: in empty files, which hold no blocks but an inode each; in a folder
 * that its owner may not list; so deep that no path reaches it; in files that it deleted and holds open. So each name
 * counts for a block at least, what cannot be looked at is over the limit, whatever it holds, and descriptors are looked
 * through. LIMIT: a deleted file that is held by a mapping alone, or by a descriptor on its way between two processes.
 */
import { lstatSync, readdirSync, readlinkSync, statSync } from 'node:fs'
import { errnoOf, quietly } from './process-facts.fs.ts'

export type Written = Readonly<{
  bytes: number
  /** Why it may not go on, whatever the bytes. */
  fault?: string
}>

/** LIMIT: names of files and folders that a stage may have written at one time; those of one collection are as many. */
const mostNames = 1_000_000
const blockBytes = 4096
const statBlockBytes = 512

/** @param places folders, or files; what vanishes meanwhile is not counted */
export function writtenIn(places: readonly string[], most = mostNames): Written {
  const open: Buffer[] = places.map((place) => Buffer.from(place))
  let bytes = places.reduce((sum, place) => sum + fileBytes(place), 0)
  let names = 0
  try {
    for (let folder = open.pop(); folder !== undefined; folder = open.pop()) {
      const prefix = Buffer.concat([folder, Buffer.from('/')])
      for (const name of orVanished(() => readdirSync(prefix, { encoding: 'buffer' })) ?? []) {
        names += 1
        if (names > most) return { bytes, fault: `it wrote more than ${most} files and folders` }
        const path = Buffer.concat([prefix, name])
        const stats = orVanished(() => lstatSync(path))
        if (stats === undefined) continue
        bytes += Math.max(blockBytes, stats.blocks * statBlockBytes)
        if (stats.isDirectory()) open.push(path)
      }
    }
  } catch (error) {
    if (!hiding.has(errnoOf(error) ?? '')) throw error
    return { bytes, fault: 'it made a folder that nobody can look into, closed or too deep' }
  }
  return { bytes }
}

function fileBytes(path: string): number {
  const stats = quietly(() => lstatSync(path))
  return stats?.isFile() === true ? stats.blocks * statBlockBytes : 0
}

/** Bytes of files on the file system of `place` that have no name any more and that one of the processes holds open. */
export function heldWithoutName(pids: readonly number[], place: string | undefined): number {
  const dev = place === undefined ? undefined : quietly(() => statSync(place))?.dev
  if (dev === undefined) return 0
  const held = new Map<number, number>()
  for (const pid of pids) {
    for (const fd of quietly(() => readdirSync(`/proc/${pid}/fd`)) ?? []) {
      const stats = quietly(() => statSync(`/proc/${pid}/fd/${fd}`))
      if (stats?.isFile() === true && stats.nlink === 0 && stats.dev === dev)
        held.set(stats.ino, stats.blocks * statBlockBytes)
    }
  }
  return [...held.values()].reduce((sum, bytes) => sum + bytes, 0)
}

const hiding: ReadonlySet<string> = new Set(['EACCES', 'EPERM', 'ENAMETOOLONG'])

/** Undefined for what is gone, or became something else, since it was listed; a fault only for what hides. */
function orVanished<T>(look: () => T): T | undefined {
  try {
    return look()
  } catch (error) {
    const code = errnoOf(error)
    if (code === undefined || hiding.has(code)) throw error
    return undefined
  }
}

/**
 * Bytes of the files in memory that processes hold: all memory of a stage whose kernel is its own, anonymous or not.
 *
 * SOURCE: memfd_create(2). Cheap, where adding up the pages of such a kernel is not.
 */
export function heldInMemory(pids: readonly number[]): number {
  const held = new Map<number, number>()
  for (const pid of pids) {
    for (const fd of quietly(() => readdirSync(`/proc/${pid}/fd`)) ?? []) {
      const file = `/proc/${pid}/fd/${fd}`
      if (quietly(() => readlinkSync(file))?.startsWith('/memfd:') !== true) continue
      const stats = quietly(() => statSync(file))
      if (stats !== undefined) held.set(stats.ino, stats.blocks * statBlockBytes)
    }
  }
  return [...held.values()].reduce((sum, bytes) => sum + bytes, 0)
}
