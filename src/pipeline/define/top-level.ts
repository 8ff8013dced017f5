/** `metrics`, `plots`, `params`, `artifacts` and `datasets` beside the stages: nothing is run from them, templates must fit. */
import { faultAt, type Place, quoted } from './fault.ts'
import { type Filling, filled, refuseMalformed } from './interpolate.ts'
import { isList, isMap, kindOf, type Value, type ValueMap } from './value.ts'

/** @throws ERR_DEFINITION_INVALID when a template names nothing, as DVC when it reads the file */
export function refuseTopLevel(top: ValueMap, filling: Filling, start: Place): void {
  for (const section of ['metrics', 'plots', 'params', 'datasets']) {
    const value = top.get(section)
    if (value !== undefined) fillOne(entriesOf(section, value, filling.places.ofValue(top, section)), filling, start)
  }
  const artifacts = top.get('artifacts') ?? null
  if (!isMap(artifacts)) return
  for (const [key, artifact] of artifacts) {
    const place = filling.places.ofKey(artifacts, key)
    const name = filled(key as Value, filling, place)
    if (typeof name !== 'string') {
      throw faultAt('ERR_DEFINITION_INVALID', place, `the artifact's name ${quoted(String(key))} is ${kindOf(name)}`)
    }
    fillOne(artifact, filling, place)
  }
}

function fillOne(value: Value, filling: Filling, place: Place): void {
  refuseMalformed(value, filling.places, place)
  filled(value, filling, place)
}

/** `datasets` has no schema: what Python can iterate passes. */
function entriesOf(section: string, value: Value, place: Place): Value {
  if (isList(value)) return value
  if (isMap(value)) return [...value.keys()]
  if (typeof value === 'string') return [...value]
  throw faultAt('ERR_DEFINITION_INVALID', place, `\`${section}\` is ${kindOf(value)}, it must be a list`)
}
