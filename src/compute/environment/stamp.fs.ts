/** What a place on the machine looked like, to tell whether an answer that was read from it still holds. */
import { lstatSync } from 'node:fs'

/** Device, inode, size and times; `absent` when nothing is there. */
export function stampOf(path: string): string {
  try {
    const status = lstatSync(path, { bigint: true, throwIfNoEntry: false })
    if (status === undefined) return 'absent'
    return [status.dev, status.ino, status.size, status.mtimeNs, status.ctimeNs].join(':')
  } catch {
    return 'absent' // INVARIANT: a file in the place of a folder above, or a closed one: nothing is read there either.
  }
}

/** False when one of the places changed so shortly before `readAtMs` that a later change could look the same. */
export function areSettled(paths: readonly string[], readAtMs: number): boolean {
  return paths.every((path) => (lstatSync(path, { throwIfNoEntry: false })?.ctimeMs ?? 0) < readAtMs - 1000)
}
