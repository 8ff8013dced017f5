/** A generated project on disk: a git repository, a DVC project, and its files. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Files } from './projects.ts'

const gitConfig = '[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = false\n'

/** What `git init` makes, as far as anybody here reads it, without a process. */
export function writeProject(root: string, files: Files): void {
  for (const folder of ['.git/objects', '.git/refs/heads', '.dvc']) mkdirSync(join(root, folder), { recursive: true })
  writeFileSync(join(root, '.git/HEAD'), 'ref: refs/heads/main\n')
  writeFileSync(join(root, '.git/config'), gitConfig)
  writeFileSync(join(root, '.dvc/config'), '')
  for (const [path, content] of Object.entries(files)) {
    const isFolder = path.endsWith('/')
    mkdirSync(join(root, isFolder ? path : dirname(path)), { recursive: true })
    if (!isFolder) writeFileSync(join(root, path), content)
  }
}

export function removeProject(root: string): void {
  rmSync(root, { recursive: true, force: true })
}
