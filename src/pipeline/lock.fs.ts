/** `assay.lock` on disk, beside the definition that it pins. */
import { join } from 'node:path'
import { writeDurably } from './evidence.fs.ts'
import { type LockFile, maxLockBytes, parseLock, printLock } from './lock.ts'
import { readProjectFile } from './project-file.fs.ts'

export const lockFile = 'assay.lock'

/** An absent lock is an empty one. @throws ERR_LOCK_MALFORMED */
export function loadLock(root: string): LockFile {
  const bytes = readProjectFile(root, lockFile, maxLockBytes)
  return bytes === undefined ? { stages: new Map(), systems: new Map() } : parseLock(bytes)
}

/** Written whole: a reader sees the lock before or after. @throws ERR_IO, ERR_DISK_FULL */
export function saveLock(root: string, lock: LockFile): void {
  writeDurably(join(root, lockFile), Buffer.from(printLock(lock)))
}
