/**
 * Open Data Contract Standard 3.0 to 3.2, read natively: schema objects become tables with rules.
 *
 * Names of columns are those of the data (`physicalName`, else `name`). Prose, other tools' engines and service levels
 * that no file can answer are told as not evaluated.
 * Source: ODCS v3.1.0, schema/odcs-json-schema-v3.1.0.json; docs/reference/data-contracts.md says what is read.
 */
import { foreignKeyRules } from './odcs-keys.ts'
import { qualityRules } from './odcs-quality.ts'
import type { Odcs, OdcsObject, OdcsProperty } from './odcs-shape.ts'
import { serviceLevelRules } from './odcs-sla.ts'
import { optionRules, typeOf } from './odcs-type.ts'
import { none, type Rule, type TableContract } from './rule.ts'

/** `document` has passed the JSON schema of its version. */
export function tablesOfOdcs(document: Odcs): readonly TableContract[] {
  return (document.schema ?? []).map((object) => tableOf(object, document))
}

function tableOf(object: OdcsObject, document: Odcs): TableContract {
  const properties = object.properties ?? []
  const types = properties.flatMap((property) => {
    const type = typeOf(property)
    return type === undefined ? [] : [[columnOf(property), type] as const]
  })
  return {
    name: object.name,
    ...(object.physicalName === undefined ? {} : { physicalName: object.physicalName }),
    types: Object.fromEntries(types),
    rules: [
      ...properties.flatMap(propertyRules),
      ...primaryKeyRules(properties),
      ...foreignKeyRules(object, document),
      ...qualityRules(object.quality ?? [], null),
      ...serviceLevelRules(object, document),
    ],
  }
}

/** The name that the data has for a property. */
export function columnOf({ physicalName, name }: OdcsProperty): string {
  return physicalName ?? name
}

function propertyRules(property: OdcsProperty): readonly Rule[] {
  const column = columnOf(property)
  const head = { column, severity: 'error' as const }
  const rules: Rule[] = [{ ...head, name: 'schema/present', kind: 'present' }, ...optionRules(property)]
  if (property.required === true || property.primaryKey === true) {
    rules.push({ ...head, name: 'schema/required', kind: 'values', test: { kind: 'null' }, unit: 'rows', limit: none })
  }
  if (property.unique === true) {
    rules.push({ ...head, name: 'schema/unique', kind: 'duplicates', columns: [column], unit: 'rows', limit: none })
  }
  if (property.enum !== undefined) {
    const values = property.enum.map(({ value }) => value)
    rules.push({
      ...head,
      name: 'schema/enum',
      kind: 'values',
      test: { kind: 'in', values },
      unit: 'rows',
      limit: none,
    })
  }
  if (property.properties !== undefined || property.items !== undefined) {
    const because = 'what lies inside objects and arrays is not looked into'
    rules.push({ ...head, name: 'schema/nested', kind: 'unevaluated', because })
  }
  return [...rules, ...qualityRules(property.quality ?? [], column)]
}

function primaryKeyRules(properties: readonly OdcsProperty[]): readonly Rule[] {
  const keys = properties
    .filter(({ primaryKey }) => primaryKey === true)
    .toSorted((left, right) => (left.primaryKeyPosition ?? -1) - (right.primaryKeyPosition ?? -1))
  const columns = keys.map(columnOf)
  const [first, ...more] = columns
  if (first === undefined) return []
  const column = more.length === 0 ? first : null
  return [
    { name: 'schema/primary-key', column, severity: 'error', kind: 'duplicates', columns, unit: 'rows', limit: none },
  ]
}
