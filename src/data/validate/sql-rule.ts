/**
 * SQL of a contract: one SELECT over the tables of the contract, or it is not asked.
 *
 * THREAT: a rule is text from a file that may have come with the data. The engine is locked and sees nothing but the
 * tables; this is the second fence: what a statement names is read from its syntax tree, and anything that is neither a
 * table of the contract nor a harmless generator of rows is refused.
 */
import { identifier, literal } from '../table/sql.ts'

/** Placeholders of ODCS (`{object}`, `${table}`), in quotes or not. */
export function withNames(query: string, table: string, column: string | null): string {
  const names: Readonly<Record<string, string | undefined>> = {
    object: identifier(table),
    table: identifier(table),
    model: identifier(table),
    schema: identifier(table),
    property: column === null ? undefined : identifier(column),
    column: column === null ? undefined : identifier(column),
    field: column === null ? undefined : identifier(column),
  }
  return query.replace(/"\$?\{(\w+)\}"|\$?\{(\w+)\}/g, (written, quoted?: string, bare?: string) => {
    return names[quoted ?? bare ?? ''] ?? written
  })
}

/** Asks the engine for the syntax tree. */
export function syntaxQuery(sql: string): string {
  return `SELECT json_serialize_sql(${literal(sql)})`
}

const rowMakers: ReadonlySet<string> = new Set(['range', 'generate_series', 'unnest'])
/** Functions that look at the world, would the lock not hold. */
const worldly =
  /^(read_|parquet_|sniff_|glob$|query|getenv|getvariable|pragma_|duckdb_|write_log|sleep|nextval|set_|from_substrait|st_read)/i
const sources: ReadonlySet<string> = new Set([
  'BASE_TABLE',
  'SUBQUERY',
  'JOIN',
  'TABLE_FUNCTION',
  'EMPTY',
  'EXPRESSION_LIST',
])

/** @returns why the statement is not asked, or undefined @param tree what `syntaxQuery` answered, parsed */
export function refusalOf(tree: unknown, tables: ReadonlySet<string>): string | undefined {
  if (memberOf(tree, 'error') === true) return 'it is not a SELECT'
  const statements = memberOf(tree, 'statements')
  if (!Array.isArray(statements) || statements.length !== 1) return 'it is not one statement'
  const known = new Set([...tables].map((name) => name.toLowerCase()))
  for (const name of commonNames(statements[0])) known.add(name.toLowerCase())
  return refusalIn(statements[0], known)
}

function refusalIn(node: unknown, known: ReadonlySet<string>): string | undefined {
  if (Array.isArray(node)) return firstOf(node, (each) => refusalIn(each, known))
  if (typeof node !== 'object' || node === null) return undefined
  const type = memberOf(node, 'type')
  const source = memberOf(node, 'from_table')
  if (source !== undefined && source !== null && !sources.has(String(memberOf(source, 'type'))))
    return `it reads from ${String(memberOf(source, 'type')).toLowerCase()}`
  if (type === 'BASE_TABLE') {
    const name = String(memberOf(node, 'table_name'))
    const place = `${memberOf(node, 'catalog_name') ?? ''}${memberOf(node, 'schema_name') ?? ''}`
    if (place !== '' || !known.has(name.toLowerCase()))
      return `it reads \`${name.slice(0, 100)}\`, no table of the contract`
  }
  if (type === 'TABLE_FUNCTION') {
    const name = String(memberOf(memberOf(node, 'function'), 'function_name'))
    if (!rowMakers.has(name)) return `it calls the table function \`${name.slice(0, 100)}\``
  }
  const called = memberOf(node, 'function_name')
  if (typeof called === 'string' && worldly.test(called)) return `it calls \`${called.slice(0, 100)}\``
  return firstOf(Object.values(node), (each) => refusalIn(each, known))
}

/** Names of WITH clauses, wherever they stand. */
function commonNames(node: unknown): readonly string[] {
  if (Array.isArray(node)) return node.flatMap(commonNames)
  if (typeof node !== 'object' || node === null) return []
  const map = memberOf(memberOf(node, 'cte_map'), 'map')
  const own = Array.isArray(map) ? map.map((entry) => String(memberOf(entry, 'key'))) : []
  return [...own, ...Object.values(node).flatMap(commonNames)]
}

function firstOf<T>(items: readonly T[], look: (item: T) => string | undefined): string | undefined {
  for (const item of items) {
    const found = look(item)
    if (found !== undefined) return found
  }
  return undefined
}

function memberOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined
}
