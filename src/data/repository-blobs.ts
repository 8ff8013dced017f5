/** The bytes of a commit: as they are, by SHA-256, into a store, as one digest over all. */
import {
  type Content,
  comparePaths,
  DomainError,
  digestOfJson,
  isSha256,
  type Sha256,
  sha256Of,
} from '../core/index.ts'
import type { DigestFilesOptions } from './digest-files.fs.ts'
import { maxPointerBytes, parseLfsPointer } from './git-objects.ts'
import type { ReadObjects } from './git-tree.ts'
import type { GitOid, LfsPointer, Repository, TreeEntry } from './repository.ts'
import type { StatCache } from './stat-cache.sqlite.ts'

type FileEntry = Extract<TreeEntry, { kind: 'file' }>
type Blobs = Pick<Repository, 'readBlob' | 'readBlobs' | 'blobDigests' | 'storeBlobs' | 'treeDigest' | 'lfsPointers'> &
  Readonly<{ pointersAmong(entries: readonly FileEntry[]): Promise<ReadonlyMap<GitOid, LfsPointer>> }>

export function repositoryBlobs(
  { tree, treeOid }: Pick<Repository, 'tree' | 'treeOid'>,
  read: ReadObjects,
  { cache, rehash }: DigestFilesOptions,
): Blobs {
  const remembered = rehash === true ? undefined : cache
  const digests = knownDigests(treeOid, read, remembered)
  const readBlobs = (oids: Iterable<GitOid>): Promise<ReadonlyMap<GitOid, Buffer>> => readAll(read, oids)
  const filesAt = (paths: Iterable<string>): ReadonlyMap<string, FileEntry> => {
    const files = new Map<string, FileEntry>()
    for (const path of paths) {
      const entry = tree.get(path)
      if (entry?.kind === 'file') files.set(path, entry)
    }
    return files
  }
  return {
    readBlobs,
    async readBlob(blob) {
      const bytes = (await readBlobs([blob])).get(blob)
      if (bytes === undefined) throw new Error('a reader ended without the blob that it was asked for')
      return bytes
    },
    async blobDigests(paths) {
      const files = filesAt(paths)
      const known = await digests.of([...files.values()].map(({ blob }) => blob))
      return new Map([...files].map(([path, { blob }]) => [path, found(known, blob)]))
    },
    storeBlobs: (paths, store) => putBlobs(filesAt(paths), { read, store, digests }),
    treeDigest: () => (treeOid === undefined ? Promise.resolve(undefined) : digestTree(tree, digests)),
    pointersAmong: (entries) => readPointers(entries, readBlobs),
    lfsPointers: () => listPointers(filesAt(tree.keys()), readBlobs, { treeOid, cache: remembered }),
  }
}

/** Remembered by tree: without a memory every small file of the commit is read. */
async function listPointers(
  files: ReadonlyMap<string, FileEntry>,
  readBlobs: Repository['readBlobs'],
  { treeOid, cache }: Readonly<{ treeOid: GitOid | undefined; cache: StatCache | undefined }>,
): Promise<ReadonlyMap<string, LfsPointer>> {
  const key = `git-lfs:${treeOid}`
  const known = parseBlobList(cache?.fact(key))
  const entries = [...files.values()].filter(({ blob }) => known?.has(blob) ?? true)
  const pointers = await readPointers(entries, readBlobs)
  if (known === undefined) cache?.recordFact(key, JSON.stringify([...pointers.keys()]))
  return new Map(
    [...files].flatMap(([path, { blob }]) => {
      const pointer = pointers.get(blob)
      return pointer === undefined ? [] : [[path, pointer] as const]
    }),
  )
}

/** Undefined when nothing, or nothing legible, is remembered. */
function parseBlobList(text: string | undefined): ReadonlySet<GitOid> | undefined {
  const list = parseList(text)
  return list?.every((blob) => typeof blob === 'string') === true ? new Set(list) : undefined
}

function parseList(text: string | undefined): readonly unknown[] | undefined {
  try {
    const list: unknown = text === undefined ? undefined : JSON.parse(text)
    return Array.isArray(list) ? list : undefined
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    return undefined // what cannot be read is not known: the blobs are read again
  }
}

async function readAll(read: ReadObjects, oids: Iterable<GitOid>): Promise<ReadonlyMap<GitOid, Buffer>> {
  const blobs = new Map<GitOid, Buffer>()
  for await (const object of read([...new Set(oids)])) {
    refuseOtherType(object)
    blobs.set(object.oid, object.bytes)
  }
  return blobs
}

