/**
 * YAML as DVC reads it, with the place of every key and value.
 *
 * The `yaml` library does the syntax and knows positions; what a scalar, a tag, a merge key or a duplicate means is
 * decided in `yaml-node.ts`, as ruamel.yaml decides it, because a definition that two tools read differently would be
 * signed for one meaning and run with the other.
 */
import { LineCounter, parseDocument } from 'yaml'
import { type ErrorCode, printable } from '../../core/index.ts'
import { faultAt, type Place } from './fault.ts'
import { maxDepth, maxFileBytes } from './limits.ts'
import type { Key, Value } from './value.ts'
import { NodeReader, type Offsets } from './yaml-node.ts'
import { forbiddenTab } from './yaml-tabs.ts'

/** Where things stand. A container that is reached by an alias keeps the place where it was written. */
export type Places = Readonly<{
  file: string
  start: Place
  ofKey(container: Value, key: Key | number): Place
  ofValue(container: Value, key: Key | number): Place
  /** Gives `copy` the places of `container`: a map that lost some keys keeps where the others stand. */
  copy(container: Value, copy: Value): void
}>

export type Document = Readonly<{ root: Value; places: Places }>

/**
 * Trust: `bytes` are attacker-controlled.
 *
 * @returns the one document; an empty file is an empty map, as for DVC
 * @throws `code` with file, line and column when the bytes are not one YAML document that DVC would read
 */
export function readYaml(bytes: Uint8Array, file: string, code: ErrorCode): Document {
  const start = { file, line: 1, column: 1 }
  const text = decodeText(bytes, file, code).replace(/^\ufeff/u, '')
  const lines = new LineCounter()
  const offsets: Offsets = new WeakMap()
  const placeAt = (offset: number): Place => {
    const { line, col } = lines.linePos(offset)
    return { file, line: Math.max(1, line), column: Math.max(1, col) }
  }
  const fault = (offset: number, what: string, help?: string): Error => faultAt(code, placeAt(offset), what, help)
  refuseUnprintable(text, (offset) => {
    const before = text.slice(0, offset)
    const place = { file, line: before.split('\n').length, column: offset - before.lastIndexOf('\n') }
    return faultAt(
      code,
      place,
      'a control character, line separator or byte order mark cannot stand in YAML',
      'write it as an escape in quotes',
    )
  })
  if (/^(?:[ \t]*(?:#.*)?\n)*\.\.\.(?:\s|$)/.test(text)) throw faultAt(code, start, 'it ends before it begins')
  const tab = forbiddenTab(text)
  const parsed = composed(text, lines, file, code)
  const [error] = [...parsed.errors, ...parsed.warnings.filter((warning) => isBadDirective(warning, text))]
  if (error !== undefined) throw fault(error.pos[0], syntaxFault(error.message))
  if (tab !== undefined) throw fault(tab, 'a tab cannot stand here', 'write spaces')
  if (/^(?:(?:#.*|%.*)?\n)*?%YAML.*\n(?:(?:#.*|%.*)?\n)*?%YAML/.test(text))
    throw faultAt(code, start, '`%YAML` stands twice')
  const version = parsed.directives?.yaml.version === '1.1' ? '1.1' : '1.2'
  const root = new NodeReader({ text, version, offsets, fault }).read(parsed.contents)
  const find = (container: Value, key: Key | number, which: 0 | 1): Place => {
    const offset = typeof container === 'object' && container !== null ? offsets.get(container)?.get(key) : undefined
    return offset === undefined ? { file, line: 0, column: 0 } : placeAt(offset[which])
  }
  const places: Places = {
    file,
    start,
    ofKey: (container, key) => find(container, key, 0),
    ofValue: (container, key) => find(container, key, 1),
    copy: (container, copy) => {
      if (typeof container !== 'object' || typeof copy !== 'object' || container === null || copy === null) return
      const known = offsets.get(container)
      if (known !== undefined) offsets.set(copy, known)
    },
  }
  return { root, places }
}

/** UTF-8 with the line ends that Python's text mode gives. */
export function decodeText(bytes: Uint8Array, file: string, code: ErrorCode): string {
  const whole = { file, line: 0, column: 0 }
  if (bytes.length > maxFileBytes) {
    throw faultAt('ERR_INPUT_TOO_LARGE', whole, `it has ${bytes.length} bytes, the limit is ${maxFileBytes}`)
  }
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
    return text.replace(/\r\n?/g, '\n')
  } catch {
    // INVARIANT: `fatal` throws for one reason only, bytes that are not UTF-8.
    throw faultAt(code, whole, 'it is not UTF-8')
  }
}

/**
 * THREAT: a byte order mark within the text is a blank for some and a letter for others. U+0085, U+2028 and U+2029 end a
 * line for YAML 1.1 readers, ruamel and so DVC among them, and are text for YAML 1.2: bytes with two meanings are refused.
 * In quotes they can be escaped.
 */
const unprintable = /[^\t\n\r\u0020-\u007e\u00a0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\u{10000}-\u{10ffff}]/u

function refuseUnprintable(text: string, fault: (offset: number) => Error): void {
  const match = unprintable.exec(text)
  if (match !== null) throw fault(match.index)
}

function composed(text: string, lines: LineCounter, file: string, code: ErrorCode): ReturnType<typeof parseDocument> {
  try {
    return parseDocument(text, {
      schema: 'failsafe',
      uniqueKeys: false,
      merge: false,
      strict: true,
      prettyErrors: false,
      resolveKnownTags: false,
      logLevel: 'error',
      lineCounter: lines,
    })
  } catch (cause) {
    // The composer recurses: a document that is nested beyond the stack ends here and nowhere else.
    if (!(cause instanceof RangeError)) throw cause
    throw faultAt(code, { file, line: 0, column: 0 }, `it is nested deeper than ${maxDepth} levels`)
  }
}

/** A directive of another name means nothing to DVC. SOURCE: ruamel scanner.py `scan_directive_name`. */
function isBadDirective({ code, pos }: Readonly<{ code: string; pos: readonly number[] }>, text: string): boolean {
  const [start = 0] = pos
  const end = text.indexOf('\n', start)
  const line = text.slice(start, end < 0 ? text.length : end)
  return code === 'BAD_DIRECTIVE' && (/^%(?:YAML|TAG)\b/.test(line) || !/^%[\w:.-]+(?: |$)/.test(line))
}

/** The library reports its own exhausted stack as an error of the text, which it is. */
function syntaxFault(message: string): string {
  if (message.includes('call stack')) return `nested deeper than ${maxDepth} levels`
  const [first = ''] = printable(message).split('\n')
  return `not YAML: ${first.slice(0, 1).toLowerCase()}${first.slice(1, 200)}`
}
