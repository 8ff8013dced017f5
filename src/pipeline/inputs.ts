/**
 * Where each dep of a stage comes from, and which tracked files the stage may see: pure.
 *
 * An *anchor* is a path whose content has one origin: an out of a stage, an external input under `data:`, the target of
 * a `.dvc` file. A dep at or below an anchor stands for the whole anchor (its digest is what evidence can speak of) and
 * shows the stage only the part asked for; a dep above anchors stands for each of them and for the tracked files
 * between. Everything else is code when git tracks it, and an external input that nobody listed when it does not.
 * Source: trust.md section 2.
 */
import type { PipelineDefinition, ProjectSettings, StageDefinition } from './definition.ts'
import { indexByPath, type PathIndex } from './path-index.ts'

export type Anchor =
  | Readonly<{ kind: 'out'; path: string; stage: string; frozen: boolean }>
  | Readonly<{ kind: 'external'; path: string; source?: string; file?: string }>

export type InputRef = Readonly<{
  /** Path whose digest is recorded. */
  path: string
  /** Paths at or below it that the stage sees. */
  shows: readonly string[]
  role: 'dep' | 'params'
  origin: Anchor | Readonly<{ kind: 'code' }>
}>

/**
 * Every anchor of the project.
 *
 * THREAT: a frozen stage makes nothing. Where its out won over what `data:` names, a line in dvc.yaml took source, contract,
 * baseline and label from data that somebody brought; so what lies at, around or within such a path is no out of it.
 */
export function anchorsOf(pipeline: PipelineDefinition, settings: Pick<ProjectSettings, 'data'>): readonly Anchor[] {
  const given = indexByPath([...settings.data.keys()], (path) => path)
  const isGiven = (path: string): boolean => given.around(path).length > 0 || given.within(path).length > 0
  const anchors = new Map<string, Anchor>()
  for (const tracked of pipeline.tracked) {
    anchors.set(tracked.path, { kind: 'external', path: tracked.path, file: tracked.file })
  }
  for (const [path, { source }] of settings.data) {
    anchors.set(path, { kind: 'external', path, ...(source === undefined ? {} : { source }) })
  }
  for (const stage of pipeline.stages) {
    for (const out of stage.outs) {
      if (stage.frozen && isGiven(out.path)) continue
      anchors.set(out.path, { kind: 'out', path: out.path, stage: stage.name, frozen: stage.frozen })
    }
  }
  return [...anchors.values()]
}

/** Anchors and tracked files, to be asked for by path without looking at each. */
export type Surroundings = Readonly<{ anchors: PathIndex<Anchor>; tracked: PathIndex<string> }>

/** @param tracked project paths of the files that git tracks */
export function surroundingsOf(anchors: readonly Anchor[], tracked: readonly string[]): Surroundings {
  return { anchors: indexByPath(anchors, ({ path }) => path), tracked: indexByPath(tracked, (path) => path) }
}

/** The inputs of one stage, one entry a recorded path. */
export function inputsOf(stage: StageDefinition, surroundings: Surroundings): readonly InputRef[] {
  const found = new Map<string, InputRef>()
  const add = (ref: InputRef): void => {
    const before = found.get(ref.path)
    const shows = [...new Set([...(before?.shows ?? []), ...ref.shows])]
    found.set(ref.path, { ...ref, role: before?.role ?? ref.role, shows })
  }
  for (const dep of stage.deps) for (const ref of refsOf(dep, 'dep', surroundings)) add(ref)
  for (const file of Object.keys(stage.params)) for (const ref of refsOf(file, 'params', surroundings)) add(ref)
  return [...found.values()]
}

/** Whatever stages read: what is recorded of it, and where it lies around or within what is named. */
export function pathsRead({ pipeline, surroundings }: Omit<Known, 'settings'>): ReadonlySet<string> {
  return new Set(
    pipeline.stages.flatMap((stage) => inputsOf(stage, surroundings).flatMap(({ path, shows }) => [path, ...shows])),
  )
}

/** What comes from outside and has no source: under `data:`, and what stages read that nobody listed there. Sorted. */
export function unlistedInputs({ pipeline, settings, surroundings }: Known): readonly string[] {
  const refs = pipeline.stages.flatMap((stage) => inputsOf(stage, surroundings))
  const read = refs.flatMap(({ origin }) =>
    origin.kind === 'external' && origin.source === undefined ? [origin.path] : [],
  )
  const named = [...settings.data].flatMap(([path, { source }]) => (source === undefined ? [path] : []))
  return [...new Set([...named, ...read])].toSorted()
}

type Known = Readonly<{
  pipeline: PipelineDefinition
  settings: Pick<ProjectSettings, 'data'>
  surroundings: Surroundings
}>

function refsOf(path: string, role: InputRef['role'], { anchors, tracked }: Surroundings): readonly InputRef[] {
  const [around] = anchors.around(path)
  if (around !== undefined) return [{ path: around.path, shows: [path], role, origin: around }]

  const within = anchors.within(path)
  const isAnchored = folderIndex(within.map((anchor) => anchor.path))
  const refs: InputRef[] = within.map((anchor) => ({ path: anchor.path, shows: [anchor.path], role, origin: anchor }))
  for (const file of tracked.within(path)) {
    if (!isAnchored(file)) refs.push({ path: file, shows: [file], role, origin: { kind: 'code' } })
  }
  if (refs.length === 0) refs.push({ path, shows: [path], role, origin: { kind: 'external', path } })
  return refs
}

/**
 * The tracked files that every stage sees beside its deps: no data, no outs, no one's external input.
 *
 * A dep that git does not track hides nothing that it does track; so `data:`, `.dvc` targets and outs are all there is.
 */
export function visibleFiles(anchors: readonly Anchor[], tracked: readonly string[]): readonly string[] {
  const hidden = folderIndex(anchors.map(({ path }) => path))
  return tracked.filter((file) => !hidden(file) && !isMasked(file))
}

/** THREAT: a committed `__pycache__` runs instead of its source; `.git` and `.assay` hold the keys to the evidence.
 * With `.dvc` alone, and no git, dvclive and dvc.api take the sandbox for a broken repository; without it for none. */
function isMasked(path: string): boolean {
  const names = path.split('/')
  return names[0] === '.assay' || ['.git', '.dvc', '__pycache__'].some((name) => names.includes(name))
}

/** True for paths at or below one of `folders`; O(depth) a question. */
function folderIndex(folders: readonly string[]): (path: string) => boolean {
  const known = new Set(folders)
  return (path) => {
    for (let end = path.length; end > 0; end = path.lastIndexOf('/', end - 1)) {
      if (known.has(path.slice(0, end))) return true
    }
    return false
  }
}
