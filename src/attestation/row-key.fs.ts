/**
 * The key under which rows of confidential data are known in reviews: `rows.key` beside the project's signing key.
 *
 * THREAT: a row of few possible values could be guessed from a plain hash of it by everybody who reads the repository.
 * It signs nothing. Who validates reviewed data needs the same file, and gets it from whoever reviewed; without it
 * nothing that was judged bad is passed. DECISION 0022.
 */
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { DomainError } from '../core/index.ts'
import { readSecretFile, refuseExposedFolder } from './key-file.fs.ts'
import { keyFolderOutside } from './key-home.fs.ts'
import type { KeyEnvironment } from './key-home.ts'
import { makeSecret, secretBytes } from './secret-file.fs.ts'

/** `id` tells keys apart and says nothing of the key; both 64 lower-case hex digits. */
export type RowKey = Readonly<{ id: string; key: string }>

export type RowKeyPlace = Readonly<{ environment: KeyEnvironment; projectRoot: string; project: string }>

/** Undefined when there is none yet. @throws ERR_KEY_HOME, ERR_KEY_EXPOSED, ERR_KEY_MALFORMED */
export function loadRowKey(place: RowKeyPlace): RowKey | undefined {
  const file = fileOf(place)
  if (!existsSync(file)) return undefined
  refuseExposedFolder(dirname(file))
  const bytes = readSecretFile(file)
  if (bytes.length !== secretBytes) {
    throw new DomainError('ERR_KEY_MALFORMED', `\`${file}\` is not a key of rows: it has not ${secretBytes} bytes`, {
      help: 'take it from a backup, or from whoever reviewed the data',
    })
  }
  return { id: createHash('sha256').update('key of rows\n').update(bytes).digest('hex'), key: bytes.toString('hex') }
}

/** The key of the project, made when there is none yet. @throws as `loadRowKey` */
export function requireRowKey(place: RowKeyPlace): RowKey {
  const file = fileOf(place)
  if (!existsSync(file)) makeSecret(file)
  const made = loadRowKey(place)
  if (made === undefined) throw new DomainError('ERR_KEY_HOME', `\`${file}\` could not be made`)
  return made
}

function fileOf({ environment, projectRoot, project }: RowKeyPlace): string {
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,199}$/.test(project)) {
    throw new DomainError('ERR_KEY_HOME', 'the id of the project is not a plain name')
  }
  return join(keyFolderOutside(environment, projectRoot), 'projects', project, 'rows.key')
}
