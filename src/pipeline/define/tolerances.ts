/** `reproducible` of assay.yaml: by how much an out may differ when its stage is run again, and why. */
import type { Tolerance } from '../../reproducibility/index.ts'
import { faultAt } from './fault.ts'
import { byPath, either, fitting, listOf, mapOf, projectPath, record, type Shape, simple, text } from './shape.ts'
import { isList, isMap, pythonText, type Value, type ValueMap } from './value.ts'

const numeric = (wants: string, fits: (value: number) => boolean): Shape =>
  simple(wants, (value) => (typeof value === 'bigint' || typeof value === 'number') && fits(Number(value)))
const distance = numeric('a number of 0 or more', (value) => value >= 0 && value < Number.POSITIVE_INFINITY)
const reason = fitting('a reason in words', (value) => value.trim() !== '')

const parts = ['tensor', 'metric', 'column'] as const
const bounds = ['abs', 'rel', 'ulp'] as const
const keys = record(
  {
    ...{ path: projectPath, tensor: text, metric: text, column: text, because: reason, abs: distance },
    rel: numeric('a part from 0 to below 1', (value) => value >= 0 && value < 1),
    ulp: numeric('a whole number of 0 or more', (value) => value >= 0 && Number.isSafeInteger(value)),
  },
  ['path', 'because'],
)
const entry: Shape = {
  wants: 'a map',
  check: (value, name, place, setting) => {
    keys.check(value, name, place, setting)
    const has = (key: string): boolean => isMap(value) && value.has(key)
    if (!bounds.some(has)) throw faultAt(setting.code, place, `${name} has none of abs, rel and ulp`, 'give it a bound')
    if (parts.filter(has).length > 1)
      throw faultAt(
        setting.code,
        place,
        `${name} has more than one of tensor, metric and column`,
        'write an entry each',
      )
  },
}
const list = listOf(entry)
const short = byPath(either(distance, mapOf(distance)))

/**
 * A list, `[{path: metrics.json, metric: loss, abs: 1e-6, because: WHY}]`; or, with one reason beside it for all of them,
 * path -> how much, or path -> name -> how much, both absolute.
 */
export const reproducibleShape: Shape = {
  wants: 'a map',
  check: (value, name, place, setting) => {
    const isListed = isMap(value) && isList(value.get('tolerance') ?? null)
    const shape = isListed
      ? record({ tolerance: list })
      : record({ tolerance: either(list, short), because: reason }, ['tolerance', 'because'])
    shape.check(value, name, place, setting)
  },
}

/** @param reproducible of the shape above */
export function tolerancesIn(reproducible: ValueMap): readonly Tolerance[] {
  const tolerance = reproducible.get('tolerance') ?? null
  if (isList(tolerance)) return tolerance.flatMap((each) => (isMap(each) ? [listed(each)] : []))
  const because = pythonText(reproducible.get('because') ?? null)
  return isMap(tolerance) ? [...tolerance].flatMap(([path, given]) => shortOf(pythonText(path), given, because)) : []
}

function listed(map: ValueMap): Tolerance {
  const words = [...parts, 'because'].flatMap((key) => (map.has(key) ? [[key, pythonText(map.get(key) ?? null)]] : []))
  const numbers = bounds.flatMap((key) => (map.has(key) ? [[key, Number(map.get(key))]] : []))
  return { path: pythonText(map.get('path') ?? null), ...Object.fromEntries([...words, ...numbers]) }
}

/** A name is that of a tensor, a metric or a column, whichever the file has. */
function shortOf(path: string, given: Value, because: string): readonly Tolerance[] {
  if (!isMap(given)) return [{ path, abs: Number(given), because }]
  return [...given].flatMap(([name, abs]) =>
    parts.map((part) => ({ path, [part]: pythonText(name), abs: Number(abs), because })),
  )
}
