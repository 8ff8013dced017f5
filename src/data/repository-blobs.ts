/** The bytes of a commit: as they are, by SHA-256, into a store, as one digest over all. */
import { type Content, comparePaths, digestOfJson, isSha256, type Sha256 } from '../core/index.ts'
import type { DigestFilesOptions } from './digest-files.fs.ts'
import { type BlobMemory, type KnownBlob, openBlobMemory, refuseOtherType } from './git-blob-memory.ts'
import type { ReadObjects } from './git-tree.ts'
import type { GitOid, LfsPointer, Repository, TreeEntry } from './repository.ts'
import type { StatCache } from './stat-cache.sqlite.ts'

type FileEntry = Extract<TreeEntry, { kind: 'file' }>
type Blobs = Pick<Repository, 'readBlob' | 'readBlobs' | 'blobDigests' | 'storeBlobs' | 'treeDigest' | 'lfsPointers'> &
  Readonly<{ pointersAmong(entries: readonly FileEntry[]): Promise<ReadonlyMap<GitOid, LfsPointer>> }>

export function repositoryBlobs(
  { tree, treeOid, ownTree }: Pick<Repository, 'tree' | 'treeOid'> & Readonly<{ ownTree: Repository['tree'] }>,
  read: ReadObjects,
  { cache, rehash }: DigestFilesOptions,
): Blobs {
  const remembered = rehash === true ? undefined : cache
  const memory = openBlobMemory(read, remembered, () => new Set(blobsOf(tree.values())))
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
      const known = await memory.of(blobsOf(files.values()))
      return new Map([...files].map(([path, { blob }]) => [path, found(known, blob).digest]))
    },
    storeBlobs: (paths, store) => putBlobs(filesAt(paths), { read, store, memory }),
    treeDigest: () =>
      treeOid === undefined
        ? Promise.resolve(undefined)
        : rememberedDigest(ownTree, treeOid, { memory, cache: remembered }),
    pointersAmong: async (entries) => pointersIn(await memory.of(blobsOf(entries)), entries),
    lfsPointers: async () => {
      const files = filesAt(tree.keys())
      const pointers = pointersIn(await memory.of(blobsOf(files.values())), [...files.values()])
      return new Map(
        [...files].flatMap(([path, { blob }]) => {
          const pointer = pointers.get(blob)
          return pointer === undefined ? [] : [[path, pointer] as const]
        }),
      )
    },
  }
}

function blobsOf(entries: Iterable<TreeEntry>): readonly GitOid[] {
  return [...entries].flatMap((entry) => (entry.kind === 'submodule' ? [] : [entry.blob]))
}

async function readAll(read: ReadObjects, oids: Iterable<GitOid>): Promise<ReadonlyMap<GitOid, Buffer>> {
  const blobs = new Map<GitOid, Buffer>()
  for await (const object of read([...new Set(oids)])) {
    refuseOtherType(object)
    blobs.set(object.oid, object.bytes)
  }
  return blobs
}

function pointersIn(
  known: ReadonlyMap<GitOid, KnownBlob>,
  entries: readonly FileEntry[],
): ReadonlyMap<GitOid, LfsPointer> {
  const pointers = new Map<GitOid, LfsPointer>()
  for (const { blob } of entries) {
    const { pointer } = found(known, blob)
    if (pointer !== undefined) pointers.set(blob, pointer)
  }
  return pointers
}

async function putBlobs(
  files: ReadonlyMap<string, FileEntry>,
  {
    read,
    store,
    memory,
  }: Readonly<{ read: ReadObjects; store: Parameters<Repository['storeBlobs']>[1]; memory: BlobMemory }>,
): Promise<ReadonlyMap<string, Content>> {
  using batch = store.batch()
  const wanted = new Set(blobsOf(files.values()))
  const digests = new Map<GitOid, Sha256>()
  for (const blob of wanted) {
    const digest = memory.peek(blob)?.digest
    if (digest !== undefined && store.keep(digest)) digests.set(blob, digest)
  }
  for await (const object of read([...wanted].filter((blob) => !digests.has(blob)))) {
    refuseOtherType(object)
    digests.set(object.oid, memory.add(object, batch.addBytes(object.bytes)).digest)
  }
  await batch.commit()
  memory.save()
  return new Map(
    [...files].map(([path, { blob, mode, sizeBytes }]) => [
      path,
      { kind: 'file', digest: found(digests, blob), sizeBytes, executable: mode === '100755' },
    ]),
  )
}

/** What a tree's files are follows from its name. */
async function rememberedDigest(
  tree: ReadonlyMap<string, TreeEntry>,
  treeOid: GitOid,
  { memory, cache }: Readonly<{ memory: BlobMemory; cache: StatCache | undefined }>,
): Promise<Sha256> {
  const slot = 'git-tree-digest'
  const [knownTree, known] = cache?.fact(slot)?.split(' ') ?? []
  if (knownTree === treeOid && isSha256(known)) return known
  const digest = await digestTree(tree, memory)
  cache?.recordFact(slot, `${treeOid} ${digest}`)
  return digest
}

/** Files and links by their bytes, submodules by their commit. */
async function digestTree(tree: ReadonlyMap<string, TreeEntry>, memory: BlobMemory): Promise<Sha256> {
  const entries = [...tree].sort(([left], [right]) => comparePaths(left, right))
  const known = await memory.of(blobsOf(tree.values()))
  return digestOfJson(
    entries.map(([path, entry]) => [
      path,
      entry.mode,
      entry.kind === 'submodule' ? `gitCommit:${entry.commit}` : found(known, entry.blob).digest,
    ]),
  )
}

function found<Value>(known: ReadonlyMap<GitOid, Value>, blob: GitOid): Value {
  const value = known.get(blob)
  if (value === undefined) throw new Error(`the blob ${blob} was not read`)
  return value
}
