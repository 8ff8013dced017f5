/** What a path stands for inside a root that is not this machine's. */
import { lstatSync, readlinkSync } from 'node:fs'
import { join } from 'node:path/posix'
import { quietly } from './process-facts.fs.ts'

/** LIMIT: links on the way to one file. SOURCE: path_resolution(7). */
const mostLinks = 40

/**
 * The file that a path leads to for who has `root` as `/`, links followed; undefined when there is none.
 *
 * THREAT: the system would follow an absolute link of the tree from the root of this machine.
 *
 * @param path absolute, inside; so is the answer
 */
export function fileInside(root: string, path: string): string | undefined {
  const open = namesOf(path)
  let at = '/'
  for (let links = 0; links <= mostLinks; ) {
    const name = open.shift()
    if (name === undefined) return quietly(() => lstatSync(join(root, at)))?.isFile() === true ? at : undefined
    const next = join(at, name) // never above `/`
    const stats = quietly(() => lstatSync(join(root, next)))
    if (stats === undefined) return undefined
    if (!stats.isSymbolicLink()) {
      at = next
      continue
    }
    links += 1
    const target = quietly(() => readlinkSync(join(root, next))) ?? ''
    if (target.startsWith('/')) at = '/'
    open.unshift(...namesOf(target))
  }
  return undefined
}

function namesOf(path: string): string[] {
  return path.split('/').filter(Boolean)
}
