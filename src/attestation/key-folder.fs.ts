/** The user's configuration folder, and which keys its records say were revoked. */
import { isAbsolute, join } from 'node:path'
import { DomainError } from '../core/index.ts'
import type { KeyEnvironment, RevokedKey } from './key-home.ts'
import { loadRecord, projectsIn } from './key-record.fs.ts'

export function isFolderKnown(environment: KeyEnvironment): boolean {
  const { ASSAY_CONFIG_HOME: own = '', XDG_CONFIG_HOME: configuration = '', HOME: home = '' } = environment
  return own !== '' || [configuration, home].some(isAbsolute)
}

/** @throws ERR_KEY_HOME when none is named by an absolute path */
export function keyFolder(environment: KeyEnvironment): string {
  const { ASSAY_CONFIG_HOME: own, XDG_CONFIG_HOME: configuration, HOME: home } = environment
  if (own !== undefined && isAbsolute(own)) return own
  if (own !== undefined && own !== '')
    throw new DomainError('ERR_KEY_HOME', 'ASSAY_CONFIG_HOME is not an absolute path')
  // As the XDG base directory specification says, a relative path is ignored.
  if (configuration !== undefined && isAbsolute(configuration)) return join(configuration, 'assay')
  if (home !== undefined && isAbsolute(home)) return join(home, '.config', 'assay')
  throw new DomainError(
    'ERR_KEY_HOME',
    'no folder for keys is known: HOME, XDG_CONFIG_HOME and ASSAY_CONFIG_HOME are not set',
    {
      help: 'set ASSAY_CONFIG_HOME to a folder of your own outside the project',
    },
  )
}

/** @throws ERR_KEY_MALFORMED, ERR_KEY_EXPOSED, ERR_KEY_HOME when the folder is not named by an absolute path */
export function revokedRecords(environment: KeyEnvironment): readonly RevokedKey[] {
  // INVARIANT: nobody could have revoked a key where no folder of a user is known.
  if (!isFolderKnown(environment)) return []
  const folder = keyFolder(environment)
  return projectsIn(folder).flatMap((project) => loadRecord(join(folder, 'projects', project), project)?.revoked ?? [])
}
