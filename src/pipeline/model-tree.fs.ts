/**
 * The files of a model, as OpenSSF Model Signing has them: regular files below a folder, or one file, called `.`.
 *
 * Another walk than that of data (`walkPlain`): names need not be plain, links may be followed when the signed terms say
 * so, and what is ignored is another list. SOURCE: OpenSSF Model Signing v1.0, 6.1 and 6.2.
 */
import { type Dirent, lstatSync, readdirSync, realpathSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { ManifestTerms } from '../attestation/index.ts'
import { DomainError, oneLine } from '../core/index.ts'

/** `name` in the model; `path` is absolute and, when links are followed, that of the file itself. */
export type ModelFile = Readonly<{ name: string; path: string; sizeBytes: number }>

/** LIMIT: 1,000,000 files, 64 folders deep: links that are followed could make many of few. */
const maxFiles = 1_000_000
const maxDepth = 64

type Walk = Readonly<{ root: string; followLinks: boolean; ignored: ReadonlySet<string>; files: ModelFile[] }>

/**
 * @param root absolute; a link as the root itself is the user's own word
 * @param ignored paths in the model, each with all below it; the standard's own are added by the caller
 * @throws ERR_MODEL_NOT_PLAIN, ERR_INPUT_TOO_LARGE; system errors
 */
export function walkModel(root: string, terms: Pick<ManifestTerms, 'followLinks' | 'ignored'>): readonly ModelFile[] {
  const real = realpathSync(root)
  const stats = statSync(real)
  if (stats.isFile()) return [{ name: '.', path: real, sizeBytes: stats.size }]
  if (!stats.isDirectory()) throw notPlain(root, 'is neither a file nor a folder')
  const ignored = new Set(terms.ignored.map((path) => path.replace(/\/+$/, '')))
  const walk: Walk = { root: real, followLinks: terms.followLinks, ignored, files: [] }
  walkFolder(walk, real, { prefix: '', above: [real] })
  return walk.files
}

/** `above`: the real folders from the root down to this one. */
type Place = Readonly<{ prefix: string; above: readonly string[] }>

function walkFolder(walk: Walk, folder: string, place: Place): void {
  if (place.above.length > maxDepth)
    throw new DomainError('ERR_INPUT_TOO_LARGE', `the model is deeper than ${maxDepth} folders`)
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const name = `${place.prefix}${entry.name}`
    if (walk.ignored.has(name)) continue
    // What is not UTF-8 was decoded to this character.
    if (name.includes('\ufffd')) throw notPlain(name, 'has a name that is not UTF-8')
    addEntry(walk, { entry, name, path: join(folder, entry.name) }, place)
  }
}

type Found = Readonly<{ entry: Dirent; name: string; path: string }>

function addEntry(walk: Walk, { entry, name, path }: Found, { above }: Place): void {
  const real = entry.isSymbolicLink() ? targetOf(walk, name, path) : path
  const stats = lstatSync(real)
  if (stats.isFile()) addFile(walk, { name, path: real, sizeBytes: stats.size })
  else if (!stats.isDirectory()) throw notPlain(name, 'is neither a file nor a folder')
  else if (above.includes(real)) throw notPlain(name, 'is a link that leads round in a circle')
  else walkFolder(walk, real, { prefix: `${name}/`, above: [...above, real] })
}

function addFile({ files }: Walk, file: ModelFile): void {
  if (files.length >= maxFiles)
    throw new DomainError('ERR_INPUT_TOO_LARGE', `the model has more than ${maxFiles} files`)
  files.push(file)
}

/** THREAT: a link to a file outside, whose bytes whoever owns it changes after the model was verified. */
function targetOf({ root, followLinks }: Pick<Walk, 'root' | 'followLinks'>, name: string, path: string): string {
  if (!followLinks) throw notPlain(name, 'is a link')
  let target: string
  try {
    target = realpathSync(path)
  } catch {
    throw notPlain(name, 'is a link that leads nowhere, or round in a circle')
  }
  if (!target.startsWith(`${root}/`)) throw notPlain(name, 'is a link that leaves the model')
  return target
}

/**
 * Only the files that were signed, whatever else lies there.
 *
 * @returns those that are there
 * @throws ERR_MODEL_NOT_PLAIN when one is no file, or is reached through a link that may not be followed
 */
export function findModelFiles(
  root: string,
  names: readonly string[],
  { followLinks }: Pick<ManifestTerms, 'followLinks'>,
): readonly ModelFile[] {
  const real = realpathSync(root)
  return names.flatMap((name) => {
    const path = name === '.' ? real : join(real, name)
    if (lstatSync(path, { throwIfNoEntry: false }) === undefined) return []
    // A folder above it may be a link too.
    const target = realpathSync(path) === path ? path : targetOf({ root: real, followLinks }, name, path)
    const stats = lstatSync(target)
    if (!stats.isFile()) throw notPlain(name, 'is no file')
    return [{ name, path: target, sizeBytes: stats.size }]
  })
}

function notPlain(name: string, what: string): DomainError {
  return new DomainError('ERR_MODEL_NOT_PLAIN', `\`${oneLine(name).slice(0, 500)}\` ${what}`)
}
