/** An out of a run and the same out of its reproduction: a file, or every file of a folder by its name. */
import { walkPlain } from '../../data/index.ts'
import { type CompareOptions, compareFiles } from './compare-files.fs.ts'
import type { Compared } from './compared.ts'

/** Where the bytes of each file lie, by its path inside the out; `.` for an out that is a file. */
export type OutFiles = ReadonlyMap<string, string>

/** @throws ERR_DATA_MISSING, ERR_DATA_NOT_PLAIN */
export function outFilesAt(path: string): OutFiles {
  return new Map(walkPlain(path, { name: path }).files.map((file) => [file.inner, file.path]))
}

/**
 * @param options.path of the out, in the project
 * @returns one entry a file of either, by name; what only one of the two has is diverged
 * @throws ERR_IO, ERR_DISK_FULL, and the reason of the signal
 */
export async function compareOuts(
  left: OutFiles,
  right: OutFiles,
  options: CompareOptions,
): Promise<readonly Compared[]> {
  const compared: Compared[] = []
  for (const inner of [...new Set([...left.keys(), ...right.keys()])].toSorted()) {
    const path = inner === '.' ? options.path : `${options.path}/${inner}`
    const [before, after] = [left.get(inner), right.get(inner)]
    if (before !== undefined && after !== undefined)
      compared.push(await compareFiles(before, after, { ...options, path }))
    else compared.push(onlyIn(path, before === undefined ? 'second' : 'first'))
  }
  return compared
}

function onlyIn(path: string, which: 'first' | 'second'): Compared {
  const other = which === 'first' ? 'second' : 'first'
  const detail = `is there in the ${which} one and not in the ${other}`
  return { path, format: 'bytes', verdict: 'diverged', detail, unmeasured: 1, measures: [] }
}