function refuseOtherType({ oid, type }: Readonly<{ oid: GitOid; type: string }>): void {
  if (type !== 'blob') throw new DomainError('ERR_GIT_CORRUPT', `${oid} stands for a file and is a ${type}`)
}

async function readPointers(
  entries: readonly FileEntry[],
  readBlobs: Repository['readBlobs'],
): Promise<ReadonlyMap<GitOid, LfsPointer>> {
  const small = entries.filter(({ sizeBytes }) => sizeBytes <= maxPointerBytes).map(({ blob }) => blob)
  const pointers = new Map<GitOid, LfsPointer>()
  for (const [blob, bytes] of await readBlobs(small)) {
    const pointer = parseLfsPointer(bytes)
    if (pointer !== undefined) pointers.set(blob, pointer)
  }
  return pointers
}

type KnownDigests = Readonly<{
  /** SHA-256 of at least these blobs. */
  of(blobs: readonly GitOid[]): Promise<ReadonlyMap<GitOid, Sha256>>
  peek(blob: GitOid): Sha256 | undefined
  add(blob: GitOid, digest: Sha256): void
  save(): void
}>

/** Remembered by tree, since a tree's name fixes the names of its blobs. */
function knownDigests(treeOid: GitOid | undefined, read: ReadObjects, cache: StatCache | undefined): KnownDigests {
  const key = `git-blobs:${treeOid}`
  const known = parseKnown(cache?.fact(key))
  let saved = known.size
  const save = (): void => {
    if (known.size === saved) return
    saved = known.size
    cache?.recordFact(key, JSON.stringify([...known]))
  }
  return {
    peek: (blob) => known.get(blob),
    add: (blob, digest) => void known.set(blob, digest),
    save,
    async of(blobs) {
      const unknown = [...new Set(blobs)].filter((blob) => !known.has(blob))
      for await (const object of read(unknown)) {
        refuseOtherType(object)
        known.set(object.oid, sha256Of(object.bytes))
      }
      save()
      return known
    },
  }
}

function parseKnown(text: string | undefined): Map<GitOid, Sha256> {
  const known = new Map<GitOid, Sha256>()
  for (const pair of parseList(text) ?? []) {
    const [blob, digest]: readonly unknown[] = Array.isArray(pair) ? pair : []
    if (typeof blob === 'string' && isSha256(digest)) known.set(blob, digest)
  }
  return known
}

async function putBlobs(
  files: ReadonlyMap<string, FileEntry>,
  {
    read,
    store,
    digests,
  }: Readonly<{ read: ReadObjects; store: Parameters<Repository['storeBlobs']>[1]; digests: KnownDigests }>,
): Promise<ReadonlyMap<string, Content>> {
  using batch = store.batch()
  const wanted = new Set([...files.values()].map(({ blob }) => blob))
  const kept = [...wanted].filter((blob) => {
    const digest = digests.peek(blob)
    return digest !== undefined && store.keep(digest)
  })
  for (const blob of kept) wanted.delete(blob)
  for await (const object of read([...wanted])) {
    refuseOtherType(object)
    digests.add(object.oid, batch.addBytes(object.bytes))
  }
  await batch.commit()
  digests.save()
  const known = await digests.of([])
  return new Map(
    [...files].map(([path, { blob, mode, sizeBytes }]) => [
      path,
      { kind: 'file', digest: found(known, blob), sizeBytes, executable: mode === '100755' },
    ]),
  )
}

/** Files and links by their bytes, submodules by their commit. */
async function digestTree(tree: ReadonlyMap<string, TreeEntry>, digests: KnownDigests): Promise<Sha256> {
  const entries = [...tree].sort(([left], [right]) => comparePaths(left, right))
  const blobs = entries.flatMap(([, entry]) => (entry.kind === 'submodule' ? [] : [entry.blob]))
  const known = await digests.of(blobs)
  return digestOfJson(
    entries.map(([path, entry]) => [
      path,
      entry.mode,
      entry.kind === 'submodule' ? `gitCommit:${entry.commit}` : found(known, entry.blob),
    ]),
  )
}

function found(known: ReadonlyMap<GitOid, Sha256>, blob: GitOid): Sha256 {
  const digest = known.get(blob)
  if (digest === undefined) throw new Error(`the blob ${blob} was not digested`)
  return digest
}
