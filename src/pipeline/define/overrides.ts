/** `--set key=value`: changes that a user makes to parameters for one run. They count as dirty (trust.md section 2). */
import { DomainError } from '../../core/index.ts'
import { faultAt } from './fault.ts'
import { childOf, type ParamsTree, valueAt } from './params-tree.ts'
import { isList, isMap, type Key, type Value } from './value.ts'
import { readYaml } from './yaml.ts'

/** Params file (project path) -> dotted key -> the new value, written as YAML. */
export type Overrides = ReadonlyMap<string, ReadonlyMap<string, string>>

/**
 * `lr=0.1` changes `params.yaml`; `conf/model.yaml:layers.0.units=32` another file. Values are YAML.
 *
 * @throws ERR_USAGE when a change has no `=` or no key
 */
export function parseOverrides(changes: readonly string[]): Overrides {
  const files = new Map<string, Map<string, string>>()
  for (const change of changes) {
    const [, target = '', value] = /^([^=]*)=([\s\S]*)$/.exec(change) ?? []
    const colon = target.lastIndexOf(':')
    const file = colon < 0 ? 'params.yaml' : target.slice(0, colon)
    const key = target.slice(colon + 1)
    if (value === undefined || key === '' || file === '') {
      throw new DomainError('ERR_USAGE', `\`${change.slice(0, 100)}\` changes no parameter`, {
        help: 'write --set key=value, or --set file.yaml:key=value',
      })
    }
    const keys = files.get(file) ?? new Map<string, string>()
    files.set(file, keys.set(key, value))
  }
  return files
}

/** The tree with the changes in it. @throws ERR_PARAMS_INVALID when one names a parameter that the file does not have */
export function overridden(tree: ParamsTree, changes: ReadonlyMap<string, string>): Value {
  let root = tree.root
  for (const [key, text] of changes) {
    valueAt({ ...tree, root }, key)
    root = replaced(root, key.split('.'), newValue(key, text))
  }
  return root
}

function newValue(key: string, text: string): Value {
  if (text.trim() === '') return text
  const wrapped = readYaml(Buffer.from(`- ${text}\n`), `--set ${key}`, 'ERR_PARAMS_INVALID').root
  const [value] = isList(wrapped) && wrapped.length === 1 ? wrapped : []
  if (value === undefined) {
    throw faultAt('ERR_PARAMS_INVALID', { file: `--set ${key}`, line: 0, column: 0 }, 'the value is not one YAML value')
  }
  return value
}

function replaced(value: Value, names: readonly string[], leaf: Value): Value {
  const [name, ...rest] = names
  if (name === undefined) return leaf
  const inside = childOf(value, name)
  if (inside === undefined) throw new Error('a change was checked and its parameter is gone')
  const child = replaced(inside.value, rest, leaf)
  if (isMap(value))
    return new Map([...value].map(([key, item]) => [key, key === inside.key ? child : item] as [Key, Value]))
  return isList(value) ? value.map((item, index) => (index === inside.key ? child : item)) : value
}
