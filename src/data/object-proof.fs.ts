/**
 * Which objects this process has re-hashed, so that a run reads each once however many stages are given it.
 *
 * THREAT: an object with a flipped bit, its old times restored, would reach a stage under an honest digest.
 * LIMIT: known again by inode, size and time of writing: making a link changes the time of change. What is altered during
 * the run by who rules the store is the attacker A17 of the threat model.
 */
import { lstatSync } from 'node:fs'
import { DomainError, type Sha256 } from '../core/index.ts'
import { missingObject, objectPath } from './object-files.fs.ts'
import type { ObjectStore } from './object-store.ts'

export type ProvenObjects = Map<Sha256, string>

/** @throws ERR_STORE_MISSING, ERR_STORE_CORRUPT for the first that does not hold the bytes of its name */
export async function proveObjects(
  { root, verify }: Pick<ObjectStore, 'root' | 'verify'>,
  digests: Iterable<Sha256>,
  proven: ProvenObjects,
): Promise<void> {
  const seen = new Map<Sha256, string>()
  for (const digest of digests) {
    const now = stampOf(objectPath(root, digest))
    if (now === undefined) throw missingObject(digest)
    if (proven.get(digest) !== now) seen.set(digest, now)
  }
  const [first] = await verify(seen.keys())
  if (first !== undefined) {
    throw first.fault === 'missing'
      ? missingObject(first.digest)
      : new DomainError('ERR_STORE_CORRUPT', `the object \`${first.digest}\` does not hold the bytes of its name`)
  }
  for (const [digest, stamp] of seen) proven.set(digest, stamp)
}

function stampOf(path: string): string | undefined {
  const stats = lstatSync(path, { bigint: true, throwIfNoEntry: false })
  return stats?.isFile() === true ? `${stats.ino}.${stats.size}.${stats.mtimeNs}` : undefined
}
