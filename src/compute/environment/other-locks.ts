/** Locks of npm and conda, as a whole: to count and to compare them, without an interpreter and without building. */
import { condaPlatform, parseCondaLock } from './conda-lock.ts'
import { isPackageLock, parsePackageLock, parseWorkspaceLinks } from './package-lock.ts'

export type OtherLock = Readonly<{
  kind: 'node' | 'conda'
  packages: readonly Readonly<{ name: string; version: string; digest: string }>[]
}>

/** Names under which a lock of conda is looked for; any name will do where it is named. */
export const condaLockNames = ['conda-lock.yml', 'conda-lock.yaml', 'conda-linux-64.lock', 'conda-linux-aarch64.lock']

/**
 * What a lock of npm or conda pins for this machine beside `dev`, or undefined when it is of another tool.
 *
 * @param name what tells the tool: its own name, or what such a file is usually called
 * @throws ERR_ENV_LOCK_INVALID, ERR_ENV_HASH_MISSING, ERR_ENV_UNPINNED, ERR_ENV_PLATFORM, ERR_ENV_NO_WHEEL
 */
export function readOtherLock(
  path: string,
  bytes: Uint8Array,
  name = path.slice(path.lastIndexOf('/') + 1),
): OtherLock | undefined {
  const choice = { extras: [], groups: [] }
  if (isPackageLock(name)) {
    const platform = { os: process.platform, cpu: process.arch, libc: 'glibc' } as const
    parseWorkspaceLinks(bytes, path, choice) // refused now, and not when it is built
    const packages = parsePackageLock(bytes, path, { choice, platform })
    return {
      kind: 'node',
      packages: packages.map((one) => ({ ...one, digest: `${one.integrity.algorithm}:${one.integrity.hex}` })),
    }
  }
  const isOfConda = /conda-lock\.ya?ml$/.test(name) || Buffer.from(bytes).includes('\n@EXPLICIT')
  const platform = condaPlatform()
  if (!isOfConda || platform === undefined) return undefined
  const packages = parseCondaLock(bytes, path, { choice, platform }).map((one) => ({ ...one, digest: one.sha256 }))
  return { kind: 'conda', packages }
}
