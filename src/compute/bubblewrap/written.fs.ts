/**
 * How much lies in the folders that a stage may write, while it writes.
 *
 * THREAT: a stage fills the disk where nobody looks: in empty files, which hold no blocks but an inode each; in a folder
 * that its owner may not list; so deep that no path reaches it; in files that it deleted and holds open. So each name
 * counts for a block at least, what cannot be looked at is over the limit, whatever it holds, and descriptors are looked
 * through. LIMIT: a deleted file that is held by a mapping alone, or by a descriptor on its way between two processes.
 */
import { lstatSync, opendirSync, readdirSync, readlinkSync, statSync } from 'node:fs'
import { errnoOf, isAlive, quietly } from './process-facts.fs.ts'

export type Written = Readonly<{
  bytes: number
  /** Why it may not go on, whatever the bytes. */
  fault?: string
}>

/** LIMIT: names of files and folders that a stage may have written at one time; those of one collection are as many. */
const mostNames = 1_000_000
const blockBytes = 4096
const statBlockBytes = 512

/** Names in a folder, given with a slash behind it. */
type NamesIn = (folder: Buffer) => readonly Buffer[]

/** Does not let a look of ours at a folder count as one of the stage's. */
export type LookUnseen = <T>(folder: string, look: () => T) => T

const listed: NamesIn = (folder) => readdirSync(folder, { encoding: 'buffer' })

/** LIMIT: how far apart two changes of a folder may be and leave it the same time; more where times are whole seconds. */
const grainMs = 20
const coarseGrainMs = 2000
const nanosecondsPerSecond = 1_000_000_000n

/**
 * Lists the places themselves only when something was made, renamed or removed there, and by way of `lookUnseen`: a listing
 * of ours looks like one of the stage's to who watches the folder (`opened.exec.ts`). Each is listed at once.
 *
 * THREAT: a stage sets the times of its folder back, to hide what it made: the time of change is the kernel's alone.
 */
export function rememberNames(places: readonly string[], lookUnseen: LookUnseen = (_, look) => look()): NamesIn {
  const known = new Map<string, Readonly<{ changed: bigint; names: readonly Buffer[] }>>()
  const tops = new Set(places.map((place) => `${place}/`))
  const namesIn: NamesIn = (folder) => {
    const top = folder.toString()
    if (!tops.has(top)) return listed(folder)
    const { ctimeNs: changed } = lstatSync(top, { bigint: true })
    const before = known.get(top)
    if (before?.changed === changed) return before.names
    const sinceMs = Date.now() - Number(changed / 1_000_000n)
    const names = listUnseen(top.slice(0, -1), lookUnseen)
    if (sinceMs > (changed % nanosecondsPerSecond === 0n ? coarseGrainMs : grainMs)) known.set(top, { changed, names })
    return names
  }
  for (const top of tops) orVanished(() => namesIn(Buffer.from(top)))
  return namesIn
}

/** Only the moment of opening is unseen, however many names there are. */
function listUnseen(folder: string, lookUnseen: LookUnseen): readonly Buffer[] {
  // each byte of a name is a letter, so that none is lost
  const opened = lookUnseen(folder, () => opendirSync(folder, { encoding: 'latin1', bufferSize: 1000 }))
  try {
    const names: Buffer[] = []
    for (let entry = opened.readSync(); entry !== null; entry = opened.readSync())
      names.push(Buffer.from(entry.name, 'latin1'))
    return names
  } finally {
    opened.closeSync()
  }
}

/** @param places folders, or files; what vanishes meanwhile is not counted */
export function writtenIn(places: readonly string[], most = mostNames, namesIn = listed): Written {
  const open: Buffer[] = places.map((place) => Buffer.from(place))
  let bytes = places.reduce((sum, place) => sum + fileBytes(place), 0)
  let names = 0
  try {
    for (let folder = open.pop(); folder !== undefined; folder = open.pop()) {
      const prefix = Buffer.concat([folder, Buffer.from('/')])
      for (const name of orVanished(() => namesIn(prefix)) ?? []) {
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
    const code = errnoOf(error)
    if (code === undefined) throw error
    const because = hiding.has(code) ? 'closed or too deep' : code
    return { bytes, fault: `it made a folder that nobody can look into, ${because}` }
  }
  return { bytes }
}

function fileBytes(path: string): number {
  const stats = quietly(() => lstatSync(path))
  return stats?.isFile() === true ? stats.blocks * statBlockBytes : 0
}

/**
 * Bytes of files on the file system of `place` that have no name any more and that one of the processes holds open.
 *
 * THREAT: a process that makes itself undumpable hides its descriptors from an ordinary user. What it holds is over any
 * limit; so ask only about processes of the stage itself, once they are its own.
 */
export function heldWithoutName(pids: readonly number[], place: string | undefined): Written {
  const dev = place === undefined ? undefined : quietly(() => statSync(place))?.dev
  if (dev === undefined) return { bytes: 0 }
  const held = new Map<number, number>()
  let hides = false
  for (const pid of pids) {
    const descriptors = descriptorsOf(pid)
    hides ||= descriptors === undefined
    for (const fd of descriptors ?? []) {
      const stats = quietly(() => statSync(`/proc/${pid}/fd/${fd}`))
      if (stats?.isFile() === true && stats.nlink === 0 && stats.dev === dev)
        held.set(stats.ino, stats.blocks * statBlockBytes)
    }
  }
  const bytes = [...held.values()].reduce((sum, each) => sum + each, 0)
  return hides ? { bytes, fault: 'it hid the files that it holds open' } : { bytes }
}

/** None of a process that is gone or going; undefined of one that lives and may not be looked at. */
function descriptorsOf(pid: number): readonly string[] | undefined {
  try {
    return readdirSync(`/proc/${pid}/fd`)
  } catch (error) {
    const code = errnoOf(error)
    if (code === undefined) throw error
    return hiding.has(code) && isAlive(pid) ? undefined : []
  }
}

const hiding: ReadonlySet<string> = new Set(['EACCES', 'EPERM', 'ENAMETOOLONG'])
const vanished: ReadonlySet<string> = new Set(['ENOENT', 'ENOTDIR', 'ELOOP'])

/** Undefined for what is gone, or became something else, since it was listed; whatever else stands in the way is a fault. */
function orVanished<T>(look: () => T): T | undefined {
  try {
    return look()
  } catch (error) {
    if (!vanished.has(errnoOf(error) ?? '')) throw error
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
