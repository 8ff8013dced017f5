/** Where a project's repository lies, found without git, and whether its owner is us. */
import { lstatSync, readFileSync, realpathSync, type Stats, statSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { DomainError, oneLine } from '../core/index.ts'
import { errnoOf, ioFault } from './io-fault.ts'

export type RepositoryPlace = Readonly<{
  /** Real path of the work tree. */
  root: string
  projectRoot: string
  /** `.` when the project is the whole work tree. */
  prefix: string
  /** Of this work tree: HEAD, index. */
  gitDir: string
  /** Of all work trees: objects, refs, config. The same as `gitDir` unless this is a linked work tree. */
  commonDir: string
  /** Everything whose owner could prepare what git reads. */
  owned: readonly string[]
}>

/** LIMIT: a `.git` file is one short line. */
const maxLinkBytes = 8192

/**
 * The nearest folder, from the project upwards, whose `.git` is a repository.
 *
 * @throws ERR_GIT_CORRUPT for a `.git` that was one or says where one is, and is not: a run without the repository
 *   that was meant would only seem to be one
 */
export function locateRepository(project: string): RepositoryPlace | undefined {
  const projectRoot = realpathSync(project)
  for (let root = projectRoot; ; root = dirname(root)) {
    const gitDir = gitDirOf(join(root, '.git'))
    if (gitDir !== undefined) {
      const common = linkIn(join(gitDir, 'commondir'))
      const commonDir = common === undefined ? gitDir : realpathSync(resolve(gitDir, common))
      const prefix = relative(root, projectRoot)
      const owned = [root, join(root, '.git'), gitDir, commonDir]
      return { root, projectRoot, prefix: prefix === '' ? '.' : prefix, gitDir, commonDir, owned }
    }
    if (dirname(root) === root) return undefined
  }
}

/** A folder, or a file that names one (a linked work tree, a submodule). */
function gitDirOf(entry: string): string | undefined {
  if (!isThere(entry)) return undefined
  const stats = seen(entry)
  if (stats === undefined || !(stats.isFile() || stats.isDirectory())) throw noRepository(entry)
  if (stats.isDirectory()) {
    if (isThere(join(entry, 'HEAD'))) return realpathSync(entry)
    // An empty `.git` is none, as for git; one that lost its HEAD was one.
    if (isThere(join(entry, 'objects'))) throw noRepository(entry)
    return undefined
  }
  const named = stats.size > maxLinkBytes ? undefined : /^gitdir: (.+)$/s.exec(linkIn(entry) ?? '')?.[1]
  const folder = named === undefined ? undefined : resolve(dirname(entry), named)
  if (folder === undefined || !isThere(join(folder, 'HEAD'))) throw noRepository(entry)
  return realpathSync(folder)
}

/** What a link leads to; undefined when that is nothing, or a circle. */
function seen(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false })
  } catch (error) {
    if (errnoOf(error) !== 'ELOOP') throw ioFault(error, path)
    return undefined
  }
}

/** Whether there is an entry of that name, be it a link that leads nowhere: HEAD may be one. */
function isThere(path: string): boolean {
  try {
    return lstatSync(path, { throwIfNoEntry: false }) !== undefined
  } catch (error) {
    if (!['ENOTDIR', 'ELOOP'].includes(errnoOf(error) ?? '')) throw ioFault(error, path)
    return false
  }
}

function noRepository(entry: string): DomainError {
  return new DomainError('ERR_GIT_CORRUPT', `\`${oneLine(entry)}\` is there and leads to no repository`, {
    help: 'mend it (git fsck, or clone again); a folder that is to be none has no `.git`',
  })
}

function linkIn(file: string): string | undefined {
  const text = plainBytes(file)?.toString('utf8')
  return text === undefined || text.length > maxLinkBytes ? undefined : text.replace(/\r?\n$/, '')
}

/**
 * What a file of the repository says; undefined when it is not there.
 *
 * THREAT: whoever opens a fifo waits for ever, and no signal reaches him.
 * @throws ERR_GIT_CORRUPT when something else than a file is in its place
 */
export function plainBytes(file: string): Buffer | undefined {
  try {
    const stats = statSync(file, { throwIfNoEntry: false })
    if (stats === undefined) return undefined
    if (stats.isFile()) return readFileSync(file)
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') return undefined
    throw error
  }
  throw new DomainError('ERR_GIT_CORRUPT', `\`${oneLine(file)}\` is there and is no file`, {
    help: 'remove it, then mend the repository: git fsck, or clone again',
  })
}

/**
 * The first of the repository's parts that belongs to somebody else, who could have prepared it; git's own rule.
 *
 * @param sudoUser `SUDO_UID` of the caller: root may read what the user behind sudo owns
 */
export function strangersPart(place: RepositoryPlace, sudoUser: string | undefined): string | undefined {
  const own = process.geteuid?.()
  if (own === undefined) return undefined
  const friends = own === 0 && /^\d{1,10}$/.test(sudoUser ?? '') ? [own, Number(sudoUser)] : [own]
  return place.owned.find((path) => !friends.includes(lstatSync(path).uid))
}

/** Whether a line of the file says something: alternates, grafts. */
export function hasLines(file: string): boolean {
  const lines = plainBytes(file)?.toString('utf8').split('\n') ?? []
  return lines.some((line) => line.trim() !== '' && !line.startsWith('#'))
}

/** Whether `path`, taken from `base` when relative, is the folder `other`; a path that is not there is not. */
export function sameFolder(base: string, path: string, other: string): boolean {
  try {
    return realpathSync(resolve(base, path)) === realpathSync(other)
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') return false
    throw error
  }
}
