/** Histograms of two profiles over the same bins, from their sketches: pure. */
import type { ColumnProfile, Sketch, TableProfile } from '../statistics/index.ts'

/** Shares of each side, 0 to 1; `baseline` is missing when there is none. */
export type Bin = Readonly<{ label: string; candidate: number; baseline?: number }>
export type Histogram = Readonly<{
  name: string
  kind: ColumnProfile['kind']
  isInstant: boolean
  rows: number
  nulls: number
  bins: readonly Bin[]
  /** Of numbers: what the first bin begins and the last ends with. */
  from?: number
  to?: number
}>

const numberBins = 40
const shownCategories = 12

export function histogramsOf(candidate: TableProfile, baseline: TableProfile | undefined): readonly Histogram[] {
  return candidate.columns.map((column) => {
    const before = baseline?.columns.find(({ name, kind }) => name === column.name && kind === column.kind)
    const { name, kind, rows, nulls } = column
    const head = { name, kind, rows, nulls, isInstant: column.kind === 'numeric' && column.unit === 'epoch-ms' }
    if (column.kind === 'category') {
      return { ...head, bins: categoryBins(column, before?.kind === 'category' ? before : undefined) }
    }
    const earlier = before === undefined || before.kind === 'category' ? undefined : before.sketch
    return { ...head, ...numberHistogram(column.sketch, earlier) }
  })
}

type Categories = Extract<ColumnProfile, { kind: 'category' }>

function categoryBins({ categories }: Categories, before: Categories | undefined): readonly Bin[] {
  const share = (side: Categories['categories'] | undefined, value: string): number => {
    const index = side?.values.indexOf(value) ?? -1
    return side === undefined || index < 0 || side.count === 0 ? 0 : (side.counts[index] ?? 0) / side.count
  }
  const names = new Set([...(before?.categories.values.slice(0, shownCategories) ?? []), ...categories.values])
  const shown = [...names].slice(0, shownCategories)
  const bins = shown.map((label) => ({
    label,
    candidate: share(categories, label),
    ...(before === undefined ? {} : { baseline: share(before.categories, label) }),
  }))
  if (names.size <= shown.length && categories.distinct <= shown.length) return bins
  const rest = (pick: (bin: Bin) => number): number => Math.max(0, 1 - bins.reduce((sum, bin) => sum + pick(bin), 0))
  return [
    ...bins,
    {
      label: 'all others',
      candidate: rest(({ candidate }) => candidate),
      ...(before === undefined ? {} : { baseline: rest(({ baseline = 0 }) => baseline) }),
    },
  ]
}

function numberHistogram(candidate: Sketch, baseline: Sketch | undefined): Pick<Histogram, 'bins' | 'from' | 'to'> {
  const sides = baseline === undefined ? [candidate] : [candidate, baseline]
  const finite = sides.flatMap(({ lows, highs }) => [...lows, ...highs]).filter(Number.isFinite)
  if (finite.length === 0) return { bins: [] }
  // a few values far out would squeeze all others into one bar: what lies there is in the first and last
  const from = Math.min(...sides.map((side) => edgeOf(side, 0.005)))
  const to = Math.max(...sides.map((side) => edgeOf(side, 0.995)))
  const width = (to - from) / numberBins
  if (!(width > 0)) {
    return { from, to, bins: [{ label: `${from}`, candidate: 1, ...(baseline === undefined ? {} : { baseline: 1 }) }] }
  }
  const shares = sides.map((side) => sharesOf(side, from, width))
  const bins = Array.from({ length: numberBins }, (_, index) => ({
    label: `${from + index * width}`,
    candidate: shares[0]?.[index] ?? 0,
    ...(baseline === undefined ? {} : { baseline: shares[1]?.[index] ?? 0 }),
  }))
  return { from, to, bins }
}

function edgeOf({ lows, highs, counts, count }: Sketch, share: number): number {
  let seen = 0
  for (const [bin, inBin] of counts.entries()) {
    seen += inBin
    const [low, high] = [lows[bin] ?? 0, highs[bin] ?? 0]
    if (seen >= share * count && Number.isFinite(low) && Number.isFinite(high)) return share < 0.5 ? low : high
  }
  return highs.findLast(Number.isFinite) ?? 0
}

/** What a bin of the sketch holds lies evenly in it; a bin of one value is that value. */
function sharesOf({ lows, highs, counts, count }: Sketch, from: number, width: number): readonly number[] {
  const shares = new Array<number>(numberBins).fill(0)
  const place = (value: number): number => Math.min(numberBins - 1, Math.max(0, Math.floor((value - from) / width)))
  for (const [bin, inBin] of counts.entries()) {
    const [low, high] = [lows[bin] ?? 0, highs[bin] ?? 0]
    const [first, last] = [place(low), place(high)]
    for (let at = first; at <= last; at += 1) {
      const overlap =
        first === last
          ? 1
          : (Math.min(high, at === last ? high : from + (at + 1) * width) -
              Math.max(low, at === first ? low : from + at * width)) /
            (high - low)
      shares[at] = (shares[at] ?? 0) + (inBin * Math.max(0, overlap)) / count
    }
  }
  return shares
}
