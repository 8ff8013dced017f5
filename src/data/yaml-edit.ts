/**
 * One value set in a user's YAML, everything else left as it was typed.
 *
 * The new lines are put into the text where they belong; the result is parsed again and compared with what was meant.
 * Where that does not work out (unusual styles), the document is printed anew: comments stay, spacing may not.
 */
import { Document, isMap, isScalar, parseDocument, type Scalar, stringify, visit, type YAMLMap } from 'yaml'
import { canonicalJson, type Json } from '../core/index.ts'
import { pairOf } from './yaml-file.ts'

const printOptions = { lineWidth: 0, flowCollectionPadding: false } as const

/**
 * @param text one YAML document whose keys on the way are maps or empty
 * @param value objects in it are written `{in: one line}` when they stand at the end of a path
 */
export function setInYaml(text: string, path: readonly string[], value: Json): string {
  const document = parseDocument(text, { merge: false })
  const wanted = canonicalJson(withValue(document.toJS({ maxAliasCount: 0 }), path, value))
  const spliced = splice(text, document.contents, path, value)
  if (spliced !== undefined && meaningOf(spliced) === wanted) return spliced
  document.setIn(path, document.createNode(value, { flow: true }))
  return document.toString(printOptions)
}

/** The text without one value. LIMIT: the document is printed anew; comments stay, spacing may not. */
export function removeInYaml(text: string, path: readonly string[]): string {
  const document = parseDocument(text, { merge: false })
  return document.deleteIn(path) ? document.toString(printOptions) : text
}

function meaningOf(text: string): string | undefined {
  const document = parseDocument(text, { merge: false, logLevel: 'silent' })
  return document.errors.length > 0 ? undefined : canonicalJson(document.toJS({ maxAliasCount: 0 }) ?? {})
}

function withValue(whole: unknown, [key, ...rest]: readonly string[], value: Json): unknown {
  if (key === undefined) return value
  const members = typeof whole === 'object' && whole !== null ? whole : {}
  return { ...members, [key]: withValue(Reflect.get(members, key), rest, value) }
}

/** The text with the value in it, or undefined where the styles at hand are not foreseen. */
function splice(text: string, contents: unknown, path: readonly string[], value: Json): string | undefined {
  const [key = '', ...rest] = path
  if (contents === null) return joined(text, text.length, printed(path, value, 0))
  if (!isMap(contents) || contents.items.length === 0) return undefined
  const pair = pairOf(contents, key)
  if (pair === undefined) {
    return contents.flow === true
      ? rest.length === 0
        ? appendInFlow(text, contents, key, value)
        : undefined
      : append(text, contents, path, value)
  }
  if (!isScalar(pair.key)) return undefined
  const isEmpty = pair.value === null || (isScalar(pair.value) && pair.value.value === null && pair.value.source === '')
  if (isEmpty) return fillEmpty(text, pair.key, rest, value)
  if (rest.length > 0) return splice(text, pair.value, rest, value)
  if (!isScalar(pair.value) || pair.value.range == null || typeof value === 'object') return undefined
  const [start, end] = pair.value.range
  return text.slice(0, start) + inFlow(value) + text.slice(end)
}

/** `key:` with nothing behind it: on the same line a last value, below it what has more keys. */
function fillEmpty(text: string, key: Scalar, rest: readonly string[], value: Json): string | undefined {
  const end = key.range?.[1]
  if (end === undefined || text[end] !== ':') return undefined
  if (rest.length === 0) return `${text.slice(0, end + 1)} ${inFlow(value)}${text.slice(end + 1)}`
  const indent = columnOf(text, key.range?.[0] ?? 0) + 2
  return joined(text, endOfLine(text, end), printed(rest, value, indent))
}

function append(text: string, map: YAMLMap, path: readonly string[], value: Json): string | undefined {
  const [first] = map.items
  const last = map.items.at(-1)
  const start = isScalar(first?.key) ? first.key.range?.[0] : undefined
  const end = lastOffset(last?.value) ?? (isScalar(last?.key) ? last.key.range?.[1] : undefined)
  if (start === undefined || end === undefined) return undefined
  return joined(text, endOfLine(text, end), printed(path, value, columnOf(text, start)))
}

function appendInFlow(text: string, map: YAMLMap, key: string, value: Json): string | undefined {
  const end = lastOffset(map.items.at(-1)?.value)
  return end === undefined ? undefined : `${text.slice(0, end)}, ${inFlow(key)}: ${inFlow(value)}${text.slice(end)}`
}

/** Where the last character of a value stands; of a block map that of its last value. */
function lastOffset(node: unknown): number | undefined {
  if (isMap(node) && node.flow !== true) {
    const last = node.items.at(-1)
    return lastOffset(last?.value) ?? (isScalar(last?.key) ? last.key.range?.[1] : undefined)
  }
  const range = typeof node === 'object' && node !== null ? Reflect.get(node, 'range') : undefined
  return Array.isArray(range) && typeof range[1] === 'number' ? range[1] : undefined
}

/** The offset behind the line that holds `offset`; a block scalar ends behind its line already. */
function endOfLine(text: string, offset: number): number {
  if (text[offset - 1] === '\n') return offset
  const end = text.indexOf('\n', offset)
  return end < 0 ? text.length : end + 1
}

function columnOf(text: string, offset: number): number {
  return offset - (text.lastIndexOf('\n', offset - 1) + 1)
}

function joined(text: string, offset: number, lines: string): string {
  const before = text.slice(0, offset)
  return `${before}${before === '' || before.endsWith('\n') ? '' : '\n'}${lines}${text.slice(offset)}`
}

/** `a: {b: 1}` for the path `a` and the value `{b: 1}`, one line a key, indented. */
function printed(path: readonly string[], value: Json, indent: number): string {
  const lines = path.map((key, depth) => {
    const name = stringify(key, printOptions).trimEnd()
    const isLast = depth === path.length - 1
    return `${' '.repeat(indent + 2 * depth)}${name}:${isLast ? ` ${inFlow(value)}` : ''}\n`
  })
  return lines.join('')
}

function inFlow(value: Json): string {
  // The wrapping list makes the printer quote what could not stand plain inside `{}`.
  const document = new Document([value])
  visit(document, {
    Collection(_key, node) {
      node.flow = true
    },
  })
  return document.toString(printOptions).trimEnd().slice(1, -1).trim()
}
