/**
 * Keeps DVC informed: what a stage came to goes into dvc.lock, its outs into DVC's cache, their names into `.gitignore`.
 *
 * None of it is evidence, and nothing of it is believed later: it is there so that `dvc status`, `checkout`, `push` and
 * `repro` agree with what assay did. The lock is written in batches, never once a stage; a run that is killed leaves
 * one that lags behind, and the next run, which finds the evidence, catches up.
 */
import { type Content, isInside, type Sha256 } from '../../core/index.ts'
import { type DvcCache, openDvcCache } from '../../data/index.ts'
import { isList, isMap, type Value, type ValueMap } from '../define/index.ts'
import type { StageDefinition } from '../definition.ts'
import type { Project } from '../project.ts'
import type { StageInputs } from '../resolve-inputs.ts'
import { type DeclaredContents, declaredContents } from './declared.ts'
import { ignoreOuts } from './ignore-outs.fs.ts'
import { type DvcContent, dvcEntry, legacyNames, spellingOf } from './lock-entry.ts'
import { type LockFile, localNameOf, lockFileOf, openLockFile, writesDvcLock } from './lock-files.fs.ts'
import { openMemory } from './memory.ts'
import { dvcContent, dvcObjects, legacyName, type Namer } from './names.ts'
import { findDvcCache } from './surroundings.fs.ts'
import { mapText } from './yaml-text.ts'

/** A stage that ran, or whose outs were proven to be what a run would make. */
export type SettledStage = Readonly<{
  stage: StageDefinition
  inputs: StageInputs
  attestation: Sha256
  outs: ReadonlyMap<string, Content>
}>

export type BesideDvc = Readonly<{
  keep(settled: SettledStage): Promise<void>
  /** Writes what is not written yet. */
  flush(): void
}>

/** A batch is at least so long, and long against what writing it takes. */
const batchMs = 1000
const batchFactor = 20

/** @throws ERR_LOCK_MALFORMED before anything runs */
export function openBesideDvc(project: Project, tell: (text: string) => void): BesideDvc | undefined {
  if (!writesDvcLock(project.root, project.pipeline, project.settings)) return undefined
  const locks = openLocks(project, tell)
  const place = findDvcCache(project.root)
  const cache = place === undefined ? undefined : openDvcCache(place, project.store)
  const namer: Namer = { store: project.store, hints: project.hints, isIgnored: project.isDvcIgnored }
  const memory = openMemory(project.hints, locks, project.dvcIgnoreRules)
  let writtenAt = performance.now()
  let costMs = 0
  const ignoring = new Set<string>()

  const flush = (): void => {
    const startedAt = performance.now()
    for (const lock of locks.values()) lock.flush()
    writtenAt = performance.now()
    costMs = writtenAt - startedAt
  }
  return {
    keep: async (settled) => {
      const lock = locks.get(lockFileOf(settled.stage))
      if (lock === undefined || memory.isKnown(settled, cache)) return
      const declared = declaredContents(settled.stage, settled.inputs.resolved, settled.outs)
      const contents = await contentsOf(namer, declared)
      const name = localNameOf(settled.stage)
      const before = lock.entry(name)
      const fresh = dvcEntry(settled.stage, { contents, trees: settled.inputs.paramTrees })
      const entry = before === undefined ? fresh : await withLegacy(namer, settled.stage, declared, { before, fresh })
      const cached = settled.stage.outs.filter((out) => out.cache).map(({ path }) => path)
      if (cache !== undefined) {
        for (const path of cached) await putOut(namer, cache, path, settled.outs.get(path))
        await ignore(project, cached, ignoring)
      }
      if (before === undefined || mapText(before, 0) !== mapText(entry, 0)) lock.change(name, entry)
      memory.learn(
        settled,
        cached.flatMap((path) => contents.get(path)?.name ?? []),
      )
      if (performance.now() - writtenAt > Math.max(batchMs, batchFactor * costMs)) flush()
    },
    flush: () => {
      flush()
      memory.save()
      if (ignoring.size > 0) tell(`outs are kept out of git now: commit ${[...ignoring].toSorted().join(', ')}`)
      ignoring.clear()
    },
  }
}

