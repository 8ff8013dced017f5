/** The folder that environments are built in, without what killed builds left there. */
import { mkdirSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { removeTree } from '../remove-tree.fs.ts'

/** LIMIT: a temporary of a dead process, or one that is a day old, is removed. */
const graceMs = 10 * 60_000
const dayMs = 86_400_000

/** @param cacheFolder absolute; made when it is not there; only its `tmp-<pid>-*` are touched */
export function openCacheFolder(cacheFolder: string): void {
  mkdirSync(cacheFolder, { recursive: true })
  for (const name of readdirSync(cacheFolder)) {
    const pid = /^tmp-(\d{1,10})-/.exec(name)?.[1]
    if (pid === undefined) continue
    const path = join(cacheFolder, name)
    const modifiedAt = statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Date.now()
    const ageMs = Date.now() - modifiedAt
    // A process of another container has a number of its own: give it time.
    if (ageMs > dayMs || (ageMs > graceMs && !isAlive(Number(pid)))) removeTree(path)
  }
}

function isAlive(pid: number): boolean {
  return statSync(`/proc/${pid}`, { throwIfNoEntry: false }) !== undefined
}
