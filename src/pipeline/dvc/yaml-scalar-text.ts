/**
 * A text as a YAML scalar, spelled and broken over lines as ruamel.yaml does it, so that a lock that both tools write
 * does not change its bytes with the tool. SOURCE: behaviour of ruamel.yaml 0.19 as DVC 3.67.1 uses it, width 80;
 * test/vectors/dvc/lock-texts.json holds its answers.
 */
import { tagOfPlain } from '../define/index.ts'

/** Where a scalar begins: characters before it on its line, and the indentation of the lines that it goes on with. */
export type ScalarPlace = Readonly<{ column: number; indent: number; canBreak: boolean }>

const width = 80
const breaks = /[\n\u0085\u2028\u2029]/u
/** What may stand in a plain or single-quoted scalar. */
const printable = /^[\n\u0020-\u007e\u0085\u00a0-\ud7ff\ue000-\ufefe\uff00-\ufffd\u{10000}-\u{10ffff}]*$/u

/** @returns the text without the space before it; it begins with a line break when its first word needs its own line */
export function scalarText(text: string, place: ScalarPlace): string {
  if (isPlain(text)) return plainWords(text, place)
  // LIMIT: ruamel would break a line at U+0085, U+2028 and U+2029 in single quotes; readers differ about those.
  const isSingle = printable.test(text) && !text.includes("'") && !breaks.test(text)
  return isSingle ? singleQuoted(text, place) : doubleQuoted(text, place)
}

/** Whether the text can be a key on the line of its value. */
export function isSimpleKey(text: string): boolean {
  return [...text].length < 128 && !breaks.test(text)
}

function isPlain(text: string): boolean {
  if (text === '' || tagOfPlain(text, '1.2') !== 'str' || breaks.test(text) || !printable.test(text)) return false
  if (/^ | $/.test(text) || /^(?:---|\.\.\.)/.test(text)) return false
  if (/^[#,[\]{}&*!|>'"%@`]/.test(text) || /^[?:-](?: |$)/.test(text)) return false
  return !/:(?: |$)/.test(text) && !/ #/.test(text)
}

/** Words and the runs of spaces between them; a run of one space may become a line break. */
export function plainWords(text: string, { column, indent, canBreak }: ScalarPlace): string {
  let written = ''
  let at = column
  const newLine = (): void => {
    written += `\n${' '.repeat(indent)}`
    at = indent
  }
  for (const part of text.match(/ +|[^ ]+/g) ?? []) {
    const length = [...part].length
    if (part === ' ' && at >= width && canBreak) {
      newLine()
      continue
    }
    // A word that does not fit has a line of its own, even when the space before it was written already.
    if (!part.startsWith(' ') && at + length > width && at > indent && canBreak) newLine()
    written += part
    at += length
  }
  return written
}

function singleQuoted(text: string, { column, indent, canBreak }: ScalarPlace): string {
  let written = "'"
  let at = column + 1
  let seen = 0
  for (const part of text.match(/ +|[^ ]+/g) ?? []) {
    const isInside = seen > 0 && seen + part.length < text.length
    seen += part.length
    if (part === ' ' && at > width && canBreak && isInside) {
      written += `\n${' '.repeat(indent)}`
      at = indent
      continue
    }
    written += part
    at += [...part].length
  }
  return `${written}'`
}

const escapes: Readonly<Record<string, string>> = {
  '\0': '0',
  '\u0007': 'a',
  '\b': 'b',
  '\t': 't',
  '\n': 'n',
  '\v': 'v',
  '\f': 'f',
  '\r': 'r',
  '\u001b': 'e',
  '"': '"',
  '\\': '\\',
  '\u0085': 'N',
  '\u2028': 'L',
  '\u2029': 'P',
}

function escaped(character: string): string | undefined {
  const known = escapes[character]
  if (known !== undefined) return `\\${known}`
  if (/^[\u0020-\u007e\u00a0-\ud7ff\ue000-\ufefe\uff00-\ufffd\u{10000}-\u{10ffff}]$/u.test(character)) return undefined
  const code = character.codePointAt(0) ?? 0
  const hex = code.toString(16).toUpperCase()
  return code <= 0xff ? `\\x${hex.padStart(2, '0')}` : `\\u${hex.padStart(4, '0')}`
}

/**
 * Broken at a space, or after an escape, once the line is full. The space goes away with the break when that reads back
 * as one space; else a backslash keeps it.
 */
function doubleQuoted(text: string, { column, indent, canBreak }: ScalarPlace): string {
  const characters = [...text]
  const count = characters.length
  let written = '"'
  let at = column + 1
  let start = 0
  const flush = (end: number): void => {
    written += characters.slice(start, end).join('')
    at += Math.max(0, end - start)
    start = Math.max(start, end)
  }
  for (let end = 0; end <= count; end += 1) {
    const character = characters[end]
    const special = character === undefined ? '' : escaped(character)
    if (special !== undefined) {
      flush(end)
      if (character !== undefined) {
        written += special
        at += special.length
        start = end + 1
      }
    }
    const canEnd = end > 0 && end < count - 1 && (character === ' ' || start >= end)
    if (!canEnd || !canBreak || at + (end - start) <= width) continue
    const keepsSpace = needsBackslash(characters, start, end)
    flush(end)
    written += `${keepsSpace ? '\\' : ''}\n${' '.repeat(indent)}`
    at = indent
    if (characters[start] !== ' ') continue
    if (keepsSpace) {
      written += '\\'
      at += 1
    } else start += 1
  }
  return `${written}"`
}

/** SOURCE: ruamel.yaml's rule for when a space may fall into a line break of a double-quoted scalar. */
function needsBackslash(characters: readonly string[], start: number, end: number): boolean {
  const space = characters.indexOf(' ', end)
  if (space < 0) return true
  const newLine = characters.slice(end, space).indexOf('\n')
  const at = newLine < 0 ? space : end + newLine
  const next = characters[at + 1]
  if (next === undefined) return true
  if (characters[at] === '\n' && next !== ' ') return true
  const between = characters.slice(end, at)
  const isDouble = characters[end - 1] === ' ' && characters[end] === ' '
  return between.includes('"') || between.includes("'") || next === ' ' || next === '\n' || isDouble || start === end
}
