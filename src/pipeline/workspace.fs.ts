/** Where a project begins, and the files that define it. */
import {
  type Dirent,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  realpathSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { DomainError, isInside, nameFault, quotedForShell } from '../core/index.ts'
import { ioFault, keepToOwner, type Repository } from '../data/index.ts'
import { isPipelineFile, lockOf, type ProjectReader, readDvcSettings } from './define/index.ts'
import { type DvcIgnores, openDvcIgnores } from './dvc-ignores.fs.ts'
import { readProjectFile } from './project-file.fs.ts'
import { migrateState } from './state-format.fs.ts'

/** Folders that are never looked into for definitions. */
const closedFolders: ReadonlySet<string> = new Set(['.git', '.assay', '.dvc', 'node_modules', '__pycache__'])

const projectMarks = ['assay.yaml', '.dvc', 'dvc.yaml']

/**
 * The nearest folder at or above `from` with an assay.yaml, else with a `.dvc` folder, else with a dvc.yaml.
 *
 * @returns an absolute real path
 */
export function findRoot(from: string): string | undefined {
  const folders: string[] = []
  for (let folder = realpathSync(from); ; folder = dirname(folder)) {
    folders.push(folder)
    if (dirname(folder) === folder) break
  }
  for (const mark of projectMarks) {
    const found = folders.find((folder) => existsSync(join(folder, mark)))
    if (found !== undefined) return found
  }
  return undefined
}

/** @throws ERR_PROJECT_MISSING */
export function requireRoot(from: string): string {
  const root = findRoot(from)
  if (root === undefined) throw noProject(from)
  return root
}

/** The fault of a folder without a project; it names the projects below, of which one may be meant. */
export function noProject(from: string): DomainError {
  const below = projectsBelow(from)
  if (below.length === 0)
    return new DomainError('ERR_PROJECT_MISSING', `there is no project in \`${from}\` or above it`)
  const named = below.slice(0, 5).map((folder) => `\`${folder}\``)
  const more = below.length > named.length ? ` and ${below.length - named.length} more` : ''
  return new DomainError(
    'ERR_PROJECT_MISSING',
    `there is no project in \`${from}\` or above it, but below it: ${named.join(', ')}${more}`,
    { help: `go to the one that you mean: cd ${quotedForShell(below[0] ?? '')}` },
  )
}

function entriesOrNone(folder: string): readonly Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true })
  } catch {
    return [] // INVARIANT: a folder that may not be read names no project; this is about a hint alone.
  }
}

/** LIMIT: how far below a folder, and among how many, projects are looked for. */
const maxDepthBelow = 4
const maxFoldersBelow = 2000

/** Folders below `from` that hold a DVC project, or a dvc.yaml outside of one; relative, sorted, outer ones first. */
export function projectsBelow(from: string): readonly string[] {
  const found: string[] = []
  let level = ['']
  let seen = 0
  for (let depth = 0; depth < maxDepthBelow && level.length > 0; depth += 1) {
    const next: string[] = []
    for (const folder of level) {
      for (const entry of foldersIn(join(from, folder))) {
        const path = folder === '' ? entry : `${folder}/${entry}`
        seen += 1
        if (seen > maxFoldersBelow) return found
        if (projectMarks.some((mark) => existsSync(join(from, path, mark)))) found.push(path)
        else next.push(path)
      }
    }
    level = next
  }
  return found
}

function foldersIn(folder: string): readonly string[] {
  return entriesOrNone(folder)
    .filter(({ name }) => !closedFolders.has(name) && nameFault(name) === undefined)
    .flatMap((entry) => (entry.isDirectory() ? [entry.name] : []))
    .toSorted()
}

/** What assay keeps in `.assay`. */
const stateFolders = ['attestations', 'boxes', 'cache', 'environments', 'index', 'objects', 'runs', 'tmp', 'validate']

/** Those where values of data may lie: looks of images, answers, what a validator unpacks and spills. */
const privateFolders = ['cache', 'runs', 'tmp', 'validate']

/**
 * `.assay`, with a `.gitignore` of its own before anything else is in it: no store is ever committed by accident.
 *
 * THREAT: a checkout that brings `.assay`, or a folder in it, as a link has assay write and sweep in a folder of its choice.
 *
 * @throws ERR_PATH_UNSAFE, ERR_FORMAT_NEWER, ERR_IO, ERR_DISK_FULL
 */
