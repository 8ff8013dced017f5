/**
 * Folders reached step by step, each by the descriptor of the one above.
 *
 * THREAT: a folder on the way that is a link, or becomes one while we write, would put bytes elsewhere. A step never
 * follows a link, and what is done in the folder is done through its descriptor.
 * LIMIT: needs Linux's /proc.
 */
import { closeSync, constants, mkdirSync, openSync } from 'node:fs'
import { isAbsolute, normalize, relative } from 'node:path'
import { DomainError } from '../core/index.ts'
import { errnoOf } from './io-fault.ts'

export type OpenFolder = Readonly<{
  /** A path to an entry of this folder, whatever happens to the folder's own path meanwhile. */
  at(name: string): string
  [Symbol.dispose](): void
}>

const openFlags = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW | constants.O_NONBLOCK

/**
 * Opens the folder that holds `target`, making folders that are not there.
 *
 * @param within trusted as it is, links included; it exists
 * @param mode of folders that are made, before the umask
 * @throws ERR_PATH_UNSAFE when `target` is not below `within`, or a folder between them is a link or a file
 */
export function openParent(target: string, within: string, mode = 0o755): OpenFolder {
  const inner = relative(within, target)
  if (!isAbsolute(target) || normalize(target) !== target || inner === '' || inner.split('/')[0] === '..') {
    throw new DomainError('ERR_PATH_UNSAFE', `\`${target}\` is not a plain path below \`${within}\``)
  }
  let fd = openSync(within, constants.O_RDONLY | constants.O_DIRECTORY)
  try {
    for (const name of inner.split('/').slice(0, -1)) {
      const next = openStep(entryOf(fd, name), target, mode)
      closeSync(fd)
      fd = next
    }
  } catch (error) {
    closeSync(fd)
    throw error
  }
  return { at: (name) => entryOf(fd, name), [Symbol.dispose]: () => closeSync(fd) }
}

function entryOf(fd: number, name: string): string {
  return `/proc/self/fd/${fd}/${name}`
}

function openStep(path: string, target: string, mode: number): number {
  try {
    return openSync(path, openFlags)
  } catch (error) {
    if (errnoOf(error) === 'ENOTDIR' || errnoOf(error) === 'ELOOP') {
      throw new DomainError('ERR_PATH_UNSAFE', `a folder on the way to \`${target}\` is a link or a file`, {
        cause: error,
      })
    }
    if (errnoOf(error) !== 'ENOENT') throw error
  }
  try {
    mkdirSync(path, { mode })
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw error // another process made it
  }
  return openSync(path, openFlags)
}
