/**
 * The shell of a page that needs nothing else: no script, no network, nothing from elsewhere.
 *
 * THREAT: the page is opened in a browser that trusts it. Its policy allows our own style by digest and nothing more, all
 * that comes from data is a text node, and the same facts stand beside it as JSON for programs.
 */
import { createHash } from 'node:crypto'
import { element, type Html, jsonBlock, styleBlock, text } from './html.ts'
import { style } from './style.ts'

export type Page = Readonly<{
  title: string
  body: readonly Html[]
  /** For programs: the id of a block of JSON, and what it holds. */
  facts: readonly [id: string, value: unknown]
  /** It holds pictures of ours (`picture`). */
  hasPictures?: boolean
}>

export function printPage({ title, body, facts, hasPictures = false }: Page): string {
  const policy = [
    "default-src 'none'",
    `style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'`,
    ...(hasPictures ? ['img-src data:'] : []),
    "base-uri 'none'",
    "form-action 'none'",
  ]
  const page = element(
    'html',
    { lang: 'en' },
    element(
      'head',
      {},
      element('meta', { charset: 'utf-8' }),
      element('meta', { 'http-equiv': 'Content-Security-Policy', content: policy.join('; ') }),
      element('meta', { name: 'viewport', content: 'width=device-width, initial-scale=1' }),
      element('meta', { name: 'referrer', content: 'no-referrer' }),
      element('title', {}, text(title)),
      styleBlock(style),
    ),
    element('body', {}, element('main', {}, ...body), jsonBlock(...facts)),
  )
  return `<!doctype html>\n${page}\n`
}

/** A figure with a word below it. */
export function tile(value: string | number, label: string): Html {
  return element('div', { class: 'tile' }, element('b', {}, text(value)), element('span', {}, text(label)))
}
