/** What decides whether paths are ignored, or which attributes they have, as one digest: two equal digests, one answer. */
import { lstatSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { digestOfJson, type Sha256, sha256Of } from '../core/index.ts'
import { statKeyOf } from './file-stat.ts'
import type { GitPlace } from './git.exec.ts'

/** In a folder of the work tree, and in the common git dir. Source: gitignore(5), gitattributes(5). */
const rules = {
  ignored: ['.gitignore', 'info/exclude'],
  attributes: ['.gitattributes', 'info/attributes'],
} as const

/** LIMIT: a file of rules over 1 MiB is not remembered. */
const maxRulesBytes = 1024 * 1024

/**
 * The files of rules above the paths, the configuration (it may fold case) and the git that would be asked.
 *
 * @param paths in the work tree, of regular files
 * @returns undefined when one of the files is not plain: then git is asked each time
 */
export function rulesDigest(
  git: GitPlace,
  kind: keyof typeof rules,
  { commonDir, config, paths }: Readonly<{ commonDir: string; config: string; paths: readonly string[] }>,
): Sha256 | undefined {
  const program = lstatSync(git.program, { bigint: true, throwIfNoEntry: false })
  if (program === undefined) return undefined
  const folders = new Set(paths.flatMap(foldersAbove))
  const [name, common] = rules[kind]
  const files = [join(commonDir, common), ...[...folders].map((folder) => join(git.root, folder, name))]
  const digests = files.map(digestOfPlain)
  if (digests.includes(undefined)) return undefined
  return digestOfJson({
    kind,
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
  return stats.isFile() && stats.size <= maxRulesBytes ? sha256Of(readFileSync(file)) : undefined
}
