/**
 * One run at a time in a project: a file that names the process, `.assay/run.lock`.
 *
 * The holder is the pid *and* its start time, so that a number used again does not look alive. A file whose process is
 * gone is taken over.
 */
import { closeSync, linkSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { DomainError } from '../core/index.ts'
import { ioFault } from '../data/index.ts'

/** @returns what releases the project. @throws ERR_RUN_BUSY, ERR_IO, ERR_DISK_FULL */
export function holdProject(root: string): () => void {
  return holdFile(join(root, '.assay', 'run.lock'))
}

/** The same for any file that stands for something. @returns what releases it. @throws ERR_RUN_BUSY, ERR_IO, ERR_DISK_FULL */
export function holdFile(file: string): () => void {
  const mine = `${process.pid} ${startOf(process.pid) ?? ''}`
  const own = `${file}.${process.pid}`
  try {
    mkdirSync(dirname(file), { recursive: true })
    const fd = openSync(own, 'w', 0o644)
    writeSync(fd, mine)
    closeSync(fd)
    return claim(own, file, mine)
  } catch (error) {
    throw ioFault(error, file)
  } finally {
    rmSync(own, { force: true })
  }
}

function claim(own: string, file: string, mine: string): () => void {
  for (let attempt = 0; attempt < 3; attempt += 1) {
    if (linked(own, file)) return () => release(file, mine)
    const holder = textOf(file)
    refuseAlive(holder)
    takeAway(file, holder, `${own}.stale`)
  }
  throw new DomainError('ERR_RUN_BUSY', 'other processes keep starting runs in this project')
}

/** Linking fails when the name exists: the file system decides who was first. */
function linked(own: string, file: string): boolean {
  try {
    linkSync(own, file)
    return true
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false
    throw error
  }
}

function refuseAlive(holder: string | undefined): void {
  const pid = Number(holder?.split(' ')[0])
  if (holder === undefined || !Number.isInteger(pid) || `${pid} ${startOf(pid) ?? 'gone'}` !== holder) return
  throw new DomainError('ERR_RUN_BUSY', `process ${pid} is running this project`, { details: { pid } })
}

/** THREAT: two that see the same dead holder; the slower must not remove the file of the faster one. */
function takeAway(file: string, holder: string | undefined, aside: string): void {
  try {
    renameSync(file, aside)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return
    throw error
  }
  if (textOf(aside) !== holder) linked(aside, file)
  rmSync(aside, { force: true })
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
