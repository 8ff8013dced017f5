/**
 * Stages of a file by name: a plain one is itself, `foreach` and `matrix` make many.
 *
 * SOURCE: dvc/parsing/__init__.py, ForeachDefinition and MatrixDefinition. Equal names collapse into the place of the
 * first with the value of the last; a value that came from a template is named by Python's `str` (`True`), one that
 * was written by YAML's word (`true`).
 */
import { refuseForeign, textKeyed } from './context.ts'
import { expressionsOf } from './expression.ts'
import { faultAt, type Place, quoted } from './fault.ts'
import { type Filling, filled, filledText } from './interpolate.ts'
import { maxStages } from './limits.ts'
import { isForeign, isList, isMap, kindOf, pythonText, templateText, type Value, type ValueMap } from './value.ts'

/** A stage before its own templates are filled in. */
export type StageSeed = Readonly<{
  name: string
  /** The stage's map; the same object for all stages of a loop. */
  template: ValueMap
  loop: ReadonlyMap<string, Value>
  place: Place
}>

/** One value of a loop; `named` when it came from a template, which changes how it is printed in a name. */
type Item = Readonly<{ value: Value; named: boolean }>

export function seedsOf(stages: ValueMap, filling: Filling): readonly StageSeed[] {
  const seeds: StageSeed[] = []
  for (const [key, definition] of stages) {
    const place = filling.places.ofKey(stages, key)
    const name = String(key)
    if (!isMap(definition)) continue // the shape was checked: every stage is a map
    seeds.push(...seedsOfOne(name, definition, { ...filling, allow: 'any' }, place))
    if (seeds.length > maxStages) throw tooMany(place)
  }
  return seeds
}

function seedsOfOne(name: string, definition: ValueMap, filling: Filling, place: Place): readonly StageSeed[] {
  if (definition.has('matrix')) return matrixSeeds(name, definition, filling, place)
  if (definition.has('foreach')) return foreachSeeds(name, definition, filling, place)
  if (name === '' || name.includes('@')) {
    throw faultAt('ERR_DEFINITION_INVALID', place, `${quoted(name)} cannot name a stage`, 'choose a name without @')
  }
  return [{ name, template: definition, loop: new Map(), place }]
}

function foreachSeeds(name: string, definition: ValueMap, filling: Filling, place: Place): readonly StageSeed[] {
  const template = definition.get('do')
  const data = definition.get('foreach') ?? null
  const at = filling.places.ofValue(definition, 'foreach')
  const members = foreachMembers(data, filling, at)
  if (!isMap(template)) return []
  const byKey = members.kind === 'map'
  return [...members.items].map(([key, item]) => {
    const loop = new Map<string, Value>([['item', loopValue(item.value, at)]])
    return { name: generated(name, key, at), template, loop: byKey ? loop.set('key', key) : loop, place }
  })
}

type Members = Readonly<{ kind: 'list' | 'map'; items: ReadonlyMap<string, Item> }>

function foreachMembers(data: Value, filling: Filling, at: Place): Members {
  if (isMap(data)) return { kind: 'map', items: literalMembers(data, filling, at) }
  const items = isList(data) ? literalItems(data, filling) : undefined
  const resolved = typeof data === 'string' ? filledText(data, filling, at) : null
  if (items === undefined && isMap(resolved)) {
    const named = [...resolved].map(([key, value]): [string, Item] => [pythonText(key), { value, named: true }])
    return { kind: 'map', items: new Map(named) }
  }
  if (items === undefined && !isList(resolved)) {
    const kind = typeof data === 'string' ? kindOf(resolved) : kindOf(data)
    throw faultAt('ERR_DEFINITION_INVALID', at, `\`foreach\` is ${kind}, it must be a list or a map`)
  }
  const list = items ?? (isList(resolved) ? resolved.map((value): Item => ({ value, named: true })) : [])
  const composite = list.some(({ value }) => isList(value) || isMap(value))
  return { kind: 'list', items: new Map(list.map((item, index) => [composite ? String(index) : nameOf(item), item])) }
}

function literalMembers(data: ValueMap, filling: Filling, at: Place): ReadonlyMap<string, Item> {
  return new Map(
    [...data].map(([key, value]): [string, Item] => {
      const place = filling.places.ofKey(data, key)
      const name = typeof key === 'string' ? loopKey(key, filling, place) : templateText(key)
      return [name, { value: filled(value, filling, at), named: isExact(value) }]
    }),
  )
}

