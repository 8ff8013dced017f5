/**
 * The assay.yaml that `init` writes for a repository that has none: its external inputs and its environment. Pure.
 *
 * Source: trust.md section 2: under `data:` goes each dep that no stage makes, that no command runs, and that has a data
 * extension or is over 1 MiB, tracked or not. A folder has the extensions of its files.
 */
import { stringify } from 'yaml'
import { isInside, isPlainPath } from '../core/index.ts'
import type { PipelineDefinition } from './definition.ts'

/** What `init` finds in the working tree. */
export type Surroundings = Readonly<{
  /** Name of the project's folder. */
  folder: string
  /** Bytes of a file or folder, or undefined when it is not there. */
  sizeOf(path: string): number | undefined
  /** Names of files in a folder and below; none of what is no folder. LIMIT: the first thousand. */
  filesIn(path: string): readonly string[]
  /** A lock that pins every package by its digest. */
  lock?: string
  /** Folders that stages may write and that are thrown away. */
  scratch?: readonly string[]
}>

const dataExtensions =
  /\.(csv|tsv|jsonl?|ndjson|parquet|arrow|feather|avro|orc|xlsx?|h5|hdf5|npy|npz|mat|pkl|pickle|joblib|pt|pth|onnx|safetensors|bin|gz|bz2|xz|zst|zip|tar|tgz|7z|txt|xml|sqlite|db|png|jpe?g|gif|tiff?|bmp|webp|wav|mp3|flac|mp4|avi|dcm|nii|tfrecords?|rds|rdata)$/i
const codeExtensions =
  /\.(py|ipynb|r|rmd|sh|bash|jl|js|mjs|ts|rb|pl|scala|java|go|rs|c|cc|cpp|cu|h|hpp|sql|ya?ml|toml|cfg|ini|lock|md)$/i
/** Of those what also lies beside data. */
const besideData = /\.(ya?ml|toml|cfg|ini|lock|md)$/i

/** Over this a dep is data, whatever it is called. */
const largeBytes = 1024 * 1024

export function externalInputs(pipeline: PipelineDefinition, surroundings: Surroundings): readonly string[] {
  const outs = pipeline.stages.flatMap((stage) => stage.outs.map(({ path }) => path))
  const tracked = pipeline.tracked.map(({ path }) => path)
  const inputs = new Set<string>()
  for (const stage of pipeline.stages) {
    for (const dep of stage.deps) {
      // another spelling is refused when its stage runs, with the stage's name
      const made = [...outs, ...tracked].some((path) => isInside(dep, path) || isInside(path, dep))
      if (!made && isPlainPath(dep) && !isRun(dep, stage.commands) && looksLikeData(dep, surroundings)) inputs.add(dep)
    }
  }
  return [...inputs].toSorted()
}

function looksLikeData(path: string, { sizeOf, filesIn }: Surroundings): boolean {
  if (dataExtensions.test(path)) return true
  const sizeBytes = sizeOf(path)
  if (sizeBytes !== undefined && sizeBytes > largeBytes && !codeExtensions.test(path)) return true
  return holdsData(filesIn(path))
}

/** A folder of nothing that is code, and mostly of what is data: forty small images, a labels file beside them. */
function holdsData(files: readonly string[]): boolean {
  const data = files.filter((name) => dataExtensions.test(name)).length
  return data > files.length / 2 && !files.some((name) => codeExtensions.test(name) && !besideData.test(name))
}

/** True when a command starts the file: it is the program itself or the script of an interpreter. */
function isRun(path: string, commands: readonly string[]): boolean {
  return commands.some((command) => {
    const words = command.split(/[\s;|&()]+/).map((word) => word.replace(/^\.\//, ''))
    const at = words.indexOf(path)
    return at === 0 || (at > 0 && codeExtensions.test(path))
  })
}

/** Names that tools give to folders of logs and intermediate files, at the top of a project. */
export const throwAwayNames = [
  ...['logs', 'log', 'mlruns', 'wandb', 'lightning_logs', 'tb_logs', 'runs', 'outputs', 'multirun', 'catboost_info'],
  ...['tmp', 'temp', '.cache', 'dvclive'],
]

/** Those of them that this project has or ignores, `logs` always, and that are nothing that a stage declares. */
export function throwAwayFolders(pipeline: PipelineDefinition, isThere: (path: string) => boolean): readonly string[] {
  const declared = pipeline.stages.flatMap((stage) => [
    ...[stage.workingDirectory, ...stage.deps, ...Object.keys(stage.params), ...stage.outs.map(({ path }) => path)],
  ])
  const known = [...declared, ...pipeline.tracked.map(({ path }) => path)].filter((path) => path !== '.')
  return throwAwayNames.filter(
    (name) => (name === 'logs' || isThere(name)) && !known.some((path) => isInside(path, name) || isInside(name, path)),
  )
}

/** The file's text; it is read back by the same parser that reads every assay.yaml. */
export function draftSettings(inputs: readonly string[], surroundings: Surroundings): string {
  const lines = ['assay: 1', `name: ${stringify(nameOf(surroundings.folder)).trim()}`]
  if (inputs.length > 0) {
    lines.push('', '# every input that no stage makes; give each a source with: assay data add ID PATH', 'data:')
    for (const path of inputs) lines.push(`  ${stringify(path).trim()}: {}`)
  }
  const scratch = surroundings.scratch ?? []
  const rest = scratch.length === 0 ? '' : `, scratch: [${scratch.join(', ')}]`
  lines.push('')
  if (scratch.length > 0) lines.push('# scratch: folders that stages may write and that are thrown away')
  if (surroundings.lock === undefined) {
    lines.push(
      "# host: this machine's own interpreter, recorded but not locked; to lock it: assay env lock --yes (with --from installed where no file names its packages)",
      `defaults: {environment: host, network: none, seed: 42${rest}}`,
    )
  } else {
    lines.push(
      'environments:',
      `  locked: {python: {lock: ${stringify(surroundings.lock).trim()}}}`,
      `defaults: {environment: locked, network: none, seed: 42${rest}}`,
    )
  }
  return `${lines.join('\n')}\n`
}

function nameOf(folder: string): string {
  const plain = folder.replace(/[^\p{L}\p{N}._-]+/gu, '-').replace(/^[^\p{L}\p{N}]+/u, '')
  return plain === '' ? 'project' : plain.slice(0, 64)
}
