/**
 * The key of a stage: equal keys mean that running again could change nothing that assay can know before the run.
 *
 * It covers the command, the working folder, deps, parameters, environment, variables, the sandbox's recipe and which
 * paths are outs. Tracked files that the stage opened are compared beside it (`sameCode`), since which ones those are
 * is known only after a run. Source: trust.md section 2.
 */
import { digestOfJson, type Json, type Sha256 } from '../core/index.ts'

export type StageKeyInput = Readonly<{
  commands: readonly string[]
  workingDirectory: string
  /** Path, digest and where it comes from: a dep that changed its origin is another dep. */
  deps: readonly Readonly<{ path: string; digest: string; origin: string }>[]
  params: Readonly<Record<string, Readonly<Record<string, Json>>>>
  environment: Sha256
  sandbox: Sha256
  variables: Readonly<Record<string, string>>
  outs: readonly Readonly<{ path: string; persist: boolean }>[]
  /** Folders that it may write beside them; left out when there are none. */
  scratch?: readonly string[]
}>

export function digestStageKey(input: StageKeyInput): Sha256 {
  const byPath = (left: { path: string }, right: { path: string }): number => (left.path < right.path ? -1 : 1)
  return digestOfJson({
    version: 1,
    ...input,
    deps: input.deps.toSorted(byPath),
    outs: input.outs.toSorted(byPath),
  })
}

/** The tracked files that a stage can see: path -> digest of the bytes that it would read now. */
export type VisibleFiles = ReadonlyMap<string, Sha256>

/** What a stage opened of them, or, where that could not be observed, one digest over all that are not documentation. */
export type CodeRecord =
  | Readonly<{
      kind: 'opened'
      files: readonly Readonly<{ path: string; digest: Sha256 }>[]
      /** Names in each folder that was listed: a new module in it may shadow another. */
      folders: readonly Readonly<{ path: string; names: Sha256 }>[]
    }>
  | Readonly<{ kind: 'visible'; digest: Sha256 }>

/** The record of what a stage opened, for its statement. */
export function recordCode(
  opened: Readonly<{ files: readonly string[]; folders: readonly string[] }> | undefined,
  visible: VisibleFiles,
): CodeRecord {
  if (opened === undefined) return { kind: 'visible', digest: digestVisible(visible) }
  const files = opened.files.flatMap((path) => {
    const digest = visible.get(path)
    return digest === undefined ? [] : [{ path, digest }]
  })
  const folders = opened.folders.map((path) => ({ path, names: digestNames(path, visible) }))
  return { kind: 'opened', files: sorted(files), folders: sorted(folders) }
}

/** The first reason why a stage would now read other code than then, or undefined when it would not. */
export function changedCode(record: CodeRecord, visible: VisibleFiles): string | undefined {
  if (record.kind === 'visible') {
    return record.digest === digestVisible(visible) ? undefined : 'a tracked file that it can see changed'
  }
  for (const { path, digest } of record.files) {
    const now = visible.get(path)
    if (now === undefined) return `\`${path}\` is gone`
    if (now !== digest) return `\`${path}\` changed`
  }
  const folder = record.folders.find(({ path, names }) => digestNames(path, visible) !== names)
  return folder === undefined ? undefined : `the names in \`${folder.path}\` changed`
}

/** By their whole names: a prompt is Markdown too, and `license_plates.py` is code. */
const documentation = /(^|\/)(readme|licen[cs]e|changelog|notice|authors|contributing)(\.(md|rst|adoc|txt))?$/i
const evidence = /^attestations\/[^/]+-[0-9a-f]{12}\.sigstore\.json$/

/** What assay writes itself comes after a run: to commit it is no reason for another. Opened, it counts as any file does. */
function isOwnRecord(path: string, visible: VisibleFiles): boolean {
  if (path === 'assay.lock' || evidence.test(path)) return true
  return nameOf(path) === 'dvc.lock' && visible.has(path.replace(/lock$/, 'yaml'))
}

function folderOf(path: string): string {
  const slash = path.lastIndexOf('/')
  return slash < 0 ? '.' : path.slice(0, slash)
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}

function digestVisible(visible: VisibleFiles): Sha256 {
  const counted = [...visible].filter(([path]) => !(documentation.test(path) || isOwnRecord(path, visible)))
  return digestOfJson(counted.toSorted(byFirst))
}

const namesByFolder = new WeakMap<VisibleFiles, Map<string, Set<string>>>()

/** Names in a folder of the visible files; all folders are listed at the first question about the same files. */
function digestNames(folder: string, visible: VisibleFiles): Sha256 {
  const known = namesByFolder.get(visible) ?? listFolders(visible)
  namesByFolder.set(visible, known)
  return digestOfJson([...(known.get(folder) ?? [])].sort())
}

function listFolders(visible: VisibleFiles): Map<string, Set<string>> {
  const folders = new Map<string, Set<string>>()
  for (const path of visible.keys()) {
    if (isOwnRecord(path, visible)) continue
    // what is written beside an out where a project is kept with DVC counts by its bytes alone
    for (let at = nameOf(path) === '.gitignore' ? folderOf(path) : path; at !== '.'; ) {
      const folder = folderOf(at)
      const names = folders.get(folder) ?? new Set()
      const isListed = names.has(nameOf(at))
      folders.set(folder, names.add(nameOf(at)))
      if (isListed) break // and so is all above it
      at = folder
    }
  }
  return folders
}

function byFirst(left: readonly [string, Sha256], right: readonly [string, Sha256]): number {
  return left[0] < right[0] ? -1 : 1
}

function sorted<T extends { path: string }>(items: readonly T[]): readonly T[] {
  return items.toSorted((left, right) => (left.path < right.path ? -1 : 1))
}
