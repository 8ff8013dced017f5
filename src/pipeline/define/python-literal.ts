/** Python literals as `ast.literal_eval` takes them; undefined for everything else. Read by `python.ts`. */
import type { parser } from '@lezer/python'
import { maxIntegerDigits } from './limits.ts'
import {
  bytesOf,
  type Foreign,
  floatText,
  groupOf,
  isForeign,
  isList,
  isMap,
  type Key,
  keyIdentity,
  type Value,
} from './value.ts'

export type SyntaxNode = ReturnType<typeof parser.parse>['topNode']

/** The children that mean something: comments are none. */
export function childrenOf(node: SyntaxNode): readonly SyntaxNode[] {
  const children: SyntaxNode[] = []
  for (let child = node.firstChild; child !== null; child = child.nextSibling) {
    if (child.name !== 'Comment') children.push(child)
  }
  return children
}

export function literalOf(node: SyntaxNode, text: string): Value | undefined {
  const source = text.slice(node.from, node.to)
  switch (node.name) {
    case 'Number':
      return numberOf(source)
    case 'Boolean':
      return source === 'True'
    case 'None':
      return null
    case 'Ellipsis':
      return { foreign: 'ellipsis', text: 'Ellipsis' }
    case 'String':
    case 'ContinuedString':
      return stringOf(node, text)
    case 'ParenthesizedExpression':
      return within(node, text)
    case 'ArrayExpression':
      return itemsOf(childrenOf(node).slice(1, -1), text)
    case 'TupleExpression':
      return tupleOf(childrenOf(node).slice(1, -1), text)
    case 'SetExpression':
      return foreignOf('set', itemsOf(childrenOf(node).slice(1, -1), text))
    case 'DictionaryExpression':
      return dictionaryOf(childrenOf(node).slice(1, -1), text)
    case 'UnaryExpression':
      return signed(node, text)
    case 'BinaryExpression':
      return complexSum(node, text)
    case 'CallExpression':
      return source.replace(/\s+/g, '') === 'set()' ? groupOf('set', []) : undefined
    default:
      return undefined
  }
}

function unwrapped(node: SyntaxNode): SyntaxNode {
  const [, inside] = node.name === 'ParenthesizedExpression' ? childrenOf(node) : []
  return inside === undefined ? node : unwrapped(inside)
}

function within(node: SyntaxNode, text: string): Value | undefined {
  const [, inside, end] = childrenOf(node)
  return inside === undefined || end?.name !== ')' ? undefined : literalOf(inside, text)
}

export function tupleOf(nodes: readonly SyntaxNode[], text: string): Value | undefined {
  return foreignOf('tuple', itemsOf(nodes, text))
}

function foreignOf(foreign: 'tuple' | 'set', items: readonly Value[] | undefined): Foreign | undefined {
  return items === undefined ? undefined : groupOf(foreign, items)
}

function itemsOf(nodes: readonly SyntaxNode[], text: string): readonly Value[] | undefined {
  const items = nodes.filter((node) => node.name !== ',').map((node) => literalOf(node, text))
  return items.every((item) => item !== undefined) ? items : undefined
}

function dictionaryOf(nodes: readonly SyntaxNode[], text: string): Value | undefined {
  const meaningful = nodes.filter((node) => node.name !== ',' && node.name !== ':')
  const values = meaningful.map((node) => literalOf(node, text))
  const map = new Map<Key, Value>()
  const seen = new Map<string, Key>()
  for (let index = 0; index < values.length; index += 2) {
    const [key, value] = [values[index], values[index + 1]]
    if (key === undefined || value === undefined || isList(key) || isMap(key)) return undefined
    const identity = keyIdentity(key)
    const first = seen.get(identity)
    map.set(first === undefined ? key : first, value)
    if (first === undefined) seen.set(identity, key)
  }
  return map
}

function numberOf(source: string): Value | undefined {
  const plain = source.replaceAll('_', '').toLowerCase()
  if (plain.endsWith('j')) return { foreign: 'complex', text: plain }
  if (/^0[xob]/.test(plain)) return BigInt(plain)
  if (/[.e]/.test(plain)) return Number(plain)
  return plain.length > maxIntegerDigits || !/^\d+$/.test(plain) ? undefined : BigInt(plain)
}

