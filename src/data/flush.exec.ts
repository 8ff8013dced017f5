/** Flushing many files at once: one `syncfs` is some hundred times cheaper than a thousand `fsync`. */
import { execFile } from 'node:child_process'
import { closeSync, existsSync, fsyncSync, openSync } from 'node:fs'

/** Below this many paths each is flushed alone. */
const fewPaths = 16
const syncPrograms = ['/usr/bin/sync', '/bin/sync']

/** Returns when files and folders, all on the file system of `root`, are on the disk. @throws what fsync says */
export async function flush(root: string, paths: readonly string[]): Promise<void> {
  if (paths.length > fewPaths && (await flushFileSystem(root))) return
  for (const path of paths) flushPath(path)
}

export function flushPath(path: string): void {
  const fd = openSync(path, 'r')
  try {
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}

/** False where the program `sync` is missing, does not know `--file-system`, or failed: then each file is asked. */
function flushFileSystem(root: string): Promise<boolean> {
  const program = syncPrograms.find((path) => existsSync(path))
  if (program === undefined) return Promise.resolve(false)
  return new Promise((resolve) => {
    execFile(program, ['-f', '--', root], { env: {}, timeout: 600_000 }, (error) => resolve(error === null))
  })
}
