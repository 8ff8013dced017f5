/** The names that an Arrow schema has, and what is written beside it, as far as readers of tables go by them. Pure. */

export type ArrowSchema = Readonly<{
  /** Of the fields at the top. */
  names: readonly string[]
  metadata: readonly (readonly [key: string, value: string])[]
}>

/**
 * THREAT: offsets of others: what leads out of the bytes throws, nothing is followed twice.
 *
 * SOURCE: Arrow columnar format, "Encapsulated message format", and Message.fbs and Schema.fbs for the numbers of fields.
 */
export function parseArrowSchema(bytes: Buffer): ArrowSchema {
  const start = bytes.readUInt32LE(0) === 0xffffffff ? 8 : 4
  const message = bytes.subarray(start, start + bytes.readInt32LE(start - 4))
  const root = message.readUInt32LE(0)
  const kind = placeOf(message, root, 1)
  if (kind === undefined || message.readUInt8(kind) !== schemaMessage) throw new Error('it is no schema')
  const schema = target(message, placeOf(message, root, 2))
  return {
    names: tablesIn(message, placeOf(message, schema, 1)).map((field) => textAt(message, placeOf(message, field, 0))),
    metadata: tablesIn(message, placeOf(message, schema, 2)).map((pair) => [
      textAt(message, placeOf(message, pair, 0)),
      textAt(message, placeOf(message, pair, 1)),
    ]),
  }
}

const schemaMessage = 1

/** Where field `number` of a table lies. SOURCE: FlatBuffers internals: a table points back to the offsets of its fields. */
function placeOf(bytes: Buffer, table: number, number: number): number | undefined {
  const offsets = table - bytes.readInt32LE(table)
  const at = 4 + 2 * number
  const offset = at < bytes.readUInt16LE(offsets) ? bytes.readUInt16LE(offsets + at) : 0
  return offset === 0 ? undefined : table + offset
}

function target(bytes: Buffer, place: number | undefined): number {
  if (place === undefined) throw new Error('it is not whole')
  return place + bytes.readUInt32LE(place)
}

function tablesIn(bytes: Buffer, place: number | undefined): readonly number[] {
  if (place === undefined) return []
  const vector = target(bytes, place)
  const count = bytes.readUInt32LE(vector)
  if (4 * count > bytes.length) throw new Error('it is longer than it is')
  return Array.from({ length: count }, (_, index) => target(bytes, vector + 4 + 4 * index))
}

function textAt(bytes: Buffer, place: number | undefined): string {
  if (place === undefined) return ''
  const at = target(bytes, place)
  const end = at + 4 + bytes.readUInt32LE(at)
  if (end > bytes.length) throw new Error('it is longer than it is')
  return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes.subarray(at + 4, end))
}
