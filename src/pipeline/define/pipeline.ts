/**
 * The pipeline of a project: all its dvc.yaml and `.dvc` files, resolved.
 *
 * One bad file stops the whole, as with DVC. Which files there are, and in which order, says `walk.ts`.
 */
import type { OutDefinition, PipelineDefinition, StageDefinition, TopLevel } from '../definition.ts'
import { emptyContext, loadVarsFile } from './context.ts'
import { refuseShapeOf } from './dvc-shape.ts'
import { seedsOf } from './expand.ts'
import { faultAt, type Place } from './fault.ts'
import { edgesOf, type GraphNode } from './graph.ts'
import { type Filling, refuseMalformed, refuseTemplates } from './interpolate.ts'
import { maxStages } from './limits.ts'
import { type DefineOptions, openSource, type ProjectReader, type ProjectSource } from './project-source.ts'
import { loadVars, resolveStage, type StageSetting } from './stage.ts'
import { topLevelOf } from './top-level.ts'
import { type DataFile, readDataFile } from './tracked.ts'
import { isList, isMap, type Value, type ValueMap } from './value.ts'
import { foldersOf, isPipelineFile, lockOf, walk } from './walk.ts'
import { type Document, readYaml } from './yaml.ts'

/**
 * Trust: every byte that the reader gives is attacker-controlled; nothing is executed.
 *
 * @throws ERR_DEFINITION_INVALID, ERR_PARAMS_INVALID, ERR_OUT_OVERLAP, ERR_DEFINITION_CYCLE, ERR_INPUT_TOO_LARGE, with
 * the place and a suggestion where there is one
 */
export function definePipeline(reader: ProjectReader, options: DefineOptions = {}): PipelineDefinition {
  const source = openSource(reader, options)
  const { stages, data, places, topLevel } = collect(source)
  const nodes = [...stages.map((stage) => nodeOf(stage, places)), ...data.map((file) => ({ ...file, name: file.file }))]
  const edges = edgesOf(nodes, source.root)
  source.refuseIdleOverrides(new Set(stages.flatMap((stage) => Object.keys(stage.params))))
  const files = new Set(data.map((file) => file.file))
  const before = (name: string, wanted: boolean): readonly string[] =>
    (edges.get(name) ?? []).filter((earlier) => files.has(earlier) === wanted)
  return {
    stages,
    tracked: data.flatMap((file) => file.tracked),
    after: new Map(stages.map((stage) => [stage.name, before(stage.name, false)])),
    afterData: new Map(stages.map((stage) => [stage.name, before(stage.name, true)])),
    topLevel,
    files: source.files(),
    warnings: source.warnings,
  }
}

type Collected = Readonly<{
  stages: readonly StageDefinition[]
  data: readonly DataFile[]
  /** Where each stage begins. */
  places: ReadonlyMap<StageDefinition, Place>
  topLevel: ReadonlyMap<string, TopLevel>
}>

function collect(source: ProjectSource): Collected {
  const stages: StageDefinition[] = []
  const data: DataFile[] = []
  const places = new Map<StageDefinition, Place>()
  const topLevel = new Map<string, TopLevel>()
  walk(source.reader.list(), (file) => {
    const bytes = source.definition(file)
    if (bytes === undefined) return []
    if (!isPipelineFile(file)) {
      const read = readDataFile(bytes, file, source)
      data.push(read)
      return read.outs.map(({ path }) => path)
    }
    const read = readPipelineFile(bytes, file, source)
    topLevel.set(file, read.top)
    for (const [stage, place] of read.stages) {
      stages.push(stage)
      places.set(stage, place)
    }
    if (stages.length > maxStages)
      throw faultAt('ERR_INPUT_TOO_LARGE', wholeFile(file), `more than ${maxStages} stages`)
    return read.stages.flatMap(([stage]) => stage.outs.map(({ path }) => path))
  })
  return { stages, data, places, topLevel }
}

type PipelineFile = Readonly<{ stages: readonly (readonly [StageDefinition, Place])[]; top: TopLevel }>

function readPipelineFile(bytes: Uint8Array, file: string, source: ProjectSource): PipelineFile {
  const document = readYaml(bytes, file, 'ERR_DEFINITION_INVALID')
  const { root, places } = document
  refuseShapeOf('dvc.yaml', root, places.start, { places, code: 'ERR_DEFINITION_INVALID' })
  refuseBadLock(file, source)
  const top: ValueMap = isMap(root) ? root : new Map()
  const folder = foldersOf(file).at(-1) ?? '.'
  const { style, budget } = source
  const filling: Filling = { context: emptyContext(), places, style, budget, allow: 'scalar' }
  const setting: StageSetting = { source, file, folder, filling }
  loadTopVars(document, top, setting)
  return {
    top: topLevelOf(top, { ...filling, allow: 'any' }, places.start),
    stages: stagesOf(top.get('stages') ?? null, setting),
  }
}

function stagesOf(definitions: Value, setting: StageSetting): PipelineFile['stages'] {
  if (!isMap(definitions)) return []
  const checked = new Set<Value>()
  return seedsOf(definitions, setting.filling).map((seed) => {
    if (!checked.has(seed.template)) refuseMalformed(seed.template, setting.filling.places, seed.place)
    checked.add(seed.template)
    return [resolveStage(seed, setting), seed.place]
  })
}

/** `params.yaml` beside the file when there is one, then `vars`. */
function loadTopVars({ places }: Document, top: ValueMap, setting: StageSetting): void {
  const { source, folder, filling } = setting
  const place = places.ofValue(top, 'vars')
  const vars = top.get('vars') ?? null
  const list = isList(vars) ? vars : []
  refuseTemplates(list, places, place)
  const usual = folder === '.' ? 'params.yaml' : `${folder}/params.yaml`
  if (source.isFolder(usual) || source.params(usual) !== undefined) {
    const files = { read: source.params, isFolder: source.isFolder }
    loadVarsFile(filling.context, { path: usual, keys: undefined, files }, wholeFile(usual))
  }
  loadVars(filling.context, list, { ...setting, origin: 'vars', place })
}

/** A dvc.lock that DVC cannot read stops DVC; one of DVC 1 is read past with a warning. */
function refuseBadLock(file: string, source: ProjectSource): void {
  const lock = lockOf(file)
  if (source.reader.isGitIgnored?.(lock) === true) {
    const help = 'take it out of .gitignore: DVC refuses to work without its lock'
    throw faultAt('ERR_DEFINITION_INVALID', wholeFile(lock), 'git ignores it', help)
  }
  const bytes = source.reader.isIgnored?.(lock) === true ? undefined : source.reader.read(lock)
  if (bytes === undefined) return
  const { root, places } = readYaml(bytes, lock, 'ERR_DEFINITION_INVALID')
  if (isMap(root) && !root.has('schema') && !root.has('stages') && root.size > 0) {
    source.warnings.push(`\`${lock}\` is of DVC 1 and is not used; DVC 3 refuses it`)
    return
  }
  refuseShapeOf('dvc.lock', root, places.start, { places, code: 'ERR_DEFINITION_INVALID' })
}

function nodeOf(stage: StageDefinition, places: ReadonlyMap<StageDefinition, Place>): GraphNode {
  const place = places.get(stage) ?? wholeFile(stage.file)
  const outs = stage.outs.map((out: OutDefinition) => ({ path: out.path, place }))
  const deps = [...stage.deps, ...Object.keys(stage.params)].filter((dep) => !dep.startsWith('ds://'))
  return { name: stage.name, file: stage.file, deps, outs }
}

function wholeFile(file: string): Place {
  return { file, line: 0, column: 0 }
}
