/** What one reading of a project shares: the reader, what was read, the settings of `.dvc/config`, warnings. */
import type { FlagStyle } from './command-flags.ts'
import { readDvcSettings } from './dvc-config.ts'
import { isProjectPath } from './dvc-path.ts'
import { faultAt, suggestion } from './fault.ts'
import { type Budget, newBudget } from './interpolate.ts'
import type { Overrides } from './overrides.ts'
import { readParams } from './params.ts'
import type { ParamsTree } from './params-tree.ts'

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
  const { style, remotes } = readDvcSettings((path) => reader.read(path))
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
    style,
    remotes,
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
