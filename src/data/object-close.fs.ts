/**
 * Objects of secret data, in a folder of their own: to be kept on other terms than the rest, or to be destroyed at once.
 *
 * INVARIANT: by rename, so that an object is always in one place, whole; where it lies says nothing of what it may be used
 * for (the inventory does), so that a lost move is made up for by the next.
 */
import { chmodSync, existsSync, lstatSync, mkdirSync, renameSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Sha256 } from '../core/index.ts'
import { errnoOf, ioFault } from './io-fault.ts'
import { type ClosedFolder, closedFolders, closedRoot, findObject, placeUnder } from './object-files.fs.ts'

/** @throws ERR_IO, ERR_DISK_FULL */
export function closeOff(root: string, digests: Iterable<Sha256>, folder: ClosedFolder): void {
  const stricter = closedFolders.indexOf(folder)
  const made = new Set<string>()
  try {
    for (const digest of digests) {
      const found = findObject(root, digest)
      if (found === undefined) continue
      if (found.closed !== undefined && closedFolders.indexOf(found.closed) <= stricter) continue
      const target = placeUnder(closedRoot(root, folder), digest)
      const inside = dirname(target)
      if (!made.has(inside)) mkdirSync(inside, { recursive: true, mode: 0o700 })
      made.add(inside)
      move(found.path, target)
    }
  } catch (error) {
    throw ioFault(error, closedRoot(root, folder))
  }
}

function move(from: string, to: string): void {
  try {
    renameSync(from, to)
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT' || existsSync(from)) throw error // another process moved it
  }
}

/** A folder that only its owner may enter. THREAT: one that was copied, or made by a script, with a mode that lets others in. */
export function keepToOwner(folder: string): void {
  try {
    const status = lstatSync(folder, { throwIfNoEntry: false })
    if (status === undefined) mkdirSync(folder, { recursive: true, mode: 0o700 })
    else if ((status.mode & 0o077) !== 0 && status.uid === process.geteuid?.()) chmodSync(folder, 0o700)
  } catch (error) {
    throw ioFault(error, folder)
  }
}
