/**
 * What a lock file says, in one shape for every format: the port of lock formats.
 *
 * A format is an adapter in the list of `locks.ts`. An adapter only parses: which requirements apply to an interpreter,
 * which wheel is taken and whether the bytes are right is decided later, the same way for all.
 */
import type { Sha256 } from '../../core/index.ts'
import type { Marker } from './marker.ts'

/** One pinned project. `sha256` holds every digest that the lock allows for it: wheels of other platforms too. */
export type LockedRequirement = Readonly<{
  /** Normalised as PEP 503 says: lower case, runs of `-_.` are one `-`. */
  name: string
  /** As the lock writes it; compared as PEP 440 says. */
  version: string
  extras: readonly string[]
  marker?: Marker
  sha256: readonly Sha256[]
  /** 1-based line in the lock, for messages. */
  line: number
}>

export type LockedArtefacts = Readonly<{
  requirements: readonly LockedRequirement[]
  /** Indexes that the lock names, in order: asked beside the caller's own. Without credentials. */
  indexes: readonly string[]
  /** Options of the lock that change nothing here, as written; recorded. */
  options: readonly string[]
}>

export type LockAdapter = Readonly<{
  format: string
  /** @param fileName the last name of the lock's path */
  matches(fileName: string): boolean
  /**
   * Trust: `bytes` are attacker-controlled; `path` is for messages.
   *
   * @throws ERR_ENV_LOCK_INVALID, ERR_ENV_HASH_MISSING, ERR_ENV_UNPINNED with `path:line`
   */
  parse(bytes: Uint8Array, path: string): LockedArtefacts
}>

/** PEP 503: the one spelling of a project's name. */
export function normaliseName(name: string): string {
  return name.toLowerCase().replace(/[-_.]+/g, '-')
}
