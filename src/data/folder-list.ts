/**
 * A folder's list of files as bytes, one spelling for one folder: RFC 8785 JSON of
 * `{"assayFolder":1,"files":[{digest, executable, path, sizeBytes}...]}`, sorted by the bytes of the path.
 *
 * Printed and read here without a general canonicaliser, which would need seconds for a hundred thousand files: keys
 * are in order as written, and `JSON.stringify` spells such strings and integers as RFC 8785 does.
 */
import { z } from 'zod'
import { type Content, DomainError, type FileEntry, folderOf, isSha256, parseProjectPath } from '../core/index.ts'

const shape = z.strictObject({
  assayFolder: z.literal(1),
  files: z.array(
    z.strictObject({
      digest: z.custom<FileEntry['digest']>(isSha256),
      executable: z.boolean(),
      path: z.string().refine((path) => path !== '.' && isPlain(path)),
      sizeBytes: z.int().nonnegative(),
    }),
  ),
})

export function printFolderList(files: readonly FileEntry[]): string {
  const entries = folderOf(files).files.map(({ digest, executable, path, sizeBytes }) => ({
    digest,
    executable,
    path,
    sizeBytes,
  }))
  return JSON.stringify({ assayFolder: 1, files: entries })
}

/**
 * Trust: `bytes` have the digest that was asked for, but whoever made that digest may be hostile.
 *
 * @throws ERR_INPUT_MALFORMED when they are not a list exactly as `printFolderList` prints it
 */
export function parseFolderList(bytes: Buffer, name: string): Extract<Content, { kind: 'folder' }> {
  const parsed = shape.safeParse(parseJson(bytes))
  // INVARIANT: one spelling. What does not print as it was read (another order, a key twice) is refused.
  if (!parsed.success || !Buffer.from(printFolderList(parsed.data.files)).equals(bytes)) throw malformed(name)
  const paths = new Set(parsed.data.files.map(({ path }) => path))
  if (paths.size !== parsed.data.files.length || [...paths].some((path) => hasFileAbove(path, paths))) {
    throw malformed(name)
  }
  return folderOf(parsed.data.files)
}

function parseJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'))
  } catch {
    return undefined // INVARIANT: `undefined` has not the shape, so it is refused by name.
  }
}

function isPlain(path: string): boolean {
  try {
    return parseProjectPath(path) === path
  } catch {
    return false // INVARIANT: refused by the shape.
  }
}

function hasFileAbove(path: string, paths: ReadonlySet<string>): boolean {
  for (let end = path.lastIndexOf('/'); end > 0; end = path.lastIndexOf('/', end - 1)) {
    if (paths.has(path.slice(0, end))) return true
  }
  return false
}

function malformed(name: string): DomainError {
  return new DomainError('ERR_INPUT_MALFORMED', `\`${name}\` is not a folder's list of files`)
}
