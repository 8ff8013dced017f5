/** Relationships of a contract: foreign keys into other tables of the same contract. Source: ODCS v3.1.0, Relationship. */
import type { Odcs, OdcsObject, OdcsProperty, OdcsRelationship } from './odcs-shape.ts'
import type { Rule } from './rule.ts'

type Place = Readonly<{ table: string; column: string }>

export function foreignKeyRules(object: OdcsObject, document: Odcs): readonly Rule[] {
  const ofProperties = (object.properties ?? []).flatMap((property) =>
    (property.relationships ?? []).map((relationship) =>
      ruleOf(relationship, [{ table: object.name, column: property.physicalName ?? property.name }], document),
    ),
  )
  const ofObject = (object.relationships ?? []).map((relationship) => {
    const from = listOf(relationship.from ?? []).map((reference) => placeOf(reference, document))
    return ruleOf(relationship, from, document)
  })
  return [...ofProperties, ...ofObject]
}

function ruleOf(relationship: OdcsRelationship, from: readonly (Place | undefined)[], document: Odcs): Rule {
  const to = listOf(relationship.to).map((reference) => placeOf(reference, document))
  const columns = from.flatMap((place) => (place === undefined ? [] : [place.column]))
  const targets = to.flatMap((place) => (place === undefined ? [] : [place.column]))
  const tables = new Set(to.map((place) => place?.table))
  const [table] = tables
  const column = columns.length === 1 ? (columns[0] ?? null) : null
  const head = { name: 'schema/foreign-key', column, severity: 'error' as const }
  if (relationship.type !== undefined && relationship.type !== 'foreignKey')
    return { ...head, kind: 'unevaluated', because: `relationships of type \`${relationship.type}\` are not known` }
  const isWhole = columns.length === from.length && targets.length === to.length && columns.length === targets.length
  if (table === undefined || tables.size !== 1 || columns.length === 0 || !isWhole) {
    const because = `\`${listOf(relationship.to).join(', ').slice(0, 200)}\` is no column of this contract`
    return { ...head, kind: 'unevaluated', because }
  }
  return { ...head, kind: 'foreign-key', columns, table, targets }
}

function listOf(reference: string | readonly string[]): readonly string[] {
  return typeof reference === 'string' ? [reference] : reference
}

/** `table.column` by names, or `schema/<id>/properties/<id>` by ids. A reference into another file is none of ours. */
function placeOf(reference: string, document: Odcs): Place | undefined {
  const objects = document.schema ?? []
  const [, tableId, columnId] = /^\/?schema\/([^/#]+)\/properties\/([^/#]+)$/.exec(reference) ?? []
  if (tableId !== undefined) {
    const object = objects.find(({ id }) => id === tableId)
    return placed(
      object,
      object?.properties?.find(({ id }) => id === columnId),
    )
  }
  const [tableName, columnName, ...rest] = reference.split('.')
  if (columnName === undefined || rest.length > 0) return undefined
  const object = objects.find(({ name, physicalName }) => name === tableName || physicalName === tableName)
  const property = object?.properties?.find(
    ({ name, physicalName }) => name === columnName || physicalName === columnName,
  )
  return placed(object, property)
}

function placed(object: OdcsObject | undefined, property: OdcsProperty | undefined): Place | undefined {
  if (object === undefined || property === undefined) return undefined
  return { table: object.name, column: property.physicalName ?? property.name }
}
