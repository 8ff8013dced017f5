/**
 * Rows by their content: which of a table somebody has judged, and what those that nobody judged are called. Runs in the
 * sandboxed process.
 *
 * A row is the JSON array of its column names and values as text, in turn, in the order of the columns; its hash is
 * SHA-256 of that, or HMAC-SHA-256 for data whose rows must not be guessed from their hashes.
 * SOURCE: RFC 2104, section 2. Format: docs/formats/data-decisions.md.
 */
import type { Engine } from '../../table/engine.duckdb.ts'
import { type Relation, textOf } from '../../table/relation.ts'
import { numbered, numbersOf, rowColumn } from '../../table/row-number.ts'
import { listOf, literal } from '../../table/sql.ts'
import type { JudgedRows, RowVerdict } from '../request.ts'

/** Number of each judged row of the table. */
export type Judged = ReadonlyMap<number, RowVerdict>

export async function judgedIn(engine: Engine, relation: Relation, judged: readonly JudgedRows[]): Promise<Judged> {
  const found = new Map<number, RowVerdict>()
  for (const [index, { key, rows }] of judged.entries()) {
    const words = new Map(rows.map(({ hash, verdict }) => [hash, verdict]))
    const table = `judged_${index}`
    await engine.query(
      `CREATE OR REPLACE TEMP TABLE ${table} AS SELECT unnest(${listOf([...words.keys()].map(literal))}) AS hash`,
    )
    const hashed = `(SELECT ${rowColumn(relation)} AS n, ${rowHashSql(relation, key)} AS h FROM ${numbered(relation)})`
    const same = await engine.query(
      `SELECT h, list(n) FROM ${hashed} WHERE h IN (SELECT hash FROM ${table}) GROUP BY h`,
    )
    for (const [hash, numbers] of same) {
      const verdict = words.get(String(hash))
      if (verdict !== undefined) for (const number of numbersOf(numbers)) found.set(number, verdict)
    }
  }
  return found
}

/** @param key 64 hex digits */
export function rowHashSql({ columns }: Relation, key?: string): string {
  const cells = columns.flatMap((column) => [literal(column.name), textOf(column)])
  const row = `to_json(${listOf(cells)})::VARCHAR`
  if (key === undefined) return `sha256(${row})`
  return `sha256(${padded(key, 0x5c)} || unhex(sha256(${padded(key, 0x36)} || encode(${row}))))`
}

const blockBytes = 64

function padded(key: string, pad: number): string {
  const bytes = Buffer.alloc(blockBytes)
  bytes.write(key, 'hex')
  return `'${[...bytes].map((byte) => `\\x${(byte ^ pad).toString(16).padStart(2, '0')}`).join('')}'::BLOB`
}
