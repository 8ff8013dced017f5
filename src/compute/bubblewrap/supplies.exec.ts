/**
 * What boxes of one opening share, so that each need not make it: /etc, which none can write, and a supply of fifos.
 */
import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { closeSync, constants, existsSync, fchownSync, openSync, unlinkSync } from 'node:fs'
import { promisify } from 'node:util'
import { DomainError } from '../../core/index.ts'
import { removeTree } from '../remove-tree.fs.ts'
import { type BoxFolder, makeBoxFolder, makeEtc, makeFolder } from './box-folder.fs.ts'
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
 * @param places the first in which one can be made
 * @throws ERR_SANDBOX_UNAVAILABLE
 */
export async function makeFifos(mkfifo: string, places = ['/dev/shm', '/tmp']): Promise<readonly Fifo[]> {
  const causes: unknown[] = []
  for (const place of places) {
    const names = Array.from({ length: fifosAtOnce }, () => `${place}/assay-${randomBytes(16).toString('hex')}`)
    try {
      await promisify(execFile)(mkfifo, ['-m', '600', ...names], { env: {} })
      return names.map(openFifo)
    } catch (cause) {
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

function openFifo(name: string): Fifo {
  const readEnd = openSync(name, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW)
  // opened blocking, since the mode is shared with the stage
  return { readEnd, writeEnd: openSync(name, constants.O_WRONLY | constants.O_NOFOLLOW) }
}
