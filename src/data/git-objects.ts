/**
 * Git objects from their bytes: the names they must have, commits, trees, LFS pointers. Pure.
 *
 * Read here and not from `git ls-tree`, since git does not compare packed objects with their names when it reads them:
 * a forged pack could show another tree under an honest commit.
 * SOURCE: git 2.39, gitformat-pack and git-hash-object; Documentation/user-manual "Object storage format".
 */
import { createHash } from 'node:crypto'
import { DomainError, isSha256, nameFault, oneLine } from '../core/index.ts'
import type { GitCommit, GitOid, GitPerson, LfsPointer, Person } from './repository.ts'

export type GitObject = Readonly<{ oid: GitOid; type: string; bytes: Buffer }>
export type RawTreeEntry = Readonly<{ mode: string; name: string; oid: GitOid }>

export function isOid(text: string): boolean {
  return /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(text)
}

/** The name that git gives an object of these bytes. */
export function nameOfObject(type: string, bytes: Uint8Array, format: 'sha1' | 'sha256'): GitOid {
  return createHash(format).update(`${type} ${bytes.length}\0`).update(bytes).digest('hex')
}

/** @throws ERR_GIT_CORRUPT when the bytes do not make the name */
export function refuseOtherName({ oid, type, bytes }: GitObject): void {
  const actual = nameOfObject(type, bytes, oid.length === 40 ? 'sha1' : 'sha256')
  if (actual !== oid) throw corrupt(`the object ${oid} holds the bytes of ${actual}`)
}

export function parseCommit({ oid, type, bytes }: GitObject): GitCommit {
  if (type !== 'commit') throw corrupt(`${oid} is a ${oneLine(type)}, not a commit`)
  const text = bytes.toString('utf8')
  const headers = text.slice(0, Math.max(0, text.indexOf('\n\n'))).split('\n')
  const valuesOf = (name: string): readonly string[] =>
    headers.filter((line) => line.startsWith(`${name} `)).map((line) => line.slice(name.length + 1))
  const [tree = '', ...more] = valuesOf('tree')
  const parents = valuesOf('parent')
  if (more.length > 0 || ![tree, ...parents].every(isOid)) throw corrupt(`the commit ${oid} has no one tree`)
  const [author, committer] = [parsePerson(valuesOf('author')), parsePerson(valuesOf('committer'))]
  if (author === undefined || committer === undefined) throw corrupt(`the commit ${oid} has no one author or committer`)
  return { tree, parents, author, committer, coAuthors: coAuthorsIn(text.slice(text.indexOf('\n\n') + 1)) }
}

/** LIMIT: THREAT: whom a list that is cut leaves out could review their own change. So a longer one is not told at all. */
const maxCoAuthors = 100
/** LIMIT: characters of one trailer, likewise. */
const maxTrailer = 65_536

/**
 * `Co-authored-by: Name <mail>`, a line of the message, as forges and editors write it; lines that begin with a blank go on with it.
 *
 * SOURCE: git-interpret-trailers: a value is any text, folded as in RFC 822. So all whom it names are read, not the first alone.
 */
function coAuthorsIn(message: string): GitCommit['coAuthors'] {
  const named: Person[] = []
  for (const [, value = ''] of message.matchAll(/^co-authored-by[ \t]*:([^\n]*(?:\n[ \t][^\n]*)*)/gim)) {
    if (value.length > maxTrailer) return undefined
    for (const person of peopleIn(value)) named.push(person)
    if (named.length > maxCoAuthors) return undefined
  }
  return named
}

/** `A <a@x>, B <b@x>`, `A <a@x, b@x>`, and what looks like an address and stands without brackets. */
function peopleIn(value: string): readonly Person[] {
  const closed = value.split('>').slice(0, -1)
  const bracketed = closed.flatMap((text) => {
    const open = text.lastIndexOf('<')
    if (open < 0) return []
    const before = text.slice(text.lastIndexOf('<', open - 1) + 1, open)
    const name = oneLine(before.replace(/^[\s,;&]+(?:and\s)?/i, '').trim())
    return addressesIn(text.slice(open + 1)).map((email) => ({ name, email: oneLine(email) }))
  })
  const others = value.replace(/<[^<>]+>/g, ' ').split(/[\s,;<>()]+/)
  const bare = others.filter((word) => /^[^@]+@[^@]+$/.test(word)).map((email) => ({ name: '', email: oneLine(email) }))
  return [...bracketed.filter(({ email }) => email !== ''), ...bare]
}

