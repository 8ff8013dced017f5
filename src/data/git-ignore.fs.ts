/** What decides whether paths are ignored, as one digest: two equal digests, one answer. */
import { lstatSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { digestOfJson, type Sha256, sha256Of } from '../core/index.ts'
import { statKeyOf } from './file-stat.ts'
import type { GitPlace } from './git.exec.ts'

/** LIMIT: an ignore file over 1 MiB is not remembered. */
const maxIgnoreBytes = 1024 * 1024

/**
 * The ignore files above the paths, the configuration (it may fold case) and the git that would be asked.
 *
 * @param paths in the work tree, of regular files
 * @returns undefined when one of the files is not plain: then git is asked each time
 */
export function ignoreDigest(
  git: GitPlace,
  { commonDir, config, paths }: Readonly<{ commonDir: string; config: string; paths: readonly string[] }>,
): Sha256 | undefined {
  const program = lstatSync(git.program, { bigint: true, throwIfNoEntry: false })
  if (program === undefined) return undefined
  const folders = new Set(paths.flatMap(foldersAbove))
  const files = [join(commonDir, 'info/exclude'), ...[...folders].map((folder) => join(git.root, folder, '.gitignore'))]
  const digests = files.map(digestOfPlain)
  if (digests.includes(undefined)) return undefined
  return digestOfJson({
    git: [git.program, statKeyOf(program)],
    config,
    paths,
    files: files.map((file, index) => [file, digests[index] ?? '']),
  })
}

function foldersAbove(path: string): readonly string[] {
  const folders: string[] = []
  for (let folder = dirname(path); ; folder = dirname(folder)) {
    folders.push(folder)
    if (folder === '.' || folder === '/') return folders
  }
}

/** `absent` when nothing is there; undefined for a link, a folder, a giant. */
function digestOfPlain(file: string): Sha256 | 'absent' | undefined {
  const stats = lstatSync(file, { throwIfNoEntry: false })
  if (stats === undefined) return 'absent'
  return stats.isFile() && stats.size <= maxIgnoreBytes ? sha256Of(readFileSync(file)) : undefined
}
