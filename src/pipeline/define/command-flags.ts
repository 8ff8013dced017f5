/**
 * A map inside a command becomes its flags: `{lr: 0.1, layers: [1, 2]}` is `--lr 0.1 --layers 1 2`.
 *
 * SOURCE: dvc/parsing/interpolate.py, to_str for dict; Python's shlex.quote.
 */
import { isForeign, isList, isMap, pythonText, type Value, type ValueMap } from './value.ts'

/** `[parsing]` of `.dvc/config`. */
export type FlagStyle = Readonly<{ bool: 'store_true' | 'boolean_optional'; list: 'nargs' | 'append' }>

export const defaultFlagStyle: FlagStyle = { bool: 'store_true', list: 'nargs' }

/** @returns the flags, or the name of the key whose list holds a list or map, which has no flags */
export function flagsOf(map: ValueMap, style: FlagStyle): string | Readonly<{ nested: string }> {
  const flags: string[] = []
  for (const [key, found] of flattened(map, '')) {
    const value = isForeign(found) && found.octets !== undefined ? found.octets : found
    if (isList(value)) {
      if (value.some((item) => isList(item) || isMap(item) || isForeign(item))) return { nested: key }
      flags.push(...listFlags(key, value, style))
    } else if (isForeign(value)) return { nested: key }
    else flags.push(...scalarFlags(key, value, style))
  }
  return flags.join(' ').replace(/\s+$/u, '')
}

/** Nested maps by dotted keys; an empty one leaves no trace. */
function* flattened(map: ValueMap, prefix: string): Generator<readonly [string, Value]> {
  for (const [key, value] of map) {
    const name = `${prefix}${pythonText(key)}`
    if (isMap(value)) yield* flattened(value, `${name}.`)
    else yield [name, value]
  }
}

function scalarFlags(key: string, value: Value, style: FlagStyle): readonly string[] {
  if (value === true) return [`--${key}`]
  if (value === false) return style.bool === 'boolean_optional' ? [`--no-${key}`] : []
  return [`--${key} ${word(value)}`]
}

function listFlags(key: string, items: readonly Value[], style: FlagStyle): readonly string[] {
  if (style.list === 'append') return items.map((item) => `--${key} ${word(item)}`)
  return items.length === 0 ? [] : [`--${key} ${items.map(word).join(' ')}`]
}

function word(value: Value): string {
  return typeof value === 'string' ? shellQuoted(value) : pythonText(value)
}

function shellQuoted(text: string): string {
  if (text === '') return "''"
  return /[^\w@%+=:,./-]/.test(text) ? `'${text.replaceAll("'", `'"'"'`)}'` : text
}
