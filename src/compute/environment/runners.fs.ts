/** Puts the scripts that stand for environment runners into a folder, to be mounted. */
import { chmodSync, mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { runnerNames, runnerScript, runnersTarget } from './runners.ts'

/**
 * Written anew each time: nobody can have changed them since.
 *
 * @param cacheFolder absolute; `.assay/environments` of the project
 */
export function makeRunners(cacheFolder: string): string {
  const folder = join(cacheFolder, runnersTarget.slice(runnersTarget.lastIndexOf('/') + 1))
  mkdirSync(folder, { recursive: true })
  for (const name of runnerNames) {
    const temporary = join(cacheFolder, `tmp-${process.pid}-runner-${name}`)
    writeFileSync(temporary, runnerScript)
    chmodSync(temporary, 0o755)
    renameSync(temporary, join(folder, name))
  }
  return folder
}
