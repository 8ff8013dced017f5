/** Histograms as SVG: bars of the baseline behind, of the candidate in front. Pure. */
import type { Histogram } from './histogram.ts'
import { type Child, element, type Html, text } from './html.ts'

const width = 320
const height = 110
const labelHeight = 16
const rowHeight = 20

export function chartOf(histogram: Histogram): Html {
  return histogram.kind === 'category' ? categoryChart(histogram) : numberChart(histogram)
}

function numberChart({ bins, from, to, isInstant }: Histogram): Html {
  const most = Math.max(1e-9, ...bins.flatMap(({ candidate, baseline = 0 }) => [candidate, baseline]))
  const step = width / Math.max(1, bins.length)
  const bar = (index: number, share: number, kind: 'now' | 'then', inset: number): Html => {
    const tall = (share / most) * (height - 4)
    return element('rect', {
      class: kind,
      x: short(index * step + inset),
      y: short(height - tall),
      width: short(Math.max(0.5, step - 2 * inset)),
      height: short(tall),
    })
  }
  const bars = bins.flatMap(({ candidate, baseline }, index) => [
    ...(baseline === undefined ? [] : [bar(index, baseline, 'then', 0.4)]),
    bar(index, candidate, 'now', step * 0.22),
  ])
  const name = (value: number | undefined): string =>
    value === undefined ? '' : isInstant ? dayOf(value) : spelled(value)
  return element(
    'svg',
    { viewBox: `0 0 ${width} ${height + labelHeight}`, role: 'img', 'aria-label': 'histogram' },
    ...bars,
    element('line', { class: 'axis', x1: 0, x2: width, y1: height, y2: height }),
    label(0, height + 13, 'start', name(from)),
    label(width, height + 13, 'end', name(to)),
  )
}

function categoryChart({ bins }: Histogram): Html {
  const most = Math.max(1e-9, ...bins.flatMap(({ candidate, baseline = 0 }) => [candidate, baseline]))
  const names = 120
  const room = width - names - 46
  const rows = bins.flatMap(({ label: name, candidate, baseline }, index): readonly Child[] => {
    const y = index * rowHeight
    const long = (share: number): string => short((share / most) * room)
    return [
      label(names - 8, y + 14, 'end', name === '' ? '(empty)' : cut(name)),
      baseline === undefined
        ? null
        : element('rect', { class: 'then', x: names, y: y + 3, width: long(baseline), height: rowHeight - 6, rx: 2 }),
      element('rect', { class: 'now', x: names, y: y + 6, width: long(candidate), height: rowHeight - 12, rx: 2 }),
      label(width, y + 14, 'end', `${(candidate * 100).toFixed(candidate < 0.1 ? 1 : 0)} %`),
    ]
  })
  const viewBox = `0 0 ${width} ${Math.max(1, bins.length) * rowHeight}`
  return element('svg', { viewBox, role: 'img', 'aria-label': 'shares' }, ...rows)
}

function label(x: number, y: number, anchor: 'start' | 'end', what: string): Html {
  return element('text', { x, y, 'text-anchor': anchor }, text(what))
}

function short(value: number): string {
  return value.toFixed(2).replace(/\.?0+$/, '')
}

function spelled(value: number): string {
  return Math.abs(value) >= 1e6 || (value !== 0 && Math.abs(value) < 1e-3)
    ? value.toExponential(2)
    : `${Number(value.toPrecision(5))}`
}

function dayOf(ms: number): string {
  return Math.abs(ms) <= 8.64e15 ? new Date(ms).toISOString().slice(0, 10) : spelled(ms)
}

function cut(name: string): string {
  return name.length > 18 ? `${name.slice(0, 17)}…` : name
}
