/** The lock formats that can be built, as one list: a new format is a new line here. */
import { DomainError } from '../../core/index.ts'
import type { LockAdapter, LockChoice, LockedArtefacts } from './lock.ts'
import { pipfileLock } from './pipfile-lock.ts'
import { poetryLock } from './poetry-lock.ts'
import { pylock } from './pylock.ts'
import { requirementsLock } from './requirements-lock.ts'
import { uvLock } from './uv-lock.ts'

export const lockAdapters: readonly LockAdapter[] = [requirementsLock, pylock, uvLock, poetryLock, pipfileLock]

export const mainPackages: LockChoice = { extras: [], groups: [] }

/**
 * Parses a lock by the adapter of its file name.
 *
 * @throws ERR_ENV_UNSUPPORTED when no adapter knows the name; else what the adapter throws
 */
export function parseLock(
  path: string,
  bytes: Uint8Array,
  {
    adapters = lockAdapters,
    choice = mainPackages,
  }: Readonly<{ adapters?: readonly LockAdapter[]; choice?: LockChoice }> = {},
): LockedArtefacts {
  const fileName = path.slice(path.lastIndexOf('/') + 1)
  const adapter = adapters.find((candidate) => candidate.matches(fileName))
  if (adapter !== undefined) return adapter.parse(bytes, path, choice)
  throw new DomainError('ERR_ENV_UNSUPPORTED', `\`${path}\` is not a lock of a format that this version can build`, {
    help: `use ${adapters.map(({ format }) => format).join(' or ')}`,
  })
}
