/**
 * The condition, as SQL, under which a row violates a test: pure.
 *
 * A condition is true for a violation and false or null otherwise. `false` alone says that the type of the column rules
 * every violation out; a null violates nothing but the tests for nulls.
 */
import type { ColumnType, LogicalType, Range, Scalar, ValueTest } from '../contract/index.ts'
import { type Family, familyOf, instantOf, isNull, numberOf, type TableColumn, textOf } from '../table/relation.ts'
import { literal, numberLiteral } from '../table/sql.ts'

export const never = 'false'

/** @returns why it cannot be asked, or the condition */
export function violationOf(
  test: ValueTest,
  column: TableColumn,
  other: (name: string) => TableColumn | undefined,
  type?: ColumnType,
): string | Readonly<{ because: string }> {
  switch (test.kind) {
    case 'null':
      return isNull(column)
    case 'not-null':
      return `NOT (${isNull(column)})`
    case 'missing':
      return `(${isNull(column)} OR coalesce(${isOneOf(column, test.values)}, false))`
    case 'type':
      return typeViolation(column, test.type)
    // a comparison with null is null, which is no violation: what cannot be null for another reason needs no more
    case 'in':
      return `NOT (${isOneOf(column, test.values)})`
    case 'not-in':
      return isOneOf(column, test.values)
    case 'range': {
      const inside = inRange(column, test.range, test.type, type?.format)
      return column.storage === 'typed' && isComparable(column, test.range, test.type)
        ? `NOT ${inside}`
        : present(column, `NOT coalesce(${inside}, false)`)
    }
    case 'length':
      return lengthViolation(textOf(column), test)
    case 'pattern':
      return `NOT ${matches(column, test)}`
    case 'not-pattern':
      return matches(column, test)
    case 'multiple-of':
      return present(column, `NOT coalesce(${isMultiple(numberOf(column), test.factor)}, false)`)
    case 'greater-than-column': {
      const right = other(test.other)
      if (right === undefined) return { because: `there is no column \`${test.other.slice(0, 100)}\`` }
      return pairViolation(column, right, test.orEqual)
    }
  }
}

function present(column: TableColumn, condition: string): string {
  return `(${column.ref} IS NOT NULL AND ${condition})`
}

/** Whether the column is compared as it is, without a cast that could fail. */
function isComparable({ sqlType }: TableColumn, range: Range, type: LogicalType): boolean {
  const family = familyOf(sqlType)
  if (type === 'date' || type === 'timestamp') return family === 'date' || family === 'timestamp'
  const isNumeric = family === 'integer' || family === 'float' || family === 'decimal'
  return isNumeric && [range.min, range.max].every((bound) => bound === undefined || typeof bound === 'number')
}

/** Null for null. */
function isOneOf(column: TableColumn, values: readonly Scalar[]): string {
  const given = values.filter((value) => value !== null)
  const numbers = given.filter((value) => typeof value === 'number')
  const booleans = given.filter((value) => typeof value === 'boolean')
  const family = column.storage === 'typed' ? familyOf(column.sqlType) : 'string'
  const isNumeric = family === 'integer' || family === 'float' || family === 'decimal'
  if (isNumeric && numbers.length === given.length && numbers.length > 0)
    return `(${column.ref} IN (${numbers.map(numberLiteral).join(', ')}))`
  const text = textOf(column)
  const texts = given.map((value) => literal(String(value)))
  const options = [
    // a function is asked once for each entry of a dictionary, an operator for each row
    ...(texts.length === 0 ? [] : [`list_contains([${texts.join(', ')}], ${text})`]),
    // 1, 1.0 and 1e0 are the same number, whatever their text is
    ...(numbers.length === 0
      ? []
      : [`coalesce(${numberOf(column)} IN (${numbers.map(numberLiteral).join(', ')}), false)`]),
    ...(booleans.length === 0 ? [] : [`lower(${text}) IN (${booleans.map((value) => `'${value}'`).join(', ')})`]),
  ]
  const [only, ...more] = options
  if (only === undefined) return `(${text} = '' AND false)`
  return more.length === 0 ? `(${only})` : `CASE WHEN ${text} IS NOT NULL THEN (${options.join(' OR ')}) END`
}

