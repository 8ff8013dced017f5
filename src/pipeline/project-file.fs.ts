/** One file of the project that defines something: there, absent, or not what it must be. */
import { closeSync, constants, fstatSync, lstatSync, openSync, readFileSync, type Stats } from 'node:fs'
import { join } from 'node:path'
import { DomainError, oneLine } from '../core/index.ts'
import { errnoOf, ioFault } from '../data/index.ts'

/** LIMIT: a file that defines something is at most 16 MiB. */
const maxDefinitionBytes = 16 * 1024 * 1024

/**
 * The bytes of a file of the project; undefined when there is nothing of that name.
 *
 * THREAT: a pipe or a device in its place would be waited on for ever, and something that is there must not pass for
 * something that is absent: without `assay.yaml` the defaults hold. It is opened without waiting and looked at when open.
 *
 * @throws ERR_PATH_UNSAFE when it is no regular file, ERR_INPUT_TOO_LARGE, ERR_IO
 */
export function readProjectFile(root: string, path: string, maxBytes = maxDefinitionBytes): Uint8Array | undefined {
  const fd = openProjectFile(root, path)
  if (fd === undefined) return undefined
  try {
    const status = fstatSync(fd)
    if (!status.isFile()) throw noFile(path, status)
    if (status.size > maxBytes) {
      throw new DomainError('ERR_INPUT_TOO_LARGE', `\`${path}\` has ${status.size} bytes, the limit is ${maxBytes}`)
    }
    return readFileSync(fd)
  } finally {
    closeSync(fd)
  }
}

function openProjectFile(root: string, path: string): number | undefined {
  try {
    return openSync(join(root, path), constants.O_RDONLY | constants.O_NONBLOCK)
  } catch (error) {
    const errno = errnoOf(error)
    if (errno === 'ENOENT' || errno === 'ENOTDIR') return undefined
    if (errno === 'ELOOP') throw noFile(path, undefined, { cause: error })
    if (errno === 'ENXIO') throw noFile(path, lstatSync(join(root, path)), { cause: error }) // a socket
    throw ioFault(error, path)
  }
}

function noFile(path: string, status: Stats | undefined, options: Readonly<{ cause?: unknown }> = {}): DomainError {
  const kind =
    status === undefined
      ? 'a link that leads in a circle'
      : status.isDirectory()
        ? 'a folder'
        : status.isFIFO()
          ? 'a fifo'
          : 'a device or a socket'
  return new DomainError('ERR_PATH_UNSAFE', `\`${oneLine(path)}\` is ${kind}, and must be a regular file`, {
    ...options,
    help: 'put the file back: git checkout has the one of the last commit',
  })
}
