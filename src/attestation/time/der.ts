/**
 * DER as far as timestamps and certificates need it: values of one-byte tags, in their one spelling.
 *
 * LIMIT: 64 KiB; nothing recurses, so depth costs nothing. SOURCE: ITU-T X.690, 8.1 and 10.1.
 */

export type DerValue = Readonly<{
  tag: number
  content: Uint8Array
  /** Tag and length too. */
  whole: Uint8Array
}>

export const tags = {
  boolean: 0x01,
  integer: 0x02,
  octets: 0x04,
  null: 0x05,
  oid: 0x06,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
  first: 0xa0,
} as const

const maxBytes = 64 * 1024

/** The values that stand one after the other. @throws RangeError when the bytes are anything else */
export function readDer(bytes: Uint8Array): readonly DerValue[] {
  if (bytes.length > maxBytes) throw new RangeError('too many bytes')
  const values: DerValue[] = []
  for (let at = 0; at < bytes.length; ) {
    const { start, end } = boundsAt(bytes, at)
    const tag = bytes[at] ?? 0
    if ((tag & 0x1f) === 0x1f) throw new RangeError('a tag of several bytes')
    values.push({ tag, content: bytes.subarray(start, end), whole: bytes.subarray(at, end) })
    at = end
  }
  return values
}

/** @throws RangeError for a length that is not in its shortest form, or leads beyond the end */
function boundsAt(bytes: Uint8Array, at: number): Readonly<{ start: number; end: number }> {
  const first = bytes[at + 1] ?? 0x80
  const size = first < 0x80 ? 0 : first - 0x80
  if (first === 0x80 || size > 2) throw new RangeError('no definite length')
  let length = size === 0 ? first : 0
  for (let index = 0; index < size; index += 1) length = length * 256 + (bytes[at + 2 + index] ?? 0)
  if (size > 0 && length < (size === 1 ? 0x80 : 0x100)) throw new RangeError('a length that is not the shortest')
  const start = at + 2 + size
  if (start + length > bytes.length) throw new RangeError('a value that is cut off')
  return { start, end: start + length }
}

export function writeDer(tag: number, ...contents: readonly Uint8Array[]): Uint8Array {
  const content = Buffer.concat(contents)
  const { length } = content
  const size =
    length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, Math.floor(length / 256), length % 256]
  if (length > maxBytes) throw new RangeError('too many bytes')
  return Buffer.concat([Uint8Array.from([tag, ...size]), content])
}
