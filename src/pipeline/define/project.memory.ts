/** A project in memory, behind the same port as the working tree: for tests, and for definitions out of a commit. */
import type { ProjectReader } from './project-source.ts'

/**
 * @param files project path -> text (UTF-8) or bytes
 * @param ignored paths that `list` leaves out, as git would
 */
export function projectOf(
  files: Readonly<Record<string, string | Uint8Array>>,
  ignored: readonly string[] = [],
): ProjectReader {
  const bytes = new Map(
    Object.entries(files).map(([path, content]) => [
      path,
      typeof content === 'string' ? new TextEncoder().encode(content) : content,
    ]),
  )
  const closed = ['.git/', '.assay/', '.dvc/']
  return {
    read: (path) => bytes.get(path),
    list: () =>
      [...bytes.keys()].filter((path) => !ignored.includes(path) && !closed.some((at) => path.startsWith(at))),
    isFolder: (path) => [...bytes.keys()].some((file) => file.startsWith(`${path}/`)),
  }
}
