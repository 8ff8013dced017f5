/**
 * What a lock file says, in one shape for every format: the port of lock formats.
 *
 * A format is an adapter in the list of `locks.ts`. An adapter only parses: which requirements apply to an interpreter,
 * which wheel is taken and whether the bytes are right is decided later, the same way for all.
 */
import type { ErrorCode, Sha256 } from '../../core/index.ts'
import type { Marker, MarkerEnvironment, MarkerSets } from './marker.ts'

/** One file that a lock names: what to take is then decided by the lock alone, whatever an index offers. */
export type LockedFile = Readonly<{
  fileName: string
  sha256: Sha256
  /** Absolute http(s) address, where the lock gives one. Untrusted, as every place of bytes. */
  url?: string
}>

/** Why a package cannot be had from this lock; a refusal once the package applies, and not before. */
export type Unprovable = Readonly<{ code: ErrorCode; because: string; help: string }>

/** One pinned project. `sha256` holds every digest that the lock allows for it: wheels of other platforms too. */
export type LockedRequirement = Readonly<{
  /** Normalised as PEP 503 says: lower case, runs of `-_.` are one `-`. */
  name: string
  /** As the lock writes it; compared as PEP 440 says. */
  version: string
  extras: readonly string[]
  marker?: Marker
  sha256: readonly Sha256[]
  /** Where the lock names the files and not the digests alone. */
  files?: readonly LockedFile[]
  unprovable?: Unprovable
  /** Of a group that was not asked for: known, and not installed. */
  isOfOtherGroup?: boolean
  /** 1-based line in the lock, for messages. */
  line: number
}>

/** What of a lock is asked for beside its main packages. Names are normalised as PEP 503 says. */
export type LockChoice = Readonly<{ extras: readonly string[]; groups: readonly string[] }>

export type LockedArtefacts = Readonly<{
  /** All that the lock pins, for every platform, in its order. */
  requirements: readonly LockedRequirement[]
  /** Which of them apply, where markers of the requirements alone do not say: a lock that is a graph. */
  select?(environment: MarkerEnvironment): readonly LockedRequirement[]
  /** What markers about extras and groups are held against; none when left out. */
  sets?: MarkerSets
  /** PEP 440 specifier that the interpreter must meet. */
  requiresPython?: string
  /** Platforms that the lock was made for: one of them must hold. */
  platforms?: readonly Marker[]
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
   * Trust: `bytes` are attacker-controlled; `path` is for messages; `choice` is the project's own.
   *
   * @throws ERR_ENV_LOCK_INVALID, ERR_ENV_HASH_MISSING, ERR_ENV_UNPINNED with `path:line`
   */
  parse(bytes: Uint8Array, path: string, choice: LockChoice): LockedArtefacts
}>

/** PEP 503: the one spelling of a project's name. */
export function normaliseName(name: string): string {
  return name.toLowerCase().replace(/[-_.]+/g, '-')
}
