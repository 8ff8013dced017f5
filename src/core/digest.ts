/**
 * Content identity: how bytes, files and folders are named.
 *
 * A file is its SHA-256. A folder is the in-toto `dirHash1` over its files: `sha256(lines)`, one line
 * `<hex>  <path>\n` a file, sorted by the bytes of the path. Both are written with their algorithm, never as bare hex.
 * Source: in-toto attestation framework v1.2, digest_set.md (dirHash); Go `golang.org/x/mod/sumdb/dirhash` Hash1.
 */
import { createHash, hash } from 'node:crypto'
import { DomainError } from './error.ts'

/** `sha256:` and 64 lower-case hex digits. */
export type Sha256 = `sha256:${string}`
/** `dirHash1:` and 64 lower-case hex digits. */
export type DirHash = `dirHash1:${string}`
export type Digest = Sha256 | DirHash
/** `md5:` and 32 lower-case hex digits: how DVC names bytes. THREAT: two files can be made with one MD5; it proves nothing. */
export type Md5 = `md5:${string}`

const sha256Pattern = /^sha256:[0-9a-f]{64}$/
const dirHashPattern = /^dirHash1:[0-9a-f]{64}$/
const md5Pattern = /^md5:[0-9a-f]{32}$/

export function sha256Of(bytes: Uint8Array | string): Sha256 {
  return `sha256:${hash('sha256', bytes, 'hex')}`
}

export function isSha256(text: unknown): text is Sha256 {
  return typeof text === 'string' && sha256Pattern.test(text)
}

export function isDirHash(text: unknown): text is DirHash {
  return typeof text === 'string' && dirHashPattern.test(text)
}

export function isMd5(text: unknown): text is Md5 {
  return typeof text === 'string' && md5Pattern.test(text)
}

export function isDigest(text: unknown): text is Digest {
  return isSha256(text) || isDirHash(text)
}

/** @throws ERR_INPUT_MALFORMED when `text` is not `sha256:<64 hex>` or `dirHash1:<64 hex>` */
export function parseDigest(text: string): Digest {
  if (isDigest(text)) return text
  throw new DomainError('ERR_INPUT_MALFORMED', `\`${text.slice(0, 100)}\` is not a digest`, {
    help: 'write sha256: or dirHash1: and 64 lower-case hex digits',
  })
}

/** The hex digits: 64, or 32 of an MD5. */
export function hexOf(digest: Digest | Md5): string {
  return digest.slice(digest.indexOf(':') + 1)
}

/** As in-toto's DigestSet: one algorithm, its hex. */
export function toDigestSet(digest: Digest): { sha256: string } | { dirHash1: string } {
  return isSha256(digest) ? { sha256: hexOf(digest) } : { dirHash1: hexOf(digest) }
}

/** The one digest that assay understands in a DigestSet, or undefined. Unknown algorithms are ignored. */
export function fromDigestSet(set: Readonly<Record<string, string>> | undefined): Digest | undefined {
  const candidates = [`sha256:${set?.['sha256']}`, `dirHash1:${set?.['dirHash1']}`].filter(isDigest)
  return candidates.length === 1 ? candidates[0] : undefined
}

/** One file of a folder; `path` is relative to the folder, with `/`. */
export type FileEntry = Readonly<{ path: string; digest: Sha256; sizeBytes: number; executable: boolean }>

/** What a path holds, by content. A folder's `files` are sorted by the bytes of their path. */
export type Content =
  | Readonly<{ kind: 'file'; digest: Sha256; sizeBytes: number; executable: boolean }>
  | Readonly<{ kind: 'folder'; digest: DirHash; sizeBytes: number; files: readonly FileEntry[] }>

/** Order of UTF-8 bytes, which is the order of code points and not that of JavaScript strings. */
export function comparePaths(left: string, right: string): number {
  const length = Math.min(left.length, right.length)
  for (let at = 0; at < length; at += 1) {
    const a = left.charCodeAt(at)
    const b = right.charCodeAt(at)
    if (a !== b) return codePointOrder(a) - codePointOrder(b)
  }
  return left.length - right.length
}

/** Surrogates stand for code points above all of the basic plane, where U+E000 to U+FFFF sort after them as units. */
function codePointOrder(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit
}

/** A call of the hasher costs more than the bytes of a line. */
const updateCharacters = 64 * 1024

/** The folder that these files make; the empty folder is the hash of nothing. */
export function folderOf(files: readonly FileEntry[]): Extract<Content, { kind: 'folder' }> {
  const sorted = files.toSorted((left, right) => comparePaths(left.path, right.path))
  const hasher = createHash('sha256')
  let text = ''
  for (const file of sorted) {
    text += `${hexOf(file.digest)}  ${file.path}\n`
    if (text.length < updateCharacters) continue
    hasher.update(text)
    text = ''
  }
  hasher.update(text)
  return {
    kind: 'folder',
    digest: `dirHash1:${hasher.digest('hex')}`,
    sizeBytes: sorted.reduce((sum, file) => sum + file.sizeBytes, 0),
    files: sorted,
  }
}
