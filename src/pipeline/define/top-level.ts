/**
 * `metrics`, `plots`, `params`, `artifacts` and `datasets` beside the stages: nothing is run from them, but their
 * templates must fit, and readers want to know what they name.
 */
import type { Json } from '../../core/index.ts'
import type { TopLevel } from '../definition.ts'
import { faultAt, type Place, quoted } from './fault.ts'
import { type Filling, filled, refuseMalformed } from './interpolate.ts'
import { isList, isMap, type Key, kindOf, pythonText, toJson, type Value, type ValueMap } from './value.ts'

/** @throws ERR_DEFINITION_INVALID when a template names nothing, as DVC when it reads the file */
export function topLevelOf(top: ValueMap, filling: Filling, start: Place): TopLevel {
  const section = (name: string): readonly Json[] => {
    const value = top.get(name)
    return value === undefined ? [] : entriesOf(name, value, filling, filling.places.ofValue(top, name))
  }
  return {
    metrics: section('metrics'),
    plots: section('plots'),
    params: section('params'),
    datasets: section('datasets'),
    artifacts: artifactsOf(top.get('artifacts') ?? null, filling, start),
  }
}

function artifactsOf(artifacts: Value, filling: Filling, start: Place): Readonly<Record<string, Json>> {
  if (!isMap(artifacts)) return {}
  return Object.fromEntries(
    [...artifacts].map(([key, artifact]) => {
      const place = filling.places.ofKey(artifacts, key)
      return [artifactName(key, filling, place), fillOne(artifact, filling, place.line === 0 ? start : place)]
    }),
  )
}

function artifactName(key: Key, filling: Filling, place: Place): string {
  const name = typeof key === 'string' ? filled(key, filling, place) : key
  if (typeof name === 'string') return name
  const what = `the artifact's name ${quoted(pythonText(key))} is ${kindOf(name)}, it must be text`
  throw faultAt('ERR_DEFINITION_INVALID', place, what)
}

function fillOne(value: Value, filling: Filling, place: Place): Json {
  refuseMalformed(value, filling.places, place)
  return toJson(filled(value, filling, place))
}

/** `datasets` has no schema: what Python can iterate passes. */
function entriesOf(section: string, value: Value, filling: Filling, place: Place): readonly Json[] {
  if (isList(value)) {
    return value.map((item, index) => {
      const known = filling.places.ofValue(value, index)
      return fillOne(item, filling, known.line === 0 ? place : known)
    })
  }
  if (isMap(value)) return [...value.keys()].map((key) => fillOne(pythonText(key), filling, place))
  if (typeof value === 'string') return [...value]
  throw faultAt('ERR_DEFINITION_INVALID', place, `\`${section}\` is ${kindOf(value)}, it must be a list`)
}
