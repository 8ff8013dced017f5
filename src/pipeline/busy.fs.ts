/**
 * One run at a time in a project: a file that names the process, `.assay/run.lock`.
 *
 * The holder is the pid *and* its start time, so that a number used again does not look alive. A file whose process is
 * gone is taken over.
 */
import { closeSync, linkSync, mkdirSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { DomainError } from '../core/index.ts'

/** @returns what releases the project. @throws ERR_RUN_BUSY */
export function holdProject(root: string): () => void {
  const file = join(root, '.assay', 'run.lock')
  mkdirSync(join(root, '.assay'), { recursive: true })
  const mine = `${process.pid} ${startOf(process.pid) ?? ''}`
  const own = `${file}.${process.pid}`
  const fd = openSync(own, 'w', 0o644)
  writeSync(fd, mine)
  closeSync(fd)
  try {
    for (let attempt = 0; attempt < 3; attempt += 1) {
      if (claim(own, file)) return () => release(file, mine)
      const holder = textOf(file)
      const pid = Number(holder?.split(' ')[0])
      if (holder !== undefined && Number.isInteger(pid) && `${pid} ${startOf(pid) ?? 'gone'}` === holder) {
        throw new DomainError('ERR_RUN_BUSY', `process ${pid} is running this project`, { details: { pid } })
      }
      rmSync(file, { force: true })
    }
    throw new DomainError('ERR_RUN_BUSY', 'other processes keep starting runs in this project')
  } finally {
    rmSync(own, { force: true })
  }
}

/** Linking fails when the name exists: the file system decides who was first. */
function claim(own: string, file: string): boolean {
  try {
    linkSync(own, file)
    return true
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false
    throw new DomainError('ERR_IO', `\`${file}\` could not be made`, { cause: error })
  }
}

function release(file: string, mine: string): void {
  if (textOf(file) === mine) rmSync(file, { force: true })
}

/** Clock ticks since boot when the process started; field 22 of proc(5) stat, counted after the command's `)`. */
function startOf(pid: number): string | undefined {
  const stat = textOf(`/proc/${pid}/stat`)
  return stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[19]
}

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined // INVARIANT: a holder that cannot be read is not taken for one that is alive.
  }
}
