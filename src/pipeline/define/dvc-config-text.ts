/**
 * The text of `.dvc/config`, as DVC reads it: sections in brackets, `key = value`, lists with commas, triple quotes.
 *
 * SOURCE: configobj 5.0.9 (`ConfigObj._parse`, `_handle_value`, `_multiline`). It takes more for text than other readers
 * of INI files and stops where they go on, so none of those can stand for it.
 */
import { faultAt, quoted } from './fault.ts'

export type ConfigValue = string | readonly string[] | ConfigSection
export interface ConfigSection extends ReadonlyMap<string, ConfigValue> {}
type Section = Map<string, ConfigValue>
type Fault = (what: string) => Error
type Lines = { readonly all: readonly string[]; at: number }

export const isSection = (value: unknown): value is ConfigSection => value instanceof Map

/** Where `str.splitlines` of Python ends a line. */
const lineEnd = /\r\n|[\n\r\v\f\u001c-\u001e\u0085\u2028\u2029]/

/**
 * Trust: `text` is attacker-controlled; the time is linear in it.
 *
 * @throws ERR_DEFINITION_INVALID at the first line that DVC does not take
 */
export function readDvcConfig(text: string, file: string): ConfigSection {
  const root: Section = new Map()
  let open: readonly Section[] = [root]
  const lines: Lines = { all: text.split(lineEnd), at: 0 }
  for (; lines.at < lines.all.length; lines.at += 1) {
    const line = stripped(lines.all[lines.at] ?? '')
    if (line === '' || line.startsWith('#')) continue
    const place = { file, line: lines.at + 1, column: 1 }
    const fault: Fault = (what) => faultAt('ERR_DEFINITION_INVALID', place, what)
    const header = headerOf(line)
    if (header !== undefined) open = entered(open, header, fault)
    else addSetting(open.at(-1) ?? root, line, lines, fault)
  }
  return root
}

/** As Python strips: a byte order mark is no blank. */
const stripped = (text: string): string => withoutEnd(text.replace(/^[^\S\ufeff]+/, ''))

/** THREAT: a pattern that ends with blanks and `$` looks at a long run of them from each of its places. */
function withoutEnd(text: string): string {
  let end = text.length
  while (end > 0 && /[^\S\ufeff]/.test(text[end - 1] ?? '')) end -= 1
  return text.slice(0, end)
}

type Header = Readonly<{ depth: number; closing: number; name: string }>

/** `[name]`, `[[name]]`: the name may be in quotes; blanks stand between brackets as they like. */
function headerOf(line: string): Header | undefined {
  if (!line.startsWith('[')) return undefined
  const opening = /^[[\s]+/.exec(line)?.[0] ?? ''
  const rest = line.slice(opening.length)
  const end = [...rest.matchAll(/\](?:\s*\])*/g)].find((run) =>
    /^\s*(?:#|$)/.test(rest.slice(run.index + run[0].length)),
  )
  const plain = withoutEnd(rest.slice(0, end?.index ?? 0))
  if (plain === '') return undefined
  const quote = /^['"]/.exec(plain)?.[0]
  if (quote !== undefined && (plain.length < 3 || !plain.endsWith(quote) || plain.slice(1, -1).trim() === ''))
    return undefined
  return { depth: count(opening, '['), closing: count(end?.[0] ?? '', ']'), name: unquoted(plain) }
}

const count = (text: string, unit: string): number => text.split(unit).length - 1

/** @returns the sections that are open now, the root first */
function entered(open: readonly Section[], { depth, closing, name }: Header, fault: Fault): readonly Section[] {
  if (depth !== closing || depth > open.length) throw fault('the brackets of the section do not fit')
  const parent = open[depth - 1]
  if (parent === undefined || parent.has(name)) throw fault(`the section ${quoted(name)} stands twice`)
  const section: Section = new Map()
  parent.set(name, section)
  return [...open.slice(0, depth), section]
}

function addSetting(section: Section, line: string, lines: Lines, fault: Fault): void {
  const [, quotedKey, plainKey, rest = ''] = /^(?:("[^"]*"|'[^']*')\s*|([^'"=][^=]*))=\s*(.*)$/.exec(line) ?? []
  const key = quotedKey ?? (plainKey === undefined ? undefined : withoutEnd(plainKey))
  if (key === undefined) throw fault('neither a [section] nor `key = value`')
  const quotes = /^(?:"""|''')/.exec(rest)?.[0]
  const value = quotes === undefined ? settingOf(rest) : longText(rest.slice(3), quotes, lines)
  if (value === undefined) throw fault(`the value of ${quoted(key)} cannot be read`)
  const words = typeof value === 'string' ? [value] : value
  if (words.some(isTemplate)) throw fault('`%(name)s` is not filled in')
  if (section.has(unquoted(key))) throw fault(`the key ${quoted(key)} stands twice`)
  section.set(unquoted(key), value)
}

/** Whether `%(name)s` stands in it. */
function isTemplate(word: string): boolean {
  const parts = word.split(')')
  return parts.some((part, index) => part.includes('%(') && parts[index + 1]?.startsWith('s') === true)
}

/** @returns text, or a list where there is a comma outside of quotes; undefined for what is neither */
function settingOf(source: string): string | readonly string[] | undefined {
  if (/^,\s*(?:#|$)/.test(source)) return []
  const items: string[] = []
  const item = /\s*("(?:[^"]|"(?!\s*(?:[,#]|$)))*"|'(?:[^']|'(?!\s*(?:[,#]|$)))*'|[^'",#\s][^,#]*)\s*(,|#|$)/y
  for (;;) {
    const from = item.lastIndex
    if (/^\s*(?:#|$)/.test(source.slice(from))) return items.length === 0 ? '' : items
    const match = item.exec(source)
    if (match === null) return undefined
    items.push(unquoted(withoutEnd(match[1] ?? '')))
    if (match[2] !== ',') return items.length === 1 && from === 0 ? (items[0] ?? '') : items
  }
}

/** @param first what follows the opening quotes; `lines` moves to the line with the closing ones */
function longText(first: string, quotes: string, lines: Lines): string | undefined {
  const text: string[] = []
  for (let line: string | undefined = first; line !== undefined; line = lines.all[lines.at]) {
    const end = line.indexOf(quotes)
    if (end >= 0) {
      const isLast = /^\s*(?:#.*)?$/.test(line.slice(end + 3))
      return isLast ? [...text, line.slice(0, end)].join('\n') : undefined
    }
    text.push(line)
    lines.at += 1
  }
  return undefined
}

function unquoted(text: string): string {
  const [first = ''] = text
  return text.length > 1 && /^['"]/.test(first) && text.endsWith(first) ? text.slice(1, -1) : text
}
