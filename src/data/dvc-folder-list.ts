/**
 * DVC's list of a folder's files, and the name that it gives the folder: the MD5 of that text with `.dir` behind it.
 *
 * SOURCE: dvc-data 3.19 hashfile/tree.py: `json.dumps(list, sort_keys=True)` of `{"md5", "relpath"}`, sorted by path in
 * code points; test/vectors/dvc/hash-vectors.json.
 */
import { hash } from 'node:crypto'
import { z } from 'zod'
import { comparePaths, DomainError, hexOf, type Md5, parseProjectPath } from '../core/index.ts'

export type DvcListEntry = Readonly<{ md5: Md5; path: string }>

const shape = z.array(z.object({ md5: z.string().regex(/^[0-9a-f]{32}$/), relpath: z.string() }))

export function md5OfText(text: string): Md5 {
  return `md5:${hash('md5', text, 'hex')}`
}

export function printDvcList(entries: readonly DvcListEntry[]): string {
  const sorted = entries.toSorted((left, right) => comparePaths(left.path, right.path))
  const items = sorted.map(({ md5, path }) => `{"md5": "${hexOf(md5)}", "relpath": ${asciiJson(path)}}`)
  return `[${items.join(', ')}]`
}

/**
 * Trust: `bytes` have the MD5 that was asked for, and whoever made that MD5 may be hostile.
 *
 * @param name how errors call it
 * @throws ERR_DVC_CACHE_CORRUPT when it is no such list, or a path in it does not stay inside the folder
 */
export function parseDvcList(bytes: Uint8Array, name: string): readonly DvcListEntry[] {
  const parsed = shape.safeParse(parseJson(bytes))
  if (!parsed.success) throw malformed(name, 'is not a list of files')
  const paths = new Set<string>()
  const entries = parsed.data.map(({ md5, relpath }): DvcListEntry => {
    if (!isPlain(relpath)) throw malformed(name, 'holds a path that is not plain')
    paths.add(relpath)
    return { md5: `md5:${md5}`, path: relpath }
  })
  if (paths.size !== entries.length) throw malformed(name, 'holds a path twice')
  for (const path of paths) if (hasFileAbove(path, paths)) throw malformed(name, 'has a file below a file')
  return entries
}

/** As Python's `json.dumps`: everything beyond ASCII, and DEL not, as `\uXXXX` of its UTF-16 units. */
function asciiJson(text: string): string {
  return JSON.stringify(text).replace(/[^\u0000-\u007f]/g, (unit) => {
    return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`
  })
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes))
  } catch {
    return undefined // INVARIANT: `undefined` has not the shape, so it is refused by name.
  }
}

function isPlain(path: string): boolean {
  try {
    return path !== '.' && parseProjectPath(path) === path
  } catch {
    return false // INVARIANT: refused by name.
  }
}

function hasFileAbove(path: string, paths: ReadonlySet<string>): boolean {
  for (let end = path.lastIndexOf('/'); end > 0; end = path.lastIndexOf('/', end - 1)) {
    if (paths.has(path.slice(0, end))) return true
  }
  return false
}

function malformed(name: string, what: string): DomainError {
  return new DomainError('ERR_DVC_CACHE_CORRUPT', `\`${name}\` in DVC's cache ${what}`)
}