/** What came into the working tree by another way than a run, where DVC would look for it: its lock stays as it is. */
export async function keepInDvcCache(project: Project, path: string, content: Content): Promise<void> {
  const { root, pipeline, settings, store, hints, isDvcIgnored } = project
  const place = writesDvcLock(root, pipeline, settings) ? findDvcCache(root) : undefined
  const isCached = pipeline.stages.some(({ outs }) => outs.some((out) => out.path === path && out.cache))
  const isPinned = pipeline.tracked.some((each) => each.path === path && each.md5 !== undefined)
  if (place === undefined || !(isCached || isPinned)) return
  await putOut({ store, hints, isIgnored: isDvcIgnored }, openDvcCache(place, store), path, content)
}

function openLocks(project: Project, tell: (text: string) => void): ReadonlyMap<string, LockFile> {
  const locks = new Map<string, LockFile>()
  const { stages } = project.pipeline
  for (const file of new Set(stages.map(lockFileOf))) {
    const order = stages.filter((stage) => lockFileOf(stage) === file).map(localNameOf)
    const lock = openLockFile(project.root, file, order)
    if (lock === undefined) tell(`${file} is of DVC 1 and stays as it is: remove it, and a new one is written`)
    else locks.set(file, lock)
  }
  return locks
}

async function contentsOf(namer: Namer, declared: DeclaredContents): Promise<ReadonlyMap<string, DvcContent>> {
  const contents = new Map<string, DvcContent>()
  for (const [path, content] of declared) contents.set(path, await dvcContent(namer, path, content))
  return contents
}

/** An item that DVC 2 wrote, and that still says the truth in its own way, stays: DVC leaves it too. */
async function withLegacy(
  namer: Namer,
  stage: StageDefinition,
  declared: DeclaredContents,
  { before, fresh }: Readonly<{ before: ValueMap; fresh: ValueMap }>,
): Promise<ValueMap> {
  const legacy = legacyNames(before)
  if (legacy.size === 0) return fresh
  const projectPaths = new Map([...declared.keys()].map((path) => [spellingOf(stage, path), path] as const))
  const entry = new Map<string, Value>()
  for (const [section, items] of fresh) {
    if (typeof section !== 'string') continue
    entry.set(section, isList(items) ? await kept(items, itemsIn(before, section)) : items)
  }
  return entry

  async function kept(items: readonly Value[], old: ReadonlyMap<string, Value>): Promise<readonly Value[]> {
    const result: Value[] = []
    for (const item of items) {
      const written = isMap(item) ? item.get('path') : undefined
      const name = typeof written === 'string' ? legacy.get(written) : undefined
      const path = typeof written === 'string' ? projectPaths.get(written) : undefined
      const content = path === undefined ? undefined : declared.get(path)
      const isSame =
        name !== undefined &&
        path !== undefined &&
        content !== undefined &&
        (await legacyName(namer, path, content)) === name
      result.push(isSame ? (old.get(String(written)) ?? item) : item)
    }
    return result
  }
}

function itemsIn(entry: ValueMap, section: string): ReadonlyMap<string, Value> {
  const items = entry.get(section) ?? null
  const found = (isList(items) ? items : []).flatMap((item) => {
    const path = isMap(item) ? item.get('path') : undefined
    return typeof path === 'string' ? [[path, item] as const] : []
  })
  return new Map(found)
}

async function putOut(namer: Namer, cache: DvcCache, path: string, content: Content | undefined): Promise<void> {
  if (content === undefined) return
  const { objects, list } = await dvcObjects(namer, path, content)
  await cache.put(objects, list)
}

async function ignore(project: Project, paths: readonly string[], told: Set<string>): Promise<void> {
  const isTracked = (path: string): boolean => project.code.paths.some((file) => isInside(file, path))
  const asked = project.code.commit === undefined ? [] : paths.filter((path) => !isTracked(path))
  if (asked.length === 0) return
  const ignored = await project.gitIgnored(asked)
  const missing = asked.filter((path) => !ignored.has(path))
  for (const file of ignoreOuts(project.root, missing)) told.add(file)
}
