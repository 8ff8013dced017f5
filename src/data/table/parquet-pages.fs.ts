/**
 * Whether a Parquet file holds as much as it claims: rows of the file, of its row groups, of their columns, and of the
 * pages that hold the values.
 *
 * THREAT: readers believe different ones of these claims (seen: with a smaller number of rows in the footer the engine
 * leaves out the last rows, and a reader that goes by pages does not), so rows could hide from validation and be
 * learnt from. The sizes of pages tell a bomb before anything is unpacked. Runs in the sandboxed process.
 */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import type { Engine } from './engine.duckdb.ts'
import { type PageHeader, readPageHeader } from './page-header.ts'
import { identifier, literal } from './sql.ts'

export type ParquetFault = Readonly<{ because: string; code: 'ERR_DATA_LIMIT' | 'ERR_DATA_UNREADABLE' }>

/**
 * LIMIT: a thousand times its size, counted from 64 MiB on; four million columns of row groups. A value that stands once in
 * a dictionary counts for each row that refers to it: here it costs nothing, in a reader of copies it does.
 */
const maxRatio = 1000
const freeBytes = 64 * 1024 * 1024
const maxChunks = 4_000_000

/** @param file a path that the engine may read, of our own making */
export async function parquetFault(engine: Engine, file: string): Promise<ParquetFault | undefined> {
  const [claimed = []] = await engine.query(
    `SELECT num_rows, num_row_groups, (SELECT count(*) FROM parquet_schema(${literal(file)})) FROM parquet_file_metadata(${literal(file)})`,
  )
  const [rows = 0, groups = 0, columns = 0] = claimed.map(Number)
  if (groups * columns > maxChunks)
    return { because: `it has ${groups} row groups of ${columns} columns`, code: 'ERR_DATA_LIMIT' }
  const chunks = await engine.query(
    `SELECT row_group_id, row_group_num_rows, num_values, coalesce(dictionary_page_offset, 0), data_page_offset, total_compressed_size, contains(path_in_schema, ', '), type, path_in_schema FROM parquet_metadata(${literal(file)})`,
  )
  const perGroup = new Map(chunks.map(([group, of]) => [Number(group), Number(of)]))
  const inGroups = [...perGroup.values()].reduce((sum, of) => sum + of, 0)
  if (inGroups !== rows) return lie(`it claims ${rows} rows, and its row groups ${inGroups}`)
  const fd = openSync(file, 'r')
  try {
    const { size } = fstatSync(fd)
    let unpacked = 0
    const texts: Texts = { most: 0, columns: new Set() }
    for (const [, of, values, dictionaryAt, dataAt, packed, isNested, type, path] of chunks) {
      if (Number(of) === 0 && Number(values) === 0) continue // an empty part has a column that lies anywhere
      const start = Number(dictionaryAt) > 0 ? Math.min(Number(dictionaryAt), Number(dataAt)) : Number(dataAt)
      const claim = { rows: Number(of), values: Number(values), isNested: isNested === true }
      const found = countPages(fd, { start, end: start + Number(packed), size })
      const because = typeof found === 'string' ? found : contradiction(claim, found)
      if (because !== undefined) return lie(because)
      if (typeof found === 'string') continue
      unpacked += Math.max(found.unpackedBytes, found.values * (fixedBytes[String(type)] ?? lengthBytes))
      if (isBomb(unpacked, size)) return bomb
      if (found.dictionaryBytes > 0 && !(String(type) in fixedBytes)) {
        texts.most += found.values * found.dictionaryBytes
        texts.columns.add(String(path))
      }
    }
    // what a dictionary could stand for at most is far more than it does, as a rule: then the rows are asked
    if (isBomb(unpacked + texts.most, size) && isBomb(unpacked + (await bytesOf(engine, file, texts.columns)), size))
      return bomb
    return undefined
  } finally {
    closeSync(fd)
  }
}

const bomb: ParquetFault = { because: `it unpacks to more than ${maxRatio} times its size`, code: 'ERR_DATA_LIMIT' }

