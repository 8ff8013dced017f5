/**
 * What a table is like, as plain data that a baseline keeps: sketches of numbers, counts of categories, and how each
 * column goes with the label. No row can be read from it but the values that categories and bins begin with.
 */
import { z } from 'zod'
import { DomainError } from '../../core/index.ts'
import { type CategoryColumn, type Column, type Columns, labelOf } from '../table/columns.ts'
import { phi, pointBiserial } from './label-correlation.ts'
import { type Sketch, sketchOf } from './sketch.ts'

/** The commonest categories by name, the rest only as a number. */
export type CategoryCounts = Readonly<{
  /** Rows with a value. */
  count: number
  values: readonly string[]
  counts: readonly number[]
  distinct: number
  /** Values that occur once: how often a sample meets something new (Good, 1953). */
  singletons: number
}>

/**
 * Correlation of "the label is this class" with the number, or with "the column is this value".
 * `error`: its standard error, from fourth moments, since neither is normal.
 */
export type LabelCorrelation = Readonly<{
  class: string
  value: string | null
  rows: number
  correlation: number
  error: number
}>

export type ColumnProfile = Readonly<{
  name: string
  rows: number
  nulls: number
  withLabel: readonly LabelCorrelation[]
}> &
  (
    | Readonly<{ kind: 'numeric'; unit: 'number' | 'epoch-ms'; sketch: Sketch }>
    | Readonly<{ kind: 'category'; categories: CategoryCounts }>
    /** Prose: only its length is compared, in UTF-16 units. */
    | Readonly<{ kind: 'text'; sketch: Sketch }>
  )

export type TableProfile = Readonly<{
  version: 1
  rows: number
  label: string | null
  columns: readonly ColumnProfile[]
  /** How far stretches of an approved table lie from its other rows, in the unit of each statistic; `periods.ts`. */
  usual?: readonly Readonly<{ name: string; column: string; effect: number }>[]
}>

/** Categories that are kept by name. */
const keptCategories = 1000
/** Of the label and of a column, when they are compared: the commonest. */
const keptClasses = 20
const keptValues = 20
/** All bins of a table: a file of ten thousand columns must not make a baseline of gigabytes. */
const binsOfTable = 200_000

export function profileTable(table: Columns): TableProfile {
  const label = labelOf(table)
  const bins = Math.max(16, Math.min(1000, Math.floor(binsOfTable / Math.max(1, table.columns.length))))
  const columns = table.columns.map((column) =>
    profileColumn(column, column.name === table.label ? undefined : label, bins),
  )
  return { version: 1, rows: table.rows, label: table.label ?? null, columns }
}

function profileColumn(column: Column, label: CategoryColumn | undefined, bins: number): ColumnProfile {
  const { name } = column
  if (column.kind === 'numeric') {
    const sketch = sketchOf(column.values, bins)
    const rows = column.values.length
    const withLabel = label === undefined ? [] : numberWithLabel(column.values, sketch, label)
    return { name, kind: 'numeric', unit: column.unit, rows, nulls: rows - sketch.count, sketch, withLabel }
  }
  const rows = column.codes.length
  if (column.kind === 'text') {
    const lengths = Float64Array.from(column.codes, (code) => column.dictionary[code]?.length ?? Number.NaN)
    const sketch = sketchOf(lengths, bins)
    const withLabel = label === undefined ? [] : numberWithLabel(lengths, sketch, label)
    return { name, kind: 'text', rows, nulls: rows - sketch.count, sketch, withLabel }
  }
  const counts = countsOf(column.codes, column.dictionary.length)
  const categories = categoriesOf(column, counts)
  const withLabel = label === undefined ? [] : valuesWithLabel(column, counts, label)
  return { name, kind: 'category', rows, nulls: rows - categories.count, categories, withLabel }
}

/** Rows of each code; nulls are left out. */
export function countsOf(codes: Int32Array, codeCount: number): Float64Array {
  const counts = new Float64Array(codeCount)
  for (let row = 0; row < codes.length; row += 1) {
    const code = codes[row] ?? -1
    if (code >= 0) counts[code] = (counts[code] ?? 0) + 1
  }
  return counts
}

/** Codes by falling count, ties by the dictionary's strings, so that the same rows in another order are the same. */
function commonest(counts: Float64Array, dictionary: readonly string[], kept: number): readonly number[] {
  const byCount = (left: number, right: number): number =>
    (counts[right] ?? 0) - (counts[left] ?? 0) || ((dictionary[left] ?? '') < (dictionary[right] ?? '') ? -1 : 1)
  const used = [...counts.keys()].filter((code) => (counts[code] ?? 0) > 0)
  if (used.length <= kept * 4) return used.sort(byCount).slice(0, kept)
  const floor = counts.toSorted().at(-kept) ?? 0
  return used
    .filter((code) => (counts[code] ?? 0) >= floor)
    .sort(byCount)
    .slice(0, kept)
}

function categoriesOf({ dictionary }: CategoryColumn, counts: Float64Array): CategoryCounts {
  const kept = commonest(counts, dictionary, keptCategories)
  return {
    count: counts.reduce((sum, count) => sum + count, 0),
    values: kept.map((code) => dictionary[code] ?? ''),
    counts: kept.map((code) => counts[code] ?? 0),
    distinct: counts.reduce((sum, count) => sum + (count > 0 ? 1 : 0), 0),
    singletons: counts.reduce((sum, count) => sum + (count === 1 ? 1 : 0), 0),
  }
}

