/**
 * Frictionless Table Schema 1.0 and 2.0, and the resources of a Data Package, as rules.
 *
 * `missingValues` beyond the empty string, custom number formats, and types that only text can tell (geopoint, duration,
 * list, ...) are told as not evaluated. Source: Table Schema 2.0, profiles/2.0/tableschema.json.
 */
import { z } from 'zod'
import { knownStrptime } from './date-format.ts'
import { type ColumnType, none, type Range, type Rule, type TableContract, type ValueTest } from './rule.ts'
import { stringFormats } from './string-format.ts'

const scalar = z.union([z.string(), z.number(), z.boolean(), z.null()])
const bound = z.union([z.number(), z.string()])
const constraints = z.looseObject({
  required: z.boolean().optional(),
  unique: z.boolean().optional(),
  minLength: z.int().min(0).optional(),
  maxLength: z.int().min(0).optional(),
  minimum: bound.optional(),
  maximum: bound.optional(),
  exclusiveMinimum: bound.optional(),
  exclusiveMaximum: bound.optional(),
  pattern: z.string().optional(),
  enum: z.array(scalar).min(1).optional(),
})
const fieldShape = z.looseObject({
  name: z.string().min(1),
  type: z.string().default('any'),
  format: z.string().optional(),
  constraints: constraints.optional(),
  categories: z.array(z.union([scalar, z.looseObject({ value: scalar })])).optional(),
})
const names = z.union([z.string().transform((name) => [name]), z.array(z.string()).min(1)])
export const tableSchemaShape = z.looseObject({
  fields: z.array(fieldShape).min(1),
  fieldsMatch: z
    .union([
      z.string(),
      z
        .array(z.string())
        .length(1)
        .transform(([word]) => word ?? ''),
    ])
    .optional(),
  missingValues: z.array(z.union([z.string(), z.looseObject({ value: z.string() })])).optional(),
  primaryKey: names.optional(),
  uniqueKeys: z.array(names).optional(),
  foreignKeys: z
    .array(
      z.looseObject({ fields: names, reference: z.looseObject({ resource: z.string().default(''), fields: names }) }),
    )
    .optional(),
})
export type TableSchema = z.infer<typeof tableSchemaShape>
type Field = z.infer<typeof fieldShape>

const error = 'error' as const

export function tableOfSchema(name: string, schema: TableSchema): TableContract {
  const types = schema.fields.flatMap((field) => {
    const type = typeOf(field)
    return typeof type === 'object' ? [[field.name, type] as const] : []
  })
  return {
    name,
    types: Object.fromEntries(types),
    rules: [
      ...columnsRule(schema),
      ...schema.fields.flatMap(fieldRules),
      ...keyRules(name, schema),
      ...leftOut(schema),
    ],
  }
}

/** Source: Table Schema 2.0, fieldsMatch; subset means that the data may have more fields, superset fewer. */
function columnsRule({ fields, fieldsMatch = 'exact' }: TableSchema): readonly Rule[] {
  const head = { name: 'schema/fields', column: null, severity: error }
  const columns = fields.map(({ name }) => name)
  const match = matches[fieldsMatch]
  if (match === undefined)
    return [{ ...head, kind: 'unevaluated', because: `fieldsMatch \`${fieldsMatch.slice(0, 50)}\` is not known` }]
  return [{ ...head, kind: 'columns', columns, ...match }]
}

const matches: Readonly<Record<string, Readonly<{ ordered: boolean; mayMiss: boolean; mayExceed: boolean }>>> = {
  exact: { ordered: true, mayMiss: false, mayExceed: false },
  equal: { ordered: false, mayMiss: false, mayExceed: false },
  subset: { ordered: false, mayMiss: false, mayExceed: true },
  superset: { ordered: false, mayMiss: true, mayExceed: false },
  partial: { ordered: false, mayMiss: true, mayExceed: true },
}

/** Undefined when it is not understood. */
function typeOf({ type, format = 'default' }: Field): ColumnType | 'any' | undefined {
  if (type === 'any') return 'any'
  const plain = plainTypes[type]
  if (plain !== undefined) return { logical: plain }
  const instant = instantTypes[type]
  if (instant === undefined) return undefined
  if (format === 'default') return { logical: instant }
  const strptime = knownStrptime(format)
  return strptime === undefined || format === 'any' ? undefined : { logical: instant, format: strptime }
}

const plainTypes: Readonly<Record<string, ColumnType['logical']>> = {
  string: 'string',
  number: 'number',
  integer: 'integer',
  boolean: 'boolean',
  year: 'integer',
  object: 'object',
  array: 'array',
}
const instantTypes: Readonly<Record<string, 'date' | 'timestamp' | 'time'>> = {
  date: 'date',
  datetime: 'timestamp',
  time: 'time',
}

