/** The tree of a params file, and the way through it by dotted keys. */
import { faultAt, type Place, quoted, suggestion } from './fault.ts'
import { isForeign, isList, isMap, type Key, pythonText, type Value } from './value.ts'
import type { Places } from './yaml.ts'

/** A params file after it was read, with the user's `--set` changes in it. */
export type ParamsTree = Readonly<{ file: string; root: Value; places?: Places }>

/** The value of one dotted key. @throws ERR_PARAMS_INVALID */
export function valueAt(tree: ParamsTree, key: string): Value {
  let value = tree.root
  for (const [index, name] of key.split('.').entries()) {
    const inside = childOf(value, name)
    if (inside === undefined) throw missing(tree, key, value, index)
    value = inside.value
  }
  return value
}

/** One step down, by the text of a map's key or by the index of a list. */
export function childOf(value: Value, name: string): Readonly<{ key: Key | number; value: Value }> | undefined {
  if (isMap(value)) {
    const direct = value.get(name)
    if (direct !== undefined) return { key: name, value: direct }
    const entry = [...value].find(([key]) => typeof key !== 'string' && pythonText(key) === name)
    return entry === undefined ? undefined : { key: entry[0], value: entry[1] }
  }
  const items = isList(value) ? value : isForeign(value) && value.foreign === 'tuple' ? (value.items ?? []) : []
  const item = /^(?:0|[1-9]\d{0,8})$/.test(name) ? items[Number(name)] : undefined
  return item === undefined ? undefined : { key: Number(name), value: item }
}

function missing(tree: ParamsTree, key: string, at: Value, index: number): Error {
  const names = key.split('.')
  const known = isMap(at) ? [...at.keys()].map(pythonText) : []
  const near = suggestion(names[index] ?? '', known)
  const place = index === 0 ? wholeFile(tree) : placeOfKey(tree, names.slice(0, index))
  return faultAt('ERR_PARAMS_INVALID', place, `the parameter ${quoted(key)} is not there`, near)
}

export function wholeFile(tree: ParamsTree): Place {
  return { file: tree.file, line: 0, column: 0 }
}

function placeOfKey(tree: ParamsTree, names: readonly string[]): Place {
  let value = tree.root
  let place = wholeFile(tree)
  for (const name of names) {
    const inside = childOf(value, name)
    if (inside === undefined) break
    place = tree.places?.ofKey(value, inside.key) ?? place
    value = inside.value
  }
  return place
}
