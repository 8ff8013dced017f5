/**
 * Rules as questions to the engine: pure.
 *
 * What can be counted row by row becomes expressions of one fused scan; keys, sets, exact quantiles and SQL go alone.
 * What the columns answer without a scan is decided here.
 */
import {
  type Comparison,
  holds,
  type Rule,
  type TableContract,
  tellComparison,
  type Unit,
  type ValueTest,
} from '../contract/index.ts'
import { columnNamed, instantOf, numberOf, type Relation, type TableColumn } from '../table/relation.ts'
import { type DataCheck, maxListed, notEvaluated } from './check.ts'
import { never, violationOf } from './violation.ts'

/** What a fused scan answers: one value an expression. */
export type Value = number | string | null

/** An expression or more of the fused scan, and what its values mean. `violation` finds the rows. */
export type Question = Readonly<{
  rule: Rule
  expressions: readonly string[]
  violation?: string
  /** Rows that violate, listed by the same scan: of a test that costs more than the list does. */
  listing?: string
  decide(values: readonly Value[], rows: number): DataCheck
}>

export type Plan = Readonly<{
  decided: readonly DataCheck[]
  fused: readonly Question[]
  alone: readonly Rule[]
}>

export function planTable({ rules, types }: TableContract, relation: Relation, now: Date): Plan {
  const decided: DataCheck[] = []
  const fused: Question[] = []
  const alone: Rule[] = []
  for (const rule of rules) {
    const planned = planRule(rule, relation, types, now)
    if (planned === 'alone') alone.push(rule)
    else if ('verdict' in planned) decided.push(planned)
    else fused.push(planned)
  }
  return { decided, fused, alone }
}

function planRule(
  rule: Rule,
  relation: Relation,
  types: TableContract['types'],
  now: Date,
): DataCheck | Question | 'alone' {
  switch (rule.kind) {
    case 'unevaluated':
      return notEvaluated(rule, rule.because)
    case 'present': {
      const isThere = columnNamed(relation, rule.column ?? '') !== undefined
      return checkOf(rule, isThere, isThere ? 'there' : 'missing', 'a column of this name')
    }
    case 'columns':
      return decideColumns(rule, relation)
    case 'column-count': {
      const count = relation.columns.length
      return checkOf(rule, holds(count, rule.limit), count, `${tellComparison(rule.limit)} columns`)
    }
    case 'row-count':
      return {
        rule,
        expressions: [],
        decide: (_values, rows) => checkOf(rule, holds(rows, rule.limit), rows, `${tellComparison(rule.limit)} rows`),
      }
    case 'sql':
      return 'alone'
    case 'duplicates':
    case 'foreign-key': {
      const missing = rule.columns.find((name) => columnNamed(relation, name) === undefined)
      return missing === undefined ? 'alone' : missingColumn(rule, missing)
    }
    case 'values':
    case 'aggregate':
    case 'distinct-set':
    case 'freshness': {
      const column = columnNamed(relation, rule.column ?? '')
      if (column === undefined) return missingColumn(rule, rule.column ?? '')
      if (rule.kind === 'values') return planValues(rule, column, relation, types)
      if (rule.kind === 'freshness') return planFreshness(rule, column, types[column.name]?.format, now)
      const isFusable = rule.kind === 'aggregate' && !['distinct', 'distinct-share', 'median'].includes(rule.aggregate)
      return isFusable ? planAggregate(rule, column) : 'alone'
    }
  }
}

function missingColumn(rule: Rule, name: string): DataCheck {
  return notEvaluated(rule, `there is no column \`${name.slice(0, 200)}\``)
}

export function checkOf(
  rule: Rule,
  passed: boolean,
  observed: DataCheck['observed'],
  expected: string,
  rest: Partial<Pick<DataCheck, 'rows' | 'count' | 'because'>> = {},
): DataCheck {
  const verdict = passed ? 'pass' : rule.severity === 'error' ? 'fail' : 'warn'
  return {
    name: rule.name,
    column: rule.column,
    verdict,
    observed,
    expected,
    rows: [],
    count: 0,
    evaluated: true,
    ...rest,
  }
}

function decideColumns(rule: Extract<Rule, { kind: 'columns' }>, relation: Relation): DataCheck {
  const found = relation.columns.map(({ name }) => name)
  const missing = rule.columns.filter((name) => !found.includes(name))
  const more = found.filter((name) => !rule.columns.includes(name))
  const order = found.filter((name) => rule.columns.includes(name))
  const wanted = rule.columns.filter((name) => found.includes(name))
  const faults = [
    ...(missing.length > 0 && !rule.mayMiss ? [`missing: ${missing.join(', ')}`] : []),
    ...(more.length > 0 && !rule.mayExceed ? [`not expected: ${more.join(', ')}`] : []),
    ...(rule.ordered && order.some((name, index) => name !== wanted[index]) ? ['in another order'] : []),
  ]
  const observed = faults.length === 0 ? 'as expected' : faults.join('; ').slice(0, 2000)
  return checkOf(rule, faults.length === 0, observed, rule.columns.join(', ').slice(0, 2000))
}

/** `at most 0 rows`, `less than 5 percent of rows`. */
export function tellLimit(limit: Comparison, unit: Unit): string {
  if (unit === 'rows') return `${tellComparison(limit)} rows`
  return unit === 'percent' ? `${tellComparison(limit)} percent of rows` : `valid share ${tellComparison(limit)}`
}

