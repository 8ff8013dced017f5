/** Removes what code of others wrote: a stage, a build, a package. */
import { chmodSync, readdirSync, rmSync } from 'node:fs'

/** Absent is well. It may hold folders that even their owner cannot enter. @param path absolute */
export function removeTree(path: string): void {
  try {
    rmSync(path, { recursive: true, force: true, maxRetries: 2, retryDelay: 20 })
  } catch (error) {
    const isClosed = error instanceof Error && 'code' in error && ['EACCES', 'EPERM'].includes(String(error.code))
    if (!isClosed) throw error
    openTree(path)
    rmSync(path, { recursive: true, force: true })
  }
}

function openTree(folder: string | Buffer): void {
  chmodSync(folder, 0o700)
  for (const { path, isFolder } of entriesOf(folder)) if (isFolder) openTree(path)
}

/** Names as bytes, since a stage chooses them. INVARIANT: a link to a folder is not a folder. */
export function entriesOf(folder: string | Buffer): readonly Readonly<{ path: Buffer; isFolder: boolean }>[] {
  const prefix = Buffer.concat([Buffer.from(folder), Buffer.from('/')])
  return readdirSync(folder, { withFileTypes: true, encoding: 'buffer' }).map((entry) => ({
    path: Buffer.concat([prefix, entry.name]),
    isFolder: entry.isDirectory(),
  }))
}
