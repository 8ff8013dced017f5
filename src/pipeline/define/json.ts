/**
 * JSON parameters with the numbers that Python sees: `1.0` stays a float, long integers stay exact.
 *
 * Stricter than Python on purpose: equal keys, `NaN` and `Infinity` are refused, since other readers of the same bytes
 * would see something else (trust.md section 4, parsers that differ).
 */
import { type Node, type ParseError, parseTree, printParseErrorCode } from 'jsonc-parser'
import { faultAt, type Place } from './fault.ts'
import { maxDepth, maxIntegerDigits } from './limits.ts'
import { isTruthy, type Key, type Value } from './value.ts'

type Source = Readonly<{ text: string; fault: (offset: number, what: string) => Error }>

/** @throws ERR_PARAMS_INVALID with line and column */
export function readJsonValue(text: string, file: string): Value {
  const fault: Source['fault'] = (offset, what) => {
    const before = text.slice(0, offset)
    const place: Place = { file, line: before.split('\n').length, column: offset - before.lastIndexOf('\n') }
    return faultAt('ERR_PARAMS_INVALID', place, what)
  }
  const errors: ParseError[] = []
  const root = treeOf(text, errors, fault)
  const [error] = errors
  if (error !== undefined) throw fault(error.offset, `not JSON: ${printParseErrorCode(error.error)}`)
  if (root === undefined) throw fault(0, 'not JSON: the file is empty')
  const value = readNode(root, 0, { text, fault })
  // As DVC: `json.loads(text) or {}`.
  return isTruthy(value) ? value : new Map()
}

function treeOf(text: string, errors: ParseError[], fault: Source['fault']): Node | undefined {
  try {
    return parseTree(text, errors, { disallowComments: true, allowTrailingComma: false, allowEmptyContent: false })
  } catch (cause) {
    // The library recurses; only nesting can exhaust its stack.
    if (!(cause instanceof RangeError)) throw cause
    throw fault(0, `nested deeper than ${maxDepth} levels`)
  }
}

function readNode(node: Node, depth: number, source: Source): Value {
  if (depth > maxDepth) throw source.fault(node.offset, `nested deeper than ${maxDepth} levels`)
  if (node.type === 'array') return (node.children ?? []).map((item) => readNode(item, depth + 1, source))
  if (node.type === 'object') return readMap(node, depth, source)
  if (node.type === 'number') return readNumber(node, source)
  if (node.type === 'string') return String(node.value)
  return node.type === 'boolean' ? node.value === true : null
}

function readMap(node: Node, depth: number, source: Source): Value {
  const map = new Map<Key, Value>()
  for (const property of node.children ?? []) {
    const [key, value] = property.children ?? []
    if (key === undefined || value === undefined) throw source.fault(property.offset, 'not JSON: a value is missing')
    if (map.has(String(key.value))) throw source.fault(key.offset, `the key \`${key.value}\` stands twice`)
    map.set(String(key.value), readNode(value, depth + 1, source))
  }
  return map
}

function readNumber(node: Node, { text, fault }: Source): Value {
  const digits = text.slice(node.offset, node.offset + node.length)
  if (/[.eE]/.test(digits)) return Number(digits)
  if (digits.length > maxIntegerDigits) throw fault(node.offset, 'an integer has too many digits')
  return BigInt(digits)
}
