/**
 * What templates can name: `params.yaml`, `vars`, and in a loop `item` and `key`.
 *
 * SOURCE: dvc/parsing/context.py. Files and vars merge map into map; a name is never defined twice. Only text keys
 * can be named; a date anywhere stops DVC, used or not.
 */

import { isWellFormed, namesOf, templateHelp } from './expression.ts'
import { faultAt, type Place, quoted, suggestion } from './fault.ts'
import type { ParamsTree } from './params-tree.ts'
import { isForeign, isList, isMap, type Key, kindOf, type Value, type ValueMap } from './value.ts'

type Branch = { readonly entries: Map<string, Branch | Leaf> }
type Leaf = Readonly<{ value: Value; origin: string }>

/** Looks a name up, or nothing. */
export type Lookup = (name: string) => Value | undefined

/** Reads a vars file; undefined when there is none. */
export type VarsFiles = Readonly<{
  read(path: string): ParamsTree | undefined
  isFolder(path: string): boolean
}>

export class Context {
  readonly #root: Branch
  /** File -> the keys that were taken from it; null is all. */
  readonly #loaded: Map<string, readonly string[] | null>
  #loop: ReadonlyMap<string, Value> = new Map()
  /** How many maps and values it holds: what a copy costs. */
  #size = 0

  constructor(
    root: Branch = { entries: new Map() },
    loaded: ReadonlyMap<string, readonly string[] | null> = new Map(),
  ) {
    this.#root = root
    this.#loaded = new Map(loaded)
  }

