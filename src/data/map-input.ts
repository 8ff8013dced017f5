/**
 * Gives an input its source in the text of assay.yaml. Only the one line changes: comments, order and style of the rest
 * are the user's.
 */
import { isMap, isNode, isScalar, type Pair, parseDocument, stringify, type YAMLMap } from 'yaml'
import { DomainError, isDomainError, parseProjectPath } from '../core/index.ts'
import { setInYaml } from './yaml-edit.ts'

/**
 * The text with `data: {<path>: {source: <id>}}` in it; an entry that says so already stays as it is.
 *
 * @param before the text of assay.yaml, empty when there is none
 * @throws ERR_SETTINGS_INVALID when the text has no place for it
 */
export function mapInput(before: string, path: string, source: string, contract?: string): string {
  const document = parseDocument(before === '' ? 'assay: 1\n' : before, { strict: true, uniqueKeys: true })
  if (document.errors.length > 0 || !isMap(document.contents)) throw invalid('is not a map of settings')
  const facts = { source, ...(contract === undefined ? {} : { contract }) }
  const value = stringify(facts, { collectionStyle: 'flow', flowCollectionPadding: false, lineWidth: 0 }).trim()
  const line = `${stringify(path).trim()}: ${value}`
  const data = document.get('data', true)

  if (!isMap(data) || data.items.length === 0) return withData(before, document.contents, line)
  const entry = data.items.find(({ key }) => isScalar(key) && meansPath(String(key.value), path))
  if (entry !== undefined) return isFilled(entry) ? withFacts(before, entry, facts) : withValue(before, entry, value)
  if (data.flow === true)
    throw invalid('has its `data` on one line', 'write each input under `data:` on a line of its own')
  return withLine(before, data, line)
}

/** No input yet: a new block at the end, or in the place of an empty one. */
function withData(before: string, contents: YAMLMap, line: string): string {
  const base = before === '' ? 'assay: 1\n' : before.replace(/\n?$/, '\n')
  const pair = contents.items.find(({ key }) => isScalar(key) && key.value === 'data')
  const [start] = rangeOf(pair?.key)
  if (start === undefined) return `${base}\ndata:\n  ${line}\n`
  const end = rangeOf(pair?.value)[1] ?? start + 'data:'.length
  return `${base.slice(0, start)}data:\n  ${line}${base.slice(Math.max(end, start + 'data:'.length))}`
}

/** The path as its user wrote it: `./data/a.csv` is `data/a.csv`. */
function meansPath(written: string, path: string): boolean {
  try {
    return parseProjectPath(written) === path
  } catch (error) {
    if (isDomainError(error)) return false
    throw error
  }
}

function isFilled({ value }: Pair): boolean {
  return isMap(value) && value.items.length > 0
}

/** What else the entry says, such as its contract, stays. */
function withFacts(before: string, entry: Pair, facts: Readonly<Record<string, string>>): string {
  const members = isMap(entry.value) ? entry.value : undefined
  const path = ['data', String(isScalar(entry.key) ? entry.key.value : '')]
  return Object.entries(facts).reduce(
    (text, [name, fact]) => (members?.get(name) === fact ? text : setInYaml(text, [...path, name], fact)),
    before,
  )
}

function withValue(before: string, entry: Pair, value: string): string {
  const [start, end] = rangeOf(entry.value)
  const [, keyEnd = 0] = rangeOf(entry.key)
  if (start === undefined || end === undefined || end === start) {
    return `${before.slice(0, keyEnd)}: ${value}${before.slice(keyEnd).replace(/^\s*:[ \t]*/, '')}`
  }
  return `${before.slice(0, start)}${value}${before.slice(end)}`
}

/** Before the first entry, with its indentation. */
function withLine(before: string, data: YAMLMap, line: string): string {
  const [start = 0] = rangeOf(data.items[0]?.key)
  const lineStart = before.lastIndexOf('\n', start - 1) + 1
  return `${before.slice(0, lineStart)}${before.slice(lineStart, start)}${line}\n${before.slice(lineStart)}`
}

function rangeOf(node: unknown): readonly number[] {
  return isNode(node) && node.range !== undefined && node.range !== null ? node.range : []
}

function invalid(what: string, help?: string): DomainError {
  return new DomainError('ERR_SETTINGS_INVALID', `\`assay.yaml\` ${what}`, help === undefined ? {} : { help })
}
