/**
 * How a task's view and outs become folders and binds: pure.
 *
 * The view is one folder, bound read-only at /project. An out may become a file or a folder, and a command may write it
 * beside and rename it, or make the folder itself; so the *parent* folder of an out is scratch, bound writable, with
 * what the view has there bound read-only on top. Seen: a bind-mounted file makes write-then-rename fail with EBUSY.
 */
import { isInside, type Sha256 } from '../../core/index.ts'
import type { Mount, StageTask } from '../sandbox.ts'
import { projectFolder } from './recipe.ts'

export type ViewFile = Readonly<{ path: string; digest: Sha256; executable: boolean }>

export type Neighbour = Readonly<{ name: string; kind: 'file' | 'folder'; held: 'bind' | 'copy' }>

/** A writable folder around outs, or one that is only thrown away. `folder` and `outs` are project paths. */
export type Scratch = Readonly<{ folder: string; outs: readonly string[]; neighbours: readonly Neighbour[] }>

export type Layout = Readonly<{
  /** Folders of the view, parents first; the project itself is not listed. */
  folders: readonly string[]
  files: readonly ViewFile[]
  /** Shallow ones first: a deeper one lies on top of a read-only neighbour of a shallower one. */
  scratches: readonly Scratch[]
  /**
   * Folders of the view that are watched for opens: those of tracked and params files, and each that lies above another,
   * since a tracked file may come to lie anywhere. What is in a folder that is a dep counts whole, and what is opened
   * beside deps alone is not told file by file: that the folder was listed, its parent tells.
   */
  watched: readonly string[]
}>

/** LIMIT: bubblewrap's cost grows with the square of the mounts (1,000: 0.5 s). Further files come in as copies. */
const maxBoundNeighbours = 200

export function layoutOf(
  task: Pick<StageTask, 'view' | 'outs' | 'scratch' | 'workingDirectory'>,
  mounts: readonly Mount[],
): Layout {
  const files = new Map<string, ViewFile>()
  const folders = new Set<string>()
  const watched = new Set<string>(['.'])
  const outs = task.outs.map(({ path }) => path)
  const isOut = (path: string): boolean => outs.some((out) => isInside(path, out))

  for (const { path, content, why } of task.view) {
    if (content.kind === 'folder') addFolder(folders, path)
    const entries =
      content.kind === 'file'
        ? [{ ...content, path }]
        : content.files.map((file) => ({ ...file, path: `${path}/${file.path}` }))
    for (const { path: filePath, digest, executable } of entries) {
      if (isOut(filePath)) continue // what an out held before is not there, as with DVC
      files.set(filePath, { path: filePath, digest, executable })
      addFolder(folders, parentOf(filePath))
      addFolder(watched, parentOf(why === 'dep' ? parentOf(path) : filePath))
    }
  }
  const scratchFolders = [...new Set([...outs.map(parentOf), ...(task.scratch ?? [])])]
  for (const folder of [task.workingDirectory, ...scratchFolders, ...mounts.flatMap(insideProject)]) {
    addFolder(folders, folder)
    addFolder(watched, parentOf(folder))
  }
  folders.delete('.')
  const shown = [...folders].filter((folder) => !isOut(folder))
  return {
    folders: shown.sort(byDepth),
    files: [...files.values()],
    scratches: scratchesOf(scratchFolders, outs, shown, [...files.keys()]),
    watched: [...watched].filter((folder) => !isOut(folder)).sort(byDepth),
  }
}

/** Adds a folder and all above it, `.` included. */
function addFolder(folders: Set<string>, folder: string): void {
  for (let each = folder; !folders.has(each); each = parentOf(each)) folders.add(each)
}

export function parentOf(path: string): string {
  const slash = path.lastIndexOf('/')
  return slash < 0 ? '.' : path.slice(0, slash)
}

const nameOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1)
const depthOf = (path: string): number => (path === '.' ? 0 : path.split('/').length)
const byDepth = (left: string, right: string): number => depthOf(left) - depthOf(right) || (left < right ? -1 : 1)

function insideProject({ target }: Mount): readonly string[] {
  return target.startsWith(`${projectFolder}/`) ? [target.slice(projectFolder.length + 1)] : []
}

function scratchesOf(
  scratchFolders: readonly string[],
  outs: readonly string[],
  folders: readonly string[],
  files: readonly string[],
): readonly Scratch[] {
  const childFolders = Map.groupBy(folders, parentOf)
  const childFiles = Map.groupBy(files, parentOf)
  return scratchFolders
    .filter((folder) => !outs.some((out) => isInside(folder, out)))
    .sort(byDepth)
    .map((folder) => {
      const inFolders = (childFolders.get(folder) ?? []).map(nameOf).sort()
      const inFiles = (childFiles.get(folder) ?? []).map(nameOf).sort()
      const bound = Math.max(0, maxBoundNeighbours - inFolders.length)
      return {
        folder,
        outs: outs.filter((out) => parentOf(out) === folder),
        neighbours: [
          ...inFolders.map((name) => ({ name, kind: 'folder', held: 'bind' }) as const),
          ...inFiles.map((name, index) => ({ name, kind: 'file', held: index < bound ? 'bind' : 'copy' }) as const),
        ],
      }
    })
}