function literalItems(data: readonly Value[], filling: Filling): readonly Item[] {
  return data.map((value, index) => ({
    value: filled(value, filling, filling.places.ofValue(data, index)),
    named: isExact(value),
  }))
}

/** DVC stops at a key that is exactly one template; inside a text it is printed. */
function loopKey(key: string, filling: Filling, place: Place): string {
  if (isExact(key)) {
    throw faultAt('ERR_DEFINITION_INVALID', place, `the key ${quoted(key)} cannot be one template and nothing else`)
  }
  return templateText(filledText(key, filling, place))
}

function isExact(value: Value): boolean {
  if (typeof value !== 'string') return false
  const [only, ...more] = expressionsOf(value)
  return only !== undefined && more.length === 0 && only.end - only.start === value.length
}

function nameOf({ value, named }: Item): string {
  return named ? pythonText(value) : templateText(value)
}

function loopValue(value: Value, place: Place): Value {
  refuseForeign(value, 'the loop', place)
  return textKeyed(value)
}

function matrixSeeds(name: string, definition: ValueMap, filling: Filling, place: Place): readonly StageSeed[] {
  const at = filling.places.ofValue(definition, 'matrix')
  const axes = axesOf(definition.get('matrix') ?? null, filling)
  const count = axes.reduce((product, [, items]) => product * items.length, 1)
  if (count > maxStages) throw tooMany(at)
  const template = new Map([...definition].filter(([key]) => key !== 'matrix'))
  filling.places.copy(definition, template)
  const members = new Map<string, ReadonlyMap<string, Item>>()
  for (let index = 0; index < count; index += 1) {
    const [key, member] = combination(axes, index)
    members.set(key, member)
  }
  return [...members].map(([key, member]) => {
    const item = new Map([...member].map(([axis, { value }]): [string, Value] => [axis, value]))
    return {
      name: generated(name, key, at),
      template,
      loop: new Map<string, Value>([
        ['key', key],
        ['item', item],
      ]),
      place,
    }
  })
}

type Axis = readonly [string, readonly Item[]]

function axesOf(matrix: Value, filling: Filling): readonly Axis[] {
  if (!isMap(matrix)) return []
  const axes = [...matrix].map(([key, data]): Axis => {
    const place = filling.places.ofValue(matrix, key)
    const name = loopKey(String(key), filling, filling.places.ofKey(matrix, key))
    const items = isList(data) ? literalItems(data, filling) : axisOfText(data, filling, place)
    return [name, items.map((item) => ({ ...item, value: loopValue(item.value, place) }))]
  })
  return [...new Map(axes)]
}

/** A text that is no template is a list of its characters, as in Python. */
function axisOfText(data: Value, filling: Filling, place: Place): readonly Item[] {
  const value = typeof data === 'string' ? filledText(data, filling, place) : data
  if (isList(value)) return value.map((item) => ({ value: item, named: true }))
  if (isMap(value)) return [...value.keys()].map((key) => ({ value: pythonText(key), named: false }))
  if (typeof value === 'string' && !isExact(data)) return [...value].map((item) => ({ value: item, named: false }))
  throw faultAt('ERR_DEFINITION_INVALID', place, `the axis is ${kindOf(value)}, it must be a list`)
}

/** The combination number `index` when the last axis turns fastest: its name and its values. */
function combination(axes: readonly Axis[], index: number): readonly [string, ReadonlyMap<string, Item>] {
  const member = new Map<string, Item>()
  const names: string[] = []
  let rest = index
  for (const [axis, items] of axes.toReversed()) {
    const position = rest % items.length
    rest = Math.floor(rest / items.length)
    const item = items[position]
    if (item === undefined) throw new Error('a combination lies outside its axis')
    member.set(axis, item)
    const isNamed = !isList(item.value) && !isMap(item.value) && !isForeign(item.value)
    names.unshift(!isNamed ? `${axis}${position}` : nameOf(item))
  }
  return [names.join('-'), new Map([...member].reverse())]
}

function generated(group: string, key: string, place: Place): string {
  if (key === '' || key.includes('@')) {
    throw faultAt(
      'ERR_DEFINITION_INVALID',
      place,
      `${quoted(`${group}@${key}`)} cannot name a stage`,
      'choose other values',
    )
  }
  return `${group}@${key}`
}

function tooMany(place: Place): Error {
  return faultAt('ERR_INPUT_TOO_LARGE', place, `more than ${maxStages} stages`)
}
