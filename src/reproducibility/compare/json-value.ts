/**
 * JSON for comparison: every number as it stands, and what Python writes for NaN and infinities.
 *
 * Beside `parseStrictJson`, which refuses both, since metrics of a training hold them. Keys that stand twice, comments,
 * bad UTF-8 and lone surrogates are refused here too. Pure.
 */
import { createScanner } from 'jsonc-parser'
import { Unreadable } from './unreadable.ts'

/** Integers that a double cannot hold are `bigint`. */
export type JsonValue =
  | null
  | boolean
  | string
  | number
  | bigint
  | readonly JsonValue[]
  | ReadonlyMap<string, JsonValue>

/** LIMIT: as core has them for JSON. */
export const maxJsonBytes = 16 * 1024 * 1024
const maxDepth = 64

/** SOURCE: `SyntaxKind` of jsonc-parser 3, whose const enum is not to be had at run time. */
const kinds = {
  openBrace: 1,
  closeBrace: 2,
  openBracket: 3,
  closeBracket: 4,
  comma: 5,
  colon: 6,
  null: 7,
  true: 8,
  false: 9,
  string: 10,
  number: 11,
  lineBreak: 14,
  blank: 15,
  unknown: 16,
  end: 17,
} as const

type Scanner = ReturnType<typeof createScanner>

/** @throws Unreadable */
export function parseJsonValue(bytes: Uint8Array): JsonValue {
  const scanner = createScanner(decode(bytes), false)
  const value = valueFrom(scanner, next(scanner), 0)
  if (next(scanner) !== kinds.end) throw broken(scanner)
  return value
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    throw new Unreadable('is not UTF-8') // the only way in which decoding fails
  }
}

function next(scanner: Scanner): number {
  for (;;) {
    const kind: number = scanner.scan()
    if (kind === kinds.lineBreak || kind === kinds.blank) continue
    if (scanner.getTokenError() !== 0) throw broken(scanner)
    return kind
  }
}

function broken(scanner: Scanner): Unreadable {
  return new Unreadable(
    `is not JSON, line ${scanner.getTokenStartLine() + 1}, column ${scanner.getTokenStartCharacter() + 1}`,
  )
}

function valueFrom(scanner: Scanner, kind: number, depth: number): JsonValue {
  if (depth > maxDepth) throw new Unreadable(`is nested deeper than ${maxDepth} levels`)
  switch (kind) {
    case kinds.openBrace:
      return objectFrom(scanner, depth)
    case kinds.openBracket:
      return arrayFrom(scanner, depth)
    case kinds.string:
      return textFrom(scanner)
    case kinds.number:
      return numberFrom(scanner.getTokenValue())
    case kinds.null:
      return null
    case kinds.true:
      return true
    case kinds.false:
      return false
    case kinds.unknown:
      return specialFrom(scanner)
    default:
      throw broken(scanner)
  }
}

function textFrom(scanner: Scanner): string {
  const text = scanner.getTokenValue()
  if (!text.isWellFormed()) throw new Unreadable('has a lone surrogate')
  return text
}

function numberFrom(text: string): number | bigint {
  const value = Number(text)
  return /^-?\d+$/.test(text) && !Number.isSafeInteger(value) ? BigInt(text) : value
}

/** `NaN`, `Infinity` and `-Infinity`, as Python's json module writes them. */
function specialFrom(scanner: Scanner): number {
  const word = scanner.getTokenValue()
  if (word === 'NaN') return Number.NaN
  if (word === 'Infinity') return Number.POSITIVE_INFINITY
  const start = scanner.getTokenOffset()
  if (word === '-' && next(scanner) === kinds.unknown && scanner.getTokenValue() === 'Infinity') {
    if (scanner.getTokenOffset() === start + 1) return Number.NEGATIVE_INFINITY
  }
  throw broken(scanner)
}

function arrayFrom(scanner: Scanner, depth: number): readonly JsonValue[] {
  const values: JsonValue[] = []
  let kind = next(scanner)
  if (kind === kinds.closeBracket) return values
  for (;;) {
    values.push(valueFrom(scanner, kind, depth + 1))
    const after = next(scanner)
    if (after === kinds.closeBracket) return values
    if (after !== kinds.comma) throw broken(scanner)
    kind = next(scanner)
  }
}

function objectFrom(scanner: Scanner, depth: number): ReadonlyMap<string, JsonValue> {
  const members = new Map<string, JsonValue>()
  let kind = next(scanner)
  if (kind === kinds.closeBrace) return members
  for (;;) {
    if (kind !== kinds.string) throw broken(scanner)
    const key = textFrom(scanner)
    if (members.has(key)) throw new Unreadable(`has a key twice, line ${scanner.getTokenStartLine() + 1}`)
    if (next(scanner) !== kinds.colon) throw broken(scanner)
    members.set(key, valueFrom(scanner, next(scanner), depth + 1))
    const after = next(scanner)
    if (after === kinds.closeBrace) return members
    if (after !== kinds.comma) throw broken(scanner)
    kind = next(scanner)
  }
}
