/**
 * HTML as values: elements are made here, and text of others can only become a text node.
 *
 * THREAT: names of columns, values and paths come from whoever wrote the data. They are escaped, and made printable, so
 * that no control or bidi character of theirs orders the page. Attributes are ours: words, numbers and paths of lines.
 */
import { printable } from '../../core/index.ts'

declare const made: unique symbol
/** Text that is HTML. Only `element` and `fragment` make it. */
export type Html = string & { readonly [made]: true }

export type Child = Html | Readonly<{ text: string | number }> | null

/** A text node. */
export function text(value: string | number): Child {
  return { text: value }
}

/** Of HTML; elements of SVG are closed like all others. */
const empty: ReadonlySet<string> = new Set(['meta', 'br', 'img'])

export function element(
  tag: string,
  attributes: Readonly<Record<string, string | number | boolean>>,
  ...children: readonly Child[]
): Html {
  const written = Object.entries(attributes)
    .filter(([, value]) => value !== false)
    .map(([name, value]) => (value === true ? ` ${name}` : ` ${name}="${escaped(String(value))}"`))
  const open = `<${tag}${written.join('')}>`
  return (empty.has(tag) ? open : `${open}${fragment(...children)}</${tag}>`) as Html // built of escaped parts alone
}

export function fragment(...children: readonly Child[]): Html {
  const parts = children.map((child) =>
    child === null ? '' : typeof child === 'string' ? child : escaped(printable(String(child.text))),
  )
  return parts.join('') as Html // built of escaped parts alone
}

function escaped(value: string): string {
  return value.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}

/** A picture that we have written ourselves, as PNG; no bytes of others are ever put into a page. */
export function picture(
  png: Uint8Array,
  { alt, ...size }: Readonly<{ alt: string; width: number; height: number }>,
): Html {
  const src = `data:image/png;base64,${Buffer.from(png).toString('base64')}`
  return element('img', { src, alt: printable(alt), ...size })
}

/** Data beside the page, for programs: JSON that cannot end the element it stands in. */
export function jsonBlock(id: string, value: unknown): Html {
  const json = JSON.stringify(value).replace(
    /[<>&\u007f-\uffff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
  return `<script type="application/json" id="${escaped(id)}">${json}</script>` as Html // no `<` is left in it
}

/** Our own style sheet, as it is. */
export function styleBlock(css: string): Html {
  return `<style>${css}</style>` as Html // a constant of ours
}
