/** From temporary files to objects: flushed, renamed, and the folders flushed too. */
import { chmodSync, existsSync, mkdirSync, renameSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Sha256 } from '../core/index.ts'
import { flush } from './flush.exec.ts'
import { objectPath, type Staged } from './object-files.fs.ts'

export type StagedBatch = Readonly<{
  add(staged: Staged): void
  drop(digest: Sha256): void
  commit(): Promise<void>
  [Symbol.dispose](): void
}>

/** INVARIANT: a name in the store always has its bytes on the disk: files are flushed before they are renamed. */
export function stagedBatch(root: string): StagedBatch {
  const waiting = new Map<Sha256, string>()
  return {
    add({ digest, temp }) {
      if (temp === undefined) return
      if (waiting.has(digest)) rmSync(temp, { force: true })
      else waiting.set(digest, temp)
    },
    drop(digest) {
      const temp = waiting.get(digest)
      if (temp !== undefined) rmSync(temp, { force: true })
      waiting.delete(digest)
    },
    async commit() {
      if (waiting.size === 0) return
      await flush(root, [...waiting.values()])
      const folders = new Set<string>()
      for (const [digest, temp] of waiting) {
        const path = objectPath(root, digest)
        const folder = dirname(path)
        if (!folders.has(folder) && !existsSync(folder)) {
          mkdirSync(folder, { recursive: true })
          chmodSync(folder, 0o755) // whatever the umask: a stage reads as another user
          folders.add(root)
        }
        renameSync(temp, path)
        waiting.delete(digest)
        folders.add(folder)
      }
      await flush(root, [...folders])
    },
    [Symbol.dispose]() {
      for (const temp of waiting.values()) rmSync(temp, { force: true })
      waiting.clear()
    },
  }
}
