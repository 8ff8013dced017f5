// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the templates are DVC's
/** Trees of YAML and their text, each part in one of the ways to write it. */
import type { Random } from './random.ts'

/** `raw` is written as it stands; `text` is quoted or not as chance and its characters say. */
export type Node =
  | Readonly<{ kind: 'raw'; raw: string }>
  | Readonly<{ kind: 'text'; text: string }>
  | Readonly<{ kind: 'map'; entries: readonly (readonly [Node, Node])[] }>
  | Readonly<{ kind: 'list'; items: readonly Node[] }>

export const raw = (word: string): Node => ({ kind: 'raw', raw: word })
export const text = (words: string): Node => ({ kind: 'text', text: words })
export const list = (items: readonly Node[]): Node => ({ kind: 'list', items })
export const map = (entries: readonly (readonly [string | Node, Node])[]): Node => ({
  kind: 'map',
  entries: entries.map(([key, value]) => [typeof key === 'string' ? text(key) : key, value]),
})

/** How a document is written: one choice for the whole, and chance for the parts. */
export type Style = Readonly<{ random: Random; step: number; flow: number; quote: number }>

export function styleOf(random: Random): Style {
  return {
    random,
    step: random.weighted([
      [8, 2],
      [2, 4],
      [1, 1],
    ]),
    flow: random.pick([0, 0.1, 0.3, 0.6]),
    quote: random.pick([0, 0.2, 0.6]),
  }
}

export function documentOf(node: Node, style: Style): string {
  const body = block(node, 0, style).replace(/^\n/, '')
  return body.endsWith('\n') ? body : `${body}\n`
}

/** The text after `key:` or `-`, with what stands before it: a space, or a line end. */
function block(node: Node, indent: number, style: Style): string {
  if (node.kind === 'raw') return node.raw === '' ? '' : ` ${node.raw}`
  if (node.kind === 'text') return ` ${scalar(node.text, indent, style)}`
  const isEmpty = node.kind === 'map' ? node.entries.length === 0 : node.items.length === 0
  if (isEmpty || style.random.chance(style.flow)) return ` ${flow(node, style)}`
  const pad = ' '.repeat(indent)
  if (node.kind === 'list') return node.items.map((item) => `\n${pad}-${listItem(item, indent, style)}`).join('')
  return node.entries
    .map(([key, value]) => {
      const lower = value.kind === 'list' && style.random.chance(0.3) ? indent : indent + style.step
      return `\n${pad}${flow(key, style)}:${comment(block(value, lower, style), style)}`
    })
    .join('')
}

/** A map in a list begins on the line of the dash or below it. */
function listItem(item: Node, indent: number, style: Style): string {
  const written = block(item, indent + 2, style)
  const isBelow = written.startsWith('\n') && item.kind === 'map' && style.random.chance(0.8)
  return isBelow ? ` ${written.slice(indent + 3)}` : written
}

function comment(written: string, { random }: Style): string {
  return random.chance(0.02) && /^( [\w./]+)?(\n|$)/.test(written)
    ? written.replace(/^( [\w./]+)?/, '$1 # why')
    : written
}

function flow(node: Node, style: Style): string {
  if (node.kind === 'raw') return node.raw
  if (node.kind === 'text') return scalar(node.text, undefined, style)
  if (node.kind === 'list') return `[${node.items.map((item) => flow(item, style)).join(', ')}]`
  return `{${node.entries.map(([key, value]) => `${flow(key, style)}: ${flow(value, style)}`).join(', ')}}`
}

/** Words that a plain scalar would make something else of. */
const looksLikeMore = /^(?:[-+.\d]|~$|null$|true$|false$|yes$|no$|on$|off$|<<$|=$)/i
const plainInBlock = /^[A-Za-z_./\\$\u00c0-\uffff](?:[^\n:#\t]|:(?=[^\s])|(?<=\S)#)*$/u

/** @param indent where a block scalar may go; undefined in flow */
function scalar(words: string, indent: number | undefined, { random, quote }: Style): string {
  const canBePlain =
    plainInBlock.test(words) &&
    !/\s$/.test(words) &&
    !looksLikeMore.test(words) &&
    (indent !== undefined || !/[,[\]{}]/.test(words))
  if (canBePlain && !random.chance(quote)) return words
  const canBeBlock =
    indent !== undefined && words.trim() !== '' && !/[^\n\u0020-\uffff]/.test(words) && !/^\s|\n\s/.test(words)
  if (canBeBlock && (words.includes('\n') || random.chance(0.1))) return blockScalar(words, indent, random)
  if (/[^\u0020-\u{10ffff}]|\u007f/u.test(words) || random.chance(0.5)) return JSON.stringify(words)
  return `'${words.replaceAll("'", "''")}'`
}

function blockScalar(words: string, indent: number, random: Random): string {
  const pad = ' '.repeat(Math.max(1, indent))
  const ends = words.endsWith('\n\n') ? '+' : words.endsWith('\n') ? '' : '-'
  const mark = words.includes('\n') || random.chance(0.5) ? '|' : '>'
  const body = words
    .replace(/\n+$/, '')
    .split('\n')
    .map((line) => (line === '' ? '' : `${pad}${line}`))
  const tail = ends === '+' ? '\n'.repeat((/\n*$/.exec(words)?.[0].length ?? 1) - 1) : ''
  return `${mark}${ends}\n${body.join('\n')}${tail}`
}
