/**
 * Data that DVC pins: by a `.dvc` file, or, for a frozen stage, by dvc.lock.
 *
 * What is not in the workspace is taken from DVC's cache, every byte checked against the MD5 that pins it, and put into
 * the workspace; its SHA-256 is what evidence speaks of. What is in the workspace and is not what a `.dvc` file says
 * makes the tree dirty, as a changed tracked file does: trust.md section 2.
 * THREAT: an MD5 proves nothing against whoever made the data. A pin keeps data from changing by accident; that it may
 * be used is said by an approved source alone.
 */
import { type Content, type Digest, isDomainError, isInside } from '../../core/index.ts'
import { type DvcCache, type DvcName, openDvcCache } from '../../data/index.ts'
import type { DirtyFile } from '../code.ts'
import type { StageDefinition } from '../definition.ts'
import { inputsOf } from '../inputs.ts'
import type { Contents, Project } from '../project.ts'
import { isDvcName, lockedOut, spellingOf } from './lock-entry.ts'
import { localNameOf, lockFileOf, openLockFile } from './lock-files.fs.ts'
import { dvcContent, legacyName, type Namer } from './names.ts'
import { findDvcCache } from './surroundings.fs.ts'

type Pin = DvcName & Readonly<{ path: string; executable: boolean; file?: string }>

export type PinnedDataOptions = Readonly<{
  /** The stages that the run is about. */
  stages: readonly StageDefinition[]
  /** Nothing is put into the workspace. */
  dryRun: boolean
  tell(text: string): void
}>

/** The project as this run sees it: contents found in DVC's cache too, and data that its pin denies among the dirt. */
export async function withPinnedData(project: Project, options: PinnedDataOptions): Promise<Project> {
  const pins = pinsOf(project, options.stages)
  if (pins.size === 0) return project
  const contents = withCache(project, pins, options)
  const denied = await deniedPins({ ...project, contents }, pins, options.stages)
  const dirty = [...project.code.dirty, ...denied]
  return { ...project, contents, code: { ...project.code, dirty } }
}

function pinsOf(project: Project, stages: readonly StageDefinition[]): ReadonlyMap<string, Pin> {
  const pins = new Map<string, Pin>()
  for (const stage of stages) if (stage.frozen) for (const pin of pinsOfFrozen(project, stage)) pins.set(pin.path, pin)
  for (const { path, md5, file, isLegacy, executable } of project.pipeline.tracked) {
    if (md5 === undefined || !isDvcName(md5)) continue
    pins.set(path, { name: md5, legacy: isLegacy === true, executable: executable === true, path, file })
  }
  return pins
}

function pinsOfFrozen({ root }: Project, stage: StageDefinition): readonly Pin[] {
  const entry = openLockFile(root, lockFileOf(stage), [])?.entry(localNameOf(stage))
  if (entry === undefined) return []
  return stage.outs.flatMap(({ path }) => {
    const locked = lockedOut(entry, spellingOf(stage, path))
    return locked === undefined ? [] : [{ ...locked, path }]
  })
}

/** Each pinned path is looked at once a run: what was found first holds for all of it. */
function withCache(
  project: Project,
  pins: ReadonlyMap<string, Pin>,
  { dryRun, tell }: Pick<PinnedDataOptions, 'dryRun' | 'tell'>,
): Contents {
  const { contents, store } = project
  const place = findDvcCache(project.root)
  const cache = place === undefined ? undefined : openDvcCache(place, store)
  const known = new Map<string, Promise<Content | undefined>>()
  const find = async (pin: Pin): Promise<Content | undefined> => {
    const present = await contents.ingest(pin.path)
    if (present !== undefined || cache === undefined) return present
    const taken = await takeFrom(cache, pin)
    if (taken === undefined || dryRun) return taken
    await contents.restore(pin.path, taken)
    tell(`${pin.path} was not here: taken from DVC's cache, its MD5 checked`)
    return taken
  }
  return {
    ...contents,
    ingest: (path) => {
      const pin = pins.get(path)
      if (pin === undefined) return contents.ingest(path)
      const found = known.get(path) ?? find(pin)
      known.set(path, found)
      return found
    },
  }
}

function takeFrom(cache: DvcCache, { name, legacy, executable }: Pin): Promise<Content | undefined> {
  return cache.take({ name, legacy }, executable)
}

/** Inputs of these stages whose bytes are not those of their `.dvc` file, and not those of an approved source either. */
async function deniedPins(
  project: Project,
  pins: ReadonlyMap<string, Pin>,
  stages: readonly StageDefinition[],
): Promise<readonly DirtyFile[]> {
  const namer: Namer = { store: project.store, hints: project.hints, isIgnored: project.isDvcIgnored }
  const used = new Set(stages.flatMap((stage) => inputsOf(stage, project.surroundings).map(({ path }) => path)))
  const denied: DirtyFile[] = []
  for (const pin of pins.values()) {
    if (pin.file === undefined || ![...used].some((path) => isInside(path, pin.path))) continue
    const content = await lookedAt(project, pin.path)
    if (content === undefined || isApproved(project, pin.path, content.digest)) continue
    if ((await nameOf(namer, pin, content)) === pin.name) continue
    const next = `dvc add ${pin.path} and commit ${pin.file}, or take the pinned bytes: dvc checkout ${pin.file}`
    denied.push({ path: pin.path, because: `is not what ${pin.file} pins`, next })
  }
  return denied
}

/** The `.dvc` file that pins other bytes at this path than these, unless an approved source has just these. */
export async function pinnedOtherwise(project: Project, path: string, content: Content): Promise<string | undefined> {
  const { md5, file, isLegacy, executable } = project.pipeline.tracked.find((each) => each.path === path) ?? {}
  if (md5 === undefined || file === undefined || !isDvcName(md5)) return undefined
  if (isApproved(project, path, content.digest)) return undefined
  const namer: Namer = { store: project.store, hints: project.hints, isIgnored: project.isDvcIgnored }
  const pin = { name: md5, legacy: isLegacy === true, executable: executable === true, path, file }
  return (await nameOf(namer, pin, content)) === md5 ? undefined : file
}

/** What cannot be read is refused where a stage asks for it, with its own code. */
async function lookedAt({ contents }: Project, path: string): Promise<Content | undefined> {
  try {
    return await contents.ingest(path)
  } catch (error) {
    if (isDomainError(error)) return undefined
    throw error
  }
}

async function nameOf(namer: Namer, pin: Pin, content: Content): Promise<string> {
  return pin.legacy ? legacyName(namer, pin.path, content) : (await dvcContent(namer, pin.path, content)).name
}

function isApproved(project: Project, path: string, digest: Digest): boolean {
  const id = project.settings.data.get(path)?.source
  const listed = id === undefined ? undefined : project.sources.get(id)
  return listed?.status === 'approved' && listed.source.digest === digest
}
