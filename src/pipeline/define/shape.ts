/** Shapes of a document, as small validators that name the place of what does not fit. Built up in `dvc-shape.ts`. */
import { DomainError, type ErrorCode, parseProjectPath } from '../../core/index.ts'
import { faultAt, type Place, quoted, suggestion } from './fault.ts'
import { isList, isMap, kindOf, templateText, type Value, type ValueMap } from './value.ts'
import type { Places } from './yaml.ts'

export type Setting = Readonly<{ places: Places; code: ErrorCode }>
/** Throws when `value` does not fit. `name` says what it is, for the message. */
export type Shape = Readonly<{ wants: string; check(value: Value, name: string, place: Place, setting: Setting): void }>

export const anything: Shape = { wants: 'anything', check: () => {} }
export const text: Shape = simple('text', (value) => typeof value === 'string')
export const truth: Shape = simple('true or false', (value) => typeof value === 'boolean')
/** Python's `isinstance(x, int)` takes booleans too. */
export const integer: Shape = simple('an integer', (value) => typeof value === 'bigint' || typeof value === 'boolean')
export const anyMap: Shape = simple('a map', isMap)
export const anyList: Shape = simple('a list', isList)
export const nothing: Shape = simple('nothing', (value) => value === null)
export const projectPath: Shape = parsedBy('a path', parseProjectPath)

export function simple(wants: string, fits: (value: Value) => boolean): Shape {
  return {
    wants,
    check: (value, name, place, setting) => {
      if (!fits(value)) throw unfit(value, name, wants, place, setting)
    },
  }
}

/** Text that `fits`; `wants` says what it must be. */
export function fitting(wants: string, fits: (value: string) => boolean): Shape {
  return {
    wants: 'text',
    check: (value, name, place, setting) => {
      if (typeof value !== 'string') throw unfit(value, name, wants, place, setting)
      if (!fits(value)) throw faultAt(setting.code, place, `${name} is ${quoted(value)}, it must be ${wants}`)
    },
  }
}

/** A domain's own parser decides; its refusal gets the place. */
export function parsedBy(wants: string, parse: (value: string) => unknown): Shape {
  return {
    wants: 'text',
    check: (value, name, place, setting) => {
      if (typeof value !== 'string') throw unfit(value, name, wants, place, setting)
      try {
        parse(value)
      } catch (cause) {
        if (!(cause instanceof DomainError)) throw cause
        throw faultAt(setting.code, place, `${name}: ${cause.message}`, cause.help)
      }
    },
  }
}

/** The first whose type fits decides; its own message stands when it is the last. */
export function either(...shapes: readonly Shape[]): Shape {
  const wants = shapes.map((shape) => shape.wants).join(' or ')
  return {
    wants,
    check: (value, name, place, setting) => {
      const shape = shapes.find((candidate) => takes(candidate, value))
      if (shape === undefined) throw unfit(value, name, wants, place, setting)
      shape.check(value, name, place, setting)
    },
  }
}

/** True when the kind of `value` is the one that the shape is about, so that its message is the useful one. */
function takes(shape: Shape, value: Value): boolean {
  if (shape === anything) return true
  if (shape.wants.startsWith('a list')) return isList(value)
  if (shape.wants.startsWith('a map')) return isMap(value)
  if (shape.wants === 'nothing') return value === null
  return shape.wants === 'text' ? typeof value === 'string' : !isList(value) && !isMap(value)
}

export function listOf(item: Shape): Shape {
  return {
    wants: 'a list',
    check: (value, name, place, setting) => {
      if (!isList(value)) throw unfit(value, name, 'a list', place, setting)
      for (const [index, entry] of value.entries()) {
        item.check(entry, `entry ${index + 1} of ${name}`, orElse(setting.places.ofValue(value, index), place), setting)
      }
    },
  }
}

/** A map from any text to one shape. */
export function mapOf(item: Shape): Shape {
  return {
    wants: 'a map',
    check: (value, name, place, setting) => {
      for (const [key, entry, at] of entriesOf(value, name, place, setting)) item.check(entry, quoted(key), at, setting)
    },
  }
}

/** A map whose keys are project paths. */
export function byPath(item: Shape): Shape {
  return byKey(projectPath, item)
}

export function byKey(key: Shape, item: Shape): Shape {
  return {
    wants: 'a map',
    check: (value, name, place, setting) => {
      mapOf(item).check(value, name, place, setting)
      if (!isMap(value)) return
      for (const word of value.keys()) key.check(word as Value, 'the key', setting.places.ofKey(value, word), setting)
    },
  }
}

/** A map with known keys and no others. */
export function record(keys: Readonly<Record<string, Shape>>, required: readonly string[] = []): Shape {
  return {
    wants: 'a map',
    check: (value, name, place, setting) => {
      for (const [key, entry, at] of entriesOf(value, name, place, setting)) {
        const shape = Object.hasOwn(keys, key) ? keys[key] : undefined
        if (shape === undefined) throw unknown(value as ValueMap, key, name, { ...setting, keys: Object.keys(keys) })
        shape.check(entry, quoted(key), at, setting)
      }
      const missing = required.find((key) => !(value as ValueMap).has(key)) // entriesOf has seen a map
      if (missing !== undefined) throw faultAt(setting.code, place, `${name} has no ${quoted(missing)}`)
    },
  }
}

type Known = Setting & Readonly<{ keys: readonly string[] }>

function unknown(map: ValueMap, key: string, name: string, { places, code, keys }: Known): Error {
  const help = suggestion(key, keys) ?? `known here: ${keys.join(', ')}`
  return faultAt(code, places.ofKey(map, key), `${quoted(key)} is not a key of ${name}`, help)
}

function entriesOf(value: Value, name: string, place: Place, setting: Setting): readonly [string, Value, Place][] {
  if (!isMap(value)) throw unfit(value, name, 'a map', place, setting)
  return [...value].map(([key, entry]): [string, Value, Place] => {
    if (typeof key === 'string') return [key, entry, orElse(setting.places.ofValue(value, key), place)]
    const what = `the key ${quoted(templateText(key))} of ${name} is ${kindOf(key)}, it must be text`
    throw faultAt(setting.code, setting.places.ofKey(value, key), what, 'quote it')
  })
}

export function unfit(value: Value, name: string, wants: string, place: Place, { code }: Setting): Error {
  return faultAt(code, place, `${name} is ${kindOf(value)}, it must be ${wants}`)
}

function orElse(place: Place, otherwise: Place): Place {
  return place.line === 0 ? otherwise : place
}
