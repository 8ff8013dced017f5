/** One small file that the user named. */
import { lstatSync, readFileSync, realpathSync } from 'node:fs'
import { DomainError } from '../core/index.ts'

/** LIMIT: 16 MiB. */
const maxBytes = 16 * 1024 * 1024

/** @throws ERR_INPUT_MALFORMED when it is no file, ERR_INPUT_TOO_LARGE */
export function readNamedFile(path: string): Buffer {
  const status = lstatSync(path, { throwIfNoEntry: false })
  const real = status?.isSymbolicLink() === true ? lstatSync(realpathSync(path)) : status
  if (real?.isFile() !== true)
    throw new DomainError('ERR_INPUT_MALFORMED', `\`${path}\` is not a file`, { help: 'name a file that exists' })
  if (real.size > maxBytes) throw new DomainError('ERR_INPUT_TOO_LARGE', `\`${path}\` has ${real.size} bytes`)
  return readFileSync(path)
}
