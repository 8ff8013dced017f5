/** The values of some rows that checks name, for people to look at. Runs in the sandboxed process. */
import type { Engine } from '../../table/engine.duckdb.ts'
import { type Relation, textOf } from '../../table/relation.ts'
import { numbered, rowColumn } from '../../table/row-number.ts'
import { type DataCheck, isToLookAt } from '../check.ts'
import type { ValidateAnswer } from '../request.ts'

/** LIMIT: twenty rows of each check, 24 columns, 200 characters of a value. */
const rowsOfCheck = 20
const maxColumns = 24
const maxCharacters = 200

export async function examplesOf(
  engine: Engine,
  relation: Relation,
  checks: readonly DataCheck[],
  max: number,
): Promise<ValidateAnswer['examples']> {
  const named = checks.filter(isToLookAt)
  const wanted = new Set(
    named.flatMap(({ rows }) => rows.slice(0, rowsOfCheck)).filter((row) => typeof row === 'number'),
  )
  const rows = [...wanted].slice(0, max)
  if (rows.length === 0) return undefined
  const concerned = new Set(named.map(({ column }) => column))
  const columns = relation.columns
    .toSorted((left, right) => Number(concerned.has(right.name)) - Number(concerned.has(left.name)))
    .slice(0, maxColumns)
  const cells = columns.map((column) => `left(${textOf(column)}, ${maxCharacters})`)
  const number = rowColumn(relation)
  const found = await engine.query(
    `SELECT ${[number, ...cells].join(', ')} FROM ${numbered(relation)} WHERE ${number} IN (${rows.join(', ')}) ORDER BY 1`,
  )
  return {
    columns: columns.map(({ name }) => name),
    rows: found.map(([row, ...values]) => ({
      row: Number(row),
      values: values.map((value) => (typeof value === 'string' ? value : null)),
    })),
  }
}
