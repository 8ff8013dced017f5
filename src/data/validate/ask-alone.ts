/** Rules that do not fit into the fused scan: keys, sets of values, exact quantiles, and SQL of the contract. */
import { holds, type Rule, tellComparison } from '../contract/index.ts'
import { type Engine, firstLine } from '../table/engine.duckdb.ts'
import { columnNamed, type Relation, type TableColumn, textOf } from '../table/relation.ts'
import { numbered, numbersOf, rowColumn } from '../table/row-number.ts'
import { literal } from '../table/sql.ts'
import { type DataCheck, maxListed, notEvaluated } from './check.ts'
import { aggregateSql, checkOf, decideAggregate, measure, tellLimit } from './plan.ts'
import { refusalOf, syntaxQuery, withNames } from './sql-rule.ts'
import type { Tables } from './tables.ts'

/** What the fused scan knows: rows, and of columns of integers whose values must be unique the ends, by name. */
export type Scanned = Readonly<{ rows: number; ends: ReadonlyMap<string, Ends> }>

/** The least, the greatest, and how many values there are. */
export type Ends = readonly [low: number, high: number, values: number]

export async function askAlone(engine: Engine, tables: Tables, rule: Rule, scanned: Scanned): Promise<DataCheck> {
  try {
    switch (rule.kind) {
      case 'duplicates':
        return await askDuplicates(engine, tables.relation, rule, scanned)
      case 'foreign-key':
        return await askForeignKey(engine, tables, rule)
      case 'aggregate': {
        const [row] = await engine.query(
          `SELECT ${aggregateSql(rule.aggregate, columnOf(tables.relation, rule.column))} FROM ${tables.relation.from}`,
        )
        const value = row?.[0]
        return decideAggregate(rule, value === null || value === undefined ? null : Number(value))
      }
      case 'distinct-set':
        return await askDistinct(engine, tables.relation, rule)
      case 'sql':
        return await askSql(engine, tables, rule)
      default:
        throw new Error(`\`${rule.kind}\` does not go alone`)
    }
  } catch (error) {
    return notEvaluated(rule, firstLine(error))
  }
}

function columnOf(relation: Relation, name: string | null): TableColumn {
  const column = columnNamed(relation, name ?? '')
  if (column === undefined) throw new Error(`the plan let a missing column pass: ${name}`)
  return column
}

async function askDuplicates(
  engine: Engine,
  relation: Relation,
  rule: Extract<Rule, { kind: 'duplicates' }>,
  { rows, ends }: Scanned,
): Promise<DataCheck> {
  const columns = rule.columns.map((name) => columnOf(relation, name))
  const refs = columns.map(({ ref }) => ref)
  const whole = refs.map((ref) => `${ref} IS NOT NULL`).join(' AND ')
  const [only] = refs
  const { count, values } = await countDuplicates(engine, relation, { columns, whole, ends })
  const observed = measure(count, rule.unit, rows, values)
  const passed = holds(observed, rule.limit)
  const expected = tellLimit(rule.limit, rule.unit)
  const because = `the same ${rule.columns.join(', ')} as another row`.slice(0, 2000)
  if (passed || count === 0) return checkOf(rule, passed, observed, expected, { count, because })
  const repeated = `(SELECT ${refs.join(', ')} FROM ${relation.from} WHERE ${whole} GROUP BY ${refs.join(', ')} HAVING count(*) > 1)`
  const key = refs.length === 1 ? only : `(${refs.join(', ')})`
  const listed = await engine.query(
    `SELECT min(${rowColumn(relation)}, ${maxListed}) FROM ${numbered(relation)} WHERE ${key} IN ${repeated}`,
  )
  return checkOf(rule, passed, observed, expected, { count, because, rows: [...numbersOf(listed[0]?.[0])] })
}

type Duplicates = Readonly<{ count: number; values: number }>

async function countDuplicates(
  engine: Engine,
  relation: Relation,
  { columns, whole, ends }: Readonly<{ columns: readonly TableColumn[]; whole: string; ends: Scanned['ends'] }>,
): Promise<Duplicates> {
  const [only, ...more] = columns
  if (only !== undefined && more.length === 0) {
    const dense = await countByBits(engine, relation, only, ends.get(only.name))
    if (dense !== undefined) return dense
    const [row = []] = await engine.query(
      `SELECT count(${only.ref}) - count(DISTINCT ${only.ref}), count(${only.ref}) FROM ${relation.from}`,
    )
    return { count: Number(row[0]), values: Number(row[1]) }
  }
  const [row = []] = await engine.query(
    `SELECT coalesce(sum(n - 1), 0), coalesce(sum(n), 0) FROM (SELECT count(*) AS n FROM ${relation.from} WHERE ${whole} GROUP BY ${columns.map(({ ref }) => ref).join(', ')})`,
  )
  return { count: Number(row[0]), values: Number(row[1]) }
}

/** LIMIT: a bit for each number from the least to the greatest, at most 64 MiB and 64 a row. */
const maxBits = 2 ** 29
const integers: ReadonlySet<string> = new Set(['TINYINT', 'SMALLINT', 'INTEGER', 'BIGINT'])

/** The column whose ends the fused scan is to tell; undefined where they are of no use. */
export function endsWanted(relation: Relation, rule: Rule): TableColumn | undefined {
  const [name, ...more] = rule.kind === 'duplicates' ? rule.columns : []
  const column = name === undefined || more.length > 0 ? undefined : columnNamed(relation, name)
  return column?.storage === 'typed' && integers.has(column.sqlType) ? column : undefined
}