function fieldRules(field: Field): readonly Rule[] {
  const head = { column: field.name, severity: error }
  const asked = (name: string, test: ValueTest): Rule => ({
    ...head,
    name: `schema/${name}`,
    kind: 'values',
    test,
    unit: 'rows',
    limit: none,
  })
  const unevaluated = (name: string, because: string): Rule => ({
    ...head,
    name: `schema/${name}`,
    kind: 'unevaluated',
    because,
  })
  const type = typeOf(field)
  const rules: Rule[] = []
  if (type === undefined)
    rules.push(
      unevaluated('type', `the type \`${field.type}\`, format \`${field.format ?? 'default'}\`, is not understood`),
    )
  else if (typeof type === 'object') rules.push(asked('type', { kind: 'type', type }))
  if (field.type === 'string' && field.format !== undefined && field.format !== 'default') {
    const pattern = stringFormats[field.format === 'binary' ? 'byte' : field.format]
    rules.push(
      pattern === undefined
        ? unevaluated('format', `the format \`${field.format.slice(0, 50)}\` is not understood`)
        : asked('format', { kind: 'pattern', pattern, whole: true, called: `not like ${field.format}` }),
    )
  }
  if (field.categories !== undefined) {
    const values = field.categories.map((each) => (typeof each === 'object' && each !== null ? each.value : each))
    rules.push(asked('categories', { kind: 'in', values }))
  }
  return [
    ...rules,
    ...constraintRules(field, typeof type === 'object' ? type : { logical: 'string' }, asked, unevaluated),
  ]
}

function constraintRules(
  { name, constraints: given = {} }: Field,
  type: ColumnType,
  asked: (name: string, test: ValueTest) => Rule,
  unevaluated: (name: string, because: string) => Rule,
): readonly Rule[] {
  const rules: Rule[] = []
  if (given.required === true) rules.push(asked('required', { kind: 'null' }))
  if (given.unique === true)
    rules.push({
      name: 'schema/unique',
      column: name,
      severity: error,
      kind: 'duplicates',
      columns: [name],
      unit: 'rows',
      limit: none,
    })
  const { minLength: min, maxLength: max } = given
  if (min !== undefined || max !== undefined)
    rules.push(
      asked('length', {
        kind: 'length',
        ...(min === undefined ? {} : { min }),
        ...(max === undefined ? {} : { max }),
      }),
    )
  const range = rangeOf(given)
  if (range !== undefined) rules.push(asked('range', { kind: 'range', range, type: type.logical }))
  if (given.pattern !== undefined)
    rules.push(asked('pattern', { kind: 'pattern', pattern: given.pattern, whole: true }))
  if (given.enum !== undefined) rules.push(asked('enum', { kind: 'in', values: given.enum }))
  for (const other of Object.keys(given)) {
    if (!(other in constraints.shape)) rules.push(unevaluated(other.slice(0, 50), 'the constraint is not evaluated'))
  }
  return rules
}

function rangeOf(given: z.infer<typeof constraints>): Range | undefined {
  const min = given.exclusiveMinimum ?? given.minimum
  const max = given.exclusiveMaximum ?? given.maximum
  if (min === undefined && max === undefined) return undefined
  return {
    ...(min === undefined ? {} : { min }),
    ...(max === undefined ? {} : { max }),
    ...(given.exclusiveMinimum === undefined ? {} : { exclusiveMin: true }),
    ...(given.exclusiveMaximum === undefined ? {} : { exclusiveMax: true }),
  }
}

function keyRules(table: string, schema: TableSchema): readonly Rule[] {
  const rules: Rule[] = []
  const unique = (name: string, columns: readonly string[]): Rule => ({
    name,
    column: columns.length === 1 ? (columns[0] ?? null) : null,
    severity: error,
    kind: 'duplicates',
    columns,
    unit: 'rows',
    limit: none,
  })
  for (const column of schema.primaryKey ?? [])
    rules.push({
      name: 'schema/required',
      column,
      severity: error,
      kind: 'values',
      test: { kind: 'null' },
      unit: 'rows',
      limit: none,
    })
  if (schema.primaryKey !== undefined) rules.push(unique('schema/primary-key', schema.primaryKey))
  for (const columns of schema.uniqueKeys ?? []) rules.push(unique('schema/unique', columns))
  for (const { fields: columns, reference } of schema.foreignKeys ?? []) {
    const column = columns.length === 1 ? (columns[0] ?? null) : null
    const targetTable = reference.resource === '' ? table : reference.resource
    rules.push({
      name: 'schema/foreign-key',
      column,
      severity: error,
      kind: 'foreign-key',
      columns,
      table: targetTable,
      targets: reference.fields,
    })
  }
  return rules
}

function leftOut({ missingValues }: TableSchema): readonly Rule[] {
  const words = (missingValues ?? []).map((each) => (typeof each === 'string' ? each : each.value))
  if (words.every((word) => word === '')) return []
  const because = 'words that stand for null, other than nothing at all, are not read as null'
  return [{ name: 'schema/missing-values', column: null, severity: error, kind: 'unevaluated', because }]
}
