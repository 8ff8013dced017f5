/** What one reading of a project shares: the reader, what was read, the settings of `.dvc/config`, warnings. */
import { parse as parseIni } from 'ini'
import { DomainError } from '../../core/index.ts'
import { defaultFlagStyle, type FlagStyle } from './command-flags.ts'
import { isProjectPath } from './dvc-path.ts'
import { faultAt, suggestion } from './fault.ts'
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
  /** DVC-ignored paths, which may be neither dep nor out; none when left out. */
  isIgnored?(path: string): boolean
}>

export type DefineOptions = Readonly<{
  overrides?: Overrides
  /** Absolute path of the project, so that absolute paths into it are understood. */
  root?: string
}>

export class ProjectSource {
  readonly reader: ProjectReader
  readonly root: string | undefined
  readonly style: FlagStyle
  readonly remotes: ReadonlySet<string>
  readonly budget: Budget = newBudget()
  readonly warnings: string[] = []
  readonly #overrides: Overrides
  readonly #files = new Set<string>()
  readonly #params = new Map<string, ParamsTree | undefined>()

  constructor(reader: ProjectReader, options: DefineOptions) {
    this.reader = reader
    this.root = options.root
    this.#overrides = options.overrides ?? new Map()
    const config = new DvcConfig(reader)
    this.style = config.style()
    this.remotes = config.remotes()
  }

  /** The bytes of a file that says what the pipeline is. */
  definition(path: string): Uint8Array | undefined {
    const bytes = isProjectPath(path) ? this.reader.read(path) : undefined
    if (bytes !== undefined) this.#files.add(path)
    return bytes
  }

  /** A params or vars file as templates see it, with the user's changes in it; read once. */
  params(path: string): ParamsTree | undefined {
    if (!this.#params.has(path)) {
      const bytes = this.definition(path)
      this.#params.set(path, bytes === undefined ? undefined : readParams(bytes, path, this.#overrides))
    }
    return this.#params.get(path)
  }

  isFolder(path: string): boolean {
    return isProjectPath(path) && this.reader.isFolder(path)
  }

  /** Every definition file that was read, sorted. */
  files(): readonly string[] {
    return [...this.#files].sort()
  }

  /**
   * Refuses a change to a file that nothing here reads, or to a parameter that the file does not have.
   *
   * @param declared params files of the stages
   */
  refuseIdleOverrides(declared: ReadonlySet<string>): void {
    for (const file of this.#overrides.keys()) {
      const used = declared.has(file) || this.#params.has(file)
      const bytes = used ? this.reader.read(file) : undefined
      if (bytes === undefined) {
        const help = suggestion(file, [...declared, ...this.#params.keys()])
        const what = used ? 'the params file does not exist' : 'no stage and no template reads this params file'
        throw faultAt('ERR_PARAMS_INVALID', { file, line: 0, column: 0 }, what, help)
      }
      readParams(bytes, file, this.#overrides)
    }
  }
}

/** `.dvc/config` and `.dvc/config.local`: the two things that change what a definition means. */
class DvcConfig {
  readonly #layers: readonly Readonly<Record<string, unknown>>[]

  constructor(reader: ProjectReader) {
    this.#layers = ['.dvc/config', '.dvc/config.local'].flatMap((file) => {
      const bytes = reader.read(file)
      return bytes === undefined ? [] : [parseIni(decodeText(bytes, file, 'ERR_DEFINITION_INVALID'))]
    })
  }

  style(): FlagStyle {
    const bool = this.#choice('bool', ['store_true', 'boolean_optional']) ?? defaultFlagStyle.bool
    const list = this.#choice('list', ['nargs', 'append']) ?? defaultFlagStyle.list
    return { bool, list }
  }

  #choice<Choice extends string>(key: string, choices: readonly Choice[]): Choice | undefined {
    const values = this.#layers.map((layer) => member(layer['parsing'], key)).filter((value) => value !== undefined)
    const value = values.at(-1)
    if (value === undefined) return undefined
    const chosen = choices.find((choice) => choice === String(value).toLowerCase())
    if (chosen !== undefined) return chosen
    throw new DomainError('ERR_DEFINITION_INVALID', `\`.dvc/config\`: parsing.${key} is not ${choices.join(' or ')}`)
  }

  remotes(): ReadonlySet<string> {
    const sections = this.#layers.flatMap((layer) => sectionNames(layer, ''))
    const named = sections.map((name) => /^'?remote\s+["'](.+?)["']'?$/.exec(name)?.[1]?.toLowerCase())
    return new Set(named.filter((name) => name !== undefined))
  }
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
