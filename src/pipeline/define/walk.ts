/**
 * Which files define the pipeline, in the order in which DVC meets them.
 *
 * SOURCE: dvc/repo/index.py collect_files: the files of a folder, then its subfolders; a folder that is an out by then
 * is not entered. Folders in order of name: DVC takes them as the directory lists them.
 */
import { faultAt } from './fault.ts'
import { maxDefinitionFiles } from './limits.ts'

export function isPipelineFile(path: string): boolean {
  return path === 'dvc.yaml' || path.endsWith('/dvc.yaml')
}

/** The lock beside a dvc.yaml. */
export function lockOf(pipelineFile: string): string {
  return pipelineFile.replace(/dvc\.yaml$/, 'dvc.lock')
}

/**
 * @param files project paths, others among them
 * @param read reads one and says which paths its stages make
 * @throws ERR_INPUT_TOO_LARGE
 */
export function walk(files: readonly string[], read: (file: string) => readonly string[]): void {
  const wanted = files.filter((file) => file.endsWith('.dvc') || isPipelineFile(file))
  if (wanted.length > maxDefinitionFiles) {
    const where = { file: '.', line: 0, column: 0 }
    throw faultAt('ERR_INPUT_TOO_LARGE', where, `more than ${maxDefinitionFiles} dvc.yaml and .dvc files`)
  }
  /** Out -> how many outs were known before it. */
  const outs = new Map<string, number>()
  /** Folder -> how many outs were known when it was decided which of its subfolders to enter. */
  const decided = new Map<string, number>()
  for (const file of inWalkOrder(wanted)) {
    if (!isEntered(file, outs, decided)) continue
    for (const out of read(file)) if (!outs.has(out)) outs.set(out, outs.size)
  }
}

function isEntered(file: string, outs: ReadonlyMap<string, number>, decided: Map<string, number>): boolean {
  let above = '.'
  for (const folder of foldersOf(file)) {
    const known = decided.get(above) ?? outs.size
    decided.set(above, known)
    const at = outs.get(folder)
    if (at !== undefined && at < known) return false
    above = folder
  }
  return true
}

/** Files of a folder before its subfolders; by name, so that the order is the same everywhere. */
function inWalkOrder(files: readonly string[]): readonly string[] {
  const key = (file: string): string => file.replace(/[^/]*$/, (name) => `\u0000${name}`).replaceAll('/', '\u0001')
  return [...new Set(files)]
    .map((file) => ({ file, key: key(file) }))
    .sort((left, right) => (left.key < right.key ? -1 : left.key > right.key ? 1 : 0))
    .map(({ file }) => file)
}

/** The folders above a file, from the top. */
export function foldersOf(file: string): readonly string[] {
  const names = file.split('/')
  return names.slice(1).map((_, index) => names.slice(0, index + 1).join('/'))
}
