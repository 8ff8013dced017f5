/** What the repository's ignore and attribute files say about paths. They are patterns: reading them runs nothing. */
import { isInside } from '../core/index.ts'
import { type GitPlace, gitFault, runGit } from './git.exec.ts'
import type { TreeEntry } from './repository.ts'

/** Attributes that make a work file differ from its blob. Source: gitattributes(5). */
const converting = ['text', 'eol', 'crlf', 'filter', 'ident', 'working-tree-encoding']
const pathsPerCall = 200

/** The converting attributes of each project path, such as `filter=lfs`; paths without one are left out. */
export async function attributesOf(
  git: GitPlace,
  prefix: string,
  paths: readonly string[],
): Promise<ReadonlyMap<string, readonly string[]>> {
  const input = paths.map((path) => `${inWorkTree(prefix, path)}\0`).join('')
  const answer = await runGit(git, ['check-attr', '-z', '--stdin', ...converting], { input })
  if (answer.status !== 0) throw gitFault(answer, 'read the attributes of files')
  const found = new Map<string, string[]>()
  const parts = answer.stdout.split('\0')
  for (let at = 0; at + 2 < parts.length; at += 3) {
    const [path = '', name = '', value = ''] = parts.slice(at, at + 3)
    if (value === 'unspecified' || value === 'unset') continue
    const project = inProject(prefix, path)
    found.set(project, [...(found.get(project) ?? []), value === 'set' ? name : `${name}=${value}`])
  }
  return found
}

export async function ignoredPaths(
  git: GitPlace,
  prefix: string,
  paths: readonly string[],
): Promise<ReadonlySet<string>> {
  const input = paths
    .filter((path) => path !== '.')
    // The command knows no literal paths: the step in front keeps a colon from being read as a pattern.
    .map((path) => `./${inWorkTree(prefix, path)}\0`)
    .join('')
  if (input === '') return new Set()
  const answer = await runGit(git, ['check-ignore', '-z', '--stdin', '--no-index'], { input })
  // 1 says that none is ignored.
  if (answer.status > 1) throw gitFault(answer, 'read the ignore files')
  return new Set(namesIn(answer.stdout).map((path) => inProject(prefix, path.slice(2))))
}

/** The index stands empty here, so that every work file that is not ignored counts as "other"; the commit decides. */
export async function untrackedPaths(
  git: GitPlace,
  prefix: string,
  { within, tree }: Readonly<{ within: readonly string[]; tree: ReadonlyMap<string, TreeEntry> }>,
): Promise<readonly string[]> {
  const found = new Set<string>()
  for (let at = 0; at < within.length; at += pathsPerCall) {
    const paths = within.slice(at, at + pathsPerCall).map((path) => inWorkTree(prefix, path))
    const answer = await runGit(git, [
      '--literal-pathspecs',
      'ls-files',
      '--others',
      '--exclude-standard',
      '-z',
      '--',
      ...paths,
    ])
    if (answer.status !== 0) throw gitFault(answer, 'list the files of the work tree')
    for (const name of namesIn(answer.stdout)) {
      // A repository inside this one is listed as a folder.
      const path = inProject(prefix, name.replace(/\/$/, ''))
      if (!tree.has(path) && within.some((folder) => isInside(path, folder))) found.add(path)
    }
  }
  return [...found].sort()
}

function namesIn(output: string): readonly string[] {
  return output.split('\0').filter((name) => name !== '')
}

function inWorkTree(prefix: string, path: string): string {
  if (prefix === '.') return path
  return path === '.' ? prefix : `${prefix}/${path}`
}

function inProject(prefix: string, path: string): string {
  return prefix === '.' ? path : path.slice(prefix.length + 1)
}
