/** A table as the engine sees it: text of a FROM clause, and columns by generated names. Pure. */
import { identifier } from './sql.ts'

/** `text`: characters of a CSV file, nothing is null. `json`: a JSON value. `typed`: the engine's own type. */
export type TableColumn = Readonly<{
  /** As the data calls it. */
  name: string
  /** How SQL refers to it. */
  ref: string
  storage: 'text' | 'json' | 'typed'
  /** `BIGINT`, `VARCHAR`, ... */
  sqlType: string
}>

export type Relation = Readonly<{
  /** Behind FROM, without an alias. Rows come in the order of the file. */
  from: string
  columns: readonly TableColumn[]
  /** SQL of the 1-based number of a row, where the engine has it without counting. */
  rowNumber?: string
}>

export function columnNamed({ columns }: Relation, name: string): TableColumn | undefined {
  return columns.find((column) => column.name === name)
}

export type Family =
  | 'integer'
  | 'float'
  | 'decimal'
  | 'boolean'
  | 'date'
  | 'timestamp'
  | 'time'
  | 'string'
  | 'binary'
  | 'object'
  | 'array'
  | 'other'

const families: readonly (readonly [RegExp, Family])[] = [
  [/\[\d*\]$/, 'array'],
  [/^(STRUCT|MAP|UNION|VARIANT)\b/, 'object'],
  [/^U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?$/, 'integer'],
  [/^(FLOAT|DOUBLE)$/, 'float'],
  [/^DECIMAL\(\d+,0\)$/, 'integer'],
  [/^DECIMAL/, 'decimal'],
  [/^BOOLEAN$/, 'boolean'],
  [/^DATE$/, 'date'],
  [/^TIMESTAMP/, 'timestamp'],
  [/^TIME\b/, 'time'],
  [/^(VARCHAR|UUID)$|^ENUM/, 'string'],
  [/^(BLOB|BIT)$/, 'binary'],
]

export function familyOf(sqlType: string): Family {
  return families.find(([pattern]) => pattern.test(sqlType))?.[1] ?? 'other'
}

/** The characters of a value, null for null. */
export function textOf({ ref, storage, sqlType }: TableColumn): string {
  if (storage === 'json') return `(${ref}->>'$')`
  return storage === 'text' || sqlType === 'VARCHAR' ? ref : `CAST(${ref} AS VARCHAR)`
}

const isNumber = '[+-]?((0|[1-9][0-9]{0,14})([.][0-9]*)?|[.][0-9]+)([eE][+-]?[0-9]{1,3})?'
const isInstant =
  '[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]+)?)?(Z|[+-][0-9]{2}(:?[0-9]{2})?)?)?'

const isLongWhole = '-?[1-9][0-9]{15,}[.]0+'

export const sorts = ['number', 'instant', 'truth', 'words'] as const

/** One of `sorts`, whatever type holds the value; null for what one format has for null, which is empty or a NaN in others. */
export function sortOf(column: TableColumn): string {
  const text = textOf(column)
  return `CASE WHEN ${isNull(column)} OR lower(${text}) IN ('', 'nan') THEN NULL WHEN regexp_full_match(${text}, '${isNumber}') THEN 'number' WHEN regexp_full_match(${text}, '${isInstant}') THEN 'instant' WHEN lower(${text}) IN ('true', 'false') THEN 'truth' ELSE 'words' END`
}

/**
 * Characters that are equal where values are, whatever type holds them: `34`, `34.0` and `3.4e1` are one number, and `034` is none. Null as
 * `sortOf` has it.
 *
 * LIMIT: a whole number of more than 15 digits is the digits that it has: as doubles two of them could be one, and from 1e16 on
 * a double is written otherwise and is of another sort.
 */
export function comparableOf(column: TableColumn): string {
  const text = textOf(column)
  const value = `TRY_CAST(${text} AS DOUBLE)`
  return `CASE ${sortOf(column)} WHEN 'number' THEN CAST(if(${value} = 0, 0, ${value}) AS VARCHAR) WHEN 'instant' THEN coalesce(CAST(TRY_CAST(${text} AS TIMESTAMP) AS VARCHAR), ${text}) WHEN 'truth' THEN lower(${text}) WHEN 'words' THEN if(regexp_full_match(${text}, '${isLongWhole}'), split_part(${text}, '.', 1), ${text}) END`
}

/** A class that numbers stand for, whatever type or spelling a version has them in: `1`, `1.0` and the double 1 are `1`. */
export function numberedClassOf(column: TableColumn): string {
  return `regexp_replace(${comparableOf(column)}, '[.]0$', '')`
}

/** `comparableOf` where zeros in front are none of the value: `034` is a code or a number, and either may be meant. */
export function looselyComparableOf(column: TableColumn): string {
  const ref = `regexp_replace(${textOf(column)}, '^[+]?(-?)0*([0-9])', '\\1\\2')`
  return comparableOf({ ...column, ref, storage: 'text', sqlType: 'VARCHAR' })
}

/** A NaN of a file is null too. */
export function isNull({ ref, storage, sqlType }: TableColumn): string {
  return storage === 'typed' && familyOf(sqlType) === 'float' ? `(${ref} IS NULL OR isnan(${ref}))` : `${ref} IS NULL`
}

/** A number, or null for what is none. */
export function numberOf(column: TableColumn): string {
  const family = familyOf(column.sqlType)
  const isNumber = column.storage === 'typed' && (family === 'integer' || family === 'float' || family === 'decimal')
  return isNumber ? column.ref : `TRY_CAST(${textOf(column)} AS DOUBLE)`
}

/** An instant without zone, UTC, or null for what is none. @param format strptime */
export function instantOf(column: TableColumn, format?: string): string {
  const family = familyOf(column.sqlType)
  if (column.storage === 'typed' && column.sqlType === 'TIMESTAMP') return column.ref
  if (column.storage === 'typed' && (family === 'date' || family === 'timestamp'))
    return `CAST(${column.ref} AS TIMESTAMP)`
  const text = textOf(column)
  return format === undefined
    ? `TRY_CAST(${text} AS TIMESTAMP)`
    : `try_strptime(${text}, '${format.replaceAll("'", "''")}')`
}

/** The generated name of column number `index`. */
export function generatedName(index: number): string {
  return identifier(`c${index}`)
}
