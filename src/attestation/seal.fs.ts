/**
 * The user's secret that seals what assay remembers in a project: 32 random bytes, `seal.key` in the configuration
 * folder. It signs nothing; losing it costs a re-hash. DECISION 0019.
 */
import { randomBytes } from 'node:crypto'
import { existsSync, linkSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { isDomainError } from '../core/index.ts'
import { readSecretFile, refuseExposedFolder } from './key-file.fs.ts'
import { keyFolderOutside } from './key-home.fs.ts'
import type { KeyEnvironment } from './key-home.ts'

const sealBytes = 32

/**
 * The secret, made when there is none yet.
 *
 * @param projectRoot absolute; THREAT: a folder inside it may be part of the checkout
 * @returns bytes of this moment where the user has no folder for secrets: then nothing is remembered for long
 */
export function loadSeal(environment: KeyEnvironment, projectRoot: string): Uint8Array {
  try {
    const folder = keyFolderOutside(environment, projectRoot)
    const file = join(folder, 'seal.key')
    if (!existsSync(file)) makeSeal(folder, file)
    refuseExposedFolder(folder)
    const seal = readSecretFile(file)
    return seal.length === sealBytes ? seal : randomBytes(sealBytes)
  } catch (error) {
    if (!isDomainError(error) && !(error instanceof Error && 'code' in error)) throw error
    return randomBytes(sealBytes) // INVARIANT: without a secret of the user nothing that lies in a project is believed.
  }
}

/** Of two processes that make one at once, both take that of the first. */
function makeSeal(folder: string, file: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const own = `${file}.${process.pid}.tmp`
  writeFileSync(own, randomBytes(sealBytes), { mode: 0o600, flag: 'wx' })
  try {
    linkSync(own, file)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
  } finally {
    rmSync(own, { force: true })
  }
}
