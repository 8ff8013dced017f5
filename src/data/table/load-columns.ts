/**
 * A relation as columns in memory, for statistics: which kind each column is, and how many rows fit.
 *
 * LIMIT: a million rows, 30 million cells, 256 MB of text; above, a sample of rows by a seeded hash, so that the same
 * seed gives the same rows and nobody who does not know it can hide among the others. Runs in the sandboxed process.
 */
import type { TableContract } from '../contract/index.ts'
import { never, violationOf } from '../validate/violation.ts'
import { asKnown, type KnownSort, type Misfits } from './as-known.ts'
import { type ColumnKind, isBooleanWord, kindOfContract, kindOfTyped, proposals } from './column-kind.ts'
import type { Column, Columns } from './columns.ts'
import type { Engine } from './engine.duckdb.ts'
import {
  comparableOf,
  instantOf,
  numberedClassOf,
  numberOf,
  type Relation,
  type TableColumn,
  textOf,
} from './relation.ts'
import { numbered, rowColumn } from './row-number.ts'

export type LoadOptions = Readonly<{
  types: TableContract['types']
  label?: string
  source?: string
  seed: number
  /** Columns that are wanted whatever they look like. */
  wanted?: ReadonlySet<string>
  /** For rows of another table, whose types may be others: values are equal where they are the same, however they are spelled. */
  comparable?: boolean
  /** What another version has columns for, without label and source. */
  known?: ReadonlyMap<string, KnownSort>
}>

export type KindedColumn = Readonly<{
  column: TableColumn
  kind: ColumnKind
  /** About so many distinct values. */
  distinct: number
  /** An integer that a double does not hold. */
  isLarge: boolean
}>

export type Loaded = Readonly<{
  columns: Columns
  /** Rows of the table; more than `columns.rows` when a sample was taken. */
  rows: number
  kinds: readonly KindedColumn[]
  /** Of columns that are text and were none. */
  misfits?: ReadonlyMap<string, Misfits>
}>

const maxRows = 1_000_000
const maxCells = 30_000_000
const maxTextBytes = 256e6
/** A column of at most so many different strings is one of categories. */
const maxCategories = 1000
const proposedFrom = 20_000

export async function loadColumns(engine: Engine, relation: Relation, options: LoadOptions): Promise<Loaded> {
  const { known = new Map(), types } = options
  const found = await kindsOf(engine, relation, types)
  const { kinds, rows, textBytes, misfits } = await asKnown(engine, relation, found, { known, types })
  const kept = kinds.filter((each) => isMeasured(each, rows, options))
  const fitting = Math.min(
    maxRows,
    Math.floor(maxCells / Math.max(1, kept.length)),
    textBytes <= maxTextBytes ? maxRows : Math.floor((maxTextBytes / textBytes) * rows),
  )
  const isSampled = rows > fitting
  const capacity = isSampled ? Math.ceil(fitting * 1.02) + 1000 : rows
  const builders = kept.map((each) => builderOf(each, options, capacity))
  const rowNumbers = isSampled ? new Float64Array(capacity) : undefined
  const number = rowColumn(relation)
  const select = [number, ...builders.map(({ sql }) => sql)].join(', ')
  const from = numbered(relation)
  const where = isSampled
    ? ` WHERE hash(${number} + ${options.seed}) % 1000003 < ${Math.floor((fitting / rows) * 1_000_003)}`
    : ''
  const result = await engine.stream(`SELECT ${select} FROM ${from}${where}`)
  let row = 0
  for (let chunk = await result.fetchChunk(); chunk !== null && chunk.rowCount > 0; chunk = await result.fetchChunk()) {
    const count = Math.min(chunk.rowCount, capacity - row)
    if (rowNumbers !== undefined) {
      const numbers = chunk.getColumnVector(0)
      for (let at = 0; at < count; at += 1) rowNumbers[row + at] = Number(numbers.getItem(at))
    }
    for (const [index, builder] of builders.entries()) {
      const vector = chunk.getColumnVector(index + 1)
      for (let at = 0; at < count; at += 1) builder.set(row + at, vector.getItem(at))
    }
    row += count
  }
  return {
    rows,
    kinds,
    misfits,
    columns: {
      rows: row,
      columns: builders.map((builder) => builder.finish(row)),
      ...(options.label === undefined ? {} : { label: options.label }),
      ...(options.source === undefined ? {} : { source: options.source }),
      ...(rowNumbers === undefined ? {} : { rowNumbers: rowNumbers.subarray(0, row) }),
    },
  }
}

const keyName = /(^|[_ .-])(id|key|uuid|guid|nr|no|index|rowid)$|^(id|key)$|[a-z](Id|Key)$/i

/** Names of rows say nothing of a distribution; what lies inside objects and bytes is not looked into. */
export function isMeasured(
  { column, kind, distinct }: KindedColumn,
  rows: number,
  { label, source, wanted }: LoadOptions,
): boolean {
  if (kind === 'nested' || kind === 'binary') return false
  if (column.name === label || column.name === source || wanted?.has(column.name) === true) return true
  const isKey = (kind === 'integer' || kind === 'string') && keyName.test(column.name) && distinct > 0.5 * rows
  return !isKey
}

/** LIMIT: expressions of one scan. */
const batch = 300

export type Kinds = Readonly<{ kinds: readonly KindedColumn[]; rows: number; textBytes: number }>

