/** Values as block YAML, laid out as DVC's own files are: two spaces a level, lists at the level of their key. */
import {
  floatText,
  isForeign,
  isList,
  isMap,
  type Key,
  type Value,
  type ValueList,
  type ValueMap,
} from '../define/index.ts'
import { isSimpleKey, plainWords, type ScalarPlace, scalarText } from './yaml-scalar-text.ts'

/** @param indent spaces before every key; @returns lines, each with its end */
export function mapText(map: ValueMap, indent: number): string {
  return [...map].map(([key, value]) => `${' '.repeat(indent)}${entryText(key, value, indent)}`).join('')
}

function entryText(key: Key, value: Value, indent: number): string {
  const name = keyText(key)
  if (!isSimpleKey(name))
    return `? ${name}\n${' '.repeat(indent)}:${value === null ? '\n' : ` ${itemText(value, indent + 2)}`}`
  return `${name}:${valueText(value, indent, indent + [...name].length + 1)}`
}

function keyText(key: Key): string {
  if (typeof key === 'string') return scalarText(key, { column: 0, indent: 0, canBreak: false })
  return atomText(key, { column: 0, indent: 0, canBreak: false })
}

/** What stands behind the colon of a key at `indent`; `column` is the place behind the colon. */
function valueText(value: Value, indent: number, column: number): string {
  const items = listOf(value)
  if (items !== undefined && items.length > 0) return `\n${listText(items, indent)}`
  if (isMap(value) && value.size > 0) return `\n${mapText(value, indent + 2)}`
  if (value === null) return '\n'
  return ` ${atomText(value, { column: column + 1, indent: indent + 2, canBreak: true })}\n`
}

function listText(items: ValueList, indent: number): string {
  return items.map((item) => `${' '.repeat(indent)}- ${itemText(item, indent + 2)}`).join('')
}

/** What stands behind `- `, with the indentation of the lines that it goes on with. */
function itemText(value: Value, indent: number): string {
  const items = listOf(value)
  if (items !== undefined && items.length > 0) return listText(items, indent).slice(indent)
  if (isMap(value) && value.size > 0) return mapText(value, indent).slice(indent)
  if (value === null) return '\n'
  return `${atomText(value, { column: indent, indent, canBreak: true })}\n`
}

function listOf(value: Value): ValueList | undefined {
  if (isList(value)) return value
  return isForeign(value) && value.foreign === 'tuple' ? (value.items ?? []) : undefined
}

function atomText(value: Value, place: ScalarPlace): string {
  if (typeof value === 'string') return scalarText(value, place)
  if (value === null) return 'null'
  if (typeof value === 'boolean') return String(value)
  if (typeof value === 'bigint') return plainWords(value.toString(), place)
  if (typeof value === 'number') return plainWords(numberText(value), place)
  if (isList(value)) return '[]'
  if (isMap(value)) return '{}'
  return value.foreign === 'tuple' ? '[]' : value.text
}

function numberText(value: number): string {
  if (Number.isNaN(value)) return '.nan'
  if (!Number.isFinite(value)) return value > 0 ? '.inf' : '-.inf'
  return floatText(value)
}