function numberWithLabel(
  values: Float64Array,
  { mean, deviation }: Sketch,
  label: CategoryColumn,
): readonly LabelCorrelation[] {
  if (deviation === 0) return []
  const rowsOf = new Float64Array(label.dictionary.length)
  // Sums of the first to the fourth power, for each class.
  const powers = new Float64Array(label.dictionary.length * 4)
  let rows = 0
  for (let row = 0; row < values.length; row += 1) {
    const code = label.codes[row] ?? -1
    const deviate = ((values[row] ?? Number.NaN) - mean) / deviation
    if (code < 0 || !Number.isFinite(deviate)) continue
    rows += 1
    rowsOf[code] = (rowsOf[code] ?? 0) + 1
    let power = deviate
    for (let at = code * 4; at < code * 4 + 4; at += 1) {
      powers[at] = (powers[at] ?? 0) + power
      power *= deviate
    }
  }
  return commonest(rowsOf, label.dictionary, keptClasses).map((code) => ({
    class: label.dictionary[code] ?? '',
    value: null,
    rows,
    ...pointBiserial({ rows, own: rowsOf[code] ?? 0, powers, code }),
  }))
}

/** Phi coefficients of the commonest values with the commonest classes. */
function valuesWithLabel(
  column: CategoryColumn,
  counts: Float64Array,
  label: CategoryColumn,
): readonly LabelCorrelation[] {
  const values = commonest(counts, column.dictionary, keptValues)
  const classCounts = countsOf(label.codes, label.dictionary.length)
  const classes = commonest(classCounts, label.dictionary, keptClasses)
  const valueAt = placesOf(values, column.dictionary.length)
  const classAt = placesOf(classes, label.dictionary.length)
  const both = new Float64Array(values.length * classes.length)
  const ofValue = new Float64Array(values.length)
  const ofClass = new Float64Array(classes.length)
  let rows = 0
  for (let row = 0; row < column.codes.length; row += 1) {
    const valueCode = column.codes[row] ?? -1
    const classCode = label.codes[row] ?? -1
    if (valueCode < 0 || classCode < 0) continue
    rows += 1
    const value = valueAt[valueCode] ?? -1
    const at = classAt[classCode] ?? -1
    if (value >= 0) ofValue[value] = (ofValue[value] ?? 0) + 1
    if (at >= 0) ofClass[at] = (ofClass[at] ?? 0) + 1
    if (value >= 0 && at >= 0) both[value * classes.length + at] = (both[value * classes.length + at] ?? 0) + 1
  }
  return values.flatMap((valueCode, value) =>
    classes.map((classCode, at) => ({
      class: label.dictionary[classCode] ?? '',
      value: column.dictionary[valueCode] ?? '',
      rows,
      ...phi({ rows, both: both[value * classes.length + at] ?? 0, value: ofValue[value] ?? 0, own: ofClass[at] ?? 0 }),
    })),
  )
}

function placesOf(codes: readonly number[], codeCount: number): Int32Array {
  const places = new Int32Array(codeCount).fill(-1)
  for (const [place, code] of codes.entries()) places[code] = place
  return places
}

const count = z.number().nonnegative()
const sketchShape = z.strictObject({
  count,
  mean: z.number(),
  deviation: count,
  lows: z.array(z.number()),
  highs: z.array(z.number()),
  counts: z.array(count),
})
const common = {
  name: z.string(),
  rows: count,
  nulls: count,
  withLabel: z.array(
    z.strictObject({
      class: z.string(),
      value: z.string().nullable(),
      rows: count,
      correlation: z.number(),
      error: count,
    }),
  ),
}
const columnShape = z.discriminatedUnion('kind', [
  z.strictObject({ ...common, kind: z.literal('numeric'), unit: z.enum(['number', 'epoch-ms']), sketch: sketchShape }),
  z.strictObject({ ...common, kind: z.literal('text'), sketch: sketchShape }),
  z.strictObject({
    ...common,
    kind: z.literal('category'),
    categories: z.strictObject({
      count,
      values: z.array(z.string()),
      counts: z.array(count),
      distinct: count,
      singletons: count,
    }),
  }),
])
const shape = z.strictObject({
  version: z.literal(1),
  rows: count,
  label: z.string().nullable(),
  columns: z.array(columnShape),
  usual: z.array(z.strictObject({ name: z.string(), column: z.string(), effect: count })).exactOptional(),
})

/**
 * Trust: `value` was read from a baseline, whose signature and approval the caller has to verify.
 *
 * @throws ERR_INPUT_MALFORMED when it is not a profile as `profileTable` makes it
 */
export function parseTableProfile(value: unknown): TableProfile {
  const parsed = shape.safeParse(value)
  if (!parsed.success) throw malformed(parsed.error.issues[0]?.message ?? 'unknown shape')
  for (const column of parsed.data.columns) {
    if (column.kind !== 'category' && !isSketch(column.sketch)) throw malformed(`bins of \`${column.name}\``)
    if (column.kind === 'category' && column.categories.values.length !== column.categories.counts.length) {
      throw malformed(`categories of \`${column.name}\``)
    }
  }
  return parsed.data
}

/** Bins ascend, do not overlap, hold something, and hold all rows together. */
function isSketch({ count: rows, lows, highs, counts }: Sketch): boolean {
  return (
    lows.length === counts.length &&
    highs.length === counts.length &&
    counts.every((inBin, bin) => {
      const low = lows[bin] ?? Number.NaN
      return inBin > 0 && low <= (highs[bin] ?? Number.NaN) && (bin === 0 || (highs[bin - 1] ?? Number.NaN) < low)
    }) &&
    counts.reduce((sum, inBin) => sum + inBin, 0) === rows
  )
}

function malformed(because: string): DomainError {
  return new DomainError('ERR_INPUT_MALFORMED', `this is no profile of a table: ${because}`)
}
