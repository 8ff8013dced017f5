/** The content of each dep and out that a stage declares, which is what dvc.lock speaks of: pure. */
import { type Content, type FileEntry, folderOf, isInside } from '../../core/index.ts'
import type { StageDefinition } from '../definition.ts'
import { partOf, type ResolvedInput } from '../view.ts'

/** Project path -> content. A dep that is not here was refused before. */
export type DeclaredContents = ReadonlyMap<string, Content>

/**
 * A dep inside a recorded input is a part of it; a dep above several is the folder that they make together.
 *
 * LIMIT: files that git does not track are no part of a folder of code for assay, and are one for DVC, which then says
 * that the folder changed.
 */
export function declaredContents(
  stage: StageDefinition,
  inputs: readonly ResolvedInput[],
  outs: ReadonlyMap<string, Content>,
): DeclaredContents {
  const contents = new Map<string, Content>()
  for (const dep of stage.deps) {
    const content = contentAt(dep, inputs)
    if (content !== undefined) contents.set(dep, content)
  }
  for (const [path, content] of outs) contents.set(path, content)
  return contents
}

function contentAt(path: string, inputs: readonly ResolvedInput[]): Content | undefined {
  const around = inputs.find(({ ref }) => isInside(path, ref.path))
  if (around !== undefined) return partOf(around.content, around.ref.path, path)
  const files = inputs.flatMap(({ ref, content }) =>
    isInside(ref.path, path) ? filesBelow(path, ref.path, content) : [],
  )
  return files.length === 0 ? undefined : folderOf(files)
}

function filesBelow(folder: string, path: string, content: Content): readonly FileEntry[] {
  const inner = folder === '.' ? path : path.slice(folder.length + 1)
  if (content.kind === 'folder') return content.files.map((file) => ({ ...file, path: `${inner}/${file.path}` }))
  const { digest, sizeBytes, executable } = content
  return [{ path: inner, digest, sizeBytes, executable }]
}
