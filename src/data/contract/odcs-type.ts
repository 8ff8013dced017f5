/** logicalType and its options: what a value may be. Source: ODCS v3.1.0, SchemaBaseProperty. */
import { strptimeOfJava } from './date-format.ts'
import type { OdcsProperty } from './odcs-shape.ts'
import { type ColumnType, type LogicalType, none, type Range, type Rule, type ValueTest } from './rule.ts'
import { stringFormats } from './string-format.ts'

const logicalTypes: ReadonlySet<string> = new Set<LogicalType>([
  'string',
  'integer',
  'number',
  'boolean',
  'date',
  'timestamp',
  'time',
  'object',
  'array',
])

function isLogical(word: string | undefined): word is LogicalType {
  return word !== undefined && logicalTypes.has(word)
}

/** Undefined when the contract names none, or one that is not understood; `optionRules` tells the latter. */
export function typeOf({ logicalType, logicalTypeOptions = {} }: OdcsProperty): ColumnType | undefined {
  if (!isLogical(logicalType)) return undefined
  const format = logicalTypeOptions['format']
  if (typeof format !== 'string') return { logical: logicalType }
  if (logicalType === 'integer' || logicalType === 'number') return { logical: logicalType, bits: format }
  if (logicalType !== 'date' && logicalType !== 'timestamp' && logicalType !== 'time') return { logical: logicalType }
  const strptime = strptimeOfJava(format)
  return strptime === undefined ? { logical: logicalType } : { logical: logicalType, format: strptime }
}

/** The rules that the type and its options make. */
export function optionRules(property: OdcsProperty): readonly Rule[] {
  const column = property.physicalName ?? property.name
  const head = { column, severity: 'error' as const }
  const asked = (name: string, test: ValueTest): Rule => ({
    ...head,
    name: `schema/${name}`,
    kind: 'values',
    test,
    unit: 'rows',
    limit: none,
  })
  const unevaluated = (because: string): Rule => ({ ...head, name: 'schema/type', kind: 'unevaluated', because })
  const { logicalType, logicalTypeOptions: options = {} } = property
  const type = typeOf(property)
  if (logicalType === undefined) return []
  if (type === undefined) return [unevaluated(`the logicalType \`${logicalType}\` is not understood`)]
  const rules: Rule[] = [asked('type', { kind: 'type', type })]
  const range = rangeOf(options)
  if (range !== undefined) rules.push(asked('range', { kind: 'range', range, type: type.logical }))
  for (const [option, value] of Object.entries(options)) {
    if (rangeOptions.has(option)) continue
    rules.push(...ruleOf(option, value, type, asked, unevaluated))
  }
  return lengthsJoined(rules)
}

const rangeOptions: ReadonlySet<string> = new Set(['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum'])

function rangeOf(options: Readonly<Record<string, unknown>>): Range | undefined {
  const bound = (name: string): number | string | undefined => {
    const value = options[name]
    return typeof value === 'number' || typeof value === 'string' ? value : undefined
  }
  const min = bound('exclusiveMinimum') ?? bound('minimum')
  const max = bound('exclusiveMaximum') ?? bound('maximum')
  if (min === undefined && max === undefined) return undefined
  return {
    ...(min === undefined ? {} : { min }),
    ...(max === undefined ? {} : { max }),
    ...(bound('exclusiveMinimum') === undefined ? {} : { exclusiveMin: true }),
    ...(bound('exclusiveMaximum') === undefined ? {} : { exclusiveMax: true }),
  }
}

function ruleOf(
  option: string,
  value: unknown,
  type: ColumnType,
  asked: (name: string, test: ValueTest) => Rule,
  unevaluated: (because: string) => Rule,
): readonly Rule[] {
  if (option === 'minLength' && typeof value === 'number') return [asked('length', { kind: 'length', min: value })]
  if (option === 'maxLength' && typeof value === 'number') return [asked('length', { kind: 'length', max: value })]
  if (option === 'pattern' && typeof value === 'string')
    return [asked('pattern', { kind: 'pattern', pattern: value, whole: false })]
  if (option === 'multipleOf' && typeof value === 'number')
    return [asked('multiple-of', { kind: 'multiple-of', factor: value })]
  if (option === 'format' && typeof value === 'string') {
    if (type.bits !== undefined || type.format !== undefined) return []
    if (type.logical !== 'string') return [unevaluated(`the format \`${value}\` is not understood`)]
    const pattern = stringFormats[value]
    if (pattern !== undefined)
      return [asked('format', { kind: 'pattern', pattern, whole: true, called: `not like ${value}` })]
    return value === 'password' || value === 'binary' ? [] : [unevaluated(`the format \`${value}\` is not understood`)]
  }
  // how text tells its zone is a matter of its format
  if (option === 'timezone' || option === 'defaultTimezone') return []
  return [unevaluated(`the option \`${option}\` is not evaluated`)]
}

/** One check for both ends of a length. */
function lengthsJoined(rules: readonly Rule[]): readonly Rule[] {
  const lengths = rules.flatMap((rule) => (rule.kind === 'values' && rule.test.kind === 'length' ? [rule.test] : []))
  if (lengths.length < 2) return rules
  const joined: ValueTest = Object.assign({ kind: 'length' as const }, ...lengths)
  let placed = false
  return rules.flatMap((rule) => {
    if (rule.kind !== 'values' || rule.test.kind !== 'length') return [rule]
    if (placed) return []
    placed = true
    return [{ ...rule, test: joined }]
  })
}
