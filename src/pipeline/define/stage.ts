/**
 * One stage: its templates filled in, its paths resolved.
 *
 * SOURCE: dvc/parsing/__init__.py EntryDefinition.resolve_stage, dvc/stage/loader.py StageLoader.load_stage.
 */
import type { OutDefinition, StageDefinition } from '../definition.ts'
import { type Context, copyOf, defineVars, loadVarsFile } from './context.ts'
import { isProjectPath, pathFrom, resolvePath } from './dvc-path.ts'
import type { StageSeed } from './expand.ts'
import { faultAt, type Place, quoted } from './fault.ts'
import { type Filling, filled, filledText, refuseTemplates, spendNodes } from './interpolate.ts'
import type { ProjectSource } from './project-source.ts'
import { stageOuts } from './stage-outs.ts'
import { stageParams } from './stage-params.ts'
import { isList, isMap, kindOf, pythonText, templateText, toJson, type Value } from './value.ts'

export type StageSetting = Readonly<{
  source: ProjectSource
  /** The dvc.yaml, and the folder that it stands in. */
  file: string
  folder: string
  filling: Filling
}>

/** A section of a stage: what it became, and where its entries stand. */
export type Section = Readonly<{ value: Value; place: Place; placeOf(index: number): Place }>

/** How a stage's paths become project paths; refuses what DVC refuses as dep or out. */
export type PathOf = (path: Value, what: string, place: Place) => string

export function resolveStage(seed: StageSeed, fileSetting: StageSetting): StageDefinition {
  const { filling } = fileSetting
  const setting = { ...fileSetting, filling: { ...filling, context: { ...filling.context, loop: seed.loop } } }
  const workingDirectory = workingDirectoryOf(seed, setting)
  const context = withVars(seed, setting, workingDirectory)
  const section = (key: string): Section => sectionOf(seed, key, { ...setting.filling, context })
  refuseBadTypes(section('wdir'))
  const spelled = new Map<string, string>()
  const pathOf = notingSpelling(pathsFrom(workingDirectory, setting.source), workingDirectory, spelled)
  const cmd = commandsOf(section('cmd'))
  const metaOf = section('meta')
  const desc = section('desc').value
  const deps = depsOf(section('deps'), pathOf)
  const params = stageParams(section('params'), pathOf)
  const outs = outsOf(section, pathOf)
  return {
    name: setting.folder === '.' ? seed.name : `${setting.file}:${seed.name}`,
    file: setting.file,
    ...cmd,
    workingDirectory,
    deps,
    params,
    outs,
    ...(spelled.size === 0 ? {} : { spelled }),
    frozen: seed.template.get('frozen') === true,
    alwaysChanged: seed.template.get('always_changed') === true,
    ...(typeof desc === 'string' ? { desc } : desc === null ? {} : { desc: pythonText(desc) }),
    ...(seed.template.has('meta') ? { meta: toJson(metaOf.value) } : {}),
  }
}

function sectionOf(seed: StageSeed, key: string, filling: Filling): Section {
  const raw = seed.template.get(key)
  const place = filling.places.ofValue(seed.template, key)
  const allow = key === 'cmd' ? 'map' : 'scalar'
  const value = raw === undefined ? null : filled(raw, { ...filling, allow }, place)
  const placeOf = (index: number): Place => {
    const known = raw === undefined ? place : filling.places.ofValue(raw, index)
    return known.line === 0 ? place : known
  }
  return { value, place, placeOf }
}

/** `wdir` is filled in before the stage's own vars are read, which lie relative to it. */
function workingDirectoryOf(seed: StageSeed, { folder, filling, source }: StageSetting): string {
  const raw = seed.template.get('wdir')
  if (typeof raw !== 'string' || raw === '') return folder
  const place = filling.places.ofValue(seed.template, 'wdir')
  const value = filledText(raw, { ...filling, allow: 'any' }, place)
  if (value === null) return folder
  const path = templateText(value)
  return normalizedFolder(path, folder, source.root)
}

/** A working folder is always a path, whatever it looks like. */
function normalizedFolder(path: string, folder: string, root: string | undefined): string {
  const plain = resolvePath(path.startsWith('/') ? path : `./${path}`, folder, root)
  if (plain.kind !== 'project') throw new Error('a path that begins with ./ is no address')
  return plain.path
}

function refuseBadTypes(wdir: Section): void {
  if (wdir.value === null || typeof wdir.value === 'string') return
  throw faultAt('ERR_DEFINITION_INVALID', wdir.place, `\`wdir\` is ${kindOf(wdir.value)}, it must be text`)
}

function withVars(seed: StageSeed, setting: StageSetting, workingDirectory: string): Context {
  const vars = seed.template.get('vars')
  const { context } = setting.filling
  if (!isList(vars) || vars.length === 0) return context
  const place = setting.filling.places.ofValue(seed.template, 'vars')
  spendNodes(setting.filling.budget, context.size, place)
  const copy = copyOf(context)
  loadVars(copy, vars, { ...setting, folder: workingDirectory, origin: `${seed.name}.vars`, place })
  return copy
}

export type VarsSetting = StageSetting & Readonly<{ origin: string; place: Place }>