function inRange(column: TableColumn, range: Range, type: LogicalType, format: string | undefined): string {
  const isInstant = type === 'date' || type === 'timestamp'
  const isText = typeof (range.min ?? range.max) === 'string'
  // a cast of every value would cost more than the comparison
  const isDay = isInstant && column.storage === 'typed' && column.sqlType === 'DATE' && areDays(range)
  const value = isDay
    ? column.ref
    : isInstant
      ? instantOf(column, format)
      : type === 'time'
        ? `TRY_CAST(${textOf(column)} AS TIME)`
        : isText
          ? textOf(column)
          : numberOf(column)
  const bound = (given: number | string): string => {
    if (isInstant) return `CAST(${literal(String(given))} AS ${isDay ? 'DATE' : 'TIMESTAMP'})`
    if (type === 'time') return `CAST(${literal(String(given))} AS TIME)`
    return typeof given === 'number' ? numberLiteral(given) : literal(given)
  }
  const family = column.storage === 'typed' ? familyOf(column.sqlType) : 'float'
  const isFloat = !isInstant && !isText && type !== 'time' && family === 'float'
  const conditions = [
    ...(range.min === undefined ? [] : [`${value} ${range.exclusiveMin === true ? '>' : '>='} ${bound(range.min)}`]),
    ...(range.max === undefined ? [] : [`${value} ${range.exclusiveMax === true ? '<' : '<='} ${bound(range.max)}`]),
    // the engine orders NaN above all numbers
    ...(isFloat && range.max === undefined ? [`NOT isnan(${value})`] : []),
  ]
  return `(${conditions.join(' AND ')})`
}

function areDays({ min, max }: Range): boolean {
  return [min, max].every((bound) => bound === undefined || /^\d{4}-\d{2}-\d{2}$/.test(String(bound)))
}

function lengthViolation(text: string, { min, max }: Readonly<{ min?: number; max?: number }>): string {
  const conditions = [
    ...(min === undefined ? [] : [`length(${text}) < ${min}`]),
    // bytes are there without counting characters, and are never fewer
    ...(max === undefined ? [] : [`(strlen(${text}) > ${max} AND length(${text}) > ${max})`]),
  ]
  return `(${conditions.join(' OR ')})`
}

function matches(column: TableColumn, { pattern, whole }: Readonly<{ pattern: string; whole: boolean }>): string {
  // contracts write patterns for ECMAScript; RE2 has another spelling for code points
  const spelled = pattern.replace(/\\u\{?([0-9A-Fa-f]{4,6})\}?/g, '\\x{$1}')
  return `${whole ? 'regexp_full_match' : 'regexp_matches'}(${textOf(column)}, ${literal(spelled)})`
}

function isMultiple(value: string, factor: number): string {
  if (Number.isInteger(factor)) return `(${value} % ${factor} = 0)`
  return `(abs(${value} / ${numberLiteral(factor)} - round(${value} / ${numberLiteral(factor)})) < 1e-9)`
}

function pairViolation(left: TableColumn, right: TableColumn, orEqual: boolean): string {
  const families = [left, right].map((column) => (column.storage === 'typed' ? familyOf(column.sqlType) : 'string'))
  const isInstant = families.every((family) => family === 'date' || family === 'timestamp')
  const value = isInstant ? instantOf : numberOf
  const holds = `${value(left)} ${orEqual ? '>=' : '>'} ${value(right)}`
  return `(${left.ref} IS NOT NULL AND ${right.ref} IS NOT NULL AND NOT coalesce(${holds}, false))`
}

function typeViolation(column: TableColumn, type: ColumnType): string {
  if (column.storage === 'json') return jsonTypeViolation(column, type)
  const family = familyOf(column.sqlType)
  if (column.storage === 'typed' && (family !== 'string' || type.format === undefined)) {
    if (!typedAs[type.logical].includes(family)) return `${column.ref} IS NOT NULL`
    return type.bits === undefined ? never : bitsViolation(column, type.bits)
  }
  const violated = textTypeViolation(textOf(column), type)
  const narrowed = type.bits === undefined ? violated : `(${violated} OR ${bitsViolation(column, type.bits)})`
  return violated === never ? never : present(column, narrowed)
}

