/** What the readers of locks share: text, refusals with a place, addresses, digests. Everything read is hostile. */
import { parse, TomlError } from 'smol-toml'
import type { z } from 'zod'
import { DomainError, type ErrorCode, isSha256, nearest, printable, type Sha256 } from '../../core/index.ts'
import { type LockChoice, type LockedFile, type LockedRequirement, normaliseName, type Unprovable } from './lock.ts'
import {
  evaluateMarker,
  type Marker,
  type MarkerEnvironment,
  MarkerFault,
  type MarkerSets,
  parseMarker,
} from './marker.ts'

/** LIMIT: 16 MiB a lock, 32 levels; 20,000 packages with all their files fit. */
export const maxPackageLockBytes = 16 * 1024 * 1024
export const maxLockDepth = 32

export type Refuse = (code: ErrorCode, what: string, help?: string) => DomainError

export function refusalAt(path: string, line: number): Refuse {
  return (code, what, help) =>
    new DomainError(code, printable(`${path}:${line}: ${what}`), {
      details: { file: path, line },
      ...(help === undefined ? {} : { help }),
    })
}

/** @throws ERR_ENV_LOCK_INVALID */
export function decodeLock(bytes: Uint8Array, path: string): string {
  const refuse = refusalAt(path, 1)
  if (bytes.length > maxPackageLockBytes)
    throw refuse('ERR_ENV_LOCK_INVALID', `the lock is larger than ${maxPackageLockBytes} bytes`)
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw refuse('ERR_ENV_LOCK_INVALID', 'the lock is not UTF-8')
  }
}

export type TomlLock<T> = Readonly<{
  document: T
  /** A refusal at the package with this index, counted from 0. */
  refuseAt(index: number): Refuse
  lineOf(index: number): number
}>

/**
 * @param header the table of one package, such as `[[package]]`
 * @throws ERR_ENV_LOCK_INVALID
 */
export function readTomlLock<T>(bytes: Uint8Array, path: string, shape: z.ZodType<T>, header: string): TomlLock<T> {
  const text = decodeLock(bytes, path)
  // For messages alone: a header inside of a text of several lines would be counted too.
  const lines = text.split('\n').flatMap((line, index) => (line.trim() === header ? [index + 1] : []))
  const lineOf = (index: number): number => lines[index] ?? 1
  return {
    document: shapedLock(shape, tomlOf(text, path), refusalAt(path, 1)),
    lineOf,
    refuseAt: (index) => refusalAt(path, lineOf(index)),
  }
}

/** @throws ERR_ENV_LOCK_INVALID */
export function tomlOf(text: string, path: string): unknown {
  try {
    return parse(text, { maxDepth: maxLockDepth })
  } catch (cause) {
    if (!(cause instanceof TomlError) && !(cause instanceof RangeError)) throw cause
    const line = cause instanceof TomlError ? cause.line : 1
    const what = cause.message.split('\n')[0]?.replace(/^Invalid TOML document: /, '') ?? ''
    throw refusalAt(path, line)('ERR_ENV_LOCK_INVALID', `not TOML: ${what}`)
  }
}

/** @throws ERR_ENV_LOCK_INVALID */
export function shapedLock<T>(shape: z.ZodType<T>, value: unknown, refuse: Refuse): T {
  const parsed = shape.safeParse(value)
  if (parsed.success) return parsed.data
  const { path, message } = parsed.error.issues[0] ?? { path: [], message: '' }
  throw refuse('ERR_ENV_LOCK_INVALID', `\`${path.map(String).join('.')}\`: ${message}`.slice(0, 300))
}

/**
 * The address of an index or a file.
 *
 * THREAT: a lock is committed, so a credential in it is leaked already and would be copied into evidence.
 */
export function parseIndexUrl(text: string, refuse: Refuse): string {
  const help = 'give the index with PIP_INDEX_URL or pip.conf; credentials and variables do not belong into a lock'
  if (text.includes('${')) throw refuse('ERR_ENV_LOCK_INVALID', 'the index takes a variable of the caller', help)
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    throw refuse('ERR_ENV_LOCK_INVALID', `\`${text.slice(0, 100)}\` is not the address of an index`)
  }
  if (url.username !== '' || url.password !== '') {
    throw refuse('ERR_ENV_LOCK_INVALID', 'the index carries credentials', help)
  }
  return url.href
}

