/** Removes what a killed run left of its own bookkeeping. Boxes are swept by the sandbox, objects by `gc`. */
import { existsSync, lstatSync, readdirSync, rmdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { removeTree } from '../compute/index.ts'

/** LIMIT: a folder of a run that was killed at once, and that this many runs came after, stays until `gc`. */
const sweptRuns = 50

/**
 * INVARIANT: called by the one process that holds the project; nobody else writes to these places, but for those that
 * are just asking for the project and for reproductions: theirs carry the number of a process that is alive.
 */
export function sweepProject(root: string): void {
  const temporary = join(root, '.assay', 'tmp')
  for (const name of isFolder(temporary) ? readdirSync(temporary) : []) {
    const pid = /\.(\d{1,10})\.[a-z0-9]+\.tmp$/.exec(name)?.[1] // evidence that a reproduction is just writing
    if (pid === undefined || isGone(pid)) rmSync(join(temporary, name), { recursive: true, force: true })
  }
  for (const name of readdirSync(root)) {
    if (/^assay\.lock\.\d+\.[a-z0-9]+\.tmp$/.test(name)) rmSync(join(root, name), { force: true })
  }
  const state = join(root, '.assay')
  for (const name of readdirSync(state)) {
    const pid = /^run\.lock\.(\d{1,10})(\.stale)?$/.exec(name)?.[1]
    if (isGone(pid)) rmSync(join(state, name), { force: true })
  }
  const environments = join(state, 'environments')
  for (const name of isFolder(environments) ? readdirSync(environments) : []) {
    const pid = /^tmp-(\d{1,10})-/.exec(name)?.[1]
    if (isGone(pid)) removeTree(join(environments, name))
  }
  const again = join(state, 'again')
  for (const name of isFolder(again) ? readdirSync(again) : []) {
    if (isGone(/^(\d{1,10})-/.exec(name)?.[1])) rmSync(join(again, name), { recursive: true, force: true })
  }
  const runs = join(state, 'runs')
  // Names begin with the time: what a killed run left is among the last, however many there are.
  for (const name of isFolder(runs) ? readdirSync(runs).toSorted().slice(-sweptRuns) : []) {
    if (isFolder(join(runs, name)) && readdirSync(join(runs, name)).length === 0) rmdirSync(join(runs, name))
  }
}

function isGone(pid: string | undefined): boolean {
  return pid !== undefined && !existsSync(`/proc/${pid}`)
}

/** A link to a folder is none. */
function isFolder(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isDirectory() === true
}
