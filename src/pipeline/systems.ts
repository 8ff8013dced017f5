/** The systems that stages stand on: which one is here, and which ones the lock and its commit accept. */
import {
  describeSystem,
  diffSystems,
  type Environment,
  maxSystemBytes,
  type ObservedSystem,
  observeSystem,
  parseSystem,
  printSystem,
  type SystemChange,
  type SystemRecord,
  systemRecord,
} from '../compute/index.ts'
import { isDomainError, type Sha256, sha256Of } from '../core/index.ts'
import type { Repository, StatCache } from '../data/index.ts'
import type { CodeTree } from './code.ts'
import { lockFile } from './lock.fs.ts'
import { parseLock, type Systems } from './lock.ts'
import type { Project } from './project.ts'
import { type SystemPins, unreviewedSystems } from './system-pin.ts'

/** Name, among what an environment was made from, of the record of the system; the record is in the store. */
export const systemMaterial = 'system layer'

export type SeenSystem = Readonly<{
  digest: Sha256
  text: string
  record: SystemRecord
  bytes: Uint8Array
  /** Whether nothing of it has changed since. */
  isUnchanged(): boolean
}>

/** Looks when it is asked, and again as soon as something moved. */
export function openSystems(
  project: Pick<Project, 'statCache'>,
): (environment: Pick<Environment, 'facts'>) => Promise<SeenSystem> {
  let last: Promise<ObservedSystem> | undefined
  return async (environment) => {
    last ??= observeSystem(project.statCache)
    let seen = await last
    if (!seen.isUnchanged()) {
      last = observeSystem(project.statCache)
      seen = await last
    }
    const record = systemRecord(seen.layer, environment)
    const bytes = printSystem(record)
    return { digest: sha256Of(bytes), text: describeSystem(record), record, bytes, isUnchanged: seen.isUnchanged }
  }
}

const none: Systems = new Map()

/** What the commit says is read from its blob, once for each blob. */
export async function pinnedSystems({
  repository,
  code,
  working,
  memory,
}: Readonly<{
  repository: Repository | undefined
  code: CodeTree
  working: Systems
  memory: Pick<StatCache, 'fact' | 'recordFact'>
}>): Promise<SystemPins> {
  const entry = repository?.tree.get(lockFile)
  if (repository === undefined || entry?.kind !== 'file') return { working, committed: none }
  if (code.isCommitted(lockFile)) return { working, committed: working }
  const key = `lock-systems:${entry.blob}`
  const known = memory.fact(key)
  if (known !== undefined) return { working, committed: systemsIn(Buffer.from(known)) }
  const bytes = await repository.readBlob(entry.blob)
  memory.recordFact(key, bytes.toString('utf8'))
  return { working, committed: systemsIn(bytes) }
}

/** A commit whose lock cannot be read says nothing: whoever mends it must be able to run. */
function systemsIn(bytes: Uint8Array): Systems {
  try {
    return parseLock(bytes).systems
  } catch (error) {
    if (isDomainError(error)) return none
    throw error
  }
}

/** The tree with the lock among what is not committed, where it accepts a system on its own. */
export function withUnreviewedSystems(code: CodeTree, pins: SystemPins): CodeTree {
  const names = unreviewedSystems(pins)
  if (names.length === 0) return code
  const because = `accepts a system for ${names.map((name) => `\`${name}\``).join(', ')} that its commit does not`
  return { ...code, dirty: [...code.dirty, { path: lockFile, because }] }
}

/** The record of a system that was run on or accepted before; undefined where it is not in the store. */
export async function recordedSystem(
  { store }: Pick<Project, 'store'>,
  digest: Sha256,
): Promise<SystemRecord | undefined> {
  if (!store.has(digest)) return undefined
  try {
    return parseSystem(await store.read(digest, maxSystemBytes))
  } catch (error) {
    if (isDomainError(error)) return undefined // corrupt, or something else of that digest: what moved is not known
    throw error
  }
}

/** What moved since the accepted system that is most like this one; undefined where the record of none is here. */
export async function movedSince(
  project: Pick<Project, 'store'>,
  accepted: Iterable<Sha256>,
  now: SystemRecord,
): Promise<readonly SystemChange[] | undefined> {
  let least: readonly SystemChange[] | undefined
  for (const digest of accepted) {
    const record = await recordedSystem(project, digest)
    const changes = record === undefined ? undefined : diffSystems(record, now)
    if (changes !== undefined && (least === undefined || changes.length < least.length)) least = changes
  }
  return least
}