  /** A copy that may grow without changing this one; the loop's names stay. */
  clone(): Context {
    const copy = new Context(cloneOf(this.#root), this.#loaded)
    copy.#loop = this.#loop
    copy.#size = this.#size
    return copy
  }

  /** Runs `body` while the loop's names are set; they hide the project's own and may not be redefined. */
  within<Result>(loop: ReadonlyMap<string, Value>, body: () => Result): Result {
    const before = this.#loop
    this.#loop = loop
    try {
      return body()
    } finally {
      this.#loop = before
    }
  }

  get size(): number {
    return this.#size
  }

  /** @param place of the vars entry, for the refusal */
  define(map: ValueMap, origin: string, place: Place): void {
    const reserved = [...this.#loop.keys()].find((name) => map.has(name))
    if (reserved !== undefined) {
      throw faultAt(
        'ERR_DEFINITION_INVALID',
        place,
        `${quoted(reserved)} is the loop's own name`,
        'choose another name',
      )
    }
    refuseForeign(map, origin, place)
    this.#size += merge(this.#root, map, { origin, place, path: '' })
  }

  /**
   * @param path project path of the file
   * @param keys undefined for the whole file
   * @throws ERR_DEFINITION_INVALID when the file is missing, is loaded already in part, or redefines a name
   */
  load(path: string, keys: readonly string[] | undefined, files: VarsFiles, place: Place): void {
    const before = this.#loaded.get(path)
    if (keys === undefined && before === null) return
    refuseSecondLoad(path, keys, before, place)
    const map = mapOf(path, files, place)
    this.define(keys === undefined ? map : selected(map, keys, path, place), path, place)
    this.#loaded.set(path, keys === undefined ? null : [...(before ?? []), ...keys])
  }

  /** The value that an expression names. @throws ERR_DEFINITION_INVALID when it is malformed or names nothing */
  select(inner: string, place: Place): Value {
    const shown = quoted(`\${${inner}}`)
    if (!isWellFormed(inner)) {
      throw faultAt('ERR_DEFINITION_INVALID', place, `${shown} is not a template`, templateHelp)
    }
    const names = namesOf(inner)
    const [first = ''] = names
    const looped = this.#loop.get(first)
    const value = looped === undefined ? this.#named(names) : walk(looped, names.slice(1))
    if (value !== undefined) return value
    const known = [...this.#loop.keys(), ...this.#root.entries.keys()]
    const near = known.includes(first) ? undefined : suggestion(first, known)
    throw faultAt('ERR_DEFINITION_INVALID', place, `${shown} names nothing that is defined`, near)
  }

  /** Walks the branches first, so that a name deep in a large file costs its depth and not the file. */
  #named(names: readonly string[]): Value | undefined {
    let node: Branch | Leaf | undefined = this.#root
    for (const [index, name] of names.entries()) {
      if (node === undefined) return undefined
      if ('origin' in node) return walk(node.value, names.slice(index))
      node = node.entries.get(name)
    }
    return node === undefined ? undefined : valueBelow(node)
  }
}

function valueBelow(node: Branch | Leaf): Value {
  if ('origin' in node) return node.value
  return new Map([...node.entries].map(([key, inner]): [Key, Value] => [key, valueBelow(inner)]))
}

function walk(start: Value, names: readonly string[]): Value | undefined {
  let value: Value | undefined = start
  for (const name of names) value = value === undefined ? undefined : step(value, name)
  return value
}

/** Only text keys of a map can be named; a list takes what Python's `int()` reads, from the end when negative. */
function step(value: Value, name: string): Value | undefined {
  if (isMap(value)) return value.get(name)
  if (!isList(value) || !/^[-+]?\d+(?:_\d+)*$/.test(name)) return undefined
  return value.at(Number(name.replaceAll('_', '')))
}

function cloneOf(branch: Branch): Branch {
  return { entries: new Map([...branch.entries].map(([key, node]) => [key, 'origin' in node ? node : cloneOf(node)])) }
}

type Merging = Readonly<{ origin: string; place: Place; path: string }>

/** @returns how many nodes were added */
function merge(into: Branch, map: ValueMap, merging: Merging): number {
  let added = 0
  for (const [key, value] of map) {
    if (typeof key !== 'string') continue
    const path = merging.path === '' ? key : `${merging.path}.${key}`
    const before = into.entries.get(key)
    if (before === undefined) {
      const branch: Branch = { entries: new Map() }
      into.entries.set(key, isMap(value) ? branch : { value: textKeyed(value), origin: merging.origin })
      added += isMap(value) ? 1 + merge(branch, value, { ...merging, path }) : 1
    } else if (isMap(value) && !('origin' in before)) added += merge(before, value, { ...merging, path })
    else throw redefined(path, before, merging)
  }
  return added
}

/** Keys that are no text vanish, at every depth. */
export function textKeyed(value: Value): Value {
  if (isList(value)) return value.map(textKeyed)
  if (!isMap(value)) return value
  return new Map([...value].filter(([key]) => typeof key === 'string').map(([key, item]) => [key, textKeyed(item)]))
}

function redefined(path: string, before: Branch | Leaf, { origin, place }: Merging): Error {
  const where = 'origin' in before ? ` in \`${before.origin}\`` : ''
  return faultAt('ERR_DEFINITION_INVALID', place, `${quoted(path)} of \`${origin}\` is defined already${where}`)
}

/** DVC stops at a date, a set or a tuple wherever a template could see it. */
export function refuseForeign(value: Value, origin: string, place: Place): void {
  if (isList(value)) for (const item of value) refuseForeign(item, origin, place)
  if (isMap(value)) {
    for (const [key, item] of value) if (typeof key === 'string') refuseForeign(item, origin, place)
  }
  if (!isForeign(value) || value.foreign === 'bytes') return
  const what = `\`${origin}\` holds ${kindOf(value)}, which templates cannot hold`
  throw faultAt('ERR_DEFINITION_INVALID', place, what, `quote it: '${value.text.slice(0, 40)}'`)
}

function refuseSecondLoad(
  path: string,
  keys: readonly string[] | undefined,
  before: readonly string[] | null | undefined,
  place: Place,
): void {
  if (before === undefined) return
  const again = before !== null && keys?.some((key) => before.includes(key))
  if (before === null || keys === undefined || again) {
    throw faultAt('ERR_DEFINITION_INVALID', place, `\`${path}\` is loaded already, in whole or in part`)
  }
}

function mapOf(path: string, files: VarsFiles, place: Place): ValueMap {
  if (files.isFolder(path)) throw faultAt('ERR_DEFINITION_INVALID', place, `the vars file ${quoted(path)} is a folder`)
  const tree = files.read(path)
  if (tree === undefined) throw faultAt('ERR_DEFINITION_INVALID', place, `the vars file ${quoted(path)} does not exist`)
  if (isMap(tree.root)) return tree.root
  throw faultAt('ERR_DEFINITION_INVALID', place, `the vars file ${quoted(path)} holds ${kindOf(tree.root)} and no map`)
}

function selected(map: ValueMap, keys: readonly string[], path: string, place: Place): ValueMap {
  return new Map(
    keys.map((key): [Key, Value] => {
      const value = map.get(key)
      if (value !== undefined) return [key, value]
      const near = suggestion(
        key,
        [...map.keys()].filter((known) => typeof known === 'string'),
      )
      throw faultAt('ERR_DEFINITION_INVALID', place, `${quoted(path)} has no key ${quoted(key)}`, near)
    }),
  )
}
