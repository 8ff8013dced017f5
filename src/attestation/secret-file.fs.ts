/** Files that only the user may read: 32 random bytes that are made once, and keys. */
import { randomBytes } from 'node:crypto'
import { closeSync, fsyncSync, linkSync, mkdirSync, openSync, renameSync, rmSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import { DomainError } from '../core/index.ts'

export const secretBytes = 32

/** Of two processes that make one at once, both take that of the first. */
export function makeSecret(file: string): void {
  makePrivate(file, randomBytes(secretBytes))
}

/** As `writePrivate`, of a file that is never written again: one that is there stays. @throws ERR_IO */
export function makePrivate(file: string, bytes: Uint8Array): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
  const own = `${file}.${randomBytes(8).toString('hex')}`
  try {
    writePrivate(own, bytes)
    linkSync(own, file)
    syncFolder(dirname(file))
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
  } finally {
    rmSync(own, { force: true })
  }
}

/** Written beside, fsynced, renamed, and the folder fsynced: a key that was said to be made is there. Nobody else can read it at any moment. @throws ERR_IO */
export function writePrivate(file: string, bytes: Uint8Array): void {
  const temporary = `${file}.${process.pid}.tmp`
  try {
    const fd = openSync(temporary, 'wx', 0o600)
    try {
      for (let written = 0; written < bytes.length; ) written += writeSync(fd, bytes, written)
      fsyncSync(fd)
    } finally {
      closeSync(fd)
    }
    renameSync(temporary, file)
    syncFolder(dirname(file))
  } catch (cause) {
    throw new DomainError('ERR_IO', `\`${file}\` could not be written`, { cause })
  }
}

function syncFolder(path: string): void {
  const folder = openSync(path, 'r')
  try {
    fsyncSync(folder)
  } finally {
    closeSync(folder)
  }
}
