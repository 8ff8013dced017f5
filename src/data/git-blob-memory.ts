/**
 * What is known of the blobs of a commit: the SHA-256 of their bytes, and where those that are Git LFS pointers point.
 *
 * It follows from a blob's name, so that after a new commit only the blobs that are new are read. Pure but for the reader
 * and the memory that it is given.
 */
import { DomainError, type Sha256, sha256Of } from '../core/index.ts'
import { type GitObject, parseLfsPointer } from './git-objects.ts'
import type { ReadObjects } from './git-tree.ts'
import type { GitOid, LfsPointer } from './repository.ts'
import { jsonFact, type StatCache } from './stat-cache.sqlite.ts'

export type KnownBlob = Readonly<{ digest: Sha256; pointer?: LfsPointer }>

export type BlobMemory = Readonly<{
  /** At least these blobs; those that are not known are read, through one process. @throws ERR_GIT_CORRUPT */
  of(blobs: Iterable<GitOid>): Promise<ReadonlyMap<GitOid, KnownBlob>>
  peek(blob: GitOid): KnownBlob | undefined
  /** An object that was read for another reason, with the digest of its bytes. */
  add(object: GitObject, digest: Sha256): KnownBlob
  save(): void
}>

const slot = 'git-blobs'

/** @param kept blobs worth remembering: those of the commit */
export function openBlobMemory(read: ReadObjects, cache: StatCache | undefined, kept: () => Set<GitOid>): BlobMemory {
  const known = recall(cache)
  let isSaved = true
  let before: Promise<unknown> = Promise.resolve()
  const add = (object: GitObject, digest: Sha256): KnownBlob => {
    refuseOtherType(object)
    const pointer = parseLfsPointer(object.bytes)
    const found = pointer === undefined ? { digest } : { digest, pointer }
    known.set(object.oid, found)
    isSaved = false
    return found
  }
  const save = (): void => {
    if (isSaved) return
    isSaved = true
    const ofCommit = kept()
    cache?.recordFact(slot, printKnown([...known].filter(([blob]) => ofCommit.has(blob))))
  }
  const readUnknown = async (blobs: Iterable<GitOid>): Promise<ReadonlyMap<GitOid, KnownBlob>> => {
    const unknown = [...new Set(blobs)].filter((blob) => !known.has(blob))
    for await (const object of read(unknown)) add(object, sha256Of(object.bytes))
    save()
    return known
  }
  return {
    // One question after the other: what the first one read is known to the second.
    of: (blobs) => {
      const answer = before.then(() => readUnknown(blobs))
      before = answer.catch(() => undefined)
      return answer
    },
    peek: (blob) => known.get(blob),
    add,
    save,
  }
}

export function refuseOtherType({ oid, type }: Readonly<{ oid: GitOid; type: string }>): void {
  if (type !== 'blob') throw new DomainError('ERR_GIT_CORRUPT', `${oid} stands for a file and is a ${type}`)
}

function printKnown(known: readonly (readonly [GitOid, KnownBlob])[]): string {
  return JSON.stringify(known.map(([blob, { digest, pointer }]) => [blob, digest, ...(pointer ? [pointer] : [])]))
}

/** Empty when nothing is remembered: the blobs are read again. */
function recall(cache: StatCache | undefined): Map<GitOid, KnownBlob> {
  const rows = (jsonFact(cache, slot) ?? []) as readonly (readonly [GitOid, Sha256, LfsPointer?])[] // our own text
  return new Map(
    rows.map(([blob, digest, pointer]) => [blob, pointer === undefined ? { digest } : { digest, pointer }]),
  )
}
