/**
 * JSON from hostile bytes: one meaning or none.
 *
 * `JSON.parse` keeps the last of two equal keys, other parsers the first: a document that two readers understand
 * differently is refused, as are bad UTF-8, lone surrogates, integers that a double cannot hold, and documents that are
 * too large or too deep.
 */
import { type ParseErrorCode, printParseErrorCode, visit } from 'jsonc-parser'
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
    throw malformed(name, 'is not JSON', cause)
  }
}

/** What a document that prints as itself could still hold: large integers, `__proto__`, escaped surrogates. */
const suspicious = /(?:^|[:,[-])\d{16}|\de\+\d{1,3}(?:[,\]}]|$)|"__proto__"|\\ud/

/**
 * The value of a document without white space whose parse prints as the same text, else undefined: then every letter is
 * looked at. A key twice, a number or a letter that a reader could take for another does not survive the way back.
 */
function parsePlain(text: string, maxDepth: number): Json | undefined {
  if (suspicious.test(text)) return undefined
  try {
    const value = JSON.parse(text) as Json // a parse boundary: JSON.parse returns nothing else
    return JSON.stringify(value) === text && isShallow(value, maxDepth) ? value : undefined
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof RangeError) return undefined // the long way says what is wrong
    throw error
  }
}

function isShallow(value: Json, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return true
  return depth > 0 && Object.values(value).every((member) => isShallow(member, depth - 1))
}

function decode(bytes: Uint8Array, name: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch (cause) {
    throw malformed(name, 'is not UTF-8', cause)
  }
}

function refuseAmbiguity(text: string, name: string, maxDepth: number): void {
  const open: Set<string>[] = []
  let depth = 0
  const enter = (line: number): void => {
    depth += 1
    if (depth > maxDepth) throw malformed(name, `is nested deeper than ${maxDepth} levels, line ${line + 1}`)
  }
  visit(
    text,
    {
      onObjectBegin: (_offset, _length, line) => {
        enter(line)
        open.push(new Set())
      },
      onObjectEnd: () => {
        depth -= 1
        open.pop()
      },
      onArrayBegin: (_offset, _length, line) => enter(line),
      onArrayEnd: () => {
        depth -= 1
      },
      onObjectProperty: (key, _offset, _length, line, column) => {
        const keys = open.at(-1)
        if (keys?.has(key))
          throw malformed(name, `has the key \`${key}\` twice, line ${line + 1}, column ${column + 1}`)
        if (!key.isWellFormed()) throw malformed(name, `has a lone surrogate, line ${line + 1}`)
        // THREAT: some readers drop this key, so what one of them ignores another believes.
        if (key === '__proto__') throw malformed(name, `has the key \`__proto__\`, line ${line + 1}`)
        keys?.add(key)
      },
      onLiteralValue: (value, _offset, _length, line, column) => {
        const place = `line ${line + 1}, column ${column + 1}`
        if (typeof value === 'string' && !value.isWellFormed()) throw malformed(name, `has a lone surrogate, ${place}`)
        if (typeof value === 'number' && Number.isInteger(value) && !Number.isSafeInteger(value)) {
          throw malformed(name, `has an integer that is not exact, ${place}`)
        }
      },
      onError: (code: ParseErrorCode, _offset, _length, line, column) => {
        throw malformed(name, `is not JSON (${printParseErrorCode(code)}), line ${line + 1}, column ${column + 1}`)
      },
    },
    { disallowComments: true, allowTrailingComma: false, allowEmptyContent: false },
  )
}

function malformed(name: string, what: string, cause?: unknown): DomainError {
  return new DomainError('ERR_INPUT_MALFORMED', `\`${name}\` ${what}`, { cause })
}