const typedAs: Readonly<Record<LogicalType, readonly Family[]>> = {
  string: ['string'],
  integer: ['integer'],
  number: ['integer', 'float', 'decimal'],
  boolean: ['boolean'],
  date: ['date'],
  timestamp: ['timestamp'],
  time: ['time'],
  object: ['object'],
  array: ['array'],
}

/** SOURCE: Rust's integer types, as ODCS names them. */
const bitTypes: Readonly<Record<string, string>> = {
  i8: 'TINYINT',
  i16: 'SMALLINT',
  i32: 'INTEGER',
  i64: 'BIGINT',
  i128: 'HUGEINT',
  u8: 'UTINYINT',
  u16: 'USMALLINT',
  u32: 'UINTEGER',
  u64: 'UBIGINT',
  u128: 'UHUGEINT',
}

function bitsViolation(column: TableColumn, bits: string): string {
  const sqlType = bitTypes[bits]
  if (sqlType === undefined) return never
  const value = column.storage === 'typed' && familyOf(column.sqlType) !== 'string' ? column.ref : textOf(column)
  return `(${column.ref} IS NOT NULL AND TRY_CAST(${value} AS ${sqlType}) IS NULL)`
}

const integerPattern = '[+-]?[0-9]+'
const numberPattern = '[+-]?([0-9]+(\\.[0-9]*)?|\\.[0-9]+)([eE][+-]?[0-9]+)?|[+-]?([iI]nf(inity)?|INF|NaN|nan|NAN)'
const datePattern = '[0-9]{4}-[0-9]{2}-[0-9]{2}'
const timePattern = '[0-9]{2}:[0-9]{2}(:[0-9]{2}(\\.[0-9]{1,9})?)?'
const instantPattern = `${datePattern}([T ]${timePattern}(Z| ?[+-][0-9]{2}(:?[0-9]{2})?)?)?`

/** What text must look like: stricter than the engine's casts, which take `1_000`, `1.5` as an integer, and `epoch`. */
function textTypeViolation(text: string, { logical, format }: ColumnType): string {
  const shaped = (pattern: string): string => `regexp_full_match(${text}, '${pattern}')`
  switch (logical) {
    case 'string':
      return never
    case 'integer':
      return `NOT ${shaped(integerPattern)}`
    case 'number':
      return `NOT ${shaped(numberPattern)}`
    case 'boolean':
      return `lower(${text}) NOT IN ('true', 'false', '1', '0')`
    case 'object':
    case 'array':
      return `coalesce(TRY(json_type(${text})), '') <> '${logical.toUpperCase()}'`
    case 'time':
      if (format !== undefined) return `try_strptime(${text}, ${literal(format)}) IS NULL`
      return `NOT (${shaped(timePattern)} AND TRY_CAST(${text} AS TIME) IS NOT NULL)`
    case 'date':
    case 'timestamp': {
      if (format !== undefined) return `try_strptime(${text}, ${literal(format)}) IS NULL`
      const [pattern, sqlType] = logical === 'date' ? [datePattern, 'DATE'] : [instantPattern, 'TIMESTAMP']
      return `NOT (${shaped(pattern)} AND TRY_CAST(${text} AS ${sqlType}) IS NOT NULL)`
    }
  }
}

const jsonTypes: Readonly<Record<LogicalType, readonly string[]>> = {
  string: ['VARCHAR'],
  integer: ['BIGINT', 'UBIGINT', 'HUGEINT'],
  number: ['BIGINT', 'UBIGINT', 'HUGEINT', 'DOUBLE'],
  boolean: ['BOOLEAN'],
  date: ['VARCHAR'],
  timestamp: ['VARCHAR'],
  time: ['VARCHAR'],
  object: ['OBJECT'],
  array: ['ARRAY'],
}

function jsonTypeViolation(column: TableColumn, type: ColumnType): string {
  const names = jsonTypes[type.logical].map((name) => `'${name}'`).join(', ')
  const wrongKind = `json_type(${column.ref}) NOT IN (${names})`
  const isInstant = type.logical === 'date' || type.logical === 'timestamp' || type.logical === 'time'
  const wrongText = isInstant ? ` OR ${textTypeViolation(textOf(column), type)}` : ''
  const wrongBits = type.bits === undefined ? '' : ` OR ${bitsViolation(column, type.bits)}`
  return present(column, `(${wrongKind}${wrongText}${wrongBits})`)
}
