/**
 * A stated subset of Great Expectations suites, as rules: what is in `expectations` below. Everything else, and every
 * expectation with a row_condition, is told as not evaluated.
 *
 * Source: great_expectations 1.x, expectations/core (and 0.x suites, where the keys had other names).
 */
import { z } from 'zod'
import { knownStrptime } from './date-format.ts'
import {
  type Comparison,
  none,
  type Range,
  type Rule,
  type Scalar,
  type TableContract,
  type ValueTest,
} from './rule.ts'

const expectationShape = z.looseObject({
  type: z.string().optional(),
  expectation_type: z.string().optional(),
  kwargs: z.record(z.string(), z.unknown()).default({}),
})
export const suiteShape = z.looseObject({
  name: z.string().optional(),
  expectation_suite_name: z.string().optional(),
  expectations: z.array(expectationShape),
})
export type Suite = z.infer<typeof suiteShape>
type Arguments = Readonly<Record<string, unknown>>

export function tableOfSuite(name: string, { expectations: list }: Suite): TableContract {
  return { name, types: {}, rules: list.flatMap((expectation) => rulesOfExpectation(expectation, null)) }
}

/** @param column used when the expectation names none */
export function rulesOfExpectation(value: unknown, column: string | null): readonly Rule[] {
  const parsed = expectationShape.safeParse(value)
  const type = parsed.data?.type ?? parsed.data?.expectation_type ?? ''
  const given: Arguments = { ...(column === null ? {} : { column }), ...parsed.data?.kwargs }
  const head: Head = {
    name: `expectation/${type.replace(/^expect_/, '').slice(0, 100) || 'unnamed'}`,
    column: typeof given['column'] === 'string' ? given['column'] : null,
    severity: 'error',
  }
  const cannot = (because: string): readonly Rule[] => [{ ...head, kind: 'unevaluated', because }]
  const make = expectations[type]
  if (!parsed.success || make === undefined) return cannot('this expectation is not one that is read')
  if (given['row_condition'] !== undefined && given['row_condition'] !== null)
    return cannot('row_condition is not evaluated')
  const made = make(given, head)
  return made === undefined ? cannot('its arguments are not understood') : [made]
}

type Head = Readonly<{ name: string; column: string | null; severity: 'error' }>
type Make = (given: Arguments, head: Head) => Rule | undefined

/** A test of each value, `mostly` of which must pass. */
const each =
  (testOf: (given: Arguments) => ValueTest | undefined): Make =>
  (given, head) => {
    const test = testOf(given)
    const { mostly = 1 } = given
    if (test === undefined || head.column === null || typeof mostly !== 'number') return undefined
    if (mostly === 1) return { ...head, kind: 'values', test, unit: 'rows', limit: none }
    if (test.kind === 'null' || test.kind === 'not-null') {
      const value = (1 - mostly) * 100
      return { ...head, kind: 'values', test, unit: 'percent', limit: { op: 'at-most', value } }
    }
    return { ...head, kind: 'values', test, unit: 'valid-share', limit: { op: 'at-least', value: mostly } }
  }

const rowCount: Make = (given, head) => {
  const limit = limitOf(given)
  return limit === undefined ? undefined : { ...head, kind: 'row-count', limit }
}
const columnCount: Make = (given, head) => {
  const limit = limitOf(given)
  return limit === undefined ? undefined : { ...head, kind: 'column-count', limit }
}
const aggregated =
  (aggregate: Extract<Rule, { kind: 'aggregate' }>['aggregate']): Make =>
  (given, head) => {
    const limit = limitOf(given)
    return limit === undefined || head.column === null ? undefined : { ...head, kind: 'aggregate', aggregate, limit }
  }
const distinct =
  (relation: 'in' | 'contain' | 'equal'): Make =>
  (given, head) => {
    const values = scalarsOf(given['value_set'])
    if (values === undefined || head.column === null) return undefined
    return { ...head, kind: 'distinct-set', relation, values }
  }
const duplicates = (columns: readonly string[] | undefined, given: Arguments, head: Head): Rule | undefined => {
  if (columns === undefined || (given['mostly'] ?? 1) !== 1) return undefined
  return { ...head, kind: 'duplicates', columns, unit: 'rows', limit: none }
}