/** Numbers of rows lie close together: a bit each instead of a hash table takes an eighth of the time. */
async function countByBits(
  engine: Engine,
  relation: Relation,
  { ref, sqlType }: TableColumn,
  ends: Ends | undefined,
): Promise<Duplicates | undefined> {
  const [low = 0, high = 0, values = 0] = ends ?? []
  if (values === 0) return undefined
  const width = high - low + 1
  if (!Number.isSafeInteger(low) || !Number.isSafeInteger(high) || width > maxBits || width > 64 * values)
    return undefined
  const bits = `bitstring_agg(${ref}, ${low}::${sqlType}, ${high}::${sqlType})`
  const [row = []] = await engine.query(`SELECT bit_count(${bits}) FROM ${relation.from}`)
  return { count: values - Number(row[0]), values }
}

async function askForeignKey(
  engine: Engine,
  tables: Tables,
  rule: Extract<Rule, { kind: 'foreign-key' }>,
): Promise<DataCheck> {
  const { relation, contract } = tables
  const target = rule.table === contract.name ? relation : tables.others.get(rule.table)
  if (target === undefined) {
    return notEvaluated(
      rule,
      `the table \`${rule.table.slice(0, 200)}\` is not at hand: put its file beside the data, or name it in assay.yaml`,
    )
  }
  const missing = rule.targets.find((name) => columnNamed(target, name) === undefined)
  if (missing !== undefined) return notEvaluated(rule, `\`${rule.table}\` has no column \`${missing.slice(0, 200)}\``)
  const own = rule.columns.map((name) => columnOf(relation, name))
  const theirs = rule.targets.map((name) => columnOf(target, name))
  const pairs = own.map((column, index) => {
    const other = theirs[index] ?? column
    const same = column.sqlType === other.sqlType && column.storage === other.storage
    return same ? { own: column.ref, other: other.ref } : { own: textOf(column), other: textOf(other) }
  })
  const whole = own.map(({ ref }) => `${ref} IS NOT NULL`).join(' AND ')
  const keys = pairs.map(({ other }, index) => `${other} AS k${index}`).join(', ')
  const equal = pairs.map((pair, index) => `${pair.own} = t.k${index}`).join(' AND ')
  const missed = `WHERE ${whole} AND NOT EXISTS (SELECT 1 FROM (SELECT ${keys} FROM ${target.from}) AS t WHERE ${equal})`
  const [row = []] = await engine.query(`SELECT count(*) FROM ${relation.from} ${missed}`)
  const count = Number(row[0])
  const expected = `values of ${rule.table}.${rule.targets.join(', ')}`.slice(0, 2000)
  if (count === 0) return checkOf(rule, true, 0, expected)
  const listed = await engine.query(
    `SELECT min(${rowColumn(relation)}, ${maxListed}) FROM ${numbered(relation)} ${missed}`,
  )
  return checkOf(rule, false, count, expected, { count, rows: [...numbersOf(listed[0]?.[0])] })
}

async function askDistinct(
  engine: Engine,
  relation: Relation,
  rule: Extract<Rule, { kind: 'distinct-set' }>,
): Promise<DataCheck> {
  const column = columnOf(relation, rule.column)
  const text = textOf(column)
  const wanted = rule.values.map((value) => literal(String(value)))
  const found = await engine.query(
    `SELECT count(DISTINCT ${text}) FILTER (WHERE ${text} IN (${wanted.join(', ')})), count(DISTINCT ${text}) FROM ${relation.from}`,
  )
  const [known = 0, all = 0] = (found[0] ?? []).map(Number)
  const missing = new Set(wanted).size - known
  const others = all - known
  const passed = (rule.relation === 'contain' || others === 0) && (rule.relation === 'in' || missing === 0)
  const expected = `${rule.relation} ${rule.values.map(String).join(', ')}`.slice(0, 2000)
  return checkOf(rule, passed, `${missing} of them missing, ${others} others`, expected)
}

/** LIMIT: a rule's statement may run two minutes. */
const sqlLimitMs = 120_000

async function askSql(engine: Engine, tables: Tables, rule: Extract<Rule, { kind: 'sql' }>): Promise<DataCheck> {
  const { names, because } = tables.views
  if (because !== undefined) return notEvaluated(rule, because)
  const sql = withNames(rule.query, tables.contract.name, rule.column)
  const [tree = []] = await engine.query(syntaxQuery(sql)).catch(() => [[null]])
  const refusal = typeof tree[0] === 'string' ? refusalOf(JSON.parse(tree[0]), names) : 'it is not one SELECT'
  if (refusal !== undefined) return notEvaluated(rule, `it is not asked: ${refusal}`)
  const prepared = await engine.prepared(sql)
  if ('because' in prepared) return notEvaluated(rule, prepared.because)
  if (!prepared.isSelect) return notEvaluated(rule, 'it is not asked: it is not a SELECT')
  if (prepared.columns !== 1)
    return notEvaluated(rule, `it answers with ${prepared.columns} columns, and must with one`)
  const timer = setTimeout(() => engine.interrupt(), sqlLimitMs)
  try {
    const answer = await engine.query(sql)
    const value = answer[0]?.[0]
    if (answer.length !== 1) return notEvaluated(rule, `it answers with ${answer.length} rows, and must with one`)
    const observed = scalarOf(value)
    if (observed === undefined) return notEvaluated(rule, 'it answers with neither a number, a boolean nor a text')
    return checkOf(rule, holds(observed, rule.limit), observed, tellComparison(rule.limit))
  } finally {
    clearTimeout(timer)
  }
}

function scalarOf(value: unknown): number | string | boolean | null | undefined {
  if (value === null || typeof value === 'number' || typeof value === 'boolean') return value
  if (typeof value === 'bigint') return Number(value)
  return typeof value === 'string' ? value.slice(0, 2000) : undefined
}
