/**
 * Takes outs into the store, by type: regular files and folders, nothing else.
 *
 * THREAT: whatever a stage left is hostile. It is walked by descriptor, following no link, with names as bytes; each
 * file has one name, plain mode bits, a size that its blocks can hold, and is the same before and after it was read.
 * INVARIANT: an out with one fault is not collected at all.
 */
import { type BigIntStats, closeSync, constants, fstatSync, openSync, readdirSync } from 'node:fs'
import { setImmediate as immediate } from 'node:timers/promises'
import {
  type Content,
  DomainError,
  type FileEntry,
  folderOf,
  isDomainError,
  nameFault,
  oneLine,
} from '../../core/index.ts'
import type { ObjectBatch, ObjectStore, StoredBytes } from '../../data/index.ts'
import type { OutFault } from '../sandbox.ts'
import type { Leak, Search } from '../secrets/index.ts'
import type { Scratch } from './layout.ts'
import { errnoOf } from './process-facts.fs.ts'

export type Collected = Readonly<{
  outs: ReadonlyMap<string, Content>
  faults: readonly OutFault[]
  discarded: readonly string[]
}>

/** LIMIT: entries of one out, folders above each other, and names listed of what is thrown away. */
const maxEntries = 1_000_000
const maxDepth = 64
const maxDiscarded = 1000
/** LIMIT: leaks that are told of one out. */
const maxLeaks = 100
/** LIMIT: a file of more than 64 MiB whose blocks hold less than an eighth of it is a sparse monster. */
const sparseFromBytes = 64n * 1024n * 1024n
const sparseFactor = 8n

/** Above it the store digests in a worker: `hash-files.fs.ts`. */
const storedBesideBytes = 100_000_000n

const fileFlags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK | constants.O_NOCTTY
const folderFlags = fileFlags | constants.O_DIRECTORY

/** What one collection may still take. */
type Budget = { entries: number; bytes: bigint }
type Found = Readonly<{ files: FileEntry[]; leaks: OutRefusal[]; batch: ObjectBatch; budget: Budget; inspect: Inspect }>
/** Names what must not stand in a file of an out, nor in its name. */
export type Inspect = Pick<Search, 'inFile' | 'inName'>

/** Why an out is refused; caught where the out is known. */
class OutRefusal extends Error {
  readonly path: string
  readonly because: string
  readonly leaks: readonly Leak[]

  constructor(path: string, because: string, leaks: readonly Leak[] = []) {
    super(because)
    this.path = path
    this.because = because
    this.leaks = leaks
  }
}

/** What is neither file nor folder is. */
export const notPlain = 'is a socket, fifo or device'

/** @param scratches made folders, whose processes are all dead */
export async function collectOuts(
  scratches: readonly Readonly<{ scratch: Scratch; path: string }>[],
  store: ObjectStore,
  outputBytes: number,
  inspect: Inspect,
): Promise<Collected> {
  const outs = new Map<string, Content>()
  const faults: OutFault[] = []
  const discarded: string[] = []
  const budget: Budget = { entries: maxEntries, bytes: BigInt(outputBytes) }
  using batch = store.batch()
  for (const { scratch, path } of scratches) {
    const root = openScratch(path)
    if (root === undefined) continue
    try {
      for (const out of scratch.outs) {
        const result = await collectOut(root, out, { batch, budget, inspect })
        if (result instanceof OutRefusal) faults.push(faultOf(out, result))
        else if (result !== undefined) outs.set(out, result)
      }
      listDiscarded(root, scratch, discarded)
    } finally {
      closeSync(root)
    }
  }
  await batch.commit()
  return { outs, faults, discarded: discarded.sort() }
}

/** In a sandbox it is always there; without one a command may have removed it, and then its outs are missing. */
function openScratch(path: string): number | undefined {
  try {
    return openSync(path, folderFlags)
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'ELOOP'].includes(errnoOf(error) ?? '')) return undefined
    throw error
  }
}

function faultOf(out: string, refusal: OutRefusal): OutFault {
  const { leaks } = refusal
  return { path: out, because: describeFault(out, refusal), ...(leaks.length === 0 ? {} : { leaks }) }
}

/** @param fault what is wrong, and with which path: the out's or one in it */
export function describeFault(out: string, { path, because }: Pick<OutRefusal, 'path' | 'because'>): string {
  return path === out ? because : `holds \`${oneLine(path.slice(out.length + 1)).slice(0, 200)}\`, which ${because}`
}

