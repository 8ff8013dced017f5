/**
 * What boxes of one opening share, so that each need not make it: /etc, which none can write, and a supply of fifos.
 */
import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { closeSync, constants, existsSync, fchownSync, openSync, unlinkSync } from 'node:fs'
import { promisify } from 'node:util'
import { DomainError } from '../../core/index.ts'
import { removeTree } from '../remove-tree.fs.ts'
import { type BoxFolder, closeAll, fifoPlaces, makeBoxFolder, makeEtc, makeFolder } from './box-folder.fs.ts'
import type { Bind } from './recipe.ts'

/** Both ends of a fifo that has no name any more. */
export type Fifo = Readonly<{ readEnd: number; writeEnd: number }>

export type Supplies = Disposable &
  Readonly<{
    /** Absolute folder that stands for /etc; `traced` as in `etcFiles`. */
    etc(traced: boolean): string
    /** A fifo that nobody had before, owned by `uid`; the caller closes its ends. */
    fifo(uid: number | undefined): Promise<Fifo>
  }>

const fifosAtOnce = 8

export function openSupplies(
  options: Readonly<{
    /** Absolute, of the boxes. */
    workFolder: string
    hostEtc: readonly Bind[]
    mkfifo: string
  }>,
): Supplies {
  const { workFolder, hostEtc, mkfifo } = options
  let shared: BoxFolder | undefined
  const etc = new Map<boolean, string>()
  const fifos: Fifo[] = []
  const makeShared = (traced: boolean): string => {
    shared ??= makeBoxFolder(workFolder, 'everybody')
    const folder = `${shared.path}/${traced ? 'traced' : 'plain'}`
    removeTree(folder) // what an attempt before it left when the disk was full
    const made = makeEtc(makeFolder(folder), hostEtc, traced)
    etc.set(traced, made)
    return made
  }
  return {
    etc: (traced) => etc.get(traced) ?? makeShared(traced),
    fifo: async (uid) => {
      if (fifos.length === 0) fifos.push(...(await makeFifos(mkfifo)))
      const fifo = fifos.pop()
      if (fifo === undefined) throw new Error('mkfifo made none')
      if (uid !== undefined) fchownSync(fifo.readEnd, uid, uid)
      return fifo
    },
    [Symbol.dispose]: () => {
      for (const { readEnd, writeEnd } of fifos.splice(0)) for (const fd of [readEnd, writeEnd]) closeSync(fd)
      shared?.remove()
      shared = undefined
      etc.clear()
    },
  }
}

/**
 * THREAT: a stage can read the path of its own stdout; so a fifo is made where the path says nothing of the project.
 *
 * @param places the first in which one can be made; what a killed run left there is swept (`sweep.fs.ts`)
 * @throws ERR_SANDBOX_UNAVAILABLE
 */
export async function makeFifos(mkfifo: string, places = fifoPlaces): Promise<readonly Fifo[]> {
  const causes: unknown[] = []
  for (const place of places) {
    const names = Array.from({ length: fifosAtOnce }, () => `${place}/assay-${randomBytes(16).toString('hex')}`)
    try {
      await promisify(execFile)(mkfifo, ['-m', '600', ...names], { env: {} })
      return openFifos(names)
    } catch (cause) {
      if (!isOfPlace(cause)) throw cause
      causes.push(cause) // missing, read-only or full
    } finally {
      for (const name of names) if (existsSync(name)) unlinkSync(name)
    }
  }
  throw new DomainError('ERR_SANDBOX_UNAVAILABLE', `no fifo can be made in ${places.join(' or ')}`, {
    help: `have one of them writable for this user: ls -ld ${places.join(' ')}; df ${places.join(' ')}`,
    cause: causes[0],
  })
}

/** The program made none, or what it made cannot be opened. That there is no program, or no descriptor left, is no place's fault. */
function isOfPlace(cause: unknown): boolean {
  if (!(cause instanceof Error && 'code' in cause)) return false
  if (typeof cause.code === 'number') return true
  return 'syscall' in cause && cause.syscall === 'open' && cause.code !== 'EMFILE' && cause.code !== 'ENFILE'
}

function openFifos(names: readonly string[]): readonly Fifo[] {
  const fds: number[] = []
  const open = (name: string, flags: number): number => {
    const fd = openSync(name, flags | constants.O_NOFOLLOW)
    fds.push(fd)
    return fd
  }
  try {
    return names.map((name) => {
      const readEnd = open(name, constants.O_RDONLY | constants.O_NONBLOCK)
      // opened blocking, since the mode is shared with the stage
      return { readEnd, writeEnd: open(name, constants.O_WRONLY) }
    })
  } catch (error) {
    closeAll(fds)
    throw error
  }
}
