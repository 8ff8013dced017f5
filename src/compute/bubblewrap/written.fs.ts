/**
 * How much lies in the folders that a stage may write, while it writes.
 *
 * THREAT: a stage fills the disk where nobody looks: in empty files, which hold no blocks but an inode each; in a folder
 * that its owner may not list; so deep that no path reaches it. So each name counts for a block at least, and what
 * cannot be looked at is over the limit, whatever it holds.
 */
import { lstatSync, readdirSync } from 'node:fs'
import { errnoOf } from './process-facts.fs.ts'

export type Written = Readonly<{
  bytes: number
  /** Why it may not go on, whatever the bytes. */
  fault?: string
}>

/** LIMIT: names of files and folders that a stage may have written at one time; those of one collection are as many. */
const mostNames = 1_000_000
const blockBytes = 4096
const statBlockBytes = 512

/** What vanishes meanwhile is not counted. */
export function writtenIn(folders: readonly string[], most = mostNames): Written {
  const open: Buffer[] = folders.map((folder) => Buffer.from(folder))
  let bytes = 0
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

const hiding: ReadonlySet<string> = new Set(['EACCES', 'EPERM', 'ENAMETOOLONG'])

function orVanished<T>(look: () => T): T | undefined {
  try {
    return look()
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') return undefined
    throw error
  }
}
