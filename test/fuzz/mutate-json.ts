/** JSON by its members: left out, doubled, exchanged, renamed, given other kinds; base64 by what it holds. */
import type { Random } from './random.ts'

type Node = Readonly<{ holder: Record<string, unknown> | unknown[]; key: string }>

/** LIMIT: places of one document that are looked at. */
const maxNodes = 3000
/** LIMIT: levels that are looked into. */
const maxDepth = 200

/**
 * @param options.within changes the bytes that stand in base64, or that a text is made of
 * @returns undefined for what is no JSON, or has no member
 */
export function mutateJson(
  text: string,
  otherText: string,
  options: Readonly<{ random: Random; within(part: Buffer): Buffer }>,
): string | undefined {
  const { random } = options
  const root = parsed(text)
  if (root === undefined) return undefined
  const nodes = nodesOf(root)
  if (nodes.length === 0) return undefined
  const other = parsed(otherText)
  const otherNodes = other === undefined ? nodes : nodesOf(other)
  changeAt(random.one(nodes), { ...options, nodes, otherNodes })
  const printed = printedAs(root, random.once(8) ? 1 + random.below(3) : 0)
  if (printed === undefined) return undefined
  const nested = printed.replaceAll(`"${deepMark}"`, () => deep(random.below(random.once(4) ? 5000 : 100)))
  return random.once(12) ? withKeyTwice(nested, random) : nested
}

function printedAs(root: object, indent: number): string | undefined {
  try {
    return JSON.stringify(root, null, indent)
  } catch {
    return undefined // deeper than the stack goes: changed as bytes
  }
}

function parsed(text: string): object | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? value : undefined
  } catch {
    return undefined // what is no JSON is changed as bytes
  }
}

function nodesOf(root: object): readonly Node[] {
  const nodes: Node[] = []
  const walk = (holder: object, depth: number): void => {
    for (const [key, value] of Object.entries(holder)) {
      if (nodes.length >= maxNodes) return
      nodes.push({ holder: holder as Record<string, unknown>, key }) // an object, or a list, whose keys are its places
      if (typeof value === 'object' && value !== null && depth < maxDepth) walk(value, depth + 1)
    }
  }
  walk(root, 0)
  return nodes
}

type Change = Readonly<{
  random: Random
  within(part: Buffer): Buffer
  nodes: readonly Node[]
  otherNodes: readonly Node[]
}>

function changeAt({ holder, key }: Node, { random, within, nodes, otherNodes }: Change): void {
  const value = valueAt({ holder, key })
  const kind = random.below(12)
  if (kind === 0) remove({ holder, key })
  else if (kind === 1) put({ holder, key }, random.one(values))
  else if (kind === 2) put({ holder, key }, copied(valueAt(random.one(otherNodes.length > 0 ? otherNodes : nodes))))
  else if (kind === 3) exchange({ holder, key }, random.one(nodes))
  else if (kind === 4) rename({ holder, key }, random)
  else if (kind === 5 && Array.isArray(holder)) holder.splice(Number(key), 0, copied(value))
  else if (kind === 6) put({ holder, key }, deepMark)
  else if (typeof value === 'string') put({ holder, key }, changedText(value, random, within))
  else if (typeof value === 'number') put({ holder, key }, changedNumber(value, random))
  else if (typeof value === 'boolean') put({ holder, key }, !value)
  else put({ holder, key }, random.one(values))
}

function valueAt({ holder, key }: Node): unknown {
  return (holder as Record<string, unknown>)[key] // lists have their places for keys
}

function put({ holder, key }: Node, value: unknown): void {
  Object.defineProperty(holder, key, { value, enumerable: true, configurable: true, writable: true })
}

/** LIMIT: what is nested deeper than the stack goes becomes nothing. */
function copied(value: unknown): unknown {
  try {
    return structuredClone(value)
  } catch {
    return null
  }
}

function remove({ holder, key }: Node): void {
  if (Array.isArray(holder)) holder.splice(Number(key), 1)
  else delete holder[key]
}

function exchange(left: Node, right: Node): void {
  const [one, other] = [valueAt(left), valueAt(right)]
  put(left, copied(other))
  put(right, copied(one))
}

function rename({ holder, key }: Node, random: Random): void {
  const value = valueAt({ holder, key })
  remove({ holder, key })
  put(
    { holder, key: random.one(['__proto__', `${key} `, key.toUpperCase(), `${key}\u200b`, '', 'constructor']) },
    value,
  )
}

/** Stands for a value of many levels, which is written as text: `JSON.stringify` ends where the stack does. */
const deepMark = 'nested here'

function deep(levels: number): string {
  return `${'[{"a":'.repeat(levels)}0${'}]'.repeat(levels)}`
}

/** Every kind, at its borders. */
const values: readonly unknown[] = [
  ...[
    null,
    true,
    false,
    0,
    -0,
    -1,
    1,
    1.5,
    2 ** 31,
    2 ** 53,
    2 ** 53 + 2,
    1e308,
    1e21,
    '',
    ' ',
    '0',
    'a',
    '=',
    'AA==',
    '-_-_',
  ],
  ...[
    '\ud800',
    '\u0000',
    '\u202e',
    'a'.repeat(70_000),
    '../a',
    '/a',
    'a/../b',
    `sha256:${'0'.repeat(64)}`,
    '9'.repeat(30),
  ],
  ...[
    [],
    {},
    [[]],
    [null],
    { a: 1 },
    Array(2000).fill(0),
    Array(1100).fill({ name: 'a', digest: { sha256: 'a'.repeat(64) } }),
  ],
  ...[
    '2026-02-30',
    '2026-11-26T00:00:00Z',
    '0001-01-01T00:00:00Z',
    'https://example.org/',
    'javascript:1',
    'SLSA_BUILD_LEVEL_4',
  ],
]

function changedNumber(value: number, random: Random): number {
  return random.one([value + 1, value - 1, -value, value * 2, value * 1e18, value / 3, 0, 2 ** 53, Number.MIN_VALUE])
}

const base64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/

function changedText(text: string, random: Random, within: (part: Buffer) => Buffer): string {
  if (text.length >= 8 && base64.test(text) && !random.once(5))
    return within(Buffer.from(text, 'base64')).toString('base64')
  if (!random.once(3)) return within(Buffer.from(text)).toString('utf8')
  const at = random.below(text.length + 1)
  return (
    text.slice(0, at) +
    random.one(['', '\n', ' ', '\u200b', 'é', 'e\u0301', '=', '/', '\0']) +
    text.slice(at + random.below(3))
  )
}

/** A second member of the same name, which `JSON.stringify` cannot write. */
function withKeyTwice(text: string, random: Random): string {
  const keys = [...text.matchAll(/(?<=[{,])\s*"((?:[^"\\]|\\.)*)"\s*:/g)].slice(0, maxNodes)
  if (keys.length === 0) return text
  const { 0: found, index } = random.one(keys)
  return `${text.slice(0, index)}${found}${random.one(['null', '0', '"x"', '{}'])},${text.slice(index)}`
}
