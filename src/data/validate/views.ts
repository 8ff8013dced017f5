/** Views that SQL of a contract reads: the tables by their names, text by the types of the contract. */
import type { ColumnType, TableContract } from '../contract/index.ts'
import { type Engine, firstLine } from '../table/engine.duckdb.ts'
import { instantOf, numberOf, type Relation, type TableColumn, textOf } from '../table/relation.ts'
import { identifier } from '../table/sql.ts'
import type { Tables } from './tables.ts'

export type Viewed = Readonly<{ names: readonly string[]; relation: Relation; types: TableContract['types'] }>

export async function makeViews(engine: Engine, tables: readonly Viewed[]): Promise<Tables['views']> {
  const names = new Set<string>()
  for (const { names: own, relation, types } of tables) {
    const columns = relation.columns.map(
      (column) => `${typed(column, types[column.name])} AS ${identifier(column.name)}`,
    )
    for (const name of own) {
      try {
        await engine.query(`CREATE VIEW ${identifier(name)} AS SELECT ${columns.join(', ')} FROM ${relation.from}`)
        names.add(name)
      } catch (error) {
        return { names, because: `the table \`${name.slice(0, 100)}\` cannot be asked in SQL: ${firstLine(error)}` }
      }
    }
  }
  return { names }
}

function typed(column: TableColumn, type: ColumnType | undefined): string {
  if (column.storage === 'typed') return column.ref
  switch (type?.logical) {
    case 'integer':
      return `TRY_CAST(${textOf(column)} AS BIGINT)`
    case 'number':
      return numberOf(column)
    case 'boolean':
      return `TRY_CAST(${textOf(column)} AS BOOLEAN)`
    case 'date':
      return `CAST(${instantOf(column, type.format)} AS DATE)`
    case 'timestamp':
      return instantOf(column, type.format)
    default:
      return textOf(column)
  }
}
