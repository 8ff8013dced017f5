/**
 * Service levels that a file can answer: how fresh its newest instant is.
 *
 * `latency` and `freshness` with an element `table.column` are evaluated; `frequency` and `retention` speak of data and
 * are told as not evaluated; hours of support and availability do not speak of data. Source: ODCS v3.1.0, slaProperties.
 */
import type { Odcs, OdcsObject, OdcsSla } from './odcs-shape.ts'
import type { Rule } from './rule.ts'

const dayMs = 86_400_000
const unitsMs: Readonly<Record<string, number>> = {
  s: 1000,
  second: 1000,
  min: 60_000,
  minute: 60_000,
  h: 3_600_000,
  hr: 3_600_000,
  hour: 3_600_000,
  d: dayMs,
  day: dayMs,
  w: 7 * dayMs,
  week: 7 * dayMs,
  y: 365 * dayMs,
  yr: 365 * dayMs,
  year: 365 * dayMs,
}

export function serviceLevelRules(object: OdcsObject, document: Odcs): readonly Rule[] {
  return (document.slaProperties ?? []).flatMap((level) => ruleOf(level, object, document))
}

function ruleOf(level: OdcsSla, object: OdcsObject, document: Odcs): readonly Rule[] {
  const property = level.property.toLowerCase()
  const name = `sla/${property.slice(0, 50)}`
  if (property === 'frequency' || property === 'retention') {
    const because = 'one file does not show it'
    return [{ name, column: null, severity: 'warning', kind: 'unevaluated', because }]
  }
  if (property !== 'latency' && property !== 'freshness') return []
  const elements = (level.element ?? document.slaDefaultElement ?? '').split(',').map((element) => element.trim())
  return elements.flatMap((element) => freshnessRule(name, element, level, object, document))
}

function freshnessRule(
  name: string,
  element: string,
  level: OdcsSla,
  object: OdcsObject,
  document: Odcs,
): readonly Rule[] {
  const [table, column = ''] = element.split('.')
  const isOfOther = (document.schema ?? []).some((other) => other !== object && other.name === table)
  if (isOfOther) return []
  const property = object.properties?.find((each) => each.name === column || each.physicalName === column)
  const maxAgeMs = ageMs(level)
  if (property === undefined || maxAgeMs === undefined) {
    const what = property === undefined ? `its element \`${element.slice(0, 100)}\`` : 'its value or unit'
    return [{ name, column: null, severity: 'error', kind: 'unevaluated', because: `${what} is not understood` }]
  }
  return [{ name, column: property.physicalName ?? property.name, severity: 'error', kind: 'freshness', maxAgeMs }]
}

function ageMs({ value, unit = 'd' }: OdcsSla): number | undefined {
  const factor = unitsMs[unit.toLowerCase()] ?? unitsMs[unit.toLowerCase().replace(/s$/, '')]
  const count = typeof value === 'string' && value.trim() !== '' ? Number(value) : value
  return factor !== undefined && typeof count === 'number' && count >= 0 ? count * factor : undefined
}
