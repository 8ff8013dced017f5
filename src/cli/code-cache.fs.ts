/**
 * Where V8 keeps compiled code between two starts: a folder of the user's own.
 *
 * THREAT: compiled code is run as it is found. So it lies where nobody else can write (Node's own choice is a folder in
 * /tmp with a name that is known), and never in a checkout, which may have been made by somebody else.
 */
import { lstatSync, mkdirSync } from 'node:fs'
import { dirname, isAbsolute, join } from 'node:path'

/** What makes a folder look like a checkout. */
const marks = ['.git', '.dvc', 'assay.yaml', 'dvc.yaml']

/** Undefined where there is no such folder: assay then starts slower. */
export function codeCacheFolder(environment: Readonly<Record<string, string | undefined>>): string | undefined {
  const { XDG_CACHE_HOME: cache = '', HOME: home = '' } = environment
  const base = isAbsolute(cache) ? cache : isAbsolute(home) ? join(home, '.cache') : undefined
  if (base === undefined) return undefined
  const folder = join(base, 'assay', 'code')
  try {
    if (isInCheckout(base)) return undefined
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    return [dirname(folder), folder].every(isOwn) ? folder : undefined
  } catch {
    return undefined // INVARIANT: without a cache the code is compiled from its source, as it always may be.
  }
}

function isInCheckout(folder: string): boolean {
  for (let at = folder; ; at = dirname(at)) {
    if (marks.some((mark) => lstatSync(join(at, mark), { throwIfNoEntry: false }) !== undefined)) return true
    if (dirname(at) === at) return false
  }
}

function isOwn(folder: string): boolean {
  const status = lstatSync(folder)
  return status.isDirectory() && status.uid === process.geteuid?.() && (status.mode & 0o022) === 0
}
