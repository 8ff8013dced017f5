/**
 * The user's secret that seals what assay remembers in a project: 32 random bytes, `seal.key` in the configuration
 * folder. It signs nothing; losing it costs a re-hash. DECISION 0019.
 */
import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { isDomainError } from '../core/index.ts'
import { readSecretFile, refuseExposedFolder } from './key-file.fs.ts'
import { keyFolderOutside } from './key-home.fs.ts'
import type { KeyEnvironment } from './key-home.ts'
import { makeSecret, secretBytes } from './secret-file.fs.ts'

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
    if (!existsSync(file)) makeSecret(file)
    refuseExposedFolder(folder)
    const seal = readSecretFile(file)
    return seal.length === secretBytes ? seal : randomBytes(secretBytes)
  } catch (error) {
    if (!isDomainError(error) && !(error instanceof Error && 'code' in error)) throw error
    return randomBytes(secretBytes) // INVARIANT: without a secret of the user nothing that lies in a project is believed.
  }
}
