/**
 * Values as Python has them, because DVC prints them so: `1.0` is not `1`, integers have no end, a map has keys of any
 * kind. `bigint` is Python's int and `number` is Python's float; nothing here turns one into the other.
 */
import type { Json } from '../../core/index.ts'

export type Scalar = null | boolean | string | bigint | number
/** What YAML, TOML or Python can say and a template cannot use. `text` is what `str()` would print. */
export type Foreign = Readonly<{
  foreign: ForeignType
  text: string
  items?: readonly Value[]
  /** Of bytes: what Python gives when it goes through them. */
  octets?: readonly bigint[]
}>
export type ForeignType = 'date' | 'datetime' | 'time' | 'bytes' | 'tuple' | 'set' | 'complex' | 'ellipsis'
export type Key = Scalar | Foreign
export type ValueMap = ReadonlyMap<Key, Value>
export type ValueList = readonly Value[]
export type Value = Scalar | Foreign | ValueList | ValueMap

export function isList(value: Value | undefined): value is ValueList {
  return Array.isArray(value)
}

export function isMap(value: Value | undefined): value is ValueMap {
  return value instanceof Map
}

export function isForeign(value: Value | undefined): value is Foreign {
  return typeof value === 'object' && value !== null && !isList(value) && !isMap(value)
}

/** What Python's `if value:` says. */
export function isTruthy(value: Value): boolean {
  if (isList(value)) return value.length > 0
  if (isMap(value)) return value.size > 0
  if (isForeign(value)) return value.text !== ''
  return Boolean(value)
}

/** The name of the type in the words of YAML, for messages. */
export function kindOf(value: Value): string {
  if (value === null) return 'null'
  if (isList(value)) return 'a list'
  if (isMap(value)) return 'a map'
  if (isForeign(value)) return value.foreign === 'ellipsis' ? 'an ellipsis' : `a ${value.foreign}`
  if (typeof value === 'string') return 'text'
  if (typeof value === 'boolean') return 'a boolean'
  return typeof value === 'bigint' ? 'an integer' : 'a float'
}

/** Equal identities are equal keys for Python: `1`, `1.0` and `True` are one key. */
export function keyIdentity(key: Key): string {
  if (typeof key === 'string') return `s${key}`
  if (key === null) return 'null'
  if (typeof key === 'boolean') return key ? 'n1' : 'n0'
  if (typeof key === 'bigint') return `n${key}`
  if (typeof key === 'number') return Number.isInteger(key) ? `n${BigInt(key)}` : `f${key}`
  return `${key.foreign}:${key.text}`
}

/**
 * Python's `repr` of a float: the shortest digits that read back, with an exponent below 1e-4 and from 1e16.
 * SOURCE: CPython Python/pystrtod.c, format_float_short with mode 'r'.
 */
export function floatText(value: number): string {
  if (Number.isNaN(value)) return 'nan'
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf'
  const sign = value < 0 || Object.is(value, -0) ? '-' : ''
  const [mantissa = '0', exponentText = '0'] = Math.abs(value).toExponential().split('e')
  const exponent = Number(exponentText)
  const digits = mantissa.replace('.', '')
  if (exponent < -4 || exponent >= 16) {
    const fraction = digits.length > 1 ? `.${digits.slice(1)}` : ''
    const power = String(Math.abs(exponent)).padStart(2, '0')
    return `${sign}${digits[0]}${fraction}e${exponent < 0 ? '-' : '+'}${power}`
  }
  if (exponent < 0) return `${sign}0.${'0'.repeat(-exponent - 1)}${digits}`
  const whole = digits.slice(0, exponent + 1).padEnd(exponent + 1, '0')
  return `${sign}${whole}.${digits.slice(exponent + 1) || '0'}`
}

/** Python's `str(value)`. */
export function pythonText(value: Value): string {
  return typeof value === 'string' ? value : isForeign(value) ? value.text : pythonRepr(value)
}

/** Bytes, one character each, as Python prints them. */
export function bytesOf(latin1: string): Foreign {
  const shown = stringRepr(latin1).replace(/[\u0080-\u00ff]/g, (byte) => `\\x${byte.charCodeAt(0).toString(16)}`)
  return { foreign: 'bytes', text: `b${shown}`, octets: [...latin1].map((byte) => BigInt(byte.charCodeAt(0))) }
}

/** A tuple or set; its text is Python's, so that two of them are one key only when they are equal. */
export function groupOf(foreign: 'tuple' | 'set', items: readonly Value[]): Foreign {
  const inside = items.map(pythonRepr).join(', ')
  if (foreign === 'tuple') return { foreign, items, text: `(${inside}${items.length === 1 ? ',' : ''})` }
  return { foreign, items, text: items.length === 0 ? 'set()' : `{${inside}}` }
}

function pythonRepr(value: Value): string {
  if (value === null) return 'None'
  if (typeof value === 'boolean') return value ? 'True' : 'False'
  if (typeof value === 'string') return stringRepr(value)
  if (typeof value === 'bigint') return value.toString()
  if (typeof value === 'number') return floatText(value)
  if (isList(value)) return `[${value.map(pythonRepr).join(', ')}]`
  if (isMap(value)) return `{${[...value].map(([key, item]) => `${pythonRepr(key)}: ${pythonRepr(item)}`).join(', ')}}`
  return value.text
}

function stringRepr(text: string): string {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'"
  const escapes: Readonly<Record<string, string>> = { '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t' }
  const body = text.replace(/[\\\n\r\t'\u0000-\u001f\u007f]/gu, (character) => {
    if (character === "'") return quote === "'" ? "\\'" : "'"
    return escapes[character] ?? `\\x${(character.codePointAt(0) ?? 0).toString(16).padStart(2, '0')}`
  })
  return `${quote}${body}${quote}`
}

/** As DVC prints a scalar inside a text: `str()`, but booleans in the words of YAML. */
export function templateText(value: Value): string {
  return typeof value === 'boolean' ? String(value) : pythonText(value)
}

/**
 * JSON for evidence and for comparison. What JSON or a double cannot hold is its Python text: `nan`, `inf`, integers
 * beyond 2^53, dates, bytes. Equal values of Python's numbers (`1`, `1.0`) are equal here too.
 */
export function toJson(value: Value): Json {
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return value
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : value.toString()
  if (typeof value === 'number') return jsonOfFloat(value)
  if (isList(value)) return value.map(toJson)
  if (isMap(value)) return Object.fromEntries([...value].map(([key, item]) => [templateText(key), toJson(item)]))
  return value.items === undefined ? value.text : value.items.map(toJson)
}

function jsonOfFloat(value: number): Json {
  const exact = Number.isFinite(value) && (!Number.isInteger(value) || Number.isSafeInteger(value))
  return exact ? (Object.is(value, -0) ? 0 : value) : floatText(value)
}
