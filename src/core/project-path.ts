/**
 * Paths inside a project: relative, `/`, NFC, plain.
 *
 * A name that prints like another one (bidi, zero-width, another normalisation) or that leaves the project is refused
 * where it enters, so that no later code has to think of it.
 */
import { DomainError } from './error.ts'
import { matchesName } from './text.ts'

/** Control, bidi and zero-width characters, and the byte order mark. */
const notPlain = /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/u

/** LIMIT: 1,024 bytes a path, 255 bytes a name: what Linux file systems hold. */
const maxPathBytes = 1024
const maxNameBytes = 255

const encoder = new TextEncoder()

/** In UTF-8, of which a unit of a string has three bytes at most. */
function isLongerThan(text: string, bytes: number): boolean {
  return text.length * 3 > bytes && (text.length > bytes || encoder.encode(text).length > bytes)
}

/** What nearly every name is: nothing of it needs a second look. */
const plainest = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,84}$/

/** Why a single file name is refused, or undefined when it is plain. */
export function nameFault(name: string): string | undefined {
  if (plainest.test(name)) return undefined
  if (name === '' || name === '.' || name === '..') return 'is not a name'
  if (name.includes('/') || name.includes('\\')) return 'holds a separator'
  if (!name.isWellFormed() || notPlain.test(name)) return 'holds a character that does not print'
  if (name !== name.normalize('NFC')) return 'is not in Unicode normal form C'
  if (isLongerThan(name, maxNameBytes)) return `is longer than ${maxNameBytes} bytes`
  return undefined
}

/**
 * A path in the project's own spelling: no `.`, no trailing `/`; `.` alone is the project.
 *
 * @param base the folder, in the same spelling, that a relative `path` starts from
 * @throws ERR_PATH_UNSAFE when the path is absolute, leaves the project or has a name that is not plain
 */
export function parseProjectPath(path: string, base = '.'): string {
  if (path.startsWith('/')) throw unsafe(path, 'is absolute')
  const names: string[] = base === '.' ? [] : base.split('/')
  for (const name of path.split('/')) {
    if (name === '' || name === '.') continue
    if (name === '..') {
      if (names.pop() === undefined) throw unsafe(path, 'leaves the project')
      continue
    }
    const fault = nameFault(name)
    if (fault !== undefined) throw unsafe(path, `has a name that ${fault}`)
    names.push(name)
  }
  const joined = names.length === 0 ? '.' : names.join('/')
  if (isLongerThan(joined, maxPathBytes)) throw unsafe(path, `is longer than ${maxPathBytes} bytes`)
  return joined
}

/** True for a path that is in the project's own spelling already. */
export function isPlainPath(path: string): boolean {
  if (path === '.') return true
  return !isLongerThan(path, maxPathBytes) && path.split('/').every((name) => nameFault(name) === undefined)
}

/** True when `path` is `folder` itself or lies below it; both in the project's spelling. */
export function isInside(path: string, folder: string): boolean {
  return folder === '.' || path === folder || path.startsWith(`${folder}/`)
}

/**
 * Why nothing of a pipeline may lie at a path, or undefined. THREAT: what is put there acts outside of any sandbox. In any
 * case of the letters, since some file systems hold them for one.
 */
export function closedFolderFault(path: string): string | undefined {
  const names = path.toLowerCase().split('/')
  if (names.includes('.git') || names[0] === '.assay') return 'belongs to git or to assay'
  return names.includes('.dvc') ? 'belongs to DVC' : undefined
}

function unsafe(path: string, what: string): DomainError {
  return new DomainError('ERR_PATH_UNSAFE', `the path \`${path.slice(0, 200)}\` ${what}`)
}

/** `*` and `?` within one name, `**` for any folders. */
export function matchesPath(path: string, pattern: string): boolean {
  return matchesNames(path.split('/'), pattern.split('/'))
}

function matchesNames(names: readonly string[], patterns: readonly string[]): boolean {
  // which lengths of the path the patterns so far can have taken: no pattern takes long
  let reached = names.map(() => false)
  reached = [true, ...reached]
  for (const pattern of patterns) {
    const next = reached.map(() => false)
    for (const [length, isReached] of reached.entries()) {
      if (pattern === '**') next[length] = isReached || next[length - 1] === true
      else if (isReached && length < names.length && matchesName(names[length] ?? '', pattern)) next[length + 1] = true
    }
    reached = next
  }
  return reached[names.length] === true
}
