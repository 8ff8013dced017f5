/**
 * One digest over what lstat says of every entry of a tree: cheap enough to be asked before and after each stage.
 *
 * GNU find tells it in half the time that it takes here, and beside what else there is to do; where there is none, or it
 * does not come to an end, it is looked at here. The two never agree: a tree that the other one knew is read once.
 *
 * THREAT: a file that is changed between two stages and has its old times again; its ctime tells. LIMIT: who may set the
 * machine's clock can set that too: spot checks and `--rehash` are left.
 */
import { spawn } from 'node:child_process'
import { createHash, hash, randomUUID } from 'node:crypto'
import { closeSync, fstatSync, lstatSync, openSync, readdirSync, readSync, unlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { findProgram } from '../bubblewrap/machine.exec.ts'
import { errnoOf } from '../bubblewrap/process-facts.fs.ts'

export type TreeStamp = Readonly<{
  digest: string
  /** The youngest time of change in the tree, in milliseconds since the epoch. */
  newestMs(): number
}>

/**
 * SOURCE: find(1) of findutils. Times come with all their digits; the size of a folder says nothing of what is in it.
 * The time of the last write is not asked for: whatever moves it moves the time of change.
 */
const telling = (size: string): readonly string[] => ['-printf', `%C@ %y%m %D %i ${size} %P\\0`]
const question = ['.', '-mindepth', '1', '-type', 'd', ...telling('0'), '-o', ...telling('%s')]

/**
 * @param tree absolute
 * @param find the program, `none` to do without it
 * @param places where it may write what it tells, best first
 */
export async function treeStamp(
  tree: string,
  find = findProgram('find') ?? 'none',
  places: readonly string[] = ['/dev/shm', tmpdir()],
): Promise<TreeStamp> {
  const told = find === 'none' ? undefined : await toldBy(find, tree, places)
  return told ?? lookedAt(tree)
}

/**
 * Undefined when it did not tell all.
 *
 * It writes into a file without a name: a pipe would have it wait whenever there is something else to do here, and costs
 * three times the processor time.
 */
async function toldBy(find: string, tree: string, places: readonly string[]): Promise<TreeStamp | undefined> {
  const fd = openNameless(places)
  if (fd === undefined) return undefined
  try {
    const code = await new Promise<number | null>((resolve) => {
      const child = spawn(find, question, { cwd: tree, env: { LC_ALL: 'C' }, stdio: ['ignore', fd, 'ignore'] })
      child.on('error', () => resolve(null))
      child.on('close', resolve)
    })
    if (code !== 0) return undefined
    const told = Buffer.alloc(fstatSync(fd).size)
    for (let [done, read] = [0, 1]; done < told.length && read > 0; done += read)
      read = readSync(fd, told, done, told.length - done, done)
    return { digest: `find:${hash('sha256', told)}`, newestMs: () => newestIn(told) }
  } finally {
    closeSync(fd)
  }
}

/** In the first place that takes a file; undefined where none does: missing, read-only or full. */
function openNameless(places: readonly string[]): number | undefined {
  for (const place of places) {
    const path = join(place, `assay-look-${randomUUID()}`)
    try {
      const fd = openSync(path, 'wx+', 0o600)
      unlinkSync(path)
      return fd
    } catch (error) {
      if (errnoOf(error) === undefined) throw error
    }
  }
  return undefined
}

function newestIn(told: Buffer): number {
  return told
    .toString('latin1')
    .split('\0')
    .reduce((newest, line) => Math.max(newest, Math.floor(Number(line.slice(0, line.indexOf(' '))) * 1000)), 0)
}

function lookedAt(tree: string): TreeStamp {
  const hasher = createHash('sha256')
  let newestNs = 0n
  const folders = ['']
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    let text = ''
    for (const item of readdirSync(`${tree}/${folder}`, { withFileTypes: true })) {
      const path = folder === '' ? item.name : `${folder}/${item.name}`
      if (item.isDirectory()) folders.push(path)
      const status = lstatSync(`${tree}/${path}`, { bigint: true, throwIfNoEntry: false })
      const { mode, dev, ino, size, mtimeNs, ctimeNs = 0n } = status ?? {}
      if (ctimeNs > newestNs) newestNs = ctimeNs
      text += `${path}\0${mode}:${dev}:${ino}:${item.isDirectory() ? 0 : size}:${mtimeNs}:${ctimeNs}\n`
    }
    hasher.update(text)
  }
  return { digest: hasher.digest('hex'), newestMs: () => Number(newestNs / 1_000_000n) }
}