const expectations: Readonly<Record<string, Make>> = {
  expect_table_row_count_to_be_between: rowCount,
  expect_table_row_count_to_equal: rowCount,
  expect_table_column_count_to_be_between: columnCount,
  expect_table_column_count_to_equal: columnCount,
  expect_column_to_exist: (_given, head) => (head.column === null ? undefined : { ...head, kind: 'present' }),
  expect_table_columns_to_match_ordered_list: (given, head) => {
    const columns = namesOf(given['column_list'])
    return columns && { ...head, kind: 'columns', columns, ordered: true, mayMiss: false, mayExceed: false }
  },
  expect_table_columns_to_match_set: (given, head) => {
    const columns = namesOf(given['column_set'])
    const mayExceed = given['exact_match'] === false
    return columns && { ...head, kind: 'columns', columns, ordered: false, mayMiss: false, mayExceed }
  },
  expect_column_values_to_not_be_null: each(() => ({ kind: 'null' })),
  expect_column_values_to_be_null: each(() => ({ kind: 'not-null' })),
  expect_column_values_to_be_unique: (given, head) =>
    duplicates(head.column === null ? undefined : [head.column], given, head),
  expect_compound_columns_to_be_unique: (given, head) => duplicates(namesOf(given['column_list']), given, head),
  expect_column_values_to_be_in_set: each((given) => setTest('in', given)),
  expect_column_values_to_not_be_in_set: each((given) => setTest('not-in', given)),
  expect_column_values_to_be_between: each((given) => {
    const range = rangeOf(given)
    if (range === undefined) return undefined
    const isText = typeof (range.min ?? range.max) === 'string'
    return { kind: 'range', range, type: isText ? 'timestamp' : 'number' }
  }),
  expect_column_values_to_match_regex: each(({ regex }) =>
    typeof regex === 'string' ? { kind: 'pattern', pattern: regex, whole: false } : undefined,
  ),
  expect_column_values_to_not_match_regex: each(({ regex }) =>
    typeof regex === 'string' ? { kind: 'not-pattern', pattern: regex, whole: false } : undefined,
  ),
  expect_column_value_lengths_to_be_between: each(({ min_value: min, max_value: max, ...rest }) => {
    if (rest['strict_min'] === true || rest['strict_max'] === true) return undefined
    return lengthTest(min, max)
  }),
  expect_column_value_lengths_to_equal: each(({ value }) => lengthTest(value, value)),
  expect_column_values_to_match_strftime_format: each(({ strftime_format: format }) => {
    const strptime = typeof format === 'string' ? knownStrptime(format) : undefined
    return strptime === undefined ? undefined : { kind: 'type', type: { logical: 'timestamp', format: strptime } }
  }),
  expect_column_min_to_be_between: aggregated('min'),
  expect_column_max_to_be_between: aggregated('max'),
  expect_column_mean_to_be_between: aggregated('mean'),
  expect_column_median_to_be_between: aggregated('median'),
  expect_column_stdev_to_be_between: aggregated('stdev'),
  expect_column_sum_to_be_between: aggregated('sum'),
  expect_column_unique_value_count_to_be_between: aggregated('distinct'),
  expect_column_proportion_of_unique_values_to_be_between: aggregated('distinct-share'),
  expect_column_distinct_values_to_be_in_set: distinct('in'),
  expect_column_distinct_values_to_contain_set: distinct('contain'),
  expect_column_distinct_values_to_equal_set: distinct('equal'),
  expect_column_pair_values_a_to_be_greater_than_b: (given, head) => {
    const { column_A: a, column_B: b, or_equal: orEqual } = given
    if (typeof a !== 'string' || typeof b !== 'string' || (given['mostly'] ?? 1) !== 1) return undefined
    const test: ValueTest = { kind: 'greater-than-column', other: b, orEqual: orEqual === true }
    return { ...head, column: a, kind: 'values', test, unit: 'rows', limit: none }
  },
}

/** `value`, or `min_value` and `max_value` with their `strict_` forms. */
function limitOf(given: Arguments): Comparison | undefined {
  const { value } = given
  if (typeof value === 'number') return { op: 'equal', value }
  const range = rangeOf(given)
  const { min, max } = range ?? {}
  if (range === undefined || typeof min === 'string' || typeof max === 'string') return undefined
  if (min !== undefined && max !== undefined)
    return range.exclusiveMin || range.exclusiveMax ? undefined : { op: 'between', low: min, high: max }
  if (min !== undefined) return { op: range.exclusiveMin ? 'greater' : 'at-least', value: min }
  return { op: range.exclusiveMax ? 'less' : 'at-most', value: max ?? 0 }
}

function rangeOf(given: Arguments): Range | undefined {
  const { min_value: min, max_value: max } = given
  const isBound = (value: unknown): value is number | string => typeof value === 'number' || typeof value === 'string'
  if (!isBound(min) && !isBound(max)) return undefined
  return {
    ...(isBound(min) ? { min } : {}),
    ...(isBound(max) ? { max } : {}),
    ...(given['strict_min'] === true ? { exclusiveMin: true } : {}),
    ...(given['strict_max'] === true ? { exclusiveMax: true } : {}),
  }
}

function setTest(kind: 'in' | 'not-in', given: Arguments): ValueTest | undefined {
  const values = scalarsOf(given['value_set'])
  return values === undefined ? undefined : { kind, values }
}

function lengthTest(min: unknown, max: unknown): ValueTest | undefined {
  const has = { min: typeof min === 'number', max: typeof max === 'number' }
  if (!has.min && !has.max) return undefined
  return {
    kind: 'length',
    ...(typeof min === 'number' ? { min } : {}),
    ...(typeof max === 'number' ? { max } : {}),
  }
}

function scalarsOf(value: unknown): readonly Scalar[] | undefined {
  const isScalar = (each: unknown): each is Scalar =>
    each === null || ['string', 'number', 'boolean'].includes(typeof each)
  return Array.isArray(value) && value.length > 0 && value.every(isScalar) ? value : undefined
}

function namesOf(value: unknown): readonly string[] | undefined {
  const isName = (each: unknown): each is string => typeof each === 'string'
  return Array.isArray(value) && value.length > 0 && value.every(isName) ? value : undefined
}
