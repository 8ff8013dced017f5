/** Removes what a killed run left: its box folders, and the places and control groups that they name. */
import { lstatSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { neutralPath, removeTree } from './box-folder.fs.ts'
import { removeLeftGroups } from './control-group.fs.ts'
import { errnoOf, pidNamespace, processState } from './process-facts.fs.ts'

const boxName = /^box-(\d{1,20})-(\d{1,10})-(\d{1,20})-[0-9a-f]{16}$/
/** LIMIT: a box of another pid namespace cannot be asked for its owner; after a week it has none. */
const foreignAgeMs = 7 * 24 * 3600 * 1000

/** THREAT: the folder may have come with a hostile checkout: nothing but boxes is touched, and no link is followed. */
export async function sweepBoxes(workFolder: string): Promise<void> {
  if (lstatSync(workFolder, { throwIfNoEntry: false })?.isDirectory() !== true) return
  for (const entry of readdirSync(workFolder, { withFileTypes: true })) {
    const path = join(workFolder, entry.name)
    if (!entry.isDirectory() || !isLeft(entry.name, path)) continue
    await removeLeftGroups(linesOf(path, 'groups'))
    for (const place of linesOf(path, 'place')) if (isOurs(place)) removeTree(place)
    removeTree(path)
  }
}

function isLeft(name: string, path: string): boolean {
  const [, namespace, pid, startTicks] = boxName.exec(name) ?? []
  if (namespace === undefined) return false
  if (Number(namespace) !== pidNamespace()) {
    const changedMs = lstatSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Number.POSITIVE_INFINITY
    return Date.now() - changedMs > foreignAgeMs
  }
  return processState(Number(pid))?.startTicks !== startTicks
}

/** THREAT: a record may be forged; only a folder with one of our names that no link stands for is removed. */
function isOurs(place: string): boolean {
  return neutralPath.test(place) && lstatSync(place, { throwIfNoEntry: false })?.isDirectory() === true
}

function linesOf(record: string, name: string): readonly string[] {
  try {
    return readFileSync(join(record, name), 'utf8').split('\n').filter(Boolean)
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return []
    throw error
  }
}