/** `vars`: maps, and files as `path` or `path:key,key`. No template may stand in them. */
export function loadVars(context: Context, vars: readonly Value[], setting: VarsSetting): void {
  const { filling, folder, source, origin } = setting
  refuseTemplates(vars, filling.places, setting.place)
  for (const [index, item] of vars.entries()) {
    const known = filling.places.ofValue(vars, index)
    const place = known.line === 0 ? setting.place : known
    if (isMap(item)) defineVars(context, item, `${origin}[${index}]`, place)
    if (typeof item !== 'string') continue
    const colon = item.indexOf(':')
    const path = colon < 0 ? item : item.slice(0, colon)
    const keys =
      colon < 0
        ? []
        : item
            .slice(colon + 1)
            .split(',')
            .filter((key) => key !== '')
    const file = normalizedFolder(path, folder, source.root)
    const files = { read: source.params, isFolder: source.isFolder }
    loadVarsFile(context, { path: file, keys: keys.length === 0 ? undefined : keys, files }, place)
  }
}

/**
 * `cmd` as DVC has it and as it is run: a text is run line by line, the entries of a list are run as they are.
 *
 * SOURCE: dvc/stage/run.py `_enforce_cmd_list`. An exact template can make an entry that is no text; DVC loads such a
 * stage and cannot run it, so `commands` holds its Python text, which no shell runs either.
 */
function commandsOf({ value }: Section): Pick<StageDefinition, 'commands' | 'cmd' | 'isCommandList'> {
  const entries = isList(value) ? value : [value]
  const commands = isList(value)
    ? entries.map(pythonText)
    : typeof value === 'string'
      ? linesOf(value)
      : [pythonText(value)]
  const same = entries.length === commands.length && entries.every((entry, index) => entry === commands[index])
  return {
    commands,
    ...(same ? {} : { cmd: entries.map(toJson) }),
    ...(isList(value) ? { isCommandList: true } : {}),
  }
}

/** Python's `str.splitlines`. */
function linesOf(text: string): readonly string[] {
  const lines = text.split(/\r\n|[\n\r\v\f\u001c-\u001e\u0085\u2028\u2029]/u)
  return lines.at(-1) === '' ? lines.slice(0, -1) : lines
}

function depsOf(section: Section, pathOf: PathOf): readonly string[] {
  const entries = isList(section.value) ? section.value : []
  return [...new Set(entries.map((entry, index) => pathOf(entry, 'a dep', section.placeOf(index))))]
}

function outsOf(section: (key: string) => Section, pathOf: PathOf): readonly OutDefinition[] {
  return [
    ...stageOuts(section('outs'), 'out', pathOf),
    ...stageOuts(section('metrics'), 'metric', pathOf),
    ...stageOuts(section('plots'), 'plot', pathOf),
  ]
}

/** dvc.lock finds its entries by the path as dvc.yaml has it: `./data` and `data/` are not `data` there. */
function notingSpelling(pathOf: PathOf, folder: string, spelled: Map<string, string>): PathOf {
  return (path, what, place) => {
    const resolved = pathOf(path, what, place)
    if (typeof path === 'string' && !path.startsWith('/') && path !== pathFrom(folder, resolved)) {
      spelled.set(resolved, path)
    }
    return resolved
  }
}

export function pathsFrom(workingDirectory: string, source: ProjectSource): PathOf {
  return (path, what, place) => {
    if (typeof path !== 'string') {
      throw faultAt(
        'ERR_DEFINITION_INVALID',
        place,
        `the path of ${what} is ${kindOf(path)}, it must be text`,
        'quote it',
      )
    }
    if (path === '' && what !== 'an out') throw faultAt('ERR_DEFINITION_INVALID', place, `the path of ${what} is empty`)
    if (path.endsWith('.dvc') || path.split('/').at(-1) === 'dvc.yaml') {
      const help = 'name the data that the file describes'
      throw faultAt('ERR_DEFINITION_INVALID', place, `the DVC file ${quoted(path)} cannot be ${what}`, help)
    }
    if (what === 'a dep' && path.startsWith('ds://')) return path
    const resolved = resolvePath(path, workingDirectory, source.root)
    if (resolved.kind === 'unknown') {
      throw faultAt('ERR_DEFINITION_INVALID', place, `${quoted(path)} is of no store that DVC knows`)
    }
    if (resolved.kind === 'url') refuseUnknownRemote(resolved.remote, source, place)
    else if (what === 'an out' && isIgnored(resolved.path, source)) {
      throw faultAt('ERR_DEFINITION_INVALID', place, `${quoted(path)} is ignored by .dvcignore and cannot be an out`)
    }
    return resolved.path
  }
}

function isIgnored(path: string, source: ProjectSource): boolean {
  return isProjectPath(path) && path !== '.' && source.reader.isIgnored?.(path) === true
}

function refuseUnknownRemote(remote: string | undefined, source: ProjectSource, place: Place): void {
  if (remote === undefined || source.remotes.has(remote.toLowerCase())) return
  throw faultAt('ERR_DEFINITION_INVALID', place, `the remote ${quoted(remote)} is not in .dvc/config`)
}
