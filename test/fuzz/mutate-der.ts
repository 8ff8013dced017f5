/** DER by its elements: certificates, timestamps, keys, signatures. */
import type { Random } from './random.ts'

/** `parts` of what is constructed, or holds DER; else `value`. */
type Element = { tag: number; value: Buffer; parts: Element[] | undefined }

/** LIMIT: levels that are looked into. */
const maxDepth = 16

/** @returns undefined for what is no DER */
export function mutateDer(bytes: Buffer, random: Random, within: (part: Buffer) => Buffer): Buffer | undefined {
  const elements = elementsOf(bytes, 0)
  if (elements === undefined || elements.length === 0) return undefined
  const list = random.one(listsIn(elements))
  const at = random.below(list.length)
  const chosen = list[at]
  if (chosen === undefined) return undefined
  const kind = random.below(9)
  if (kind === 0) list.splice(at, 1)
  else if (kind === 1) list.splice(at, 0, chosen)
  else if (kind === 2) list.splice(random.below(list.length + 1), 0, chosen)
  else if (kind === 3)
    chosen.tag = random.one([0x02, 0x03, 0x04, 0x05, 0x06, 0x0c, 0x13, 0x17, 0x18, 0x30, 0x31, 0xa0, 0xa3, 0x80])
  else if (kind === 4) Object.assign(chosen, { parts: undefined, value: encoded(chosen) })
  else if (kind === 5) Object.assign(chosen, { parts: undefined, value: Buffer.alloc(random.below(40)) })
  else if (chosen.parts === undefined) chosen.value = within(chosen.value)
  else chosen.parts.reverse()
  const printed = Buffer.concat(elements.map(encoded))
  return random.once(6) ? withOtherLength(printed, random) : printed
}

function elementsOf(bytes: Buffer, depth: number): Element[] | undefined {
  const elements: Element[] = []
  for (let at = 0; at < bytes.length; ) {
    const header = headerAt(bytes, at)
    if (header === undefined || header.end > bytes.length) return undefined
    const { tag, start, end } = header
    const value = bytes.subarray(start, end)
    const mayHold = depth < maxDepth && ((tag & 0x20) !== 0 || tag === 0x04)
    elements.push({ tag, value, parts: mayHold && value.length > 0 ? elementsOf(value, depth + 1) : undefined })
    at = end
  }
  return elements
}

type Header = Readonly<{ tag: number; start: number; end: number }>

/** SOURCE: X.690 8.1.2 and 8.1.3, tags of one byte, definite lengths. */
function headerAt(bytes: Buffer, at: number): Header | undefined {
  const [tag, first] = [bytes[at], bytes[at + 1]]
  if (tag === undefined || first === undefined || (tag & 0x1f) === 0x1f) return undefined
  if (first < 0x80) return { tag, start: at + 2, end: at + 2 + first }
  const count = first - 0x80
  if (count < 1 || count > 4 || at + 2 + count > bytes.length) return undefined
  const start = at + 2 + count
  return { tag, start, end: start + bytes.readUIntBE(at + 2, count) }
}

function listsIn(elements: Element[]): Element[][] {
  return [
    elements,
    ...elements.flatMap(({ parts }) => (parts === undefined || parts.length === 0 ? [] : listsIn(parts))),
  ]
}

function encoded({ tag, value, parts }: Element): Buffer {
  const content = parts === undefined ? value : Buffer.concat(parts.map(encoded))
  const { length } = content
  if (length < 0x80) return Buffer.concat([Buffer.from([tag, length]), content])
  const count = length < 0x100 ? 1 : length < 0x10000 ? 2 : 3
  const header = Buffer.alloc(2 + count)
  header[0] = tag
  header[1] = 0x80 + count
  header.writeUIntBE(length, 2, count)
  return Buffer.concat([header, content])
}

/** A length of its outermost element that lies, or that is spelt in another way. */
function withOtherLength(bytes: Buffer, random: Random): Buffer {
  const header = headerAt(bytes, 0)
  if (header === undefined) return bytes
  const length = header.end - header.start
  const spelt = Buffer.from([header.tag, 0x84, 0, 0, 0, 0])
  spelt.writeUInt32BE(random.one([length, length + 1, Math.max(0, length - 1), 0, 0xffffffff]), 2)
  return random.once(4)
    ? Buffer.concat([Buffer.from([header.tag, 0x80]), bytes.subarray(header.start), Buffer.from([0, 0])])
    : Buffer.concat([spelt, bytes.subarray(header.start)])
}