function signed(node: SyntaxNode, text: string): Value | undefined {
  const [operator, operand] = childrenOf(node)
  // One sign before a number and no more, as in Python's `literal_eval`.
  const isNumber = operator?.name === 'ArithOp' && operand !== undefined && unwrapped(operand).name === 'Number'
  const value = isNumber ? literalOf(operand, text) : undefined
  const sign = operator === undefined ? '' : text.slice(operator.from, operator.to)
  if (sign !== '-' && sign !== '+') return undefined
  if (isForeign(value)) return value.foreign === 'complex' ? { ...value, text: `${sign}${value.text}` } : undefined
  if (typeof value !== 'number' && typeof value !== 'bigint') return undefined
  return sign === '-' ? -value : value
}

/** `1+2j`, the one sum that is a literal. */
function complexSum(node: SyntaxNode, text: string): Value | undefined {
  const [left, operator, right] = childrenOf(node)
  if (left === undefined || right === undefined || operator?.name !== 'ArithOp') return undefined
  const [real, imaginary] = [literalOf(left, text), unwrapped(right).name === 'Number' ? literalOf(right, text) : null]
  const isReal = typeof real === 'number' || typeof real === 'bigint'
  const sign = text.slice(operator.from, operator.to)
  if (
    !isReal ||
    imaginary === undefined ||
    !isForeign(imaginary) ||
    imaginary.foreign !== 'complex' ||
    !/^[-+]$/.test(sign)
  )
    return undefined
  const realText = typeof real === 'number' ? floatText(real) : real.toString()
  return { foreign: 'complex', text: `(${realText}${sign}${imaginary.text})` }
}

function stringOf(node: SyntaxNode, text: string): Value | undefined {
  const parts = node.name === 'String' ? [node] : childrenOf(node)
  const pieces = parts.map((part) => (part.name === 'String' ? piece(text.slice(part.from, part.to)) : undefined))
  if (!pieces.every((one) => one !== undefined) || pieces.length === 0) return undefined
  const bytes = pieces[0]?.bytes ?? false
  if (pieces.some((one) => one.bytes !== bytes)) return undefined
  const joined = pieces.map((one) => one.text).join('')
  return bytes ? bytesOf(joined) : joined
}

function piece(source: string): Readonly<{ text: string; bytes: boolean }> | undefined {
  const match = /^([A-Za-z]{0,2})("""|'''|"|')([\s\S]*)\2$/.exec(source)
  if (match === null) return undefined
  const prefix = (match[1] ?? '').toLowerCase()
  const bytes = prefix.includes('b')
  const body = match[3] ?? ''
  const text = prefix.includes('r') ? body : unescaped(body, bytes)
  return text === undefined ? undefined : { text, bytes }
}

const simple: Readonly<Record<string, string>> = {
  '\n': '',
  '\\': '\\',
  "'": "'",
  '"': '"',
  a: '\u0007',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
}

/** SOURCE: Python language reference 2.4.1, escape sequences; `\N{name}` would need the table of names: undefined. */
function unescaped(body: string, bytes: boolean): string | undefined {
  let known = true
  const pattern = /\\(x[\da-fA-F]{2}|u[\da-fA-F]{4}|U[\da-fA-F]{8}|N\{|[0-7]{1,3}|[\s\S])/g
  const text = body.replace(pattern, (whole, sequence: string) => {
    const kind = sequence[0] ?? ''
    if (sequence.length === 1 && simple[kind] !== undefined) return simple[kind]
    if (/^[0-7]/.test(sequence)) return String.fromCodePoint(Number.parseInt(sequence, 8))
    if (sequence.length > 2 && (kind === 'x' || !bytes)) {
      const point = Number.parseInt(sequence.slice(1), 16)
      if (point <= 0x10ffff) return String.fromCodePoint(point)
    }
    if (!bytes && 'xuUN'.includes(kind)) known = false
    return whole
  })
  return known ? text : undefined
}