/** A count of violating rows, in the unit of the rule. */
export function measure(count: number, unit: Unit, rows: number, values: number): number {
  if (unit === 'rows') return count
  if (unit === 'percent') return rows === 0 ? 0 : (count / rows) * 100
  return values === 0 ? 1 : (values - count) / values
}

function planValues(
  rule: Extract<Rule, { kind: 'values' }>,
  column: TableColumn,
  relation: Relation,
  types: TableContract['types'],
): DataCheck | Question {
  const violation = violationOf(rule.test, column, (name) => columnNamed(relation, name), types[column.name])
  if (typeof violation !== 'string') return notEvaluated(rule, violation.because)
  const expected = tellLimit(rule.limit, rule.unit)
  const because = tellTest(rule.test).slice(0, 2000)
  const isStatic = violation === never
  const expressions = [
    ...(isStatic ? [] : [`count_if(${violation})`]),
    ...(rule.unit === 'valid-share' ? [`count(${column.ref})`] : []),
  ]
  return {
    rule,
    expressions,
    ...(isStatic ? {} : { violation }),
    ...(relation.rowNumber !== undefined && isCostly(rule.test)
      ? { listing: `min(${relation.rowNumber}, ${maxListed}) FILTER (WHERE ${violation})` }
      : {}),
    decide: (values, rows) => {
      const count = isStatic ? 0 : Number(values[0])
      const observed = measure(count, rule.unit, rows, Number(values.at(-1) ?? 0))
      return checkOf(rule, holds(observed, rule.limit), observed, expected, { count, because })
    },
  }
}

/** A second look at every value would cost as much as the first. */
function isCostly({ kind }: ValueTest): boolean {
  return kind === 'pattern' || kind === 'not-pattern'
}

function tellTest(test: ValueTest): string {
  switch (test.kind) {
    case 'null':
      return 'null'
    case 'not-null':
      return 'not null'
    case 'missing':
      return 'missing'
    case 'type':
      return `not ${test.type.logical}${test.type.bits === undefined ? '' : ` (${test.type.bits})`}`
    case 'in':
      return `none of ${test.values.map(String).join(', ')}`
    case 'not-in':
      return `one of ${test.values.map(String).join(', ')}`
    case 'range': {
      const { min, max, exclusiveMin, exclusiveMax } = test.range
      const low = min === undefined ? '' : `${exclusiveMin === true ? 'above' : 'from'} ${min}`
      const high = max === undefined ? '' : `${exclusiveMax === true ? 'below' : 'to'} ${max}`
      return `not ${[low, high].filter(Boolean).join(' ')}`
    }
    case 'length':
      return `not ${test.min ?? 0} to ${test.max ?? 'any number of'} characters`
    case 'pattern':
      return test.called ?? `not like ${test.pattern}`
    case 'not-pattern':
      return `like ${test.pattern}`
    case 'multiple-of':
      return `no multiple of ${test.factor}`
    case 'greater-than-column':
      return `not ${test.orEqual ? 'at least' : 'more than'} ${test.other}`
  }
}

function planFreshness(
  rule: Extract<Rule, { kind: 'freshness' }>,
  column: TableColumn,
  format: string | undefined,
  now: Date,
): Question {
  return {
    rule,
    expressions: [`epoch_ms(max(${instantOf(column, format)}))`],
    decide: ([newestMs]) => {
      const expected = `newest at most ${rule.maxAgeMs / 3_600_000} hours old`
      if (newestMs === null || newestMs === undefined) return checkOf(rule, false, 'no instant', expected)
      const ageMs = now.getTime() - Number(newestMs)
      const newest = Math.abs(Number(newestMs)) <= 8.64e15 ? new Date(Number(newestMs)).toISOString() : 'out of time'
      // what lies in the future is not fresh: it would stay so for ever
      return checkOf(rule, ageMs <= rule.maxAgeMs && ageMs >= -86_400_000, newest, expected)
    },
  }
}

const functions: Readonly<Record<string, string>> = {
  min: 'min',
  max: 'max',
  mean: 'avg',
  median: 'median',
  stdev: 'stddev_samp',
  sum: 'sum',
}

export function aggregateSql(aggregate: string, column: TableColumn): string {
  if (aggregate === 'distinct') return `count(DISTINCT ${column.ref})`
  if (aggregate === 'distinct-share') return `count(DISTINCT ${column.ref}) / nullif(count(${column.ref}), 0)`
  return `CAST(${functions[aggregate] ?? 'max'}(${numberOf(column)}) AS DOUBLE)`
}

export function decideAggregate(rule: Extract<Rule, { kind: 'aggregate' }>, value: Value | undefined): DataCheck {
  const observed = value === null || value === undefined ? null : Number(value)
  return checkOf(rule, holds(observed, rule.limit), observed, `${rule.aggregate} ${tellComparison(rule.limit)}`)
}

function planAggregate(rule: Extract<Rule, { kind: 'aggregate' }>, column: TableColumn): Question {
  return {
    rule,
    expressions: [aggregateSql(rule.aggregate, column)],
    decide: ([value]) => decideAggregate(rule, value),
  }
}
