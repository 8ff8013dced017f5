/** Quality rules of a contract: the library, SQL, and what is addressed to somebody else. Source: ODCS v3.1.0, DataQuality. */
import { rulesOfExpectation } from './great-expectations.ts'
import type { OdcsQuality } from './odcs-shape.ts'
import type { Comparison, Rule, Scalar, Severity, Unit, ValueTest } from './rule.ts'

/** @param column null for rules of the whole table */
export function qualityRules(quality: readonly OdcsQuality[], column: string | null): readonly Rule[] {
  return quality.flatMap((rule) => ruleOf(rule, column))
}

function ruleOf(quality: OdcsQuality, column: string | null): readonly Rule[] {
  const kind = quality.type ?? 'library'
  if (kind === 'library') return [libraryRule(quality, column)]
  if (kind === 'sql') return [sqlRule(quality, column)]
  if (kind === 'custom') return customRules(quality, column)
  return [told(quality, column, 'warning', 'it is prose, for people')]
}

function severityOf({ severity }: OdcsQuality): Severity {
  return severity !== undefined && /^(warn|warning|info|low)$/i.test(severity) ? 'warning' : 'error'
}

function labelOf(quality: OdcsQuality): string {
  return `quality/${(quality.name ?? quality.id ?? quality.metric ?? quality.rule ?? quality.type ?? 'rule').slice(0, 100)}`
}

/** Addressed to us and not evaluated: as grave as the rule. Addressed to others: a warning. */
function told(quality: OdcsQuality, column: string | null, severity: Severity, because: string): Rule {
  return { name: labelOf(quality), column, severity, kind: 'unevaluated', because }
}

/** Undefined when the rule has no operator, or more than one. */
function limitOf(quality: OdcsQuality): Comparison | undefined {
  const found: Comparison[] = []
  const number = (op: 'greater' | 'at-least' | 'less' | 'at-most', value: number | undefined): void => {
    if (typeof value === 'number') found.push({ op, value })
  }
  if (isScalar(quality.mustBe)) found.push({ op: 'equal', value: quality.mustBe })
  if (isScalar(quality.mustNotBe)) found.push({ op: 'not-equal', value: quality.mustNotBe })
  number('greater', quality.mustBeGreaterThan)
  number('at-least', quality.mustBeGreaterOrEqualTo)
  number('less', quality.mustBeLessThan)
  number('at-most', quality.mustBeLessOrEqualTo)
  const { mustBeBetween, mustNotBeBetween } = quality
  if (mustBeBetween !== undefined) found.push({ op: 'between', low: mustBeBetween[0], high: mustBeBetween[1] })
  if (mustNotBeBetween !== undefined)
    found.push({ op: 'not-between', low: mustNotBeBetween[0], high: mustNotBeBetween[1] })
  return found.length === 1 ? found[0] : undefined
}

function isScalar(value: unknown): value is Scalar {
  return value === null || ['string', 'number', 'boolean'].includes(typeof value)
}

function scalars(value: unknown): readonly Scalar[] | undefined {
  return Array.isArray(value) && value.every(isScalar) ? value : undefined
}

/** Names that 3.0 used, where `rule` stood for `metric`. */
const oldNames: Readonly<Record<string, string>> = {
  nullCheck: 'nullValues',
  nullCount: 'nullValues',
  validValues: 'invalidValues',
  duplicateCount: 'duplicateValues',
  duplicates: 'duplicateValues',
  unique: 'duplicateValues',
}

function libraryRule(quality: OdcsQuality, column: string | null): Rule {
  const word = quality.metric ?? quality.rule ?? ''
  const metric = oldNames[word] ?? word
  const head = { name: labelOf(quality), column, severity: severityOf(quality) }
  const unit = unitOf(quality)
  const limit = limitOf(quality) ?? (word === metric ? undefined : ({ op: 'equal', value: 0 } as const))
  const cannot = (because: string): Rule => told(quality, column, severityOf(quality), because)
  if (unit === undefined) return cannot(`the unit \`${quality.unit}\` is not understood`)
  if (limit === undefined)
    return cannot('it has no operator that a number can be held to (mustBe, mustBeLessThan, ...)')
  if (metric === 'rowCount') {
    return unit === 'rows' ? { ...head, column: null, kind: 'row-count', limit } : cannot('rows in percent of rows')
  }
  if (metric === 'duplicateValues') {
    const listed = scalars(quality.arguments?.['properties'])
    const columns = listed?.map(String) ?? (column === null ? undefined : [column])
    return columns === undefined || columns.length === 0
      ? cannot('it names no columns (arguments.properties)')
      : { ...head, kind: 'duplicates', columns, unit, limit }
  }
  if (column === null) return cannot(`\`${word || 'a rule without metric'}\` asks about a column, and stands at none`)
  const test = testOf(metric, quality)
  return typeof test === 'string' ? cannot(test) : { ...head, kind: 'values', test, unit, limit }
}

function unitOf({ unit = 'rows' }: OdcsQuality): Unit | undefined {
  if (/^(rows?|count)$/i.test(unit)) return 'rows'
  return /^(percent|percentage|%)$/i.test(unit) ? 'percent' : undefined
}

function testOf(metric: string, quality: OdcsQuality): ValueTest | string {
  const given = quality.arguments ?? {}
  if (metric === 'nullValues') return { kind: 'null' }
  if (metric === 'missingValues') {
    const values = scalars(given['missingValues'])
    return values === undefined ? 'it names no missing values (arguments.missingValues)' : { kind: 'missing', values }
  }
  if (metric !== 'invalidValues') return `the metric \`${metric.slice(0, 100)}\` is not known`
  const values = scalars(given['validValues'] ?? quality.validValues)
  const pattern = given['pattern']
  if (values !== undefined && pattern === undefined) return { kind: 'in', values }
  if (typeof pattern === 'string' && values === undefined) return { kind: 'pattern', pattern, whole: false }
  return 'it needs validValues or a pattern (arguments), and not both'
}

function sqlRule(quality: OdcsQuality, column: string | null): Rule {
  const limit = limitOf(quality)
  if (limit === undefined) return told(quality, column, severityOf(quality), 'it has no operator (mustBe, ...)')
  return {
    name: labelOf(quality),
    column,
    severity: severityOf(quality),
    kind: 'sql',
    query: quality.query ?? '',
    limit,
  }
}

function customRules(quality: OdcsQuality, column: string | null): readonly Rule[] {
  const engine = quality.engine ?? ''
  if (!/^great[-_ ]?expectations$/i.test(engine)) {
    return [told(quality, column, 'warning', `it is for the engine \`${engine.slice(0, 100)}\``)]
  }
  const rules = rulesOfExpectation(quality.implementation, column)
  return rules.map((rule) => ({ ...rule, severity: severityOf(quality) }))
}
