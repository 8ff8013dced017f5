/**
 * Keeps outs that DVC caches out of git, as DVC does it: `/name` in the `.gitignore` beside the out.
 *
 * Only ever a line at the end of a regular file; what is ignored already, or tracked, is left alone.
 */
import { closeSync, constants, fstatSync, openSync, readSync, writeSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { ioFault } from '../../data/index.ts'

/**
 * @param paths project paths of outs that git neither tracks nor ignores
 * @returns the ignore files that got a line, as project paths
 */
export function ignoreOuts(root: string, paths: readonly string[]): readonly string[] {
  const changed = new Set<string>()
  for (const path of paths) {
    const folder = dirname(path)
    const file = folder === '.' ? '.gitignore' : `${folder}/.gitignore`
    if (appendLine(join(root, file), `/${escaped(basename(path))}`)) changed.add(file)
  }
  return [...changed]
}

/** SOURCE: gitignore(5): characters of a pattern, and a space at the end. */
function escaped(name: string): string {
  return name.replace(/[\\[\]*?!#]/g, (character) => `\\${character}`).replace(/ $/, '\\ ')
}

/** THREAT: an ignore file that is a link would have assay write elsewhere: never followed, then nothing is added. */
function appendLine(file: string, line: string): boolean {
  const flags = constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW | constants.O_NONBLOCK
  let fd: number
  try {
    fd = openSync(file, flags, 0o644)
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ELOOP' || error.code === 'ENOENT')) return false
    throw ioFault(error, file)
  }
  try {
    const stats = fstatSync(fd)
    if (!stats.isFile()) return false
    const last = Buffer.alloc(1)
    if (stats.size > 0) readSync(fd, last, 0, 1, stats.size - 1)
    const text = Buffer.from(`${stats.size > 0 && last[0] !== 10 ? '\n' : ''}${line}\n`)
    writeSync(fd, text, 0, text.length, stats.size)
    return true
  } catch (error) {
    throw ioFault(error, file)
  } finally {
    closeSync(fd)
  }
}
