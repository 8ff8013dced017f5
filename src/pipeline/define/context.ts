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

export type Context = {
  readonly root: Branch
  /** File -> the keys that were taken from it; null is all. */
  readonly loaded: Map<string, readonly string[] | null>
  /** The loop's names: they hide the project's own and may not be redefined. */
  readonly loop: ReadonlyMap<string, Value>
  /** How many maps and values it holds: what a copy costs. */
  size: number
}

export function emptyContext(): Context {
  return { root: { entries: new Map() }, loaded: new Map(), loop: new Map(), size: 0 }
}

/** A copy that may grow without changing the first one; the loop's names stay. */
export function copyOf(context: Context): Context {
  return { ...context, root: cloneOf(context.root), loaded: new Map(context.loaded) }
}

/** @param place of the vars entry, for the refusal */
export function defineVars(context: Context, map: ValueMap, origin: string, place: Place): void {
  const reserved = [...context.loop.keys()].find((name) => map.has(name))
  if (reserved !== undefined) {
    const what = `${quoted(reserved)} is the loop's own name`
    throw faultAt('ERR_DEFINITION_INVALID', place, what, 'choose another name')
  }
  refuseForeign(map, origin, place)
  context.size += merge(context.root, map, { origin, place, path: '' })
}

/** A vars file by its project path; `keys` is undefined for the whole file. */
export type VarsFile = Readonly<{ path: string; keys: readonly string[] | undefined; files: VarsFiles }>

/** @throws ERR_DEFINITION_INVALID when the file is missing, is loaded already in part, or redefines a name */
export function loadVarsFile(context: Context, { path, keys, files }: VarsFile, place: Place): void {
  const before = context.loaded.get(path)
  if (keys === undefined && before === null) return
  refuseSecondLoad(path, keys, before, place)
  const map = mapOf(path, files, place)
  defineVars(context, keys === undefined ? map : selected(map, keys, path, place), path, place)
  context.loaded.set(path, keys === undefined ? null : [...(before ?? []), ...keys])
}

/** The value that an expression names. @throws ERR_DEFINITION_INVALID when it is malformed or names nothing */
export function select({ root, loop }: Context, inner: string, place: Place): Value {
  const shown = quoted(`\${${inner}}`)
  if (!isWellFormed(inner)) {
    throw faultAt('ERR_DEFINITION_INVALID', place, `${shown} is not a template`, templateHelp)
  }
  const names = namesOf(inner)
  const [first = ''] = names
  const looped = loop.get(first)
  const value = looped === undefined ? named(root, names) : walk(looped, names.slice(1))
  if (value !== undefined) return value
  const known = [...loop.keys(), ...root.entries.keys()]
  const near = known.includes(first) ? undefined : suggestion(first, known)
  throw faultAt('ERR_DEFINITION_INVALID', place, `${shown} names nothing that is defined`, near)
}

/** Walks the branches first, so that a name deep in a large file costs its depth and not the file. */
function named(root: Branch, names: readonly string[]): Value | undefined {
  let node: Branch | Leaf | undefined = root
  for (const [index, name] of names.entries()) {
    if (node === undefined) return undefined
    if ('origin' in node) return walk(node.value, names.slice(index))
    node = node.entries.get(name)
  }
  return node === undefined ? undefined : valueBelow(node)
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
