/**
 * What a trigger may be made of: a value, an exact number that repeats, a token, two tokens in a row, a character that
 * is rare among letters, odd white space, mixed scripts, a pattern of nulls. Every row has some items; an item that
 * hardly any row has is dropped before it costs memory.
 */
import { quantileOf, sketchOf } from '../statistics/sketch.ts'
import { type Column, type Columns, featuresOf } from '../table/columns.ts'
import { hashOf } from './encode.ts'

/** Items of one column. Row `r` has `ids[starts[e]] .. ids[starts[e + 1] - 1]` with `e = entries[r]`, none for -1. */
export type Items = Readonly<{
  /** Null: the pattern of nulls over all columns. */
  column: string | null
  /** `what[id]`: for a report, the kind of the item, never the item. */
  what: (id: number) => string
  count: number
  entries: Int32Array
  starts: Int32Array
  ids: Int32Array
  /** Of a column of numbers: which twentieth each row is in, 255 for null. */
  bins?: Uint8Array
}>

/** An item in fewer rows is none: it could never be told from chance. */
const fewestRows = 4
/** Buckets that occurrences are counted in before items are kept. */
const bucketCount = 1 << 22
/** LIMIT: tokens of one text, and stored occurrences of one column (4 bytes each). */
const maxTokens = 64
const maxOccurrences = 40_000_000

export function itemsOf(table: Columns): readonly Items[] {
  const perColumn = featuresOf(table).map((column) =>
    column.kind === 'numeric'
      ? numberItems(column.values, column.name)
      : column.kind === 'category'
        ? valueItems(column)
        : textItems(column),
  )
  return [...perColumn, nullItems(table)].filter(({ count }) => count > 0)
}

type Coded = Exclude<Column, { kind: 'numeric' }>

/** Each value; and what several of them share, so that a word which is put into many values does not hide in them. */
function valueItems({ name, codes, dictionary }: Coded): Items {
  const shared = sharedMarks(dictionary)
  const idOf = new Map([...shared.keys()].map((mark, index) => [mark, dictionary.length + index]))
  const starts = new Int32Array(dictionary.length + 1)
  const ids: number[] = []
  for (const [entry, text] of dictionary.entries()) {
    ids.push(entry)
    for (const mark of shared.size === 0 ? [] : marksOf(text)) {
      const id = idOf.get(mark)
      if (id !== undefined) ids.push(id)
    }
    starts[entry + 1] = ids.length
  }
  const kinds = [...shared.keys()].map(kindOf)
  return {
    column: name,
    what: (id) => (id < dictionary.length ? 'a value' : (kinds[id - dictionary.length] ?? '')),
    count: dictionary.length + shared.size,
    entries: codes,
    starts,
    ids: Int32Array.from(ids),
  }
}

/** LIMIT: categories have 1,000 values; a label of many more is looked at by its values alone. */
const maxSharing = 20_000