async function collectOut(
  root: number,
  out: string,
  into: Omit<Found, 'files' | 'leaks'>,
): Promise<Content | OutRefusal | undefined> {
  const files: FileEntry[] = []
  const leaks: OutRefusal[] = []
  const found: Found = { files, leaks, ...into }
  try {
    const opened = openEntry(root, Buffer.from(out.slice(out.lastIndexOf('/') + 1)), out)
    if (opened === undefined) return undefined
    try {
      if (opened.kind === 'folder') {
        await walk(opened.fd, out, 1, found, out)
        return leakOf(leaks) ?? folderOf(files)
      }
      const entry = await takeFile(opened.fd, out, out, found)
      if (entry === undefined) return leakOf(leaks)
      return { kind: 'file', digest: entry.digest, sizeBytes: entry.sizeBytes, executable: entry.executable }
    } finally {
      closeSync(opened.fd)
    }
  } catch (error) {
    if (error instanceof OutRefusal) return error
    throw error
  }
}

/** One refusal for all that leaks in an out, so that its user is told of each. */
function leakOf(refusals: readonly OutRefusal[]): OutRefusal | undefined {
  const [first] = refusals
  if (first === undefined) return undefined
  const more = refusals.length > 1 ? `, and ${refusals.length - 1} more of its files leak` : ''
  return new OutRefusal(first.path, first.because + more, refusals.flatMap(({ leaks }) => leaks).slice(0, maxLeaks))
}

async function walk(folder: number, path: string, depth: number, found: Found, out: string): Promise<void> {
  if (depth > maxDepth) throw new OutRefusal(path, `is more than ${maxDepth} folders deep`)
  const folded = new Set<string>()
  for (const name of readdirSync(`/proc/self/fd/${folder}`, { encoding: 'buffer' })) {
    found.budget.entries -= 1
    if (found.budget.entries < 0) throw new OutRefusal(path, `has more than ${maxEntries} entries`)
    const plain = plainName(name, path)
    const inner = `${path}/${plain}`
    // THREAT: two readers may take names for one that differ in case only.
    if (folded.has(plain.toLowerCase())) throw new OutRefusal(inner, 'differs from another name in case only')
    folded.add(plain.toLowerCase())
    const leaking = found.inspect.inName(plain, out)
    if (leaking.length > 0) {
      // INVARIANT: nobody is told such a name
      found.leaks.push(new OutRefusal(out, `has a name in it that holds ${wordsOf(leaking)}`, leaking))
      continue
    }
    const opened = openEntry(folder, name, inner)
    if (opened === undefined) throw new OutRefusal(inner, 'vanished while it was being read')
    try {
      if (opened.kind === 'folder') await walk(opened.fd, inner, depth + 1, found, out)
      else {
        const entry = await takeFile(opened.fd, inner, out, found)
        if (entry !== undefined) found.files.push(entry)
      }
    } finally {
      closeSync(opened.fd)
    }
  }
}

function plainName(name: Buffer, folder: string): string {
  const text = name.toString('utf8')
  const fault = Buffer.from(text).equals(name) ? nameFault(text) : 'is not UTF-8'
  if (fault !== undefined) throw new OutRefusal(`${folder}/${text}`, `has a name that ${fault}`)
  return text
}

/** An entry by its descriptor, when it is a plain file or folder; undefined when it is not there. */
function openEntry(
  folder: number,
  name: Buffer,
  path: string,
): Readonly<{ kind: 'file' | 'folder'; fd: number }> | undefined {
  const place = Buffer.concat([Buffer.from(`/proc/self/fd/${folder}/`), name])
  const fd = openOrRefuse(place, path)
  if (fd === undefined) return undefined
  try {
    const stats = fstatSync(fd, { bigint: true })
    return { kind: kindOf(stats, path), fd }
  } catch (error) {
    closeSync(fd)
    throw error
  }
}

const openFaults: Readonly<Record<string, string>> = {
  ELOOP: 'is a symbolic link',
  ENXIO: notPlain,
  ENODEV: 'is a device',
  EACCES: 'cannot be read: its permissions forbid it',
  EPERM: 'cannot be read: its permissions forbid it',
}

