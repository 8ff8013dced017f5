/**
 * The messages of SFTP version 3, as bytes and back: pure.
 *
 * Trust: answers are hostile. Each is held to its length, and a name in it to what a name may be by whoever uses it.
 * SOURCE: draft-ietf-secsh-filexfer-02; OpenSSH PROTOCOL, section 4 (posix-rename, fsync).
 */
import { remoteFault } from './remote.ts'

export const kinds = {
  init: 1,
  version: 2,
  open: 3,
  close: 4,
  read: 5,
  write: 6,
  lstat: 7,
  opendir: 11,
  readdir: 12,
  remove: 13,
  mkdir: 14,
  rename: 18,
  extended: 200,
  status: 101,
  handle: 102,
  data: 103,
  name: 104,
  attrs: 105,
} as const

export const statuses = { ok: 0, eof: 1, noSuchFile: 2, permissionDenied: 3, failure: 4 } as const
export const openFlags = { read: 1, write: 2, create: 8, exclusive: 32 } as const

/** LIMIT: what a message of the far end may have; ours have far less. */
export const maxMessageBytes = 1024 * 1024

export type Attributes = Readonly<{ sizeBytes?: number; mode?: number; modifiedSeconds?: number }>
export type Answer = Readonly<{ id: number }> &
  (
    | Readonly<{ kind: 'status'; code: number }>
    | Readonly<{ kind: 'handle'; handle: Buffer }>
    | Readonly<{ kind: 'data'; bytes: Buffer }>
    | Readonly<{ kind: 'names'; names: readonly Readonly<{ name: string; attributes: Attributes }>[] }>
    | Readonly<{ kind: 'attributes'; attributes: Attributes }>
  )

export type Field = number | bigint | string | Uint8Array

/** A number is 4 bytes, a bigint 8, text and bytes have their length before them. */
export function message(kind: number, fields: readonly Field[]): Buffer {
  const parts = fields.map(encoded)
  const length = parts.reduce((sum, part) => sum + part.length, 1)
  const head = Buffer.allocUnsafe(5)
  head.writeUInt32BE(length)
  head.writeUInt8(kind, 4)
  return Buffer.concat([head, ...parts])
}

function encoded(field: Field): Buffer {
  if (typeof field === 'number') {
    const bytes = Buffer.allocUnsafe(4)
    bytes.writeUInt32BE(field)
    return bytes
  }
  if (typeof field === 'bigint') {
    const bytes = Buffer.allocUnsafe(8)
    bytes.writeBigUInt64BE(field)
    return bytes
  }
  const text = typeof field === 'string' ? Buffer.from(field) : Buffer.from(field)
  return Buffer.concat([encoded(text.length), text])
}

/** What a message holds after its length. @throws ERR_REMOTE_UNSAFE */
export function parseAnswer(bytes: Buffer): Answer {
  const reader = readerOf(bytes)
  const kind = reader.byte()
  const id = reader.number()
  if (kind === kinds.status) return { kind: 'status', id, code: reader.number() }
  if (kind === kinds.handle) return { kind: 'handle', id, handle: reader.bytes() }
  if (kind === kinds.data) return { kind: 'data', id, bytes: reader.bytes() }
  if (kind === kinds.attrs) return { kind: 'attributes', id, attributes: attributesIn(reader) }
  if (kind !== kinds.name) throw nonsense()
  const names = []
  for (let left = reader.number(); left > 0; left -= 1) {
    const name = reader.bytes().toString('utf8')
    reader.bytes() // as `ls -l` would show it
    names.push({ name, attributes: attributesIn(reader) })
  }
  return { kind: 'names', id, names }
}

/** Names of the extensions that the far end knows. @throws ERR_REMOTE_UNSAFE for another version than 3 */
export function parseVersion(bytes: Buffer): ReadonlySet<string> {
  const reader = readerOf(bytes)
  if (reader.byte() !== kinds.version || reader.number() !== 3) throw nonsense()
  const extensions = new Set<string>()
  while (!reader.isEmpty()) {
    extensions.add(reader.bytes().toString('utf8'))
    reader.bytes()
  }
  return extensions
}

type Reader = Readonly<{ byte(): number; number(): number; big(): bigint; bytes(): Buffer; isEmpty(): boolean }>

function readerOf(bytes: Buffer): Reader {
  let at = 0
  const take = (length: number): Buffer => {
    if (at + length > bytes.length) throw nonsense()
    at += length
    return bytes.subarray(at - length, at)
  }
  return {
    byte: () => take(1).readUInt8(),
    number: () => take(4).readUInt32BE(),
    big: () => take(8).readBigUInt64BE(),
    bytes: () => take(take(4).readUInt32BE()),
    isEmpty: () => at === bytes.length,
  }
}

function attributesIn(reader: Reader): Attributes {
  const flags = reader.number()
  const attributes: { sizeBytes?: number; mode?: number; modifiedSeconds?: number } = {}
  if ((flags & 1) !== 0) attributes.sizeBytes = Number(reader.big())
  if ((flags & 2) !== 0) [reader.number(), reader.number()]
  if ((flags & 4) !== 0) attributes.mode = reader.number()
  if ((flags & 8) !== 0) {
    reader.number()
    attributes.modifiedSeconds = reader.number()
  }
  for (let left = (flags & 0x8000_0000) === 0 ? 0 : reader.number(); left > 0; left -= 1) {
    reader.bytes()
    reader.bytes()
  }
  return attributes
}

function nonsense(): Error {
  return remoteFault('ERR_REMOTE_UNSAFE', 'the far end does not speak SFTP version 3', undefined)
}

const typeBits = 0o170000

export function isFolder({ mode = 0 }: Attributes): boolean {
  return (mode & typeBits) === 0o040000
}

export function isPlainFile({ mode = 0 }: Attributes): boolean {
  return (mode & typeBits) === 0o100000
}
