/**
 * A table in memory, column by column, as statistics and poisoning checks read it. Plain data: no file, no engine.
 *
 * Whoever loads a table decides the kind of each column: numbers and instants become `numeric`; booleans, enumerations,
 * class labels and short codes become `category`; prose and free strings become `text`. An integer beyond 2^53 and an
 * identifier made of digits are strings, not numbers: as numbers two of them could become one.
 * Read next: `../statistics` (what a column is like, and whether it moved), `../poison` (rows to look at).
 */

/** Null is NaN, and a NaN of the file is null too; infinities are values. */
export type NumericColumn = Readonly<{
  kind: 'numeric'
  name: string
  /** One value a row, length `rows`. */
  values: Float64Array
  /** `epoch-ms`: an instant, UTC milliseconds since 1970; a date is its midnight UTC. */
  unit: 'number' | 'epoch-ms'
}>

/** Few values, each with a meaning of its own: enumerations, codes, classes; a boolean is `['false', 'true']`. */
export type CategoryColumn = Readonly<{ kind: 'category' } & Coded>

/** Many values, read by their tokens and characters. Equal texts share a code. */
export type TextColumn = Readonly<{ kind: 'text' } & Coded>

type Coded = Readonly<{
  name: string
  /** One code a row, length `rows`: an index into `dictionary`, or -1 for null. */
  codes: Int32Array
  /** Distinct strings, in any order; an entry may be unused. The empty string is a value, not null. */
  dictionary: readonly string[]
}>

export type Column = NumericColumn | CategoryColumn | TextColumn

export type Columns = Readonly<{
  rows: number
  /** Names are distinct. Label, source and batch are among them. */
  columns: readonly Column[]
  /** Name of the category column that a model learns to predict. */
  label?: string
  /** Name of the category column that says which source or ingestion batch a row came with. */
  source?: string
  /** What a report calls each row, 1-based, length `rows`; absent: row `i` is called `i + 1`. */
  rowNumbers?: Float64Array
}>

/** @returns undefined when there is no such column */
export function columnOf({ columns }: Columns, name: string | undefined): Column | undefined {
  return columns.find((column) => column.name === name)
}

/** The label as classes; undefined when no label is named. A numeric label becomes one class a value. */
export function labelOf(table: Columns): CategoryColumn | undefined {
  const column = columnOf(table, table.label)
  return column === undefined ? undefined : categoryOf(column)
}

/** Source or batch of each row; undefined when none is named. */
export function sourceOf(table: Columns): CategoryColumn | undefined {
  const column = columnOf(table, table.source)
  return column === undefined ? undefined : categoryOf(column)
}

/** All columns but label and source: what a model may learn from. */
export function featuresOf({ columns, label, source }: Columns): readonly Column[] {
  return columns.filter(({ name }) => name !== label && name !== source)
}

/** What reports call row `index` (0-based): a 1-based data row. */
export function rowNumberOf({ rowNumbers }: Columns, index: number): number {
  return rowNumbers?.[index] ?? index + 1
}

/** The same column, read as categories: a number by its shortest decimal form, an instant by RFC 3339. */
export function categoryOf(column: Column): CategoryColumn {
  if (column.kind === 'category') return column
  if (column.kind === 'text') return { ...column, kind: 'category' }
  const { name, values, unit } = column
  const codeOf = new Map<number, number>()
  const codes = new Int32Array(values.length).fill(-1)
  for (let row = 0; row < values.length; row += 1) {
    const value = values[row] ?? Number.NaN
    if (Number.isNaN(value)) continue
    const code = codeOf.get(value) ?? codeOf.size
    codeOf.set(value, code)
    codes[row] = code
  }
  return { kind: 'category', name, codes, dictionary: [...codeOf.keys()].map((value) => spell(value, unit)) }
}

function spell(value: number, unit: NumericColumn['unit']): string {
  const isInstant = unit === 'epoch-ms' && Math.abs(value) <= 8.64e15
  return isInstant ? new Date(value).toISOString() : String(value)
}

/** A column from strings, null for none; codes are given in the order of first sight. */
export function codedColumn<Kind extends 'category' | 'text'>(
  kind: Kind,
  name: string,
  strings: readonly (string | null)[],
): Readonly<{ kind: Kind } & Coded> {
  const codeOf = new Map<string, number>()
  const codes = Int32Array.from(strings, (value) => {
    if (value === null) return -1
    const code = codeOf.get(value) ?? codeOf.size
    codeOf.set(value, code)
    return code
  })
  return { kind, name, codes, dictionary: [...codeOf.keys()] }
}

/** A column of numbers, null for none. */
export function numericColumn(
  name: string,
  values: ArrayLike<number | null>,
  unit: NumericColumn['unit'] = 'number',
): NumericColumn {
  return { kind: 'numeric', name, unit, values: Float64Array.from(values, (value) => value ?? Number.NaN) }
}

/** The named rows of a table, in the given order; reports still call each by its number in `table`. */
export function selectRows(table: Columns, indices: Int32Array): Columns {
  const columns = table.columns.map(
    (column): Column =>
      column.kind === 'numeric'
        ? { ...column, values: Float64Array.from(indices, (index) => column.values[index] ?? Number.NaN) }
        : { ...column, codes: indices.map((index) => column.codes[index] ?? -1) },
  )
  const rowNumbers = Float64Array.from(indices, (index) => rowNumberOf(table, index))
  return { ...table, rows: indices.length, columns, rowNumbers }
}

/** The rows of `left`, then those of `right`, in the columns that both have in the same kind. */
export function concatenated(left: Columns, right: Columns): Columns {
  const columns = left.columns.flatMap((column): readonly Column[] => {
    const other = columnOf(right, column.name)
    if (column.kind === 'numeric') {
      if (other?.kind !== 'numeric') return []
      const values = new Float64Array(left.rows + right.rows)
      values.set(column.values)
      values.set(other.values, left.rows)
      return [{ ...column, values }]
    }
    return other?.kind === column.kind ? [{ ...column, ...joined(column, other) }] : []
  })
  return { ...left, rows: left.rows + right.rows, columns }
}

function joined(left: Coded, right: Coded): Pick<Coded, 'codes' | 'dictionary'> {
  const codeOf = new Map(left.dictionary.map((value, code) => [value, code]))
  const dictionary = [...left.dictionary]
  const moved = right.dictionary.map((value) => codeOf.get(value) ?? dictionary.push(value) - 1)
  const codes = new Int32Array(left.codes.length + right.codes.length)
  codes.set(left.codes)
  codes.set(
    right.codes.map((code) => moved[code] ?? -1),
    left.codes.length,
  )
  return { codes, dictionary }
}