/** Apart by commas, or by blanks before what has an `@`; words without one belong to what they follow. */
function addressesIn(text: string): readonly string[] {
  return text.split(/[,;]/).flatMap((part) => {
    const addresses: string[][] = []
    for (const word of part.trim().split(/\s+/)) {
      const last = addresses.at(-1)
      if (last === undefined || /.@/.test(word)) addresses.push([word])
      else last.push(word)
    }
    return addresses.map((words) => words.join(' '))
  })
}

/** `Name <mail> 1700000000 +0100`; name and mail may be empty. */
function parsePerson(values: readonly string[]): GitPerson | undefined {
  const match = values.length === 1 ? /^(.*?) ?<([^<>]*)> (\d{1,11}) [-+]\d{4}$/.exec(values[0] ?? '') : null
  if (match === null) return undefined
  const [, name = '', email = '', seconds = ''] = match
  return { name: oneLine(name), email: oneLine(email), at: new Date(Number(seconds) * 1000) }
}

/**
 * The entries of a tree whose name was compared.
 *
 * @throws ERR_GIT_CORRUPT for what git never writes: `..`, `.git`, a separator, a name twice
 */
export function parseTree({ oid, type, bytes }: GitObject): readonly RawTreeEntry[] {
  if (type !== 'tree') throw corrupt(`${oid} is a ${oneLine(type)}, not a tree`)
  const entries: RawTreeEntry[] = []
  const names = new Set<string>()
  for (let at = 0; at < bytes.length; ) {
    const space = bytes.indexOf(0x20, at)
    const end = bytes.indexOf(0, space)
    const next = end + 1 + oid.length / 2
    if (space < 0 || end < 0 || next > bytes.length) throw corrupt(`the tree ${oid} ends early`)
    const name = bytes.toString('utf8', space + 1, end)
    if (names.has(name) || /^(?:|\.|\.\.|\.git)$/i.test(name) || name.includes('/')) {
      throw corrupt(`the tree ${oid} holds the name \`${oneLine(name).slice(0, 100)}\``)
    }
    names.add(name)
    entries.push({ mode: bytes.toString('latin1', at, space), name, oid: bytes.toString('hex', end + 1, next) })
    at = next
  }
  return entries
}

/** Why assay leaves an entry out, or undefined: git allows names that assay does not. */
export function entryFault({ mode, name }: RawTreeEntry): string | undefined {
  if (!/^(?:100644|100664|100755|120000|160000|40000)$/.test(mode)) return `has the mode ${oneLine(mode).slice(0, 20)}`
  return name.includes('\ufffd') ? 'is not UTF-8' : nameFault(name)
}

/** LIMIT: LFS writes pointers of some 130 bytes; its reader stops at 1,024. */
export const maxPointerBytes = 1024

/** SOURCE: git-lfs docs/spec.md, version 1: sorted keys after `version`, `oid sha256:<hex>`, `size <bytes>`. */
export function parseLfsPointer(bytes: Uint8Array): LfsPointer | undefined {
  if (bytes.length > maxPointerBytes) return undefined
  const text = Buffer.from(bytes).toString('utf8')
  if (!/^version https:\/\/(?:git-lfs\.github\.com|hawser\.github\.com)\/spec\/v1\n/.test(text)) return undefined
  const digest = /\noid (sha256:[0-9a-f]{64})\n/.exec(text)?.[1]
  const sizeBytes = Number(/\nsize (\d{1,15})\n/.exec(text)?.[1])
  return isSha256(digest) && Number.isSafeInteger(sizeBytes) ? { digest, sizeBytes } : undefined
}

function corrupt(what: string): DomainError {
  return new DomainError('ERR_GIT_CORRUPT', what)
}
