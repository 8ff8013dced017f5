/**
 * HEAD and the replaced objects, read from git's own files where these are plain; else git is asked.
 *
 * A process costs more than all else that an unchanged project asks of its repository. What is read here are one link
 * (`HEAD`), one branch and `packed-refs`, each only in the one spelling that git writes; anything else (reftable, a ref
 * that names a ref, a link) is undefined, and `repository.exec.ts` asks git.
 * SOURCE: git 2.39, gitrepository-layout(5) and gitglossary "packed refs"; git-check-ref-format(1).
 */
import { lstatSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { RepositoryPlace } from './git-locate.fs.ts'
import { errnoOf } from './io-fault.ts'
import type { GitOid } from './repository.ts'

type Folders = Pick<RepositoryPlace, 'gitDir' | 'commonDir'>

/** LIMIT: HEAD and a branch are a line; 64 MiB of packed refs are some million. */
const maxLineBytes = 1024
const maxPackedBytes = 64 * 1024 * 1024

const plainBranch = /^refs\/heads(?:\/[A-Za-z0-9_@+=,#%-][A-Za-z0-9_.@+=,#%-]*)+$/
const oidLine = /^((?:[0-9a-f]{40}|[0-9a-f]{64}))\n?$/

/** Undefined where git has to be asked. */
export function readPlainHead({ gitDir, commonDir }: Folders): Readonly<{ commit: GitOid; ref?: string }> | undefined {
  const text = plainText(join(gitDir, 'HEAD'), maxLineBytes)
  const detached = oidLine.exec(text ?? '')?.[1]
  if (detached !== undefined) return { commit: detached }
  const ref = /^ref: (refs\/heads\/[^\n]+)\n?$/.exec(text ?? '')?.[1]
  if (ref === undefined || !plainBranch.test(ref) || /\.\.|\.lock(?:\/|$)|\.(?:\/|$)/.test(ref)) return undefined
  const loose = plainText(join(commonDir, ref), maxLineBytes)
  // A file that is there says it alone, readable or not; an absent one leaves it to the packed refs.
  const commit = isThere(join(commonDir, ref)) ? oidLine.exec(loose ?? '')?.[1] : packedRef(commonDir, ref)
  return commit === undefined ? undefined : { commit, ref }
}

/** False when no object can be replaced by another; undefined where git has to be asked. */
export function hasNoReplaceRefs({ commonDir }: Folders): false | undefined {
  if (isThere(join(commonDir, 'reftable'))) return undefined
  const isPacked = packedText(commonDir)?.includes(' refs/replace/') ?? true
  return isPacked || !isEmptyFolder(join(commonDir, 'refs/replace')) ? undefined : false
}

function packedRef(commonDir: string, ref: string): GitOid | undefined {
  const text = packedText(commonDir) ?? ''
  const end = text.indexOf(` ${ref}\n`)
  return end < 0 ? undefined : oidLine.exec(text.slice(text.lastIndexOf('\n', end) + 1, end))?.[1]
}

/** Empty where there are none; undefined when the file is not plain. */
function packedText(commonDir: string): string | undefined {
  const file = join(commonDir, 'packed-refs')
  return isThere(file) ? plainText(file, maxPackedBytes) : ''
}

/** A file in the place of a folder above means that nothing is there. */
function isThere(path: string): boolean {
  try {
    return lstatSync(path, { throwIfNoEntry: false }) !== undefined
  } catch (error) {
    return errnoOf(error) !== 'ENOTDIR'
  }
}

function isEmptyFolder(path: string): boolean {
  try {
    return readdirSync(path).length === 0
  } catch (error) {
    return errnoOf(error) === 'ENOENT'
  }
}

/** A regular file, no link, of a possible size. */
function plainText(file: string, maxBytes: number): string | undefined {
  try {
    const stats = lstatSync(file, { throwIfNoEntry: false })
    return stats?.isFile() === true && stats.size <= maxBytes ? readFileSync(file, 'latin1') : undefined
  } catch {
    return undefined // INVARIANT: what cannot be read here is asked of git, which says why.
  }
}
