/**
 * The first record of a CSV file, and the separator that it is written with: pure.
 *
 * The separator is the one that stands most often outside quotes in the first record (`,` for a tie), or a tab for TSV.
 * LIMIT: the first record lies within the bytes given; quotes are `"`, doubled inside; the first record is the header.
 */

export type Delimiter = ',' | ';' | '\t' | '|'

export type CsvHead = Readonly<{
  delimiter: Delimiter
  header: readonly string[]
  /** Starts with a byte order mark. */
  bom: boolean
}>

const delimiters = [',', ';', '\t', '|'] as const

/** @returns why there is no header, when there is none */
export function readCsvHead(head: Uint8Array, format: 'csv' | 'tsv'): CsvHead | Readonly<{ because: string }> {
  const bom = head[0] === 0xef && head[1] === 0xbb && head[2] === 0xbf
  // what is not UTF-8 further down is told with its row, by the engine
  const text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(wholeLines(bom ? head.subarray(3) : head))
  const delimiter = format === 'tsv' ? '\t' : mostFrequent(countDelimiters(text))
  const header = splitRecord(text, delimiter)
  if (header === undefined) return { because: 'its first record does not end, or has quotes in the wrong place' }
  if (header.some((name) => name.includes('\ufffd'))) return { because: 'its header is not UTF-8' }
  return { delimiter, header, bom }
}

/** Up to the last line end, so that no character is cut in two. */
function wholeLines(head: Uint8Array): Uint8Array {
  const end = Math.max(head.lastIndexOf(0x0a), head.lastIndexOf(0x0d))
  return end < 0 ? head : head.subarray(0, end + 1)
}

function countDelimiters(text: string): ReadonlyMap<string, number> {
  const counts = new Map<string, number>()
  let quoted = false
  for (const character of text) {
    if (character === '"') quoted = !quoted
    else if (!quoted && (character === '\n' || character === '\r')) break
    else if (!quoted) counts.set(character, (counts.get(character) ?? 0) + 1)
  }
  return counts
}

function mostFrequent(counts: ReadonlyMap<string, number>): Delimiter {
  const count = (delimiter: string): number => counts.get(delimiter) ?? 0
  return delimiters.reduce<Delimiter>((best, each) => (count(each) > count(best) ? each : best), ',')
}

/** Fields of the first record; undefined when it has no end inside `text` or text stands beside a closing quote. */
function splitRecord(text: string, delimiter: string): readonly string[] | undefined {
  const fields: string[] = []
  let at = 0
  for (;;) {
    const field = text[at] === '"' ? quotedField(text, at) : plainField(text, at, delimiter)
    if (field === undefined) return undefined
    fields.push(field.value)
    at = field.end
    if (at >= text.length || text[at] === '\n' || text[at] === '\r') return fields
    if (text[at] !== delimiter) return undefined
    at += 1
  }
}

type Field = Readonly<{ value: string; end: number }>

function quotedField(text: string, start: number): Field | undefined {
  const pieces: string[] = []
  for (let at = start + 1; ; ) {
    const quote = text.indexOf('"', at)
    if (quote < 0) return undefined
    pieces.push(text.slice(at, quote))
    if (text[quote + 1] !== '"') return { value: pieces.join(''), end: quote + 1 }
    pieces.push('"')
    at = quote + 2
  }
}

function plainField(text: string, start: number, delimiter: string): Field {
  let end = start
  while (end < text.length && text[end] !== delimiter && text[end] !== '\n' && text[end] !== '\r') end += 1
  return { value: text.slice(start, end), end }
}
