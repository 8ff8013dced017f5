/**
 * Parameters: the tree of a params file, and the values that a stage depends on.
 *
 * By suffix as DVC: `.json`, `.toml`, `.py`, and YAML for all else.
 */
import { comparePaths, type Json } from '../../core/index.ts'
import { faultAt } from './fault.ts'
import { readJsonValue } from './json.ts'
import { type Overrides, overridden } from './overrides.ts'
import { type ParamsTree, valueAt, wholeFile } from './params-tree.ts'
import { readPython } from './python.ts'
import { readToml } from './toml.ts'
import { isMap, pythonText, toJson, type ValueMap } from './value.ts'
import { decodeText, readYaml } from './yaml.ts'

/**
 * Trust: `bytes` are attacker-controlled.
 *
 * @param path the project path; its suffix says the format
 * @throws ERR_PARAMS_INVALID when the bytes are not of that format, or a change names a parameter that is not there
 */
export function readParams(bytes: Uint8Array, path: string, overrides?: Overrides): ParamsTree {
  const tree = parsed(bytes, path)
  const changes = overrides?.get(path)
  return changes === undefined ? tree : { file: tree.file, root: overridden(tree, changes) }
}

function parsed(bytes: Uint8Array, file: string): ParamsTree {
  const suffix = /[^/](\.[^./]+)$/.exec(file)?.[1]?.toLowerCase()
  if (suffix !== '.json' && suffix !== '.toml' && suffix !== '.py') {
    const { root, places } = readYaml(bytes, file, 'ERR_PARAMS_INVALID')
    return { file, root, places }
  }
  const text = decodeText(bytes, file, 'ERR_PARAMS_INVALID')
  const read = suffix === '.json' ? readJsonValue : suffix === '.toml' ? readToml : readPython
  return { file, root: read(text, file) }
}

/**
 * The values of dotted keys, as JSON. Lists are entered by index: `layers.0.units`.
 *
 * @param keys empty for the whole file: all its top-level keys
 * @returns key -> value. Numbers that JSON cannot hold are their Python text (`nan`, integers beyond 2^53)
 * @throws ERR_PARAMS_INVALID when a key is not there
 */
export function paramValues(tree: ParamsTree, keys: readonly string[]): Record<string, Json> {
  if (keys.length > 0) return Object.fromEntries(keys.map((key) => [key, toJson(valueAt(tree, key))]))
  if (!isMap(tree.root)) throw faultAt('ERR_PARAMS_INVALID', wholeFile(tree), 'it holds no map of parameters')
  return toJson(tree.root) as Record<string, Json> // the JSON of a map is an object
}

/** The same values as they stand in dvc.lock: Python's own, by the names of the keys in order. */
export function lockedParams(tree: ParamsTree, keys: readonly string[]): ValueMap {
  const values =
    keys.length === 0 && isMap(tree.root) ? [...tree.root] : keys.map((key) => [key, valueAt(tree, key)] as const)
  return new Map(values.toSorted(([left], [right]) => comparePaths(pythonText(left), pythonText(right))))
}