function openOrRefuse(place: Buffer, path: string): number | undefined {
  try {
    return openSync(place, fileFlags)
  } catch (error) {
    const errno = errnoOf(error) ?? ''
    if (errno === 'ENOENT') return undefined
    const because = openFaults[errno]
    if (because !== undefined) throw new OutRefusal(path, because)
    throw error
  }
}

function kindOf(stats: BigIntStats, path: string): 'file' | 'folder' {
  if (!stats.isFile() && !stats.isDirectory()) throw new OutRefusal(path, notPlain)
  if ((stats.mode & 0o7000n) !== 0n) throw new OutRefusal(path, 'has a set-uid, set-gid or sticky bit')
  if (stats.isDirectory()) return 'folder'
  if (stats.nlink !== 1n) throw new OutRefusal(path, 'has a second name: it is a hard link')
  if (stats.size > sparseFromBytes && stats.blocks * 512n * sparseFactor < stats.size) {
    throw new OutRefusal(path, `claims ${stats.size} bytes but holds ${stats.blocks * 512n}: it is sparse`)
  }
  return 'file'
}

/** Undefined when it leaks, or a file of its out did before: then it is looked through and not stored. */
async function takeFile(fd: number, path: string, out: string, found: Found): Promise<FileEntry | undefined> {
  const { budget } = found
  const before = fstatSync(fd, { bigint: true })
  budget.bytes -= before.size
  if (budget.bytes < 0n) throw new OutRefusal(path, 'is over the limit of bytes that the stage may write')
  const stored = await searchedAndStored(fd, path, out, before, found)
  if (stored === undefined) return undefined
  const after = fstatSync(fd, { bigint: true })
  const isSame = (['size', 'mtimeNs', 'ctimeNs', 'mode', 'nlink', 'ino'] as const).every(
    (field) => before[field] === after[field],
  )
  if (!isSame || BigInt(stored.sizeBytes) !== before.size) throw new OutRefusal(path, 'changed while it was being read')
  return {
    path: path.slice(out.length + 1),
    digest: stored.digest,
    sizeBytes: stored.sizeBytes,
    executable: (before.mode & 0o100n) !== 0n,
  }
}

/**
 * INVARIANT: what leaks is kept nowhere. A large file is looked through while a worker digests it, and taken back.
 *
 * Undefined when an out leaks.
 */
async function searchedAndStored(
  fd: number,
  path: string,
  out: string,
  { size }: BigIntStats,
  { batch, leaks, inspect }: Found,
): Promise<StoredBytes | undefined> {
  const storing = size > storedBesideBytes && leaks.length === 0 ? storeFile(batch, fd, path) : undefined
  storing?.catch(() => undefined) // it is told where it is awaited
  if (storing !== undefined) await immediate() // the worker has its task then
  const leaking = inspect.inFile(fd, out)
  if (leaking.length > 0) leaks.push(new OutRefusal(path, `holds ${wordsOf(leaking)}`, leaking))
  if (leaks.length === 0) return await (storing ?? storeFile(batch, fd, path))
  if (storing !== undefined) batch.drop((await storing).digest)
  return undefined
}

function wordsOf(leaks: readonly Leak[]): string {
  return [...new Set(leaks.map(({ what }) => what))].join(', ')
}

async function storeFile(batch: ObjectBatch, fd: number, path: string): ReturnType<ObjectBatch['addFile']> {
  try {
    return await batch.addFile(fd)
  } catch (error) {
    if (isDomainError(error, 'ERR_DATA_CHANGED')) throw new OutRefusal(path, 'changed while it was being read')
    throw error instanceof DomainError
      ? error
      : new DomainError('ERR_IO', `the out \`${path}\` could not be stored`, { cause: error })
  }
}

/** Names in a scratch folder that are neither an out nor a neighbour of ours. Only named, never opened for reading. */
function listDiscarded(root: number, { folder, outs, neighbours }: Scratch, discarded: string[]): void {
  const prefix = folder === '.' ? '' : `${folder}/`
  const known = new Set([...outs, ...neighbours.map(({ name }) => prefix + name)])
  for (const entry of readdirSync(`/proc/self/fd/${root}`, { encoding: 'buffer', withFileTypes: true })) {
    const path = prefix + entry.name.toString('utf8')
    if (!known.has(path) && discarded.length < maxDiscarded) discarded.push(entry.isDirectory() ? `${path}/` : path)
  }
}
