/** What the columns of a table are, as far as they can be told: a proposal from some rows, held against all. Pure. */
import type { ColumnType, LogicalType } from '../contract/index.ts'
import { familyOf, type TableColumn, textOf } from './relation.ts'

/** `binary`, `nested`: not looked into. */
export type ColumnKind = 'integer' | 'number' | 'boolean' | 'date' | 'timestamp' | 'string' | 'binary' | 'nested'

/** What the engine's own type says; undefined for text and JSON. */
export function kindOfTyped({ storage, sqlType }: TableColumn): ColumnKind | undefined {
  if (storage !== 'typed') return undefined
  switch (familyOf(sqlType)) {
    case 'integer':
      return 'integer'
    case 'float':
    case 'decimal':
      return 'number'
    case 'boolean':
      return 'boolean'
    case 'date':
      return 'date'
    case 'timestamp':
      return 'timestamp'
    case 'object':
    case 'array':
    case 'other':
      return 'nested'
    case 'binary':
      return 'binary'
    default:
      return 'string'
  }
}

/** Narrowest first: the first that every value fits is proposed. `1` is an integer, not a boolean. */
export const proposals = ['integer', 'number', 'boolean', 'date', 'timestamp'] as const satisfies LogicalType[]

/** A kind from a contract's type. */
export function kindOfContract(type: ColumnType | undefined): ColumnKind | undefined {
  switch (type?.logical) {
    case undefined:
      return undefined
    case 'object':
    case 'array':
      return 'nested'
    case 'time':
      return 'string'
    default:
      return type?.logical
  }
}

/** Whole words only: `true`, not `1`. */
export function isBooleanWord(column: TableColumn): string {
  return `lower(${textOf(column)}) IN ('true', 'false')`
}
