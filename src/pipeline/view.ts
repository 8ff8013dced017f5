/** What a stage is shown: its inputs by content, and the tracked code beside them. Pure. */
import type { ViewEntry } from '../compute/index.ts'
import { type Content, folderOf, isInside, type Sha256 } from '../core/index.ts'
import type { InputRef } from './inputs.ts'

/** An input whose bytes are in the store. */
export type ResolvedInput = Readonly<{
  ref: InputRef
  content: Content
  /** Of the stage that made it, when one did. */
  attestation?: Sha256
}>

/** The part of an anchor's content at `path`, which lies at or below `anchor`; undefined when there is nothing. */
export function partOf(content: Content, anchor: string, path: string): Content | undefined {
  if (path === anchor) return content
  if (content.kind === 'file') return undefined
  const inner = path.slice(anchor.length + 1)
  const file = content.files.find((entry) => entry.path === inner)
  if (file !== undefined) {
    return { kind: 'file', digest: file.digest, sizeBytes: file.sizeBytes, executable: file.executable }
  }
  const files = content.files
    .filter((entry) => isInside(entry.path, inner))
    .map((entry) => ({ ...entry, path: entry.path.slice(inner.length + 1) }))
  return files.length === 0 ? undefined : folderOf(files)
}

/**
 * The entries of the view, one a path; deps win over tracked files at the same path.
 *
 * A tracked file that is declared by its own name is code like its neighbours: what the stage looks for beside it (a module that
 * would be found first) is watched, which a folder that is a dep whole does not need.
 *
 * @param code tracked file -> its content, for the files that this stage may see
 * @param deps as the stage declares them
 */
export function viewOf(
  inputs: readonly ResolvedInput[],
  code: ReadonlyMap<string, Content>,
  deps: readonly string[],
): readonly ViewEntry[] {
  const declared = new Set(deps)
  const entries = new Map<string, ViewEntry>()
  for (const [path, content] of code) entries.set(path, { path, content, why: 'tracked' })
  for (const { ref, content } of inputs) {
    for (const path of ref.shows) {
      const part = partOf(content, ref.path, path)
      const why = ref.role === 'params' ? 'params' : code.has(path) && declared.has(path) ? 'tracked' : 'dep'
      if (part !== undefined) entries.set(path, { path, content: part, why })
    }
  }
  return [...entries.values()]
}

/** The first path that an input was asked to show and does not hold. */
export function missingPart(inputs: readonly ResolvedInput[]): string | undefined {
  for (const { ref, content } of inputs) {
    const missing = ref.shows.find((path) => partOf(content, ref.path, path) === undefined)
    if (missing !== undefined) return missing
  }
  return undefined
}
