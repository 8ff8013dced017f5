/** Which data the triggers of a stamped table were suspected in, and whether that is still the data. Pure. */
import { type Digest, DomainError, isDigest } from '../core/index.ts'
import type { ListedSource } from './project.ts'

/** How the inventory names where a stamped table comes from: `stamped:ID@DIGEST`, the data that is suspected. */
export function stampedOrigin(id: string, digest: Digest): string {
  return `stamped:${id}@${digest}`
}

export function isStamped(origin: string): boolean {
  return readOrigin(origin) !== undefined
}

function readOrigin(origin: string): Readonly<{ id: string; digest: Digest }> | undefined {
  const [, id, digest] = /^stamped:([a-z0-9-]+)@(.+)$/.exec(origin) ?? []
  return id === undefined || digest === undefined || !isDigest(digest) ? undefined : { id, digest }
}

/**
 * THREAT: new poison with the stamps of the data before it: the model would be asked about other triggers.
 *
 * @throws ERR_DATA_STAMPS_STALE
 */
export function refuseStaleStamps(path: string, origin: string, sources: ReadonlyMap<string, ListedSource>): void {
  const from = readOrigin(origin)
  if (from === undefined || sources.get(from.id)?.source.digest === from.digest) return
  throw new DomainError(
    'ERR_DATA_STAMPS_STALE',
    `\`${path}\` holds triggers that were suspected in other bytes than \`${from.id}\` has now`,
    { details: { path, source: from.id } },
  )
}
