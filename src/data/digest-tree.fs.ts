/**
 * A file or folder of the workspace, by content; on its way into the store, or not.
 *
 * What is digested is what was read: a file that changes meanwhile is a refusal, never a mixture. LIMIT: a folder is
 * read file by file, so that files that come or go while it is read are seen or not; what is ingested is exactly what
 * its digest says all the same. Empty folders have no part in `dirHash1`.
 */
import { type Content, DomainError, folderOf, isSha256, type Md5, oneLine, type Sha256 } from '../core/index.ts'
import { type DigestFilesOptions, digestFiles } from './digest-files.fs.ts'
import type { HashJob, HashOutcome } from './hash-file.fs.ts'
import { discardStaged } from './hash-files.fs.ts'
import { withIoFaults } from './io-fault.ts'
import { stagedBatch } from './object-batch.fs.ts'
import type { ObjectStore } from './object-store.ts'
import { type PlainFile, type PlainTree, walkPlain } from './walk-plain.fs.ts'

export type DigestPathOptions = DigestFilesOptions &
  Readonly<{
    /** How errors call the path, such as its project path; the path itself when left out. */
    name?: string
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
    const tree = walkPlain(path, { ...options, name: options.name ?? path })
    const outcomes = await digestFiles(tree.files, { scheme: 'sha256' }, options)
    return contentOf(tree, outcomes, options.name ?? path)
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
    const tree = walkPlain(path, { ...options, name: options.name ?? path })
    const job: HashJob = { scheme: 'sha256', storeRoot: store.root, md5: store.md5Memory !== undefined }
    const outcomes = await digestFiles(tree.files, job, options)
    const content = orDiscard(outcomes, () => contentOf(tree, outcomes, options.name ?? path))
    await putStaged(store.root, outcomes)
    store.md5Memory?.recordMd5s(md5sIn(outcomes))
    return content
  })
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

function contentOf({ kind, files }: PlainTree, outcomes: readonly HashOutcome[], name: string): Content {
  const entries = files.map((file, index) => {
    const { digest, sizeBytes, executable } = readOutcome(file, outcomes[index], name)
    return { path: file.inner, digest, sizeBytes, executable }
  })
  if (kind === 'folder') return folderOf(entries)
  const [only] = entries
  if (only === undefined) throw new Error('a single file gave no outcome')
  const { digest, sizeBytes, executable } = only
  return { kind: 'file', digest, sizeBytes, executable }
}

function readOutcome(
  { inner, stat }: PlainFile,
  outcome: HashOutcome | undefined,
  name: string,
): Readonly<{ digest: Sha256; sizeBytes: number; executable: boolean }> {
  const shown = oneLine(inner === '.' ? name : `${name}/${inner}`).slice(0, 1000)
  if (outcome?.kind === 'hashed' && isSha256(outcome.digest) && outcome.stat === stat) {
    return { digest: outcome.digest, sizeBytes: outcome.sizeBytes, executable: outcome.executable }
  }
  if (outcome?.kind === 'not-plain') {
    throw new DomainError('ERR_DATA_NOT_PLAIN', `\`${shown}\` is no longer a regular file`, {
      details: { path: shown },
    })
  }
  throw new DomainError('ERR_DATA_CHANGED', `\`${shown}\` changed while it was being read`, {
    details: { path: shown },
  })
}
