/**
 * Fields of a protobuf message that lies in a file: where each is, without reading what is in it.
 *
 * SOURCE: Protocol Buffers, "Encoding". Groups, which nobody writes any more, are refused.
 */
import { createHash } from 'node:crypto'
import { chunkBytes, type OpenFile, readExactly, readUpTo } from './file-pair.fs.ts'
import { Unreadable } from './unreadable.ts'

/** Bytes from `start` to `end`, without the tag; of a number (wire type 0) its `value` too. */
export type ProtobufField = Readonly<{ number: number; wire: number; start: number; end: number; value?: bigint }>
export type Span = Readonly<{ start: number; end: number }>

const windowBytes = 64 * 1024
const maxVarintBytes = 10

/** @throws Unreadable */
export function* fieldsOf(file: OpenFile, { start, end }: Span): Generator<ProtobufField> {
  const window = Buffer.alloc(windowBytes)
  let [from, length] = [0, 0]
  let at = start
  const byteAt = (position: number): number => {
    if (position >= end) throw new Unreadable('has a field that ends beyond its message')
    if (position < from || position >= from + length) {
      from = position
      length = readUpTo(file.fd, window, position)
      if (length === 0) throw new Unreadable('ends early')
    }
    return window[position - from] ?? 0
  }
  const varint = (): bigint => {
    let value = 0n
    for (let index = 0; index < maxVarintBytes; index += 1) {
      const byte = byteAt(at)
      at += 1
      value |= BigInt(byte & 0x7f) << BigInt(7 * index)
      if (byte < 0x80) return BigInt.asUintN(64, value)
    }
    throw new Unreadable('has a number of more than 64 bits')
  }
  while (at < end) {
    const tag = varint()
    const number = Number(tag >> 3n)
    if (number < 1 || number > 2 ** 29) throw new Unreadable('has a field without a number')
    const begin = at
    const wire = Number(tag & 7n)
    if (wire === 0) {
      const value = varint()
      yield { number, wire, start: begin, end: at, value }
      continue
    }
    const size = wire === 2 ? varint() : wire === 1 ? 8n : wire === 5 ? 4n : undefined
    if (size === undefined) throw new Unreadable('has a field of a kind that is not known')
    if (size > BigInt(end - at)) throw new Unreadable('has a field that ends beyond its message')
    const field = { number, wire, start: at, end: at + Number(size) }
    at = field.end
    yield field
  }
}

/** All numbers of a packed field. LIMIT: a MiB of them. @throws Unreadable */
export function packedNumbers(file: OpenFile, field: ProtobufField): readonly bigint[] {
  if (field.value !== undefined) return [field.value]
  const values: bigint[] = []
  let [value, shift] = [0n, 0n]
  for (const byte of readSpan(file, field)) {
    value |= BigInt(byte & 0x7f) << shift
    shift = byte < 0x80 ? 0n : shift + 7n
    if (shift > 63n) throw new Unreadable('has a number of more than 64 bits')
    if (byte >= 0x80) continue
    values.push(BigInt.asUintN(64, value))
    value = 0n
  }
  if (shift !== 0n) throw new Unreadable('has a number that does not end')
  return values
}

const maxReadBytes = 1024 * 1024

export function readSpan(file: OpenFile, { start, end }: Span): Buffer {
  if (end - start > maxReadBytes)
    throw new Unreadable(`has a field of ${end - start} bytes, the limit is ${maxReadBytes}`)
  return readExactly(file, start, end - start)
}

/** 64 hex digits. */
export function digestOfSpan(file: OpenFile, { start, end }: Span): string {
  const hasher = createHash('sha256')
  for (let at = start; at < end; at += chunkBytes) hasher.update(readExactly(file, at, Math.min(chunkBytes, end - at)))
  return hasher.digest('hex')
}
