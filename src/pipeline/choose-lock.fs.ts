/**
 * The lock that `init` takes from a repository, and why it takes none of the others.
 *
 * Nothing is fetched and no package is started: each lock is read, and held against the interpreter of this machine.
 */
import { mkdirSync } from 'node:fs'
import { homedir } from 'node:os'
import { examineLock, maxPackageLockBytes, runInBox } from '../compute/index.ts'
import { DomainError, isDomainError } from '../core/index.ts'
import { readProjectFile } from './project-file.fs.ts'

/** `help` says what would make it usable. */
export type PassedOver = Readonly<{ path: string; because: string; help?: string }>
export type ChosenLock = Readonly<{ lock?: string; passedOver: readonly PassedOver[] }>

type Machine = Readonly<{ environment: Readonly<Record<string, string | undefined>>; signal?: AbortSignal }>

/** In the order in which they are preferred: what was made for installing comes before what was made for developing. */
const lockNames = ['requirements.lock', 'requirements.txt', 'pylock.toml', 'uv.lock', 'poetry.lock', 'Pipfile.lock']

/** @param folders where the sandbox works; made when they are not there */
export async function chooseLock(
  root: string,
  caller: Machine,
  folders: Readonly<{ cacheFolder: string; workFolder: string }>,
): Promise<ChosenLock> {
  const passedOver: PassedOver[] = []
  for (const path of lockNames) {
    const lockBytes = readProjectFile(root, path, maxPackageLockBytes)
    if (lockBytes === undefined) continue
    const fault = await faultOf({ kind: 'python', lock: path, lockBytes }, caller, { ...folders, root })
    if (fault === undefined) return { lock: path, passedOver }
    passedOver.push(fault)
  }
  return { passedOver }
}

async function faultOf(
  definition: Parameters<typeof examineLock>[0]['definition'],
  { environment, signal }: Machine,
  { root, cacheFolder, workFolder }: Readonly<{ root: string; cacheFolder: string; workFolder: string }>,
): Promise<PassedOver | undefined> {
  const { lock: path, lockBytes } = definition
  if (path === 'requirements.txt' && !Buffer.from(lockBytes).includes('--hash=')) {
    return {
      path,
      because: 'it pins no hashes',
      help: 'lock it, and name the lock in assay.yaml: assay env lock --yes',
    }
  }
  mkdirSync(cacheFolder, { recursive: true })
  try {
    await examineLock({
      definition,
      caller: { environment: { HOME: homedir(), ...environment }, workingFolder: root },
      cacheFolder,
      workFolder,
      runInBox,
      signal: signal ?? new AbortController().signal,
    })
    return undefined
  } catch (error) {
    if (!(error instanceof DomainError)) throw error
    // INVARIANT: a machine that cannot isolate, or has no Python, says nothing against a lock that could be read.
    const isOfMachine = isDomainError(error, 'ERR_SANDBOX_UNAVAILABLE', 'ERR_ENV_INTERPRETER')
    return isOfMachine && error.details['file'] !== path
      ? undefined
      : { path, because: error.message, help: error.help }
  }
}