function isBomb(bytes: number, size: number): boolean {
  return bytes > freeBytes && bytes > maxRatio * size
}

/** Bytes of a value, by the physical type; of those without, the length is a value's own. */
const fixedBytes: Readonly<Record<string, number>> = { BOOLEAN: 1, INT32: 4, FLOAT: 4, INT64: 8, DOUBLE: 8, INT96: 12 }
/** What a reader keeps of each value beside its bytes, of one that is null too. */
const lengthBytes = 4

type Texts = { most: number; readonly columns: Set<string> }

/** Bytes of all values of these columns, given by their paths; of one that the engine does not know, any number. A vector of one long value, many times, is one value to the engine. */
async function bytesOf(engine: Engine, file: string, paths: ReadonlySet<string>): Promise<number> {
  const source = `read_parquet(${literal(file)}, hive_partitioning=false)`
  const described = await engine.query(`SELECT column_name, column_type FROM (DESCRIBE SELECT * FROM ${source})`)
  // `a, b` is the path of a column of that name, or of `b` in `a`
  const isAt = (path: string, name: string): boolean => path === name || path.startsWith(`${name}, `)
  const columns = described.filter(([name]) => [...paths].some((path) => isAt(path, String(name))))
  if (![...paths].every((path) => columns.some(([name]) => isAt(path, String(name))))) return Number.POSITIVE_INFINITY
  const lengths = columns.map(([name, type]) => {
    const ref = identifier(String(name))
    return type === 'BLOB' ? `octet_length(${ref})` : `strlen(CAST(${ref} AS VARCHAR))`
  })
  const sums = lengths.map((length) => `coalesce(sum(${length}), 0)::DOUBLE`)
  const [row = []] = await engine.query(`SELECT ${sums.join(' + ')} FROM ${source}`)
  return Number(row[0])
}

function lie(because: string): ParquetFault {
  return { because, code: 'ERR_DATA_UNREADABLE' }
}

type Claim = Readonly<{ rows: number; values: number; isNested: boolean }>
type Counted = Readonly<{ values: number; rows: number | undefined; unpackedBytes: number; dictionaryBytes: number }>

function contradiction({ rows, values, isNested }: Claim, found: Counted): string | undefined {
  if (found.values !== values) return `a column claims ${values} values, and its pages hold ${found.values}`
  if (!isNested && values !== rows) return `a column has ${values} values, and its row group ${rows} rows`
  if (found.rows !== undefined && found.rows !== rows)
    return `pages hold ${found.rows} rows, and their row group ${rows}`
  return undefined
}

/** Goes from header to header; no page is unpacked. */
function countPages(
  fd: number,
  { start, end, size }: Readonly<{ start: number; end: number; size: number }>,
): Counted | string {
  if (start < 0 || end > size || end < start) return 'a column lies outside of the file'
  let values = 0
  let rows: number | undefined
  let unpackedBytes = 0
  let dictionaryBytes = 0
  for (let at = start; at < end; ) {
    const header = headerAt(fd, at, end)
    if (header === undefined) return 'a page has no header that can be read'
    if (header.kind === 'data') {
      values += header.values
      if (header.rows !== undefined) rows = (rows ?? 0) + header.rows
    }
    unpackedBytes += header.unpackedBytes
    if (header.kind === 'dictionary') dictionaryBytes += header.unpackedBytes
    at += header.sizeBytes + header.packedBytes
    if (at > end) return 'a page is longer than its column'
  }
  return { values, rows, unpackedBytes, dictionaryBytes }
}

/** LIMIT: a header has at most 16 MiB: it may hold the least and the greatest value of its page. */
const headerSizes = [1024, 64 * 1024, 16 * 1024 * 1024]

function headerAt(fd: number, at: number, end: number): PageHeader | undefined {
  for (const wanted of headerSizes) {
    const buffer = Buffer.allocUnsafe(Math.min(wanted, end - at))
    const read = readPageHeader(buffer.subarray(0, readSync(fd, buffer, 0, buffer.length, at)))
    if (read !== 'short') return read
    if (buffer.length < wanted) return undefined
  }
  return undefined
}