export function makeState(root: string): void {
  const state = join(root, '.assay')
  for (const path of ['.assay', ...stateFolders.map((name) => `.assay/${name}`)]) {
    if (lstatSync(join(root, path), { throwIfNoEntry: false })?.isDirectory() !== false) continue
    throw new DomainError('ERR_PATH_UNSAFE', `\`${path}\` is a link or a file, and must be a folder`, {
      help: 'look where it leads, then remove it: assay makes its own',
    })
  }
  const ignored = join(state, '.gitignore')
  try {
    if (!existsSync(ignored)) {
      mkdirSync(state, { recursive: true })
      writeFileSync(ignored, '*\n')
    }
  } catch (error) {
    throw ioFault(error, state)
  }
  for (const name of privateFolders) keepToOwner(join(state, name))
  migrateState(state)
}

/** THREAT: what a checkout brings in `.assay` was made by whoever made the checkout. @throws ERR_PATH_UNSAFE */
export function refuseCommittedState(tracked: Iterable<string>): void {
  for (const path of tracked) {
    if (!isInside(path, '.assay')) continue
    throw new DomainError(
      'ERR_PATH_UNSAFE',
      `\`${path}\` is in the commit, and \`.assay\` must be this machine's own`,
      {
        help: 'take it out of the repository: git rm -r --cached .assay',
      },
    )
  }
}

/**
 * Reads the working tree for `define`.
 *
 * @param isGitIgnored answers for many project paths at once
 */
export async function openReader(
  root: string,
  isGitIgnored: (paths: readonly string[]) => Promise<ReadonlySet<string>>,
): Promise<ProjectReader> {
  const isFolder = (path: string): boolean => {
    try {
      return statSync(join(root, path), { throwIfNoEntry: false })?.isDirectory() === true
    } catch {
      return false // INVARIANT: what cannot be looked at is no folder; reading it says why.
    }
  }
  const isDvcIgnored = openDvcIgnores(root)
  const found = definitionFiles(root, isDvcIgnored)
  const locks = found.filter(isPipelineFile).map(lockOf)
  const read = (path: string): Uint8Array | undefined => (isFolder(path) ? undefined : readProjectFile(root, path))
  const ignored = readDvcSettings(read).usesGit ? await isGitIgnored([...found, ...locks]) : new Set<string>()
  const listed = found.filter((path) => !ignored.has(path))
  return {
    read,
    list: () => listed,
    isFolder,
    isIgnored: (path) => isDvcIgnored(path, isFolder(path)),
    isGitIgnored: (path) => ignored.has(path),
  }
}

/** Asks the repository's ignore files; without a repository nothing is ignored. */
export function ignoredBy(
  repository: Pick<Repository, 'ignored'> | undefined,
): (paths: readonly string[]) => Promise<ReadonlySet<string>> {
  return async (paths) => (repository === undefined || paths.length === 0 ? new Set() : repository.ignored(paths))
}

function definitionFiles(root: string, isIgnored: DvcIgnores): readonly string[] {
  const files: string[] = []
  const open = ['']
  for (let folder = open.pop(); folder !== undefined; folder = open.pop()) {
    for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
      // most files are data
      if (entry.isFile() && !mayDefine(entry.name)) continue
      if (nameFault(entry.name) !== undefined) continue
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`
      if (entry.isDirectory()) {
        if (!closedFolders.has(entry.name) && !isIgnored(path, true) && !isOtherProject(root, path)) open.push(path)
      } else if (entry.name === '.dvcignore')
        isIgnored(path, false) // read, so that a bad one stops us as it stops DVC
      else if ((isPipelineFile(path) || path.endsWith('.dvc')) && !isIgnored(path, false)) files.push(path)
    }
  }
  return files.toSorted()
}

function mayDefine(name: string): boolean {
  return name.endsWith('.dvc') || name === '.dvcignore' || isPipelineFile(name)
}

/** A DVC project inside this one is its own. */
function isOtherProject(root: string, path: string): boolean {
  return existsSync(join(root, path, '.dvc'))
}

/** LIMIT: so many hidden paths are known by name, to say which one a failed stage asked for. */
const maxHiddenPaths = 50_000

/** Files and folders of the working tree that are not shown: names for an error message, nothing else. */
export function hiddenPaths(root: string, isShown: (path: string) => boolean): readonly string[] {
  const hidden: string[] = []
  const open = ['']
  for (let folder = open.pop(); folder !== undefined && hidden.length < maxHiddenPaths; folder = open.pop()) {
    for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
      if (closedFolders.has(entry.name) || nameFault(entry.name) !== undefined) continue
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`
      if (!isShown(path)) hidden.push(path)
      if (entry.isDirectory()) open.push(path)
    }
  }
  return hidden.slice(0, maxHiddenPaths)
}
