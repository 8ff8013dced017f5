/** Files that a user names beside an artifact: policies, keys, certificates, bundles. Small, and read at once. */
import { existsSync, lstatSync, readFileSync, realpathSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { DomainError } from '../core/index.ts'

/** LIMIT: a policy or key file is at most 1 MiB. */
const maxSmallBytes = 1024 * 1024

/** @throws ERR_INPUT_MALFORMED when it is no file, ERR_INPUT_TOO_LARGE */
export function readSmall(path: string, maxBytes = maxSmallBytes): Buffer {
  const status = lstatSync(realOf(path), { throwIfNoEntry: false })
  if (status?.isFile() !== true)
    throw new DomainError('ERR_INPUT_MALFORMED', `\`${path}\` is not a file`, { help: 'name a file that exists' })
  if (status.size > maxBytes) throw new DomainError('ERR_INPUT_TOO_LARGE', `\`${path}\` has ${status.size} bytes`)
  return readFileSync(path)
}

/** Where links lead; the path itself when nothing is there. */
export function realOf(path: string): string {
  return existsSync(path) ? realpathSync(path) : path
}

/** A file that may not be there yet, by the real path of its folder. */
export function realFile(path: string): string {
  return join(realOf(dirname(path)), basename(path))
}
