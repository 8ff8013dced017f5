/**
 * A table as a matrix for models: numbers in standard deviations, categories and tokens as indicators, nulls as the
 * median with an indicator of their own. An encoding is fitted on one table and applied to others.
 */
import { type Column, type Columns, featuresOf } from '../table/columns.ts'

/** `values` is row-major, `rows * width`. */
export type Matrix = Readonly<{ rows: number; width: number; values: Float32Array }>

/** How one column becomes one or more features. */
type Encoder = Readonly<{ name: string }> &
  (
    | Readonly<{ kind: 'numeric'; middle: number; deviation: number; hasNulls: boolean }>
    | Readonly<{ kind: 'category'; values: readonly string[] }>
    | Readonly<{ kind: 'text'; buckets: number }>
  )

export type Encoding = Readonly<{ width: number; encoders: readonly Encoder[] }>

/** Indicators of one category column; rarer values share none. */
const maxIndicators = 20
/** Features that tokens of one text column are hashed into. */
const textBuckets = 64
/** THREAT: ten thousand columns must not make a matrix of gigabytes. The first columns that fit are used. */
const maxWidth = 512

export function encodingOf(table: Columns): Encoding {
  const encoders: Encoder[] = []
  let width = 0
  for (const column of featuresOf(table)) {
    const encoder = encoderOf(column)
    const own = encoder === undefined ? 0 : widthOf(encoder)
    if (encoder === undefined || width + own > maxWidth) continue
    encoders.push(encoder)
    width += own
  }
  return { width, encoders }
}

function widthOf(encoder: Encoder): number {
  if (encoder.kind === 'numeric') return encoder.hasNulls ? 2 : 1
  return encoder.kind === 'category' ? encoder.values.length : encoder.buckets + 1
}

/** Undefined for a column that tells nothing: constant, or a key of its rows. */
function encoderOf(column: Column): Encoder | undefined {
  const { name } = column
  if (column.kind === 'numeric') return numericEncoder(column.values, name)
  if (column.kind === 'text') return { name, kind: 'text', buckets: textBuckets }
  const counts = new Map<number, number>()
  for (const code of column.codes) if (code >= 0) counts.set(code, (counts.get(code) ?? 0) + 1)
  const values = [...counts]
    .filter(([, count]) => count >= 2 && count < column.codes.length)
    .sort((left, right) => right[1] - left[1] || left[0] - right[0])
    .slice(0, maxIndicators)
    .map(([code]) => column.dictionary[code] ?? '')
  return values.length === 0 ? undefined : { name, kind: 'category', values }
}

function numericEncoder(values: Float64Array, name: string): Encoder | undefined {
  const present = values.filter((value) => Number.isFinite(value)).sort()
  const middle = present[present.length >> 1]
  if (middle === undefined) return undefined
  let squares = 0
  let mean = 0
  for (const value of present) mean += value / present.length
  for (const value of present) squares += ((value - mean) * (value - mean)) / present.length
  const deviation = Math.sqrt(squares)
  const hasNulls = present.length < values.length
  if (!(deviation > 0) && !hasNulls) return undefined
  return { name, kind: 'numeric', middle: mean, deviation: deviation > 0 ? deviation : 1, hasNulls }
}

/** A column that the table lacks, or has in another kind, is all nulls. */
export function encode(table: Columns, { width, encoders }: Encoding): Matrix {
  const values = new Float32Array(table.rows * width)
  let at = 0
  for (const encoder of encoders) {
    const column = table.columns.find(({ name }) => name === encoder.name)
    if (encoder.kind === 'numeric') fillNumeric(values, { width, at }, encoder, column)
    else if (column !== undefined && column.kind !== 'numeric') {
      const places =
        encoder.kind === 'category' ? indicatorsOf(column, encoder.values) : bucketsOf(column, encoder.buckets)
      for (let row = 0; row < table.rows; row += 1) {
        for (const place of places[column.codes[row] ?? -1] ?? []) values[row * width + at + place] = 1
      }
    }
    at += widthOf(encoder)
  }
  return { rows: table.rows, width, values }
}

type Place = Readonly<{ width: number; at: number }>

function fillNumeric(
  matrix: Float32Array,
  { width, at }: Place,
  encoder: Extract<Encoder, { kind: 'numeric' }>,
  column: Column | undefined,
): void {
  const rows = matrix.length / Math.max(1, width)
  for (let row = 0; row < rows; row += 1) {
    const value = column?.kind === 'numeric' ? (column.values[row] ?? Number.NaN) : Number.NaN
    const isPresent = Number.isFinite(value)
    const deviate = isPresent ? (value - encoder.middle) / encoder.deviation : 0
    matrix[row * width + at] = Math.max(-1e6, Math.min(1e6, deviate))
    if (encoder.hasNulls && !isPresent) matrix[row * width + at + 1] = 1
  }
}

function indicatorsOf(
  column: Exclude<Column, { kind: 'numeric' }>,
  values: readonly string[],
): readonly (readonly number[])[] {
  const placeOf = new Map(values.map((value, place) => [value, place]))
  return column.dictionary.map((value) => {
    const place = placeOf.get(value)
    return place === undefined ? [] : [place]
  })
}

/** Tokens by a hash, and a last feature for texts of more than 200 characters. */
function bucketsOf(column: Exclude<Column, { kind: 'numeric' }>, buckets: number): readonly (readonly number[])[] {
  return column.dictionary.map((text) => {
    const tokens =
      text
        .slice(0, 10_000)
        .toLowerCase()
        .match(/[\p{L}\p{N}]+/gu) ?? []
    const places = new Set(tokens.map((token) => hashOf(token) % buckets))
    return text.length > 200 ? [...places, buckets] : [...places]
  })
}

/** FNV-1a over UTF-16 units, 32 bits. Source: Fowler, Noll and Vo, draft-eastlake-fnv. */
export function hashOf(text: string): number {
  let hash = 0x811c9dc5
  for (let index = 0; index < text.length; index += 1) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193)
  return hash >>> 0
}
