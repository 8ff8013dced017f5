/** TOML parameters: integers are Python's, dates are dates. */
import { parse, TomlDate, TomlError, type TomlValue } from 'smol-toml'
import { faultAt } from './fault.ts'
import { maxDepth } from './limits.ts'
import type { Foreign, Key, Value } from './value.ts'

/** @throws ERR_PARAMS_INVALID with line and column */
export function readToml(text: string, file: string): Value {
  if (text.startsWith('\ufeff')) {
    throw faultAt('ERR_PARAMS_INVALID', { file, line: 1, column: 1 }, 'not TOML: it begins with a byte order mark')
  }
  try {
    return tomlValue(parse(text, { integersAsBigInt: true, maxDepth }), 0)
  } catch (cause) {
    if (cause instanceof TomlError) {
      const what = cause.message.split('\n')[0]?.replace(/^Invalid TOML document: /, '') ?? ''
      throw faultAt('ERR_PARAMS_INVALID', { file, line: cause.line, column: cause.column }, `not TOML: ${what}`)
    }
    if (!(cause instanceof RangeError)) throw cause
    throw faultAt('ERR_PARAMS_INVALID', { file, line: 0, column: 0 }, `nested deeper than ${maxDepth} levels`)
  }
}

function tomlValue(value: TomlValue, depth: number): Value {
  if (depth > maxDepth) throw new RangeError('too deep')
  if (typeof value !== 'object') return value
  if (value instanceof TomlDate) return dateOf(value)
  if (Array.isArray(value)) return value.map((item) => tomlValue(item, depth + 1))
  return new Map(Object.entries(value).map(([key, item]): [Key, Value] => [key, tomlValue(item, depth + 1)]))
}

function dateOf(value: TomlDate): Foreign {
  const foreign = value.isDate() ? 'date' : value.isTime() ? 'time' : 'datetime'
  return { foreign, text: value.toISOString() }
}
