/** Tables and figures of the pages that the pipeline writes: pure. Text of others becomes a text node. */
import { type Child, element, fragment, type Html, text } from '../data/index.ts'

/** LIMIT: rows of one table. */
const maxRows = 200

/** @param isWide it keeps its columns on a narrow screen, and is scrolled there: figures are read beside each other */
export function tableOf(titles: readonly string[], rows: readonly (readonly Child[])[], { isWide = false } = {}): Html {
  const more = rows.length - maxRows
  return fragment(
    element(
      'div',
      { class: isWide ? 'wide' : 'wide stack' },
      element(
        'table',
        {},
        element('thead', {}, element('tr', {}, ...titles.map((title) => element('th', {}, text(title))))),
        element('tbody', {}, ...rows.slice(0, maxRows).map((row) => element('tr', {}, ...row))),
      ),
    ),
    more > 0 ? element('p', { class: 'soft' }, text(`and ${more} more: --json`)) : null,
  )
}

/** @param title said before the value where the screen is too narrow for columns */
export function cell(value: string, kind: string, title?: string): Html {
  const titled = title === undefined || value === '' ? {} : { 'data-title': title }
  return element('td', { class: kind, ...titled }, ...(value === '' ? [] : [text(value)]))
}

export function numeric(value: string, title?: string): Html {
  return cell(value, 'num', title)
}

export function grouped(count: number): string {
  return Number.isSafeInteger(count) ? count.toLocaleString('en-US') : shortly(count)
}

export function percent(part: number, of: number): string {
  const share = of === 0 ? 0 : (part / of) * 100
  return `${share >= 10 || share === 0 ? share.toFixed(0) : share.toPrecision(2)} %`
}

export function shortly(value: number): string {
  if (Number.isInteger(value) && value < 1e6) return `${value}`
  return value < 1e6 ? `${Number(value.toPrecision(3))}` : value.toExponential(2).replace('e+', 'e')
}
