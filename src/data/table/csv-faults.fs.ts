/**
 * Where a CSV file breaks its own shape, row by row: asked when the engine has refused it, or a line is too long for it.
 *
 * A record that has another number of fields than the header, text beside a closing quote, a quote that never closes,
 * bytes that are not UTF-8, a record that is longer than the limit. Source: RFC 4180 section 2.
 * LIMIT: stops after 100 faulty rows.
 */
import { isUtf8 } from 'node:buffer'
import { closeSync, fstatSync, openSync, readSync } from 'node:fs'

/** `rows`: 1-based data rows; empty when the header itself is at fault. */
export type CsvFaults = Readonly<{ rows: readonly number[]; because: string }>

const chunkBytes = 1024 * 1024
const tailBytes = 64 * 1024
const maxRows = 100
/** LIMIT: as the engine has it. */
const maxRecordBytes = 2_000_000

const quote = 0x22
const lineFeed = 0x0a
const carriageReturn = 0x0d

/** @returns undefined when nothing is found */
export function findCsvFaults(path: string, delimiter: string, fields: number): CsvFaults | undefined {
  const fd = openSync(path, 'r')
  try {
    const reader = recordReader(delimiter.charCodeAt(0), fields)
    const buffer = Buffer.allocUnsafe(chunkBytes)
    for (let isFirst = true; !reader.isFull(); isFirst = false) {
      const length = readSync(fd, buffer, 0, chunkBytes, null)
      if (length === 0) break
      reader.take(buffer.subarray(isFirst && hasMark(buffer) ? 3 : 0, length))
    }
    return reader.end()
  } finally {
    closeSync(fd)
  }
}

/**
 * True when a line is longer than a record may be. Only the ends of stretches of that length are read.
 *
 * THREAT: where several threads read, the engine leaves out a last record that is longer than what one of them reads, and
 * says nothing (seen with DuckDB 1.5.6: 13 MB behind 20 MB of rows): a trainer would read a row that nobody validated.
 */
export function hasLongLine(path: string): boolean {
  const fd = openSync(path, 'r')
  try {
    const { size } = fstatSync(fd)
    for (let start = 0; size - start > maxRecordBytes; ) {
      const end = lastLineFeed(fd, start, start + maxRecordBytes + 1)
      if (end === undefined) return true
      start = end + 1
    }
    return false
  } finally {
    closeSync(fd)
  }
}

function lastLineFeed(fd: number, from: number, to: number): number | undefined {
  const buffer = Buffer.allocUnsafe(tailBytes)
  for (let end = to; end > from; ) {
    const begin = Math.max(from, end - tailBytes)
    const at = buffer.subarray(0, readSync(fd, buffer, 0, end - begin, begin)).lastIndexOf(lineFeed)
    if (at >= 0) return begin + at
    end = begin
  }
  return undefined
}

function hasMark(bytes: Uint8Array): boolean {
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf
}

type Reader = Readonly<{ take(bytes: Buffer): void; isFull(): boolean; end(): CsvFaults | undefined }>

function recordReader(delimiter: number, fields: number): Reader {
  const rows: number[] = []
  let because = ''
  let row = 0
  let field: 'start' | 'plain' | 'quoted' | 'closed' = 'start'
  let count = 1
  let sizeBytes = 0
  let bad: string | undefined
  let pieces: Buffer[] = []

  const endRecord = (last: Buffer): void => {
    sizeBytes += last.length
    if (sizeBytes > 0) {
      if (sizeBytes > maxRecordBytes) bad ??= `it is longer than ${maxRecordBytes} bytes`
      else if (!isUtf8(pieces.length === 0 ? last : Buffer.concat([...pieces, last]))) bad ??= 'it is not UTF-8'
      if (count !== fields) bad ??= `it has ${count} fields where the header has ${fields}`
      if (bad !== undefined) {
        if (rows.length === 0) because = row === 0 ? `the header: ${bad}` : `row ${row}: ${bad}`
        rows.push(row)
      }
      row += 1
    }
    field = 'start'
    count = 1
    sizeBytes = 0
    bad = undefined
    pieces = []
  }
  const look = (byte: number): void => {
    if (byte === quote) {
      if (field === 'start') field = 'quoted'
      else if (field === 'quoted') field = 'closed'
      else if (field === 'closed') field = 'quoted'
      else bad ??= 'it has a quote inside a value that is not quoted'
    } else if (field === 'quoted') return
    else if (byte === delimiter) {
      count += 1
      field = 'start'
    } else if (field === 'closed') bad ??= 'it has text behind a closing quote'
    else field = 'plain'
  }
  return {
    take: (bytes) => {
      let from = 0
      for (let at = 0; at < bytes.length && rows.length < maxRows; at += 1) {
        const byte = bytes[at] ?? 0
        if ((byte === lineFeed || byte === carriageReturn) && field !== 'quoted') {
          endRecord(bytes.subarray(from, at)) // between CR and LF lies a record of nothing, which does not count
          from = at + 1
        } else look(byte)
      }
      sizeBytes += bytes.length - from
      if (sizeBytes <= maxRecordBytes) pieces.push(Buffer.from(bytes.subarray(from)))
    },
    isFull: () => rows.length >= maxRows,
    end: () => {
      if (field === 'quoted') bad ??= 'it has a quote that does not close'
      endRecord(Buffer.alloc(0))
      return rows.length === 0 ? undefined : { rows: rows.filter((each) => each > 0), because }
    },
  }
}
