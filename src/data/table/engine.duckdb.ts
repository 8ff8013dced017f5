/**
 * DuckDB, locked down: it reads what lies in the given folders, writes where it may spill, and nothing can open it again.
 *
 * THREAT: statistics in a Parquet file are claims of whoever wrote it. The optimizer folds comparisons and skips row
 * groups by them (seen: a row outside the claimed range passed every range rule), so what uses them is switched off.
 * It runs in the sandboxed process only; loading it takes 0.15 s, so nothing else imports this file.
 */
import { type DuckDBConnection, DuckDBInstance, type DuckDBResult, type JS } from '@duckdb/node-api'
import { listOf, literal } from './sql.ts'

export type EngineOptions = Readonly<{
  /** Absolute folders, links resolved, that may be read. */
  folders: readonly string[]
  /** Absolute folder for what does not fit into memory. */
  spillFolder: string
  memoryBytes: number
  spillBytes: number
  threads: number
}>

export type Row = readonly JS[]

export type Engine = Readonly<{
  /** All rows. The text is ours, or has passed `sql-rule.ts`. */
  query(sql: string): Promise<readonly Row[]>
  /** Rows in chunks, column by column, never all in memory. */
  stream(sql: string): Promise<DuckDBResult>
  /** Kind of the only statement, or why there is not exactly one that can be prepared. */
  prepared(sql: string): Promise<Readonly<{ isSelect: boolean; columns: number }> | Readonly<{ because: string }>>
  /** Ends what is running. */
  interrupt(): void
  close(): void
}>

/** SOURCE: DuckDB 1.5, names of `duckdb_optimizers()`. */
const believingClaims = ['statistics_propagation', 'filter_pushdown', 'join_filter_pushdown', 'late_materialization']

/** SOURCE: DuckDB documentation, "Securing DuckDB". */
export async function openEngine(options: EngineOptions): Promise<Engine> {
  const instance = await DuckDBInstance.create(':memory:', {
    threads: `${options.threads}`,
    memory_limit: `${Math.floor(options.memoryBytes / 1e6)}MB`,
    temp_directory: options.spillFolder,
    max_temp_directory_size: `${Math.floor(options.spillBytes / 1e6)}MB`,
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
    allow_community_extensions: 'false',
  })
  const connection = await instance.connect()
  await connection.run(`SET disabled_optimizers = ${literal(believingClaims.join(','))}`)
  await connection.run("SET TimeZone = 'UTC'")
  await connection.run(`SET allowed_directories = ${listOf(options.folders.map((folder) => literal(`${folder}/`)))}`)
  await connection.run('SET enable_external_access = false')
  await connection.run('SET lock_configuration = true')
  return {
    query: async (sql) => (await connection.runAndReadAll(sql)).getRowsJS(),
    stream: (sql) => connection.stream(sql),
    prepared: (sql) => prepare(connection, sql),
    interrupt: () => connection.interrupt(),
    close: () => {
      connection.closeSync()
      instance.closeSync()
    },
  }
}

/** SOURCE: duckdb.h, DUCKDB_STATEMENT_TYPE_SELECT. */
const selectStatement = 1

async function prepare(connection: DuckDBConnection, sql: string): ReturnType<Engine['prepared']> {
  try {
    const statements = await connection.extractStatements(sql)
    if (statements.count !== 1) return { because: `it is ${statements.count} statements` }
    const statement = await statements.prepare(0)
    const found = { isSelect: Number(statement.statementType) === selectStatement, columns: statement.columnCount }
    statement.destroySync()
    return found
  } catch (error) {
    return { because: firstLine(error) }
  }
}

/** What the engine says, without the lines that quote data. */
export function firstLine(error: unknown): string {
  const [line = ''] = (error instanceof Error ? error.message : String(error)).split('\n')
  return line.slice(0, 300)
}

/** Whether the engine says that it may take no more, and not that the data is broken. */
export function isOverLimit(because: string): boolean {
  return /^Out of Memory|memory limit|maximum_object_size|Maximum line size/i.test(because)
}
