/** The suspects that nobody judged yet, with hash, reasons and values, for a person to judge. Runs in the sandboxed process. */
import type { Engine } from '../../table/engine.duckdb.ts'
import { type Relation, textOf } from '../../table/relation.ts'
import { numbered, rowColumn } from '../../table/row-number.ts'
import type { RowColumn } from '../judged-rows.ts'
import type { TriageRequest, ValidateAnswer } from '../request.ts'
import { rowContentSql, rowHashSql } from './judged-rows.ts'

/** A row that a check points at. */
export type Pointed = Readonly<{ row: number; check: string; column: string | null; because: string }>

type SuspectRow = NonNullable<ValidateAnswer['triage']>['suspects'][number]

/** LIMIT: rows of one triage, columns shown of each, characters of a value, reasons. */
const maxRows = 1000
const maxColumns = 64
const maxCharacters = 200
const maxReasons = 20

/** Rows that are pointed at, the worst first; those that need not be asked about; what a row is made of. */
type Known = Readonly<{
  pointed: readonly Pointed[]
  judged: ReadonlySet<number>
  whole: readonly RowColumn[]
  label?: string | undefined
}>

export async function triageOf(
  engine: Engine,
  relation: Relation,
  { pointed, judged, whole, label }: Known,
  { key, rows }: TriageRequest,
): Promise<ValidateAnswer['triage']> {
  const named = rows.filter((row) => typeof row === 'number')
  const open = pointed.filter(({ row }) => !judged.has(row))
  const reasons = Map.groupBy(open, ({ row }) => row)
  const columns = shownOf(relation.columns, new Set([label, ...open.map(({ column }) => column)]))
  const wanted = new Set([...named, ...reasons.keys()].slice(0, maxRows))
  const found = await look(engine, relation, { columns, wanted, key })
  const suspects = new Map<string, SuspectRow>()
  for (const row of wanted) {
    const seen = found.get(row)
    if (seen === undefined) continue
    const same = suspects.get(seen.hash)
    const own = (reasons.get(row) ?? []).slice(0, maxReasons)
    suspects.set(seen.hash, {
      ...seen,
      rows: [...(same?.rows ?? []), row],
      reasons: same?.reasons ?? own.map(({ check, column, because }) => ({ check, column, because })),
    })
  }
  const more = Math.max(0, named.length + reasons.size - maxRows)
  return { columns: columns.map(({ name }) => name), whole: [...whole], suspects: [...suspects.values()], more }
}

/** Of a wide table the label, which often stands last, and those that a check speaks of, before the first others; in their order. */
function shownOf(columns: Relation['columns'], told: ReadonlySet<string | null | undefined>): Relation['columns'] {
  const spoken = columns.filter(({ name }) => told.has(name))
  const others = columns.filter(({ name }) => !told.has(name))
  const shown = new Set([...spoken, ...others].slice(0, maxColumns))
  return columns.filter((column) => shown.has(column))
}

type Look = Readonly<{ columns: Relation['columns']; wanted: ReadonlySet<number>; key: string | undefined }>

async function look(
  engine: Engine,
  relation: Relation,
  { columns, wanted, key }: Look,
): Promise<ReadonlyMap<number, Pick<SuspectRow, 'hash' | 'content' | 'values'>>> {
  if (wanted.size === 0) return new Map()
  const number = rowColumn(relation)
  const known = [rowHashSql(relation, key), rowContentSql(relation, key)]
  const cells = columns.map((column) => `left(${textOf(column)}, ${maxCharacters})`)
  const rows = await engine.query(
    `SELECT ${[number, ...known, ...cells].join(', ')} FROM ${numbered(relation)} WHERE ${number} IN (${[...wanted].join(', ')})`,
  )
  return new Map(
    rows.map(([row, hash, content, ...values]) => [
      Number(row),
      {
        hash: String(hash),
        content: String(content),
        values: values.map((value) => (typeof value === 'string' ? value : null)),
      },
    ]),
  )
}
