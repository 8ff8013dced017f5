/**
 * Rows by their content: which of a table somebody has judged, and what those that nobody judged are called. Runs in the
 * sandboxed process.
 *
 * A row is the JSON array of its column names and values as text, in turn, in the order of the columns; its hash is
 * SHA-256 of that, or HMAC-SHA-256 for data whose rows must not be guessed from their hashes. Its content is the same of its
 * values, however they are written.
 * SOURCE: RFC 2104, section 2. Format: docs/formats/data-decisions.md.
 */
import type { Engine } from '../../table/engine.duckdb.ts'
import { kindsOf } from '../../table/load-columns.ts'
import { columnNamed, looselyComparableOf, type Relation, type TableColumn, textOf } from '../../table/relation.ts'
import { numbered, numbersOf, rowColumn } from '../../table/row-number.ts'
import { listOf, literal } from '../../table/sql.ts'
import type { JudgedRows, RowColumn, RowVerdict } from '../judged-rows.ts'
import { differenceOf, fitOf, isReplaced, type LeftBehind } from '../reviewed-columns.ts'

/** Number of each judged row of the table. */
export type Judged = ReadonlyMap<number, RowVerdict>

export type Recognized = Readonly<{
  judged: Judged
  /** Rows among them that are known by some of their columns, or by their values alone: they are asked about again. */
  again: ReadonlySet<number>
  left: readonly LeftBehind[]
}>

/**
 * A word counts for rows that are the same in the columns that were reviewed. A good one counts for those columns alone, as
 * they were written: of another one its reviewer knew nothing, and spelling may be a trigger. THREAT: `1.50` for `1.5`, and a
 * row that was judged bad would be another one.
 *
 * @param present `columnsOf` the same @param judged oldest first: the newest word on a row counts
 */
export async function judgedIn(
  engine: Engine,
  relation: Relation,
  { present, judged }: Readonly<{ present: readonly RowColumn[]; judged: readonly JudgedRows[] }>,
): Promise<Recognized> {
  const found = new Map<number, RowVerdict>()
  const again = new Set<number>()
  const left: LeftBehind[] = []
  const rowsOf = rowFinder(engine, relation, judged)
  for (const [index, review] of judged.entries()) {
    const { rows, columns } = review
    const [seen, alike] = [await rowsOf(review, 'hash'), await rowsOf(review, 'content')]
    const isWhole = columns === undefined || columns.length === present.length
    for (const { content = '', verdict } of rows) {
      for (const number of verdict === 'good' ? [] : (alike.get(content) ?? [])) {
        found.set(number, verdict)
        again.add(number)
      }
    }
    for (const { hash, verdict } of rows) {
      for (const number of isWhole || verdict !== 'good' ? (seen.get(hash) ?? []) : []) {
        found.set(number, verdict)
        if (isWhole) again.delete(number)
        else again.add(number)
      }
    }
    const fit = fitOf(columns, present)
    if (fit === 'same' || isReplaced(judged.slice(index + 1), present)) continue
    const words = rows.flatMap(({ hash, content = '', verdict }) => {
      const isFound = (alike.has(content) && verdict !== 'good') || (seen.has(hash) && (isWhole || verdict !== 'good'))
      return isFound || (fit === 'more' && verdict !== 'good') ? [] : [verdict]
    })
    if (words.length > 0) left.push({ words, because: differenceOf(columns, present), isGone: fit === 'moved' })
  }
  return { judged: found, again, left }
}

type Numbers = ReadonlyMap<string, readonly number[]>
type By = 'hash' | 'content'

/** Numbers of the rows that a review names; the table is hashed once for all reviews of the same columns under one key. */
function rowFinder(
  engine: Engine,
  relation: Relation,
  judged: readonly JudgedRows[],
): (review: JudgedRows, by: By) => Promise<Numbers> {
  const found = new Map<string, Numbers>()
  const kindOf = ({ columns, key }: JudgedRows): string => JSON.stringify([columns, key])
  return async (review, by) => {
    const kind = kindOf(review)
    const known = found.get(`${by} ${kind}`)
    if (known !== undefined) return known
    const wanted = judged.flatMap((other) => (kindOf(other) === kind ? other.rows.flatMap((row) => row[by] ?? []) : []))
    const rows = await rowsCalled(engine, relation, { review, by, wanted })
    found.set(`${by} ${kind}`, rows)
    return rows
  }
}

type Asked = Readonly<{ review: JudgedRows; by: By; wanted: readonly string[] }>

/** By hash or content; none where a column is gone. */
async function rowsCalled(
  engine: Engine,
  relation: Relation,
  { review: { key, columns }, by, wanted }: Asked,
): Promise<Numbers> {
  const hashed = columns?.flatMap(({ name }) => columnNamed(relation, name) ?? []) ?? relation.columns
  if (wanted.length === 0 || (columns !== undefined && hashed.length < columns.length)) return new Map()
  await engine.query(
    `CREATE OR REPLACE TEMP TABLE judged_${by} AS SELECT unnest(${listOf(wanted.map(literal))}) AS hash`,
  )
  const hash = (by === 'hash' ? rowHashSql : rowContentSql)({ columns: hashed }, key)
  const from = `(SELECT ${rowColumn(relation)} AS n, ${hash} AS h FROM ${numbered(relation)})`
  const same = await engine.query(
    `SELECT h, list(n) FROM ${from} WHERE h IN (SELECT hash FROM judged_${by}) GROUP BY h`,
  )
  return new Map(same.map(([text, numbers]) => [String(text), numbersOf(numbers)]))
}

/** LIMIT: of a type so many characters. */
const maxType = 1000

/** What a row of the table is made of. */
export async function columnsOf(engine: Engine, relation: Relation): Promise<readonly RowColumn[]> {
  const open = relation.columns.filter(({ storage }) => storage !== 'typed')
  const { kinds } = open.length === 0 ? { kinds: [] } : await kindsOf(engine, { ...relation, columns: open }, {})
  const kindOf = new Map(kinds.map(({ column, kind }) => [column, kind]))
  return relation.columns.map((column) => {
    const kind = kindOf.get(column)
    const type = kind === undefined ? column.sqlType : `${column.storage} ${kind}`
    return { name: column.name, type: type.slice(0, maxType) }
  })
}

/** @param key 64 hex digits */
export function rowHashSql(relation: Pick<Relation, 'columns'>, key?: string): string {
  return hashSql(relation, textOf, key)
}

/** Equal for rows of which the values are equal. @param key 64 hex digits */
export function rowContentSql(relation: Pick<Relation, 'columns'>, key?: string): string {
  return hashSql(relation, looselyComparableOf, key)
}

function hashSql(
  { columns }: Pick<Relation, 'columns'>,
  cellOf: (column: TableColumn) => string,
  key: string | undefined,
): string {
  const cells = columns.flatMap((column) => [literal(column.name), cellOf(column)])
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
