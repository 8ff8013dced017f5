/** Literals of Python, as numpy writes them into headers: dictionaries, tuples, lists, texts, whole numbers. Pure. */
import { Unreadable } from './unreadable.ts'

export type PythonLiteral =
  | string
  | number
  | boolean
  | null
  | readonly PythonLiteral[]
  | ReadonlyMap<string, PythonLiteral>

const tokens = /\s*([{}()[\],:]|'[^'\\\n]*'|"[^"\\\n]*"|\d{1,19}L?|True|False|None|$)/y
const words: Readonly<Record<string, boolean | null>> = { True: true, False: false, None: null }
const maxDepth = 16

/** @throws Unreadable for all else */
export function parsePythonLiteral(text: string): PythonLiteral {
  const found = tokensOf(text)
  const reader = { at: 0, next: (): string => found[reader.at++] ?? '', peek: (): string => found[reader.at] ?? '' }
  const value = valueFrom(reader, 0)
  if (reader.next() !== '') throw broken()
  return value
}

type Reader = { at: number; next(): string; peek(): string }

function broken(): Unreadable {
  return new Unreadable('has a header that is no literal of Python')
}

function tokensOf(text: string): readonly string[] {
  const found: string[] = []
  tokens.lastIndex = 0
  for (;;) {
    const token = tokens.exec(text)?.[1]
    if (token === undefined) throw broken()
    if (token === '') return found
    found.push(token)
  }
}

function valueFrom(reader: Reader, depth: number): PythonLiteral {
  const token = reader.next()
  if (depth > maxDepth) throw broken()
  if (token === '(') return itemsFrom(reader, ')', depth)
  if (token === '[') return itemsFrom(reader, ']', depth)
  if (token === '{') return membersFrom(reader, depth)
  if (/^['"]/.test(token)) return token.slice(1, -1)
  if (Object.hasOwn(words, token)) return words[token] ?? null
  const number = Number.parseInt(token, 10)
  if (!Number.isSafeInteger(number)) throw broken()
  return number
}

function itemsFrom(reader: Reader, end: string, depth: number): readonly PythonLiteral[] {
  const items: PythonLiteral[] = []
  while (reader.peek() !== end) {
    items.push(valueFrom(reader, depth + 1))
    if (reader.peek() !== end && reader.next() !== ',') throw broken()
  }
  reader.next()
  return items
}

function membersFrom(reader: Reader, depth: number): ReadonlyMap<string, PythonLiteral> {
  const members = new Map<string, PythonLiteral>()
  while (reader.peek() !== '}') {
    const key = valueFrom(reader, depth + 1)
    if (typeof key !== 'string' || members.has(key) || reader.next() !== ':') throw broken()
    members.set(key, valueFrom(reader, depth + 1))
    if (reader.peek() !== '}' && reader.next() !== ',') throw broken()
  }
  reader.next()
  return members
}
