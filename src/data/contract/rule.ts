/**
 * What a contract asks of a table, whatever language it is written in: one list of rules.
 *
 * A rule says what must hold, never how it is asked. What a contract asks and assay cannot evaluate is a rule too
 * (`unevaluated`), so that it can be told and can never pass. Read next: `odcs.ts`, then `../validate`.
 */
import type { Sha256 } from '../../core/index.ts'

export type Scalar = string | number | boolean | null

type ScalarComparison = Readonly<{ op: 'equal' | 'not-equal'; value: Scalar }>
type NumberComparison =
  | Readonly<{ op: 'greater' | 'at-least' | 'less' | 'at-most'; value: number }>
  | Readonly<{ op: 'between' | 'not-between'; low: number; high: number }>
/** What a number, or for `equal` any scalar, is held to. Both ends of `between` belong to it. */
export type Comparison = ScalarComparison | NumberComparison

export type LogicalType =
  | 'string'
  | 'integer'
  | 'number'
  | 'boolean'
  | 'date'
  | 'timestamp'
  | 'time'
  | 'object'
  | 'array'

/** `format`: strptime, for instants written as text. `bits`: Rust's names, `i32`, `u8`, `f32`. */
export type ColumnType = Readonly<{ logical: LogicalType; format?: string; bits?: string }>

/** Bounds of numbers are numbers, of dates and instants ISO 8601 text, of times `HH:MM:SS`. */
export type Range = Readonly<{
  min?: number | string
  max?: number | string
  exclusiveMin?: boolean
  exclusiveMax?: boolean
}>

/** Which rows violate a rule, each by its own values. Null violates nothing but `null` and `missing`. */
export type ValueTest =
  | Readonly<{ kind: 'null' }>
  | Readonly<{ kind: 'not-null' }>
  /** Null or one of the values. */
  | Readonly<{ kind: 'missing'; values: readonly Scalar[] }>
  | Readonly<{ kind: 'type'; type: ColumnType }>
  | Readonly<{ kind: 'in' | 'not-in'; values: readonly Scalar[] }>
  | Readonly<{ kind: 'range'; range: Range; type: LogicalType }>
  /** Characters. */
  | Readonly<{ kind: 'length'; min?: number; max?: number }>
  /** RE2 syntax; `whole` must match from first to last character. `called`: what a violation is called. */
  | Readonly<{ kind: 'pattern' | 'not-pattern'; pattern: string; whole: boolean; called?: string }>
  | Readonly<{ kind: 'multiple-of'; factor: number }>
  | Readonly<{ kind: 'greater-than-column'; other: string; orEqual: boolean }>

/** `rows`: how many violate. `percent`: of all rows. `valid-share`: 0..1 of the values that are not null. */
export type Unit = 'rows' | 'percent' | 'valid-share'

export type Aggregate = 'min' | 'max' | 'mean' | 'median' | 'stdev' | 'sum' | 'distinct' | 'distinct-share'

/** Missing data in a rule of severity `warning` warns, else it fails. */
export type Severity = 'error' | 'warning'

type Head = Readonly<{
  /** Name of the check: `schema/type`, `quality/nullValues`. */
  name: string
  /** Column that it is told with; null for the whole table. */
  column: string | null
  severity: Severity
}>

export type Rule = Head &
  (
    | Readonly<{ kind: 'present' }>
    /** The table's columns: no others, none missing, in this order, as the flags say. */
    | Readonly<{ kind: 'columns'; columns: readonly string[]; ordered: boolean; mayMiss: boolean; mayExceed: boolean }>
    | Readonly<{ kind: 'column-count'; limit: Comparison }>
    | Readonly<{ kind: 'values'; test: ValueTest; unit: Unit; limit: Comparison }>
    /** Rows beyond the first of each combination of values; combinations with a null do not count. */
    | Readonly<{ kind: 'duplicates'; columns: readonly string[]; unit: Unit; limit: Comparison }>
    | Readonly<{ kind: 'foreign-key'; columns: readonly string[]; table: string; targets: readonly string[] }>
    | Readonly<{ kind: 'row-count'; limit: Comparison }>
    | Readonly<{ kind: 'aggregate'; aggregate: Aggregate; limit: Comparison }>
    /** Distinct values against a set: all in it, all of it there, or both. */
    | Readonly<{ kind: 'distinct-set'; relation: 'in' | 'contain' | 'equal'; values: readonly Scalar[] }>
    /** The newest instant of the column is at most this old. */
    | Readonly<{ kind: 'freshness'; maxAgeMs: number }>
    /** `query` as written, with its placeholders. */
    | Readonly<{ kind: 'sql'; query: string; limit: Comparison }>
    | Readonly<{ kind: 'unevaluated'; because: string }>
  )

export type TableContract = Readonly<{
  /** Name in the contract. */
  name: string
  /** Name of the data, when it is another. */
  physicalName?: string
  /** Types by column, for SQL rules over text and for drafts of statistics. */
  types: Readonly<Record<string, ColumnType>>
  rules: readonly Rule[]
}>

export type ContractFormat = 'odcs' | 'frictionless' | 'great-expectations'

export type Contract = Readonly<{
  format: ContractFormat
  /** Of the format: `v3.1.0`. */
  formatVersion: string
  name: string
  /** Of the bytes it was read from. */
  digest: Sha256
  tables: readonly TableContract[]
}>

/** Every violation is one too many. */
export const none: Comparison = { op: 'equal', value: 0 }

/** Whether `value` is what the comparison asks; NaN never is. */
export function holds(value: number | boolean | string | null, limit: Comparison): boolean {
  if (typeof value === 'number' && Number.isNaN(value)) return false
  switch (limit.op) {
    case 'equal':
      return sameScalar(value, limit.value)
    case 'not-equal':
      return value !== null && !sameScalar(value, limit.value)
    default:
      return typeof value === 'number' && isWithin(value, limit)
  }
}

function isWithin(value: number, limit: NumberComparison): boolean {
  switch (limit.op) {
    case 'greater':
      return value > limit.value
    case 'at-least':
      return value >= limit.value
    case 'less':
      return value < limit.value
    case 'at-most':
      return value <= limit.value
    case 'between':
      return value >= limit.low && value <= limit.high
    case 'not-between':
      return value < limit.low || value > limit.high
  }
}

function sameScalar(value: Scalar, wanted: Scalar): boolean {
  if (typeof value === 'boolean' && typeof wanted === 'number') return Number(value) === wanted
  return value === wanted
}

const words = {
  equal: 'exactly',
  'not-equal': 'anything but',
  greater: 'more than',
  'at-least': 'at least',
  less: 'less than',
  'at-most': 'at most',
} as const

/** `at most 5`, `between 1 and 9`. */
export function tellComparison(limit: Comparison): string {
  switch (limit.op) {
    case 'between':
      return `between ${limit.low} and ${limit.high}`
    case 'not-between':
      return `outside ${limit.low} to ${limit.high}`
    default:
      return `${words[limit.op]} ${String(limit.value)}`
  }
}
