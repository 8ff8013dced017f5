/**
 * Text columns as the numbers or instants that another version has there, where their values allow it: one tool keeps dates as text that
 * another reads as dates, and one writes `NA` for what another leaves empty. Runs in the sandboxed process.
 *
 * INVARIANT: numbers and instants are compared as such only where every value is one; else the column is text, and has changed.
 */
import type { TableContract } from '../contract/index.ts'
import { violationOf } from '../validate/violation.ts'
import type { Engine } from './engine.duckdb.ts'
import type { KindedColumn, Kinds } from './load-columns.ts'
import { numberOf, type Relation, type TableColumn, textOf } from './relation.ts'
import { numbered, rowColumn } from './row-number.ts'
import { literal } from './sql.ts'

export type KnownSort = 'number' | 'instant'

/** Values of a column that are of another sort than the approved ones. `first`: a 1-based row. */
export type Misfits = Readonly<{ first: number; count: number }>

/** SOURCE: what pandas takes for no value unless it is told otherwise, without those that older programs wrote for a NaN. */
const missing = ['NA', 'N/A', 'n/a', '#N/A', '<NA>', 'NULL', 'null', 'NaN', 'nan', 'None', 'NaT']

export async function asKnown(
  engine: Engine,
  relation: Relation,
  found: Kinds,
  { known, types }: Readonly<{ known: ReadonlyMap<string, KnownSort>; types: TableContract['types'] }>,
): Promise<Kinds & Readonly<{ misfits: ReadonlyMap<string, Misfits> }>> {
  const misfits = new Map<string, Misfits>()
  const kinds: KindedColumn[] = []
  for (const each of found.kinds) {
    const { column, kind } = each
    const sort = known.get(column.name)
    if (sort === undefined || kind !== 'string' || types[column.name]?.format !== undefined) {
      kinds.push(each)
      continue
    }
    const select = `SELECT min(${rowColumn(relation)}), count(*) FROM ${numbered(relation)} WHERE ${isNot(sort, column)}`
    const [[first = null, count = 0] = []] = await engine.query(select)
    if (first !== null) misfits.set(column.name, { first: Number(first), count: Number(count) })
    kinds.push(first !== null ? each : { ...each, kind: sort === 'number' ? 'number' : 'timestamp' })
  }
  return { ...found, kinds, misfits }
}

function isNot(sort: KnownSort, given: TableColumn): string {
  const text = textOf(given)
  const column: TableColumn = { ...given, ref: text, storage: 'text', sqlType: 'VARCHAR' }
  const violates = (logical: 'number' | 'date' | 'timestamp'): string => {
    const violation = violationOf({ kind: 'type', type: { logical } }, column, () => undefined)
    return typeof violation === 'string' ? violation : 'true'
  }
  const wrong =
    sort === 'number'
      ? // codes, and what as doubles could be one
        `(${violates('number')} OR regexp_matches(${text}, '^[+-]?0[0-9]') OR (regexp_full_match(${text}, '[+-]?[0-9]+') AND abs(${numberOf(column)}) > 9007199254740991))`
      : `(${violates('date')} AND ${violates('timestamp')})`
  return `${text} IS NOT NULL AND ${text} NOT IN ('', ${missing.map(literal).join(', ')}) AND ${wrong}`
}
