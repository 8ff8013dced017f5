/** Removes what a killed run left: its box folders, and the control groups that they name. */
import { lstatSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { pidNamespace, removeTree } from './box-folder.fs.ts'
import { removeLeftGroups } from './control-group.fs.ts'
import { errnoOf, processState } from './process-facts.fs.ts'

const boxName = /^box-(\d{1,20})-(\d{1,10})-(\d{1,20})-[0-9a-f]{16}$/
/** LIMIT: a box of another pid namespace cannot be asked for its owner; after a week it has none. */
const foreignAgeMs = 7 * 24 * 3600 * 1000

/** THREAT: the folder may have come with a hostile checkout: nothing but boxes is touched, and no link is followed. */
export async function sweepBoxes(workFolder: string): Promise<void> {
  if (lstatSync(workFolder, { throwIfNoEntry: false })?.isDirectory() !== true) return
  for (const entry of readdirSync(workFolder, { withFileTypes: true })) {
    const path = join(workFolder, entry.name)
    if (!entry.isDirectory() || !isLeft(entry.name, path)) continue
    await removeLeftGroups(groupsOf(path))
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

function groupsOf(box: string): readonly string[] {
  try {
    return readFileSync(join(box, 'groups'), 'utf8').split('\n').filter(Boolean)
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return []
    throw error
  }
}