/** `sha256:<hex>` in any case, or undefined. */
export function sha256In(text: string | undefined): Sha256 | undefined {
  const digest = text?.toLowerCase()
  return isSha256(digest) ? digest : undefined
}

/** The last name of an address or path, percent escapes undone; empty when there is none. */
export function fileNameOf(place: string): string {
  const last = (URL.canParse(place) ? new URL(place).pathname : place).split(/[/\\]/).at(-1) ?? ''
  try {
    return decodeURIComponent(last)
  } catch {
    return last
  }
}

/** A file as a lock writes it down: by address or by a name (a path is only a name: the bytes are found by digest). */
export type WrittenFile = Readonly<{ name?: string; url?: string; path?: string; sha256: Sha256 | undefined }>

/**
 * What is pinned by a list of files.
 *
 * INVARIANT: one file without a SHA-256 makes the whole package unprovable: it might be the one that fits here.
 */
export function pinnedBy(
  written: readonly WrittenFile[],
  refuse: Refuse,
): Pick<LockedRequirement, 'files' | 'sha256' | 'unprovable'> {
  const files = written.flatMap(({ name, url, path, sha256 }): readonly LockedFile[] => {
    const fileName = name ?? fileNameOf(url ?? path ?? '')
    if (sha256 === undefined || fileName === '') return []
    const address = url === undefined || !/^https?:/.test(url) ? undefined : parseIndexUrl(url, refuse)
    return [{ fileName, sha256, ...(address === undefined ? {} : { url: address }) }]
  })
  const isComplete = files.length > 0 && files.length === written.length
  return {
    files,
    sha256: [...new Set(files.map(({ sha256 }) => sha256))],
    ...(isComplete
      ? {}
      : { unprovable: withoutHash(written.length === 0 ? 'has no files' : 'has a file without a SHA-256') }),
  }
}

export function withoutHash(because: string): Unprovable {
  return { code: 'ERR_ENV_HASH_MISSING', because, help: 'make the lock anew against an index that states SHA-256' }
}

/** Of a package that is no release of an index: its bytes cannot be compared with anything. */
export function noRelease(what: string): Unprovable {
  return {
    code: 'ERR_ENV_LOCK_INVALID',
    because: `comes from ${what}, and the lock holds no SHA-256 of its bytes`,
    help: 'lock a release of an index, or build a wheel of it once and lock that (PIP_FIND_LINKS names its folder)',
  }
}

/** @throws ERR_ENV_LOCK_INVALID */
export function readMarker(name: string, text: string, refuse: Refuse, options = {}): Marker {
  return orRefused(name, refuse, () => parseMarker(text, options))
}

/** @throws ERR_ENV_LOCK_INVALID when a comparison has no meaning */
export function markerHolds(
  name: string,
  marker: Marker,
  { environment, sets, refuse }: Readonly<{ environment: MarkerEnvironment; sets?: MarkerSets; refuse: Refuse }>,
): boolean {
  return orRefused(name, refuse, () => evaluateMarker(marker, environment, sets))
}

function orRefused<T>(name: string, refuse: Refuse, read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (!(error instanceof MarkerFault)) throw error
    throw refuse('ERR_ENV_LOCK_INVALID', `the marker of \`${name}\` ${error.message}`)
  }
}

/** What was asked for is there. @throws ERR_ENV_LOCK_INVALID */
export function refuseChoice(choice: LockChoice, known: LockChoice, path: string): void {
  for (const kind of ['extras', 'groups'] as const) {
    const names = known[kind].map(normaliseName)
    const strange = choice[kind].find((name) => !names.includes(normaliseName(name)))
    if (strange === undefined) continue
    const near = nearest(strange, names)
    throw refusalAt(path, 1)(
      'ERR_ENV_LOCK_INVALID',
      `there is no ${kind === 'extras' ? 'extra' : 'group'} \`${strange}\``,
      near === undefined ? `it has ${names.length === 0 ? 'none' : names.join(', ')}` : `did you mean \`${near}\`?`,
    )
  }
}
