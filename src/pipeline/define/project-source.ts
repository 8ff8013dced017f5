/** What one reading of a project shares: the reader, what was read, the settings of `.dvc/config`, warnings. */
import { parse as parseIni } from 'ini'
import { DomainError } from '../../core/index.ts'
import { defaultFlagStyle, type FlagStyle } from './command-flags.ts'
import { isProjectPath } from './dvc-path.ts'
import { faultAt, quoted, suggestion } from './fault.ts'
import { type Budget, newBudget } from './interpolate.ts'
import type { Overrides } from './overrides.ts'
import { readParams } from './params.ts'
import type { ParamsTree } from './params-tree.ts'
import { decodeText } from './yaml.ts'

/** Reads project files; paths in project spelling. All bytes of a definition come through here. */
export type ProjectReader = Readonly<{
  read(path: string): Uint8Array | undefined
  /** Every project file that could be a dvc.yaml or `.dvc` file and is neither git- nor DVC-ignored. */
  list(): readonly string[]
  isFolder(path: string): boolean
  /** True for a DVC-ignored path, which may be no out; nothing is ignored when left out. */
  isIgnored?(path: string): boolean
  /** True for a git-ignored dvc.lock, which stops DVC. */
  isGitIgnored?(path: string): boolean
}>

export type DefineOptions = Readonly<{
  overrides?: Overrides
  /** Absolute path of the project, so that absolute paths into it are understood. */
  root?: string
}>

export type ProjectSource = Readonly<{
  reader: ProjectReader
  root: string | undefined
  style: FlagStyle
  remotes: ReadonlySet<string>
  budget: Budget
  /** Grows while the project is read. */
  warnings: string[]
  /** The bytes of a file that says what the pipeline is. */
  definition(path: string): Uint8Array | undefined
  /** A params or vars file as templates see it, with the user's changes in it; read once. */
  params(path: string): ParamsTree | undefined
  isFolder(path: string): boolean
  /** Every definition file that was read, sorted. */
  files(): readonly string[]
  /**
   * Refuses a change to a file that nothing here reads, or to a parameter that the file does not have.
   *
   * @param declared params files of the stages
   */
  refuseIdleOverrides(declared: ReadonlySet<string>): void
}>

export function openSource(reader: ProjectReader, { root, overrides = new Map() }: DefineOptions): ProjectSource {
  const config = dvcConfigLayers(reader)
  const files = new Set<string>()
  const trees = new Map<string, ParamsTree | undefined>()
  const definition = (path: string): Uint8Array | undefined => {
    const bytes = isProjectPath(path) ? reader.read(path) : undefined
    if (bytes !== undefined) files.add(path)
    return bytes
  }
  const params = (path: string): ParamsTree | undefined => {
    if (!trees.has(path)) {
      const bytes = definition(path)
      trees.set(path, bytes === undefined ? undefined : readParams(bytes, path, overrides))
    }
    return trees.get(path)
  }
  return {
    reader,
    root,
    style: styleOf(config),
    remotes: remotesOf(config),
    budget: newBudget(),
    warnings: [],
    definition,
    params,
    isFolder: (path) => isProjectPath(path) && reader.isFolder(path),
    files: () => [...files].sort(),
    refuseIdleOverrides: (declared) => refuseIdle(overrides, new Set([...declared, ...trees.keys()]), reader),
  }
}

/** @param used params files that a stage declares or a template reads */
function refuseIdle(overrides: Overrides, used: ReadonlySet<string>, reader: ProjectReader): void {
  for (const file of overrides.keys()) {
    const bytes = used.has(file) ? reader.read(file) : undefined
    if (bytes === undefined) {
      const missing = 'the params file does not exist'
      const what = used.has(file) ? missing : 'no stage and no template reads this params file'
      throw faultAt('ERR_PARAMS_INVALID', { file, line: 0, column: 0 }, what, suggestion(file, [...used]))
    }
    readParams(bytes, file, overrides)
  }
}

/** `.dvc/config` and `.dvc/config.local`: two things in them change what a definition means. */
type DvcConfig = readonly Readonly<Record<string, unknown>>[]

function dvcConfigLayers(reader: ProjectReader): DvcConfig {
  return ['.dvc/config', '.dvc/config.local'].flatMap((file) => {
    const bytes = reader.read(file)
    if (bytes === undefined) return []
    const text = decodeText(bytes, file, 'ERR_DEFINITION_INVALID')
    refuseBadLines(text, file)
    return [parseIni(text)]
  })
}

/** `ini` reads anything; DVC stops at a line that is neither section nor setting, and at a section that stands twice. */
function refuseBadLines(text: string, file: string): void {
  if (/'''|"""/.test(text)) return // a value of several lines
  const sections = new Set<string>()
  for (const [index, line] of text.split('\n').entries()) {
    const words = line.trim()
    if (words === '' || words.startsWith('#')) continue
    const place = { file, line: index + 1, column: 1 }
    const section = /^\[.*\]/.exec(words)?.[0]
    if (section === undefined && !words.includes('=')) {
      throw faultAt('ERR_DEFINITION_INVALID', place, 'neither a [section] nor `key = value`')
    }
    if (section === undefined) continue
    if (sections.has(section)) throw faultAt('ERR_DEFINITION_INVALID', place, `${quoted(section)} stands twice`)
    sections.add(section)
  }
}

function styleOf(config: DvcConfig): FlagStyle {
  const bool = choiceOf(config, 'bool', ['store_true', 'boolean_optional']) ?? defaultFlagStyle.bool
  const list = choiceOf(config, 'list', ['nargs', 'append']) ?? defaultFlagStyle.list
  return { bool, list }
}

function choiceOf<Choice extends string>(
  config: DvcConfig,
  key: string,
  choices: readonly Choice[],
): Choice | undefined {
  const values = config.map((layer) => member(layer['parsing'], key)).filter((value) => value !== undefined)
  const value = values.at(-1)
  if (value === undefined) return undefined
  const chosen = choices.find((choice) => choice === String(value).toLowerCase())
  if (chosen !== undefined) return chosen
  throw new DomainError('ERR_DEFINITION_INVALID', `\`.dvc/config\`: parsing.${key} is not ${choices.join(' or ')}`)
}

function remotesOf(config: DvcConfig): ReadonlySet<string> {
  const sections = config.flatMap((layer) => sectionNames(layer, ''))
  const named = sections.map((name) => /^'?remote\s+["'](.+?)["']'?$/.exec(name)?.[1]?.toLowerCase())
  return new Set(named.filter((name) => name !== undefined))
}

function member(section: unknown, key: string): unknown {
  return typeof section === 'object' && section !== null ? Reflect.get(section, key) : undefined
}

/** `ini` splits section names at dots; joined again. */
function sectionNames(section: unknown, prefix: string): readonly string[] {
  if (typeof section !== 'object' || section === null) return []
  return Object.entries(section).flatMap(([name, inner]) => {
    const whole = prefix === '' ? name : `${prefix}.${name}`
    return typeof inner === 'object' ? [whole, ...sectionNames(inner, whole)] : []
  })
}
