/**
 * Members of a tar archive, where they lie in it.
 *
 * SOURCE: POSIX.1-2017 pax, "ustar Interchange Format" and "pax Header Block"; GNU tar's long names (`L`, `K`).
 * Archives that two readers could take for two things are refused: wrong checksums, a name twice or one that is not
 * UTF-8, sparse files, headers that go on beyond the end. Devices and fifos hold nothing to compare and are refused too. Times and owners are not looked at.
 */
import { type OpenFile, readExactly } from './file-pair.fs.ts'
import { Unreadable, utf8Of } from './unreadable.ts'
import { quoted } from './words.ts'

export type TarMember = Readonly<{
  path: string
  /** `file`, `executable file`, `folder`, `link to x`, `hard link to x`. */
  what: string
  /** Of a file. */
  start: number
  sizeBytes: number
}>

const blockBytes = 512
/** LIMIT: as for zip archives; a MiB for a header of names. */
const maxMembers = 100_000
const maxHeaderBytes = 1024 * 1024

type Names = Readonly<{ path?: string; linkpath?: string; size?: string }>

/** @throws Unreadable */
export function readTar(file: OpenFile): readonly TarMember[] {
  const members = new Map<string, TarMember>()
  let names: Names = {}
  for (let at = 0; ; ) {
    const block = readExactly(file, at, blockBytes)
    if (block.every((byte) => byte === 0)) {
      refuseRest(file, at)
      break
    }
    const header = headerOf(block)
    const sizeBytes = names.size === undefined ? header.sizeBytes : sizeOf(names.size)
    const start = at + blockBytes
    at = start + Math.ceil(sizeBytes / blockBytes) * blockBytes
    if (at > file.sizeBytes) throw new Unreadable('ends early, in the middle of a member')
    if (header.type === 'x' || header.type === 'L' || header.type === 'K') {
      names = { ...names, ...namesIn(file, { type: header.type, start, sizeBytes }) }
      continue
    }
    if (header.type === 'g') {
      const ofAll = namesIn(file, { type: header.type, start, sizeBytes })
      if (Object.keys(ofAll).length > 0) throw new Unreadable('names all its members at once')
      continue // a comment, as git writes it
    }
    const member = memberOf(header, names, start, sizeBytes)
    names = {}
    if (members.has(member.path)) throw new Unreadable(`has two members ${quoted(member.path)}`)
    if (members.size >= maxMembers) throw new Unreadable(`has more than ${maxMembers} members`)
    members.set(member.path, member)
  }
  return [...members.values()]
}

/** Two blocks of zeros end an archive; behind them lie more, as tapes want them. LIMIT: a MiB of them. */
function refuseRest(file: OpenFile, at: number): void {
  const rest = Math.max(2 * blockBytes, file.sizeBytes - at)
  if (rest > maxHeaderBytes || readExactly(file, at, rest).some((byte) => byte !== 0))
    throw new Unreadable('has bytes behind its end')
}

type Header = Readonly<{ name: string; link: string; mode: number; type: string; sizeBytes: number }>

function headerOf(block: Buffer): Header {
  const sum = block.reduce((total, byte, at) => total + (at >= 148 && at < 156 ? 0x20 : byte), 0)
  if (numberIn(block.subarray(148, 156)) !== sum) throw new Unreadable('has a header with a wrong checksum')
  const text = (from: number, to: number): string => textIn(block.subarray(from, to))
  const prefix = text(257, 263) === 'ustar' && block[263] === 0x30 ? text(345, 500) : ''
  return {
    name: prefix === '' ? text(0, 100) : `${prefix}/${text(0, 100)}`,
    link: text(157, 257),
    mode: numberIn(block.subarray(100, 108)),
    type: block[156] === 0 ? '0' : String.fromCharCode(block[156] ?? 0),
    sizeBytes: numberIn(block.subarray(124, 136)),
  }
}

function textIn(bytes: Buffer): string {
  const end = bytes.indexOf(0)
  return utf8Of(bytes.subarray(0, end < 0 ? bytes.length : end))
}

/** Octal digits, or GNU's big-endian bytes behind a first one of 0x80. */
function numberIn(bytes: Buffer): number {
  if (bytes[0] === 0x80) return sizeOf(`${BigInt(`0x${bytes.subarray(1).toString('hex')}`)}`)
  const digits = bytes.toString('latin1').replace(/\0.*$/s, '').trim()
  if (!/^[0-7]*$/.test(digits)) throw new Unreadable('has a header with a number that is none')
  return digits === '' ? 0 : Number.parseInt(digits, 8)
}

function sizeOf(digits: string): number {
  const size = Number(digits)
  if (!/^\d+$/.test(digits) || !Number.isSafeInteger(size))
    throw new Unreadable('has a header with a size that is none')
  return size
}

function namesIn(file: OpenFile, header: Readonly<{ type: string; start: number; sizeBytes: number }>): Names {
  if (header.sizeBytes > maxHeaderBytes) throw new Unreadable('has a header of names that is too long')
  const bytes = readExactly(file, header.start, header.sizeBytes)
  if (header.type === 'L') return { path: textIn(bytes) }
  if (header.type === 'K') return { linkpath: textIn(bytes) }
  return recordsIn(bytes)
}

/** `25 path=a/long/name\n`: the length counts all of it. */
function recordsIn(bytes: Buffer): Names {
  const found: Record<string, string> = {}
  for (let at = 0; at < bytes.length; ) {
    const blank = bytes.indexOf(0x20, at)
    const length = blank < 0 ? 0 : sizeOf(bytes.subarray(at, blank).toString('latin1'))
    const record = bytes.subarray(blank + 1, at + length)
    const equals = record.indexOf(0x3d)
    if (length < 5 || at + length > bytes.length || record.at(-1) !== 0x0a || equals < 1)
      throw new Unreadable('has a header of names that is none')
    const key = utf8Of(record.subarray(0, equals))
    if (key.startsWith('GNU.sparse')) throw new Unreadable('has sparse files, which are not read')
    if (key === 'path' || key === 'linkpath' || key === 'size') found[key] = utf8Of(record.subarray(equals + 1, -1))
    at += length
  }
  return found
}

function memberOf(header: Header, names: Names, start: number, sizeBytes: number): TarMember {
  const path = (names.path ?? header.name).replace(/^(\.\/)+/, '').replace(/\/$/, '')
  const link = names.linkpath ?? header.link
  if (sizeBytes > 0 && !['0', '7'].includes(header.type))
    throw new Unreadable('has a member without content that has some')
  switch (header.type) {
    case '0':
    case '7':
      return { path, what: (header.mode & 0o111) === 0 ? 'file' : 'executable file', start, sizeBytes }
    case '1':
      return { path, what: `hard link to ${link}`, start, sizeBytes: 0 }
    case '2':
      return { path, what: `link to ${link}`, start, sizeBytes: 0 }
    case '5':
      return { path, what: 'folder', start, sizeBytes: 0 }
    case '3':
    case '4':
    case '6':
      throw new Unreadable('has a device or a fifo, which is not compared')
    default:
      throw new Unreadable('has a member of a kind that is not known')
  }
}