export async function kindsOf(engine: Engine, relation: Relation, types: TableContract['types']): Promise<Kinds> {
  const proposed = await proposedKinds(engine, relation, types)
  const kinds: KindedColumn[] = []
  let rows = 0
  let textBytes = 0
  for (let at = 0; at < proposed.length; at += batch) {
    const part = proposed.slice(at, at + batch)
    const expressions = part.flatMap(({ column, kind }) => [
      kind === 'nested' || kind === 'binary' ? '0' : `approx_count_distinct(${column.ref})`,
      `count_if(${misfit(column, kind, types)})`,
      kind === 'string' ? `sum(strlen(${textOf(column)}))` : '0',
      kind === 'integer' ? `count_if(abs(${numberOf(column)}) > 9007199254740991)` : '0',
    ])
    const [row = []] = await engine.query(`SELECT ${['count(*)', ...expressions].join(', ')} FROM ${relation.from}`)
    rows = Number(row[0])
    for (const [index, { column, kind }] of part.entries()) {
      const [distinct, misfits, bytes, large] = row
        .slice(1 + index * 4, 5 + index * 4)
        .map((value) => Number(value ?? 0))
      const isMisfit = (misfits ?? 0) > 0
      kinds.push({ column, kind: isMisfit ? 'string' : kind, distinct: distinct ?? 0, isLarge: (large ?? 0) > 0 })
      textBytes += bytes ?? 0
    }
  }
  return { kinds, rows, textBytes }
}

function misfit(column: TableColumn, kind: ColumnKind, types: TableContract['types']): string {
  if (column.storage === 'typed' || kind === 'string' || kind === 'nested' || kind === 'binary') return never
  if (kind === 'boolean') return `NOT (${isBooleanWord(column)})`
  const contracted = types[column.name]
  const type = contracted?.logical === kind ? contracted : { logical: kind }
  const violation = violationOf({ kind: 'type', type }, column, () => undefined)
  return typeof violation === 'string' ? violation : 'true'
}

type Proposed = Readonly<{ column: TableColumn; kind: ColumnKind }>

async function proposedKinds(
  engine: Engine,
  relation: Relation,
  types: TableContract['types'],
): Promise<readonly Proposed[]> {
  const open = relation.columns.filter((column) => column.storage !== 'typed' && types[column.name] === undefined)
  const found = new Map<TableColumn, ColumnKind>()
  for (let at = 0; at < open.length; at += batch) {
    const part = open.slice(at, at + batch)
    const expressions = part.flatMap((column) => [
      `count(${column.ref})`,
      ...proposals.map((kind) => `count_if(${misfit(column, kind, {})})`),
      column.storage === 'json' ? `count_if(json_type(${column.ref}) IN ('OBJECT', 'ARRAY'))` : '0',
    ])
    const refs = part.map(({ ref }) => ref).join(', ')
    const [row = []] = await engine.query(
      `SELECT ${expressions.join(', ')} FROM (SELECT ${refs} FROM ${relation.from} LIMIT ${proposedFrom})`,
    )
    const width = proposals.length + 2
    for (const [index, column] of part.entries()) {
      const [present = 0, ...counts] = row.slice(index * width, (index + 1) * width).map(Number)
      const nested = counts.at(-1) ?? 0
      const fits = proposals.find((_, place) => present > 0 && counts[place] === 0)
      found.set(column, nested > 0 ? 'nested' : (fits ?? 'string'))
    }
  }
  return relation.columns.map((column) => ({
    column,
    kind: kindOfTyped(column) ?? kindOfContract(types[column.name]) ?? found.get(column) ?? 'string',
  }))
}

type Builder = Readonly<{ sql: string; set(row: number, value: unknown): void; finish(rows: number): Column }>

function builderOf({ column, kind, distinct, isLarge }: KindedColumn, options: LoadOptions, rows: number): Builder {
  const { name } = column
  const isCode = name === options.label || name === options.source
  const comparable = options.comparable === true
  if (!isCode && !isLarge && (kind === 'integer' || kind === 'number')) {
    // 0.1 of single precision is 0.1, and no longer number
    const number = comparable && column.sqlType === 'FLOAT' ? `CAST(${column.ref} AS VARCHAR)` : numberOf(column)
    return numbers(name, `CAST(${number} AS DOUBLE)`, 'number', rows)
  }
  if (!isCode && (kind === 'date' || kind === 'timestamp')) {
    const format = options.types[name]?.format
    return numbers(name, `CAST(epoch_ms(${instantOf(column, format)}) AS DOUBLE)`, 'epoch-ms', rows)
  }
  if (kind === 'boolean') {
    const word = column.storage === 'typed' ? column.ref : `lower(${textOf(column)}) = 'true'`
    return strings(name, `CASE WHEN ${word} THEN 'true' WHEN NOT (${word}) THEN 'false' END`, 'category', rows)
  }
  const few = distinct <= maxCategories || isCode
  const isNumber = kind === 'integer' || kind === 'number'
  const text = comparable ? comparableOf(column) : isCode && isNumber ? numberedClassOf(column) : textOf(column)
  return strings(name, text, few ? 'category' : 'text', rows)
}

function numbers(name: string, sql: string, unit: 'number' | 'epoch-ms', rows: number): Builder {
  const values = new Float64Array(rows).fill(Number.NaN)
  return {
    sql,
    set: (row, value) => {
      if (typeof value === 'number') values[row] = value
    },
    finish: (count) => ({ kind: 'numeric', name, unit, values: values.subarray(0, count) }),
  }
}

function strings(name: string, sql: string, kind: 'category' | 'text', rows: number): Builder {
  const codes = new Int32Array(rows).fill(-1)
  const codeOf = new Map<string, number>()
  return {
    sql,
    set: (row, value) => {
      if (typeof value !== 'string') return
      const known = codeOf.get(value)
      if (known === undefined) codeOf.set(value, codeOf.size)
      codes[row] = known ?? codeOf.size - 1
    },
    finish: (count) => ({ kind, name, codes: codes.subarray(0, count), dictionary: [...codeOf.keys()] }),
  }
}
