/**
 * What triggers are counted with: rows and hits of items by class, of the anchor and of the candidate's new rows.
 */
import type { Columns } from '../table/columns.ts'
import { labelOf } from '../table/columns.ts'
import { type Counts, type LogOdds, logOddsOf } from './association.ts'
import { binCount, type Items } from './items.ts'

/** An excess that could be less than this in odds is no trigger. */
export const leastLogOdds = Math.log(1.5)
/** Fewer rows of an item prove nothing at any family-wise level worth having. */
export const fewestTiedRows = 5
/** Classes that are looked at, the commonest first. */
const maxClasses = 20

/** Rows `from` and later are the candidate's new ones, those before are the anchor's. */
export type Labelled = Readonly<{ from: number; rows: number; label: Int32Array; classes: number; anchored: boolean }>

/** `hits` is row-major, `items * classes`; `total` rows have a value in this column, with or without an item. */
export type Tallies = Readonly<{ rows: Float64Array; hits: Float64Array; total: number; bins?: Tallies }>

/** An item, or two, that is tied to one class. */
export type Tie = Readonly<{
  parts: readonly Readonly<{ items: Items; id: number }>[]
  class: number
  z: number
  rows: number
  hits: number
  /** Hits that expectation makes of as many rows. */
  expected: number
}>

/** What items do in some rows, and in others. `base` are the shares of classes among rows with a value. */
export type Change = Readonly<{ now: Tallies; before: Tallies; baseNow: Float64Array; baseBefore: Float64Array }>

export type Counted = Change &
  Readonly<{
    items: Items
    /** For each class, how far items of this column changed between stretches of the anchor: a variance of log-odds. */
    usual: readonly number[]
  }>

/** Undefined when there is no label with two classes. */
export function labelledOf(table: Columns, from: number): Labelled | undefined {
  const label = labelOf(table)
  if (label === undefined) return undefined
  const counts = new Float64Array(label.dictionary.length)
  for (const code of label.codes) if (code >= 0) counts[code] = (counts[code] ?? 0) + 1
  const kept = [...counts.keys()]
    .filter((code) => (counts[code] ?? 0) > 0)
    .sort((left, right) => (counts[right] ?? 0) - (counts[left] ?? 0) || left - right)
    .slice(0, maxClasses)
  if (kept.length < 2) return undefined
  const placeOf = new Int32Array(label.dictionary.length).fill(kept.length)
  for (const [place, code] of kept.entries()) placeOf[code] = place
  // Rarer classes together are the last one; a null label is -1 and takes no part.
  const codes = label.codes.map((code) => (code < 0 ? -1 : (placeOf[code] ?? kept.length)))
  const classes = kept.length + (kept.length < counts.length ? 1 : 0)
  return { from, rows: table.rows, label: codes, classes, anchored: from > 0 }
}

export function countItems(items: Items, labelled: Labelled): Change {
  const { from, rows } = labelled
  const before = tally(items, labelled, { from: 0, to: from })
  const now = tally(items, labelled, { from, to: rows })
  return { now: now.tallies, before: before.tallies, baseNow: now.base, baseBefore: before.base }
}

const stretches = 5
/** A shorter one says more about chance than about time. */
const fewestRows = 50

/** Each fifth of the anchor's rows, in their order, against its others. */
export function stretchesOf(items: Items, labelled: Labelled): readonly Change[] {
  const size = Math.floor(labelled.from / stretches)
  if (size < fewestRows) return []
  const all = tally(items, labelled, { from: 0, to: labelled.from })
  return Array.from({ length: stretches }, (_, index) => {
    const to = index === stretches - 1 ? labelled.from : (index + 1) * size
    const own = tally(items, labelled, { from: index * size, to })
    const total = all.tallies.total - own.tallies.total
    const baseBefore = all.base.map((share, at) =>
      total > 0 ? (share * all.tallies.total - (own.base[at] ?? 0) * own.tallies.total) / total : 0,
    )
    return { now: own.tallies, before: without(all.tallies, own.tallies), baseNow: own.base, baseBefore }
  })
}

function without(all: Tallies, own: Tallies): Tallies {
  const left = (total: Float64Array, part: Float64Array): Float64Array =>
    total.map((count, at) => count - (part[at] ?? 0))
  return {
    rows: left(all.rows, own.rows),
    hits: left(all.hits, own.hits),
    total: all.total - own.total,
    ...(all.bins === undefined || own.bins === undefined ? {} : { bins: without(all.bins, own.bins) }),
  }
}

/** Base shares are those of the rows that have an entry in this column. */
function tally(
  { count, entries, starts, ids, bins: ownBins }: Items,
  { label, classes }: Labelled,
  { from, to }: Readonly<{ from: number; to: number }>,
): Readonly<{ tallies: Tallies; base: Float64Array }> {
  const rows = new Float64Array(count)
  const hits = new Float64Array(count * classes)
  const base = new Float64Array(classes)
  let total = 0
  for (let row = from; row < to; row += 1) {
    const entry = entries[row] ?? -1
    const own = label[row] ?? -1
    if (entry < 0 || own < 0) continue
    total += 1
    base[own] = (base[own] ?? 0) + 1
    for (let at = starts[entry] ?? 0; at < (starts[entry + 1] ?? 0); at += 1) {
      const id = ids[at] ?? 0
      rows[id] = (rows[id] ?? 0) + 1
      hits[id * classes + own] = (hits[id * classes + own] ?? 0) + 1
    }
  }
  const bins = ownBins === undefined ? {} : { bins: tallyBins(ownBins, { label, classes }, { from, to }) }
  return { tallies: { rows, hits, total, ...bins }, base: base.map((count) => (total > 0 ? count / total : 0)) }
}

function tallyBins(
  bins: Uint8Array,
  { label, classes }: Pick<Labelled, 'label' | 'classes'>,
  { from, to }: Readonly<{ from: number; to: number }>,
): Tallies {
  const rows = new Float64Array(binCount)
  const hits = new Float64Array(binCount * classes)
  for (let row = from; row < to; row += 1) {
    const bin = bins[row] ?? 255
    const own = label[row] ?? -1
    if (bin >= binCount || own < 0) continue
    rows[bin] = (rows[bin] ?? 0) + 1
    hits[bin * classes + own] = (hits[bin * classes + own] ?? 0) + 1
  }
  return { rows, hits, total: to - from }
}

export type Place = Readonly<{ id: number; class: number; classes: number }>

export function countsOf(tallies: Tallies, { id, class: at, classes }: Place): Counts {
  return { rows: tallies.rows[id] ?? 0, hits: tallies.hits[id * classes + at] ?? 0 }
}

/** What the anchor, if it has rows of it, says of an item and a class. */
export function knownOf(tallies: Tallies, place: Place, share: number): LogOdds | undefined {
  const counts = countsOf(tallies, place)
  return counts.rows > 0 ? logOddsOf(counts, share) : undefined
}
