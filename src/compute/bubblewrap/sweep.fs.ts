/**
 * Removes what a killed run left: its box folders, and the places and control groups that they name; the places of
 * killed runs whose project is gone, with the record of them; and fifos that were made and not yet opened.
 */
import { closeSync, constants, fstatSync, lstatSync, openSync, readdirSync, readFileSync, unlinkSync } from 'node:fs'
import { join } from 'node:path'
import { removeTree } from '../remove-tree.fs.ts'
import { fifoName, fifoPlaces, neutralPath, neutralPlaces, ownerFile } from './box-folder.fs.ts'
import { removeLeftGroups } from './control-group.fs.ts'
import { errnoOf, pidNamespace, processState, quietly } from './process-facts.fs.ts'
import { isSandboxUid } from './uid-slot.exec.ts'

const boxName = /^box-(\d{1,20}-\d{1,10}-\d{1,20})-[0-9a-f]{16}$/
const ownerText = /^(\d{1,20})-(\d{1,10})-(\d{1,20})$/
/** LIMIT: a box of another pid namespace cannot be asked for its owner; after a week it has none. */
const foreignAgeMs = 7 * 24 * 3600 * 1000
/** LIMIT: a younger place is left to the next run: what was in it may be about to end. */
const settledAgeMs = 60_000

/** THREAT: the folder may have come with a hostile checkout: nothing but boxes is touched, and no link is followed. */
export async function sweepBoxes(workFolder: string): Promise<void> {
  if (isFolder(workFolder)) await sweepRecords(workFolder)
  for (const place of neutralPlaces) sweepPlaces(place)
  for (const place of fifoPlaces) sweepFifos(place)
}

async function sweepRecords(workFolder: string): Promise<void> {
  for (const entry of readdirSync(workFolder, { withFileTypes: true })) {
    const path = join(workFolder, entry.name)
    const owner = boxName.exec(entry.name)?.[1]
    if (!entry.isDirectory() || owner === undefined || !isLeft(owner, ageMs(path))) continue
    await removeLeftGroups(linesOf(path, 'groups'))
    for (const place of linesOf(path, 'place')) if (isOurs(place)) removeTree(place)
    removeTree(path)
  }
}

/**
 * Boxes of this user in a folder for everybody, whatever project they were of.
 *
 * THREAT: anybody may make an entry with such a name there. Only a folder is removed, no link; it belongs to this user
 * (as root: or to a sandbox's), and so does the file in it that names its maker, which no other user can have written.
 * A place that cannot be removed is nobody's fault here: it is left.
 */
function sweepPlaces(folder: string): void {
  for (const name of namesIn(folder)) {
    const path = join(folder, name)
    if (!neutralPath.test(path) || !isOwnFolder(path)) continue
    const made = ownMaker(path)
    if (made === undefined || made.ageMs < settledAgeMs || !isLeft(made.owner, made.ageMs)) continue
    try {
      removeTree(path)
    } catch (error) {
      if (errnoOf(error) === undefined) throw error
    }
  }
}

/** A fifo has its name for as long as it takes to open it. THREAT: as for places; only a fifo of this user is removed. */
function sweepFifos(folder: string): void {
  for (const name of namesIn(folder)) {
    if (!fifoName.test(name)) continue
    const path = join(folder, name)
    const status = lstatSync(path, { throwIfNoEntry: false })
    if (status?.isFIFO() !== true || status.uid !== process.geteuid?.()) continue
    if (Date.now() - status.mtimeMs > settledAgeMs) quietly(() => unlinkSync(path))
  }
}

function isOwnFolder(path: string): boolean {
  const status = lstatSync(path, { throwIfNoEntry: false })
  const own = process.geteuid?.()
  if (status?.isDirectory() !== true) return false
  return status.uid === own || (own === 0 && isSandboxUid(status.uid))
}

/** What the owner file says; undefined unless it is a plain file of this user with one name. */
function ownMaker(path: string): Readonly<{ owner: string; ageMs: number }> | undefined {
  let fd: number | undefined
  try {
    fd = openSync(join(path, ownerFile), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
    const status = fstatSync(fd)
    if (!status.isFile() || status.uid !== process.geteuid?.() || status.nlink !== 1 || status.size > 64)
      return undefined
    return { owner: readFileSync(fd, 'latin1'), ageMs: Date.now() - status.mtimeMs }
  } catch (error) {
    if (errnoOf(error) === undefined) throw error
    return undefined
  } finally {
    if (fd !== undefined) closeSync(fd)
  }
}

function isLeft(owner: string, age: number): boolean {
  const [, namespace, pid, startTicks] = ownerText.exec(owner) ?? []
  if (namespace === undefined) return false
  if (Number(namespace) !== pidNamespace()) return age > foreignAgeMs
  return processState(Number(pid))?.startTicks !== startTicks
}

function ageMs(path: string): number {
  return Date.now() - (lstatSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Number.POSITIVE_INFINITY)
}

/** THREAT: a record may be forged; only a folder with one of our names that no link stands for is removed. */
function isOurs(place: string): boolean {
  return neutralPath.test(place) && isFolder(place)
}

/** A link to a folder is none. */
function isFolder(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isDirectory() === true
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder)
  } catch (error) {
    if (errnoOf(error) === undefined) throw error
    return [] // a machine without such a folder, or one that we may not list
  }
}

function linesOf(record: string, name: string): readonly string[] {
  try {
    return readFileSync(join(record, name), 'utf8').split('\n').filter(Boolean)
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return []
    throw error
  }
}
