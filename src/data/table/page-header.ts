/**
 * The header of a Parquet page, as far as it says how much there is: pure.
 *
 * SOURCE: Apache Thrift, compact protocol; parquet-format 2.11, `PageHeader`: 1 type, 2 uncompressed_page_size,
 * 3 compressed_page_size, 5 DataPageHeader, 7 DictionaryPageHeader, 8 DataPageHeaderV2; num_values is field 1 of each,
 * num_rows field 3 of the last.
 */

export type PageHeader = Readonly<{
  kind: 'data' | 'dictionary' | 'other'
  /** Nulls counted; of repeated columns every element. */
  values: number
  /** Of version 2 only. */
  rows?: number
  packedBytes: number
  unpackedBytes: number
  /** Of the header itself. */
  sizeBytes: number
}>

/** @returns 'short' when `bytes` end within the header, undefined when they are none */
export function readPageHeader(bytes: Uint8Array): PageHeader | 'short' | undefined {
  const reader: Reader = { bytes, at: 0 }
  try {
    const header = structOf(reader, 0)
    const [unpackedBytes, packedBytes] = [numberIn(header, 2), numberIn(header, 3)]
    const type = numberIn(header, 1)
    if (type === undefined) return undefined
    const { kind, field } = kinds.get(type) ?? { kind: 'other' }
    const inner = field === undefined ? undefined : header.get(field)
    const values = numberIn(inner, 1)
    if (unpackedBytes === undefined || packedBytes === undefined || packedBytes < 0 || unpackedBytes < 0)
      return undefined
    if (kind !== 'other' && (values === undefined || values < 0)) return undefined
    const rows = field === 8 ? numberIn(inner, 3) : undefined
    const sized = { packedBytes, unpackedBytes, sizeBytes: reader.at }
    return { kind, values: values ?? 0, ...sized, ...(rows === undefined ? {} : { rows }) }
  } catch (error) {
    if (error instanceof RangeError) return error.message === cutOff ? 'short' : undefined
    throw error
  }
}

/** By the type, as readers go: a struct of another kind of page may stand beside. */
const kinds: ReadonlyMap<number, Readonly<{ kind: PageHeader['kind']; field?: number }>> = new Map([
  [0, { kind: 'data', field: 5 }],
  [2, { kind: 'dictionary', field: 7 }],
  [3, { kind: 'data', field: 8 }],
])

const cutOff = 'the bytes end'
const maxDepth = 8

type Reader = { readonly bytes: Uint8Array; at: number }
type Fields = Map<number, number | Fields>

function numberIn(fields: number | Fields | undefined, id: number): number | undefined {
  const value = fields instanceof Map ? fields.get(id) : undefined
  return typeof value === 'number' ? value : undefined
}

function byteOf(reader: Reader): number {
  const byte = reader.bytes[reader.at]
  if (byte === undefined) throw new RangeError(cutOff)
  reader.at += 1
  return byte
}

/** At most 64 bits. */
function varint(reader: Reader): number {
  let value = 0
  for (let place = 0; place < 10; place += 1) {
    const byte = byteOf(reader)
    value += (byte & 0x7f) * 2 ** (7 * place)
    if (byte < 0x80) return value
  }
  throw new RangeError('a number has more than 64 bits')
}

function zigzag(reader: Reader): number {
  const value = varint(reader)
  return value % 2 === 0 ? value / 2 : -(value + 1) / 2
}

function structOf(reader: Reader, depth: number): Fields {
  if (depth > maxDepth) throw new RangeError('it is nested too deep')
  const fields: Fields = new Map()
  let id = 0
  for (;;) {
    const head = byteOf(reader)
    if (head === 0) return fields
    const delta = head >> 4
    id = delta === 0 ? zigzag(reader) : id + delta
    const value = fieldOf(reader, head & 0x0f, depth)
    if (value !== undefined) fields.set(id, value)
  }
}

function skip(reader: Reader, count: number): void {
  if (count > reader.bytes.length - reader.at) throw new RangeError(cutOff)
  reader.at += count
}

/** Numbers and structs; what else there is is passed over. */
function fieldOf(reader: Reader, type: number, depth: number): number | Fields | undefined {
  switch (type) {
    case 1:
    case 2:
      return undefined
    case 3:
      skip(reader, 1)
      return undefined
    case 4:
    case 5:
    case 6:
      return zigzag(reader)
    case 7:
      skip(reader, 8)
      return undefined
    case 8:
      skip(reader, varint(reader))
      return undefined
    case 12:
      return structOf(reader, depth + 1)
    default:
      throw new RangeError(`type ${type} is in no page header`)
  }
}
