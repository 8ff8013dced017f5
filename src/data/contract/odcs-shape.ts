/** The parts of an Open Data Contract that say something about data. Source: ODCS v3.0.2, v3.1.0, v3.2.0 JSON schemas. */
import type { ErrorObject } from 'ajv/dist/2019.js'
import { nearest } from '../../core/index.ts'
import { schemaOf } from './odcs-schemas.ts'
import type { Scalar } from './rule.ts'
import type { ShippedSchema } from './schema-options.ts'

export type OdcsQuality = Readonly<{
  type?: string
  name?: string
  id?: string
  metric?: string
  rule?: string
  unit?: string
  severity?: string
  arguments?: Readonly<Record<string, unknown>>
  validValues?: readonly unknown[]
  query?: string
  engine?: string
  implementation?: unknown
  mustBe?: unknown
  mustNotBe?: unknown
  mustBeGreaterThan?: number
  mustBeGreaterOrEqualTo?: number
  mustBeLessThan?: number
  mustBeLessOrEqualTo?: number
  mustBeBetween?: readonly [number, number]
  mustNotBeBetween?: readonly [number, number]
}>

export type OdcsRelationship = Readonly<{
  type?: string
  from?: string | readonly string[]
  to: string | readonly string[]
}>

export type OdcsProperty = Readonly<{
  name: string
  id?: string
  physicalName?: string
  logicalType?: string
  logicalTypeOptions?: Readonly<Record<string, unknown>>
  physicalType?: string
  required?: boolean
  unique?: boolean
  primaryKey?: boolean
  primaryKeyPosition?: number
  enum?: readonly Readonly<{ value: Scalar }>[]
  properties?: readonly OdcsProperty[]
  items?: unknown
  relationships?: readonly OdcsRelationship[]
  quality?: readonly OdcsQuality[]
}>

export type OdcsObject = Readonly<{
  name: string
  id?: string
  physicalName?: string
  properties?: readonly OdcsProperty[]
  relationships?: readonly OdcsRelationship[]
  quality?: readonly OdcsQuality[]
}>

export type OdcsSla = Readonly<{ property: string; value: unknown; unit?: string; element?: string }>

export type Odcs = Readonly<{
  apiVersion: string
  id: string
  name?: string
  schema?: readonly OdcsObject[]
  slaProperties?: readonly OdcsSla[]
  slaDefaultElement?: string
}>

/** The schema of 3.1 reads 3.0 too, and the standard's own examples of 3.0 pass only that one. */
const schemas: Readonly<Record<string, readonly ShippedSchema[]>> = {
  'v3.0.0': ['3.0.2', '3.1.0'],
  'v3.0.1': ['3.0.2', '3.1.0'],
  'v3.0.2': ['3.0.2', '3.1.0'],
  'v3.1.0': ['3.1.0'],
  'v3.2.0': ['3.2.0'],
}

export const odcsVersions: readonly string[] = Object.keys(schemas)

/** `path`: keys from the root to the misfit. */
export type Misfit = Readonly<{ path: readonly string[]; because: string; help?: string }>

/** @returns undefined when the document is what a schema of the version asks for */
export function misfitOf(document: unknown, version: string): Misfit | undefined {
  const validations = (schemas[version] ?? []).map((schema) => {
    const validate = schemaOf(schema)
    return validate(document) ? undefined : (validate.errors ?? [])
  })
  if (validations.includes(undefined)) return undefined
  const error = (validations[0] ?? []).toSorted(byTelling)[0]
  if (error === undefined) throw new Error(`no schema for ${version}, or a refusal without an error`)
  return { path: pathOf(error.instancePath), ...tell(error) }
}

/** A key that is not known says most; then what lies deepest. Branches of `oneOf` and `if` say only that they failed. */
function byTelling(left: ErrorObject, right: ErrorObject): number {
  return rank(left) - rank(right) || right.instancePath.length - left.instancePath.length
}

const vague: ReadonlySet<string> = new Set(['if', 'oneOf', 'anyOf', 'allOf', 'not'])

function rank({ keyword }: ErrorObject): number {
  if (keyword === 'additionalProperties') return 0
  if (vague.has(keyword)) return 3
  return keyword === 'unevaluatedProperties' ? 2 : 1
}

function pathOf(pointer: string): readonly string[] {
  return pointer
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
}

function tell({ keyword, params, message }: ErrorObject): Readonly<{ because: string; help?: string }> {
  const extra = params['additionalProperty'] ?? params['unevaluatedProperty']
  if (typeof extra === 'string') {
    const meant = nearest(extra, knownKeys)
    const because = `the key \`${extra.slice(0, 100)}\` is not known here`
    return meant === undefined || meant === extra ? { because } : { because, help: `did you mean \`${meant}\`?` }
  }
  if (keyword === 'enum') return { because: `is none of ${(params['allowedValues'] ?? []).join(', ')}` }
  return { because: message ?? keyword }
}

const knownKeys = (
  'apiVersion kind id name version status schema servers slaProperties description properties logicalType ' +
  'logicalTypeOptions physicalType physicalName required unique primaryKey primaryKeyPosition quality relationships metric mustBe ' +
  'mustNotBe mustBeGreaterThan mustBeGreaterOrEqualTo mustBeLessThan mustBeLessOrEqualTo mustBeBetween mustNotBeBetween ' +
  'arguments severity unit query engine implementation minimum maximum exclusiveMinimum exclusiveMaximum minLength maxLength ' +
  'pattern format multipleOf'
).split(' ')
