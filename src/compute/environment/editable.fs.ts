/**
 * Editable installs of the project itself (`pip install -e .`): made to point to the project as a stage sees it.
 *
 * Such an install is a file among the packages that names the project's folder on this machine: a line of a `.pth`, or
 * the table of a finder that setuptools writes. In a sandbox the project is elsewhere, so a copy of the file with the
 * other folder is mounted over it. Only that prefix is exchanged; installs of other folders stay as they are, and are told.
 */
import { mkdirSync, readdirSync, utimesSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { digestOfJson, hexOf } from '../../core/index.ts'
import type { Mount } from '../sandbox.ts'
import { readPlainFile } from './tree.fs.ts'

export type EditableInstalls = Readonly<{
  mounts: readonly Mount[]
  /** Folders of the project that Python is led to, project paths, sorted. */
  folders: readonly string[]
}>

/** LIMIT: files of one folder of packages that are looked at, and bytes of each. */
const maxFiles = 2000
const maxBytes = 256 * 1024
const projectFolder = '/project'

export type EditableQuestion = Readonly<{
  /** Folders that Python looks for packages in, absolute. */
  siteFolders: readonly string[]
  /** Absolute real path of the project. */
  projectRoot: string
  /** Folders that a stage sees at their own place: an environment may lie in the project. */
  kept: readonly string[]
  /** Where copies are kept. */
  cacheFolder: string
}>

export function editableInstalls({ siteFolders, projectRoot, cacheFolder, kept }: EditableQuestion): EditableInstalls {
  const mounts: Mount[] = []
  const folders = new Set<string>()
  for (const target of siteFolders.flatMap(pointers)) {
    const text = readPlainFile(target, maxBytes)?.toString('utf8')
    if (text === undefined) continue
    const moved = movedTo(text, { projectRoot, kept }, folders)
    if (moved !== undefined) mounts.push({ source: keepCopy(cacheFolder, target, moved), target })
  }
  return { mounts, folders: [...folders].sort() }
}

/** `.pth` files, and the finders that setuptools lets them import. */
function pointers(folder: string): readonly string[] {
  try {
    return readdirSync(folder)
      .filter((name) => name.endsWith('.pth') || /^__editable__.*_finder\.py$/.test(name))
      .slice(0, maxFiles)
      .map((name) => join(folder, name))
  } catch {
    return [] // INVARIANT: a folder that is not there leads nowhere.
  }
}

/** The text with the project's folder exchanged; undefined when it does not name it. */
function movedTo(
  text: string,
  { projectRoot, kept }: Pick<EditableQuestion, 'projectRoot' | 'kept'>,
  folders: Set<string>,
): string | undefined {
  const named = new RegExp(`${escaped(projectRoot)}(?=$|[/'"\\s])([^'"\\r\\n]*)`, 'gm')
  let isNamed = false
  const moved = text.replace(named, (whole, rest: string) => {
    if (kept.some((folder) => `${whole}/`.startsWith(`${folder}/`))) return whole
    isNamed = true
    folders.add(rest.replace(/^\/+|\/+$/g, '') || '.')
    return `${projectFolder}${rest}`
  })
  return isNamed ? moved : undefined
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
}

/** Named by its content. The time is fixed, so that no kept bytecode of the original is taken for the copy's. */
function keepCopy(cacheFolder: string, target: string, text: string): string {
  const path = join(
    cacheFolder,
    'editable',
    hexOf(digestOfJson({ target, text })),
    target.slice(target.lastIndexOf('/') + 1),
  )
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, text, { mode: 0o644 })
  utimesSync(path, 1, 1)
  return path
}