/** Marks that more than one value has, but not all. */
function sharedMarks(dictionary: readonly string[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>()
  for (const text of dictionary.length > maxSharing ? [] : dictionary)
    for (const mark of marksOf(text)) counts.set(mark, (counts.get(mark) ?? 0) + 1)
  return new Map([...counts].filter(([, count]) => count > 1 && count < dictionary.length))
}

/** Each entry has one item, itself. */
function identity(count: number): Pick<Items, 'starts' | 'ids'> {
  const starts = Int32Array.from({ length: count + 1 }, (_, entry) => entry)
  return { starts, ids: starts.subarray(0, count) }
}

/** Numbers that come back exactly. A number that is there only once or twice is an entry without an item. */
function numberItems(values: Float64Array, name: string): Items {
  const often = new Uint32Array(bucketCount)
  const bytes = new Uint32Array(values.buffer, values.byteOffset, values.length * 2)
  const bucketOf = (row: number): number =>
    (Math.imul(bytes[2 * row] ?? 0, 0x9e3779b1) ^ Math.imul(bytes[2 * row + 1] ?? 0, 0x85ebca6b)) >>> 10
  for (let row = 0; row < values.length; row += 1) often[bucketOf(row)] = (often[bucketOf(row)] ?? 0) + 1
  const idOf = new Map<number, number>()
  const entries = new Int32Array(values.length).fill(-1)
  for (let row = 0; row < values.length; row += 1) {
    const value = values[row] ?? Number.NaN
    if (Number.isNaN(value)) continue
    if ((often[bucketOf(row)] ?? 0) < fewestRows) {
      entries[row] = 0
      continue
    }
    const id = idOf.get(value) ?? idOf.size
    idOf.set(value, id)
    entries[row] = id + 1
  }
  const starts = Int32Array.from({ length: idOf.size + 2 }, (_, entry) => Math.max(0, entry - 1))
  const ids = Int32Array.from({ length: idOf.size }, (_, id) => id)
  return {
    column: name,
    what: () => 'an exact number',
    count: idOf.size,
    entries,
    starts,
    ids,
    bins: twentieths(values),
  }
}

export const binCount = 20

/** Numbers that never repeat have no items to be judged by, but they have neighbours. */
function twentieths(values: Float64Array): Uint8Array {
  const sketch = sketchOf(values, binCount * 5)
  const edges = Array.from({ length: binCount - 1 }, (_, edge) => quantileOf(sketch, (edge + 1) / binCount))
  return Uint8Array.from(values, (value) => {
    if (Number.isNaN(value)) return 255
    let bin = 0
    while (bin < edges.length && (edges[bin] ?? 0) < value) bin += 1
    return bin
  })
}

/** Which columns are null, as one value; a table of no or few nulls has hardly a pattern. */
function nullItems({ columns, rows }: Columns): Items {
  const hashes = new Int32Array(rows)
  for (const [index, column] of columns.entries()) {
    const mark = Math.imul(index + 1, 0x9e3779b1) | 1
    for (let row = 0; row < rows; row += 1) {
      const isNull = column.kind === 'numeric' ? Number.isNaN(column.values[row]) : (column.codes[row] ?? -1) < 0
      if (isNull) hashes[row] = Math.imul((hashes[row] ?? 0) ^ mark, 0x85ebca6b)
    }
  }
  const idOf = new Map<number, number>()
  const entries = hashes.map((hash) => {
    const id = idOf.get(hash) ?? idOf.size
    idOf.set(hash, id)
    return id
  })
  const count = idOf.size > 1 ? idOf.size : 0
  return { column: null, what: () => 'a pattern of nulls', count, entries, ...identity(idOf.size) }
}

function textItems({ name, codes, dictionary }: Coded): Items {
  const rowsOf = new Float64Array(dictionary.length)
  for (const code of codes) if (code >= 0) rowsOf[code] = (rowsOf[code] ?? 0) + 1
  const often = new Float32Array(bucketCount)
  for (const [entry, text] of dictionary.entries()) {
    for (const mark of marksOf(text)) {
      const bucket = hashOf(mark) & (bucketCount - 1)
      often[bucket] = (often[bucket] ?? 0) + (rowsOf[entry] ?? 0)
    }
  }
  const idOf = new Map<string, number>()
  const starts = new Int32Array(dictionary.length + 1)
  const ids: number[] = []
  for (const [entry, text] of dictionary.entries()) {
    if (ids.length < maxOccurrences) {
      for (const mark of marksOf(text)) {
        if ((often[hashOf(mark) & (bucketCount - 1)] ?? 0) < fewestRows) continue
        const id = idOf.get(mark) ?? idOf.size
        idOf.set(mark, id)
        ids.push(id)
      }
    }
    starts[entry + 1] = ids.length
  }
  const kinds = [...idOf.keys()].map(kindOf)
  return {
    column: name,
    what: (id) => kinds[id] ?? '',
    count: idOf.size,
    entries: codes,
    starts,
    ids: Int32Array.from(ids),
  }
}

const markKinds = [
  '',
  'a token',
  'two tokens in a row',
  'a character',
  'odd white space',
  'letters of two scripts in a word',
] as const

function kindOf(mark: string): string {
  return markKinds[mark.charCodeAt(0) & 7] ?? ''
}

const token = /[\p{L}\p{N}_]+|[^\s\p{L}\p{N}_]+/gu
const unusual = /[^\x20-\x7e\p{L}\p{N}\s]|[\p{Cf}\p{Cc}]/gu
const oddSpace = /^\s|\s$|\s\s|[^\S \n\r\t]/u
const twoScripts =
  /(?:\p{Script=Latin}(?:\p{Script=Cyrillic}|\p{Script=Greek}))|(?:(?:\p{Script=Cyrillic}|\p{Script=Greek})\p{Script=Latin})/u

/** The items of a text, each once, with its kind as a first character (1 to 5). */
function marksOf(text: string): ReadonlySet<string> {
  const marks = new Set<string>()
  let before = ''
  let tokens = 0
  for (const [word] of text.matchAll(token)) {
    const lower = word.toLowerCase()
    marks.add(`\x01${lower}`)
    if (before !== '') marks.add(`\x02${before} ${lower}`)
    before = lower
    tokens += 1
    if (tokens === maxTokens) break
  }
  const start = text.slice(0, 4096)
  for (const [character] of start.matchAll(unusual)) marks.add(`\x03${character}`)
  if (oddSpace.test(start)) marks.add('\x04')
  if (twoScripts.test(start)) marks.add('\x05')
  return marks
}
