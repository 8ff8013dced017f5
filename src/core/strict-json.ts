/**
 * JSON from hostile bytes: one meaning or none.
 *
 * `JSON.parse` keeps the last of two equal keys, other parsers the first: a document that two readers understand
 * differently is refused, as are bad UTF-8, lone surrogates, integers that a double cannot hold, and documents that are
 * too large or too deep.
 */
import type { Json } from './canonical-json.ts'
import { DomainError } from './error.ts'

export type JsonLimits = Readonly<{ maxBytes: number; maxDepth: number }>

/** LIMIT: 16 MiB and 64 levels unless the caller says otherwise. */
export const defaultJsonLimits: JsonLimits = { maxBytes: 16 * 1024 * 1024, maxDepth: 64 }

/**
 * Trust: `bytes` are attacker-controlled; `name` is shown in the error.
 *
 * @throws ERR_INPUT_TOO_LARGE over `maxBytes`
 * @throws ERR_INPUT_MALFORMED for all else that has not exactly one meaning
 */
export function parseStrictJson(bytes: Uint8Array, name: string, limits: JsonLimits = defaultJsonLimits): Json {
  if (bytes.length > limits.maxBytes) {
    throw new DomainError(
      'ERR_INPUT_TOO_LARGE',
      `\`${name}\` has ${bytes.length} bytes, the limit is ${limits.maxBytes}`,
    )
  }
  const text = decode(bytes, name)
  const plain = parsePlain(text, limits.maxDepth)
  if (plain !== undefined) return plain
  refuseAmbiguity(text, name, limits.maxDepth)
  try {
    return JSON.parse(text) as Json // a parse boundary: JSON.parse returns nothing else
  } catch (cause) {
    throw malformed(name, `is not JSON${placeIn(cause, text)}`, cause)
  }
}

/**
 * The value of a document that says nothing twice, found without a look at each token; else undefined, and the long way is
 * gone. Each quote that no backslash escapes begins or ends a text: as many texts as the value holds, and no key was dropped.
 */
function parsePlain(text: string, maxDepth: number): Json | undefined {
  if (text.includes('\\u') || text.includes('"__proto__"')) return undefined
  const bare = text.includes('\\') ? text.replace(/\\./g, '') : text
  let quotes = 0
  for (let at = bare.indexOf('"'); at >= 0; at = bare.indexOf('"', at + 1)) quotes += 1
  try {
    const value = JSON.parse(text) as Json // a parse boundary: JSON.parse returns nothing else
    return textsIn(value, maxDepth) * 2 === quotes ? value : undefined
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof RangeError) return undefined // the long way says what is wrong
    throw error
  }
}

/** Keys and values that are texts; no number when it is deeper, or an integer is not exact. */
function textsIn(value: Json, depth: number): number {
  if (typeof value === 'string') return 1
  if (typeof value === 'number') return Math.abs(value) > Number.MAX_SAFE_INTEGER ? Number.NaN : 0
  if (typeof value !== 'object' || value === null) return 0
  if (depth === 0) return Number.NaN
  let texts = 0
  if (Array.isArray(value)) {
    for (const member of value) texts += textsIn(member, depth - 1)
    return texts
  }
  // INVARIANT: an object that JSON.parse made has no prototype but Object's, which has nothing to list
  for (const key in value) texts += 1 + textsIn((value as Readonly<Record<string, Json>>)[key] ?? null, depth - 1)
  return texts
}

function decode(bytes: Uint8Array, name: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch (cause) {
    throw malformed(name, 'is not UTF-8', cause)
  }
}

/** Where a key, a number, or a bracket may begin. Of JSON, all other letters say nothing that has two meanings. */
const tokenStart = /["{}[\],\d-]/g
const number = /[-+.eE\d]*/y

/**
 * Looks at each token of what should be JSON. Whether it is, `JSON.parse` says: a text that is none may be refused here for
 * something else, and is refused.
 */
function refuseAmbiguity(text: string, name: string, maxDepth: number): void {
  /** The keys of each object that is open; a list has none. */
  const open: (Set<string> | undefined)[] = []
  let isKey = false
  let at = nextStart(text, 0)
  while (at >= 0) {
    let end = at + 1
    const letter = text[at]
    if (letter === '{' || letter === '[') {
      open.push(letter === '{' ? new Set() : undefined)
      if (open.length > maxDepth)
        throw malformed(name, `is nested deeper than ${maxDepth} levels, ${placeOf(text, at).line}`)
      isKey = letter === '{'
    } else if (letter === '}' || letter === ']') {
      open.pop()
      isKey = false
    } else if (letter === ',') isKey = open.at(-1) !== undefined
    else if (letter === '"') {
      end = endOfString(text, at)
      const value = stringOf(text.slice(at, end))
      const keys = isKey ? open.at(-1) : undefined
      if (keys === undefined) refuseSurrogate(value, () => placeOf(text, at).both)
      else addKey(value, keys, () => placeOf(text, at))
      isKey = false
    } else {
      number.lastIndex = at
      const value = Number(number.exec(text)?.[0])
      end = Math.max(end, number.lastIndex)
      // beyond it every double is an integer, and too large for one is Infinity
      if (Math.abs(value) > Number.MAX_SAFE_INTEGER)
        throw malformed(name, `has an integer that is not exact, ${placeOf(text, at).both}`)
    }
    at = nextStart(text, end)
  }

  function addKey(key: string, keys: Set<string>, place: () => Place): void {
    if (keys.has(key)) throw malformed(name, `has the key \`${key}\` twice, ${place().both}`)
    refuseSurrogate(key, () => place().line)
    // THREAT: some readers drop this key, so what one of them ignores another believes.
    if (key === '__proto__') throw malformed(name, `has the key \`__proto__\`, ${place().line}`)
    keys.add(key)
  }

  function refuseSurrogate(value: string, place: () => string): void {
    if (!value.isWellFormed()) throw malformed(name, `has a lone surrogate, ${place()}`)
  }
}

/** -1 when there is none. */
function nextStart(text: string, from: number): number {
  tokenStart.lastIndex = from
  return tokenStart.test(text) ? tokenStart.lastIndex - 1 : -1
}

/** Behind the quote that ends it: one with an even number of backslashes before it. */
function endOfString(text: string, start: number): number {
  for (let quote = text.indexOf('"', start + 1); quote >= 0; quote = text.indexOf('"', quote + 1)) {
    let slashes = 0
    while (text[quote - 1 - slashes] === '\\') slashes += 1
    if (slashes % 2 === 0) return quote + 1
  }
  return text.length
}

function stringOf(quoted: string): string {
  if (!quoted.includes('\\')) return quoted.slice(1, -1)
  try {
    return JSON.parse(quoted) as string // a parse boundary: it begins with a quote
  } catch {
    return quoted // INVARIANT: the text is no JSON, which is refused
  }
}

type Place = Readonly<{ line: string; both: string }>

function placeOf(text: string, offset: number): Place {
  const lines = text.slice(0, offset).split(/\r\n|\n|\r/)
  const line = `line ${lines.length}`
  return { line, both: `${line}, column ${(lines.at(-1)?.length ?? 0) + 1}` }
}

/** As far as the engine says where. */
function placeIn(cause: unknown, text: string): string {
  const [, position] = /at position (\d+)/.exec(cause instanceof Error ? cause.message : '') ?? []
  return position === undefined ? '' : `, ${placeOf(text, Number(position)).both}`
}

function malformed(name: string, what: string, cause?: unknown): DomainError {
  return new DomainError('ERR_INPUT_MALFORMED', `\`${name}\` ${what}`, { cause })
}
