/**
 * A file or folder of the workspace, by content; on its way into the store, or not.
 *
 * What is digested is what was read: a file that changes meanwhile is a refusal, never a mixture. LIMIT: a folder is
 * read file by file, so that files that come or go while it is read are seen or not; what is ingested is exactly what
 * its digest says all the same. Empty folders have no part in `dirHash1`.
 */
import {
  type Content,
  DomainError,
  type FileEntry,
  folderOf,
  isSha256,
  type Md5,
  oneLine,
  type Sha256,
} from '../core/index.ts'
import { type DigestFilesOptions, digestFiles } from './digest-files.fs.ts'
import type { HashJob, HashOutcome } from './hash-file.fs.ts'
import { discardStaged } from './hash-files.fs.ts'
import { withIoFaults } from './io-fault.ts'
import { stagedBatch } from './object-batch.fs.ts'
import type { ObjectStore } from './object-store.ts'
import { type PlainFile, type PlainTree, plainFiles, walkPlain } from './walk-plain.fs.ts'

export type DigestPathOptions = DigestFilesOptions &
  Readonly<{
    /** How errors call the path, such as its project path; the path itself when left out. */
    name?: string
    /** What lies there, where the caller has just walked it. */
    found?: PlainTree['files']
    /** An absolute folder above the path: no folder between the two may be a link. */
    within?: string
  }>

/**
 * Digests what lies at an absolute path.
 *
 * @throws ERR_DATA_MISSING, ERR_DATA_NOT_PLAIN, ERR_DATA_CHANGED, ERR_DATA_STAT_CACHE_WRONG, ERR_IO
 */
export function digestPath(path: string, options: DigestPathOptions = {}): Promise<Content> {
  return withIoFaults(path, async () => {
    const { files, outcomes } = await digestFound(path, { scheme: 'sha256' }, options)
    return contentOf(files, outcomes, options.name ?? path)
  })
}

/** What lies at an absolute path: its files as they were found, and what they are by content. */
export type Seen = Readonly<{ path: string; tree: PlainTree; content: Content }>

/** As `digestPath`; whoever goes on to look into the files need not look for them again. */
export function seePath(path: string, options: DigestPathOptions = {}): Promise<Seen> {
  return withIoFaults(path, async () => {
    const { name = path, within } = options
    const tree = walkPlain(path, { name, ...(within === undefined ? {} : { within }) })
    return { path, tree, content: await digestPath(path, { ...options, found: tree.files }) }
  })
}

/**
 * As `digestPath`, and puts every file into the store, each read once.
 *
 * A remembered file whose object is in the store is not read; `store.verify` re-hashes objects.
 *
 * @throws ERR_DISK_FULL too; nothing is put then
 */
export function ingestPath(
  path: string,
  store: Pick<ObjectStore, 'root' | 'md5Memory'>,
  options: DigestPathOptions = {},
): Promise<Content> {
  return withIoFaults(path, async () => {
    const job: HashJob = { scheme: 'sha256', storeRoot: store.root, md5: store.md5Memory !== undefined }
    const { files, outcomes } = await digestFound(path, job, options)
    const content = orDiscard(outcomes, () => contentOf(files, outcomes, options.name ?? path))
    await putStaged(store.root, outcomes)
    store.md5Memory?.recordMd5s(md5sIn(outcomes))
    return content
  })
}

/** Files are read while others are still looked for. */
async function digestFound(
  path: string,
  job: HashJob,
  options: DigestPathOptions,
): Promise<Readonly<{ files: readonly PlainFile[]; outcomes: readonly HashOutcome[] }>> {
  if (options.found !== undefined) {
    return { outcomes: await digestFiles(options.found, job, options), files: options.found }
  }
  const files: PlainFile[] = []
  const found = function* (): Generator<PlainFile> {
    for (const file of plainFiles(path, { ...options, name: options.name ?? path })) {
      files.push(file)
      yield file
    }
  }
  return { outcomes: await digestFiles(found(), job, options), files }
}

function orDiscard<T>(outcomes: readonly HashOutcome[], work: () => T): T {
  try {
    return work()
  } catch (error) {
    discardStaged(outcomes)
    throw error
  }
}

function md5sIn(outcomes: readonly HashOutcome[]): ReadonlyMap<Sha256, Md5> {
  const found = new Map<Sha256, Md5>()
  for (const outcome of outcomes) {
    if (outcome.kind !== 'hashed' || outcome.md5 === undefined || !isSha256(outcome.digest)) continue
    found.set(outcome.digest, outcome.md5)
  }
  return found
}

async function putStaged(root: string, outcomes: readonly HashOutcome[]): Promise<void> {
  using batch = stagedBatch(root)
  for (const outcome of outcomes) {
    if (outcome.kind !== 'hashed' || outcome.temp === undefined || !isSha256(outcome.digest)) continue
    batch.add({ digest: outcome.digest, sizeBytes: outcome.sizeBytes, temp: outcome.temp })
  }
  await batch.commit()
}

function contentOf(files: readonly PlainFile[], outcomes: readonly HashOutcome[], name: string): Content {
  const entries = files.map((file, index) => entryOf(file, outcomes[index], name))
  const [only] = entries
  if (only?.path !== '.') return folderOf(entries)
  const { digest, sizeBytes, executable } = only
  return { kind: 'file', digest, sizeBytes, executable }
}

/** By its algorithm: it was made here, or stands under our seal. */
function isNamed(digest: string): digest is Sha256 {
  return digest.startsWith('sha256:') && digest.length === 'sha256:'.length + 64
}

function entryOf({ inner }: PlainFile, outcome: HashOutcome | undefined, name: string): FileEntry {
  if (outcome?.kind === 'hashed' && isNamed(outcome.digest)) {
    return { path: inner, digest: outcome.digest, sizeBytes: outcome.sizeBytes, executable: outcome.executable }
  }
  const path = oneLine(inner === '.' ? name : `${name}/${inner}`).slice(0, 1000)
  if (outcome?.kind === 'not-plain') {
    throw new DomainError('ERR_DATA_NOT_PLAIN', `\`${path}\` is no longer a regular file`, { details: { path } })
  }
  throw new DomainError('ERR_DATA_CHANGED', `\`${path}\` changed while it was being read`, { details: { path } })
}
