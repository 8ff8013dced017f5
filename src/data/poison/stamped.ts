/**
 * Of images: what is tied to a class although the rest of the pictures that carry it speaks for other classes. Nature ties
 * many patches to a class, and the rest of the picture says that class too; a patch that was stamped on pictures of other
 * classes goes with its class all the same.
 *
 * The nearest pictures, compared without the patch and the fields around it, vote for P(class | the rest), and the item is
 * held to the mean of that over its rows: conditional independence of patch and class given the rest (Dawid 1979). Its hits
 * are then a sum of coins of different shares, whose tails are no heavier than those of as many coins of the mean share
 * (Hoeffding 1956). How far items honestly lie beyond their votes is a variance, as everywhere (association.ts).
 *
 * It does not see: a patch on pictures of the class that it is tied to (clean label), which the rest explains.
 */
import { type Columns, selectRows } from '../table/columns.ts'
import { logOddsOf, spreadOf, surpriseOf } from './association.ts'
import type { Matrix } from './encode.ts'
import { generatorOf, shuffled } from './generator.ts'
import { fieldOf, lightFields, patches } from './images.ts'
import type { Items } from './items.ts'
import { nearest } from './neighbours.ts'
import { type Counted, fewestTiedRows, type Labelled, leastLogOdds, type Tie } from './tie.ts'

/** LIMIT: so many pictures are compared with, as many of each class where there are, and so many of an item are asked. */
const maxReferences = 2000
const maxAsked = 50
/** Of the nearest as a whole, those that are nearest without some fields vote. */
const shortlisted = 100
const voters = 10
/** Items that the variance is estimated from. */
const spreadItems = 300

type Item = Readonly<{ items: Items; id: number }>
type Judged = Readonly<{ parts: readonly Item[]; class: number; rows: number; hits: number }>

export type Stamped = Readonly<{
  /** Single items that are tied to a class by themselves, and not by what is around them. */
  ties: readonly Tie[]
  /** Whether the rest of the pictures fails to explain a tie. */
  isUnexplained: (tie: Tie) => boolean
}>

/** @param table as `tableOfImages` makes it: the anchor's rows, which alone vote where there are any, before the new ones */
export function stampedIn(
  counted: readonly Counted[],
  labelled: Labelled,
  { table, z, seed }: Readonly<{ table: Columns; z: number; seed: number }>,
): Stamped {
  const votesOf = votesIn(table, labelled, seed)
  const carriersOf = carriersIn(labelled)
  /** Mean share of each class that the rest of the item's pictures speaks for. */
  const sharesOf = (parts: readonly Item[]): Float64Array => {
    const asked = evenly(carriersOf(parts), maxAsked)
    const fields = parts.flatMap(({ items }) => fieldOf(items.column) ?? [])
    const shares = new Float64Array(labelled.classes)
    for (const row of asked)
      for (const [at, share] of votesOf(row, fields).entries()) shares[at] = (shares[at] ?? 0) + share
    return shares.map((sum) => sum / Math.max(1, asked.length))
  }
  const variance = spreadOf(
    evenly(frequent(counted), spreadItems).flatMap(({ one, id }) => {
      const rows = one.now.rows[id] ?? 0
      const shares = sharesOf([{ items: one.items, id }])
      return Array.from(shares, (share, at) => {
        const { value, variance } = logOddsOf({ rows, hits: one.now.hits[id * labelled.classes + at] ?? 0 }, share)
        return { value: Math.max(0, value), variance }
      })
    }),
  )
  const judge = ({ parts, class: at, rows, hits }: Judged, base: number): Tie | undefined => {
    // No tie is told from less than the class's own share, whatever the votes say.
    const share = Math.max(base, sharesOf(parts)[at] ?? 0)
    if (hits <= rows * share) return undefined
    const surprise = surpriseOf({ rows, hits }, share, { value: 0, variance })
    return surprise.z < z || surprise.low < leastLogOdds
      ? undefined
      : { parts, class: at, z: surprise.z, rows, hits, expected: rows * share }
  }
  const ties = counted.flatMap((one) =>
    tiedByThemselves(one, labelled, z).flatMap((tied) => judge(tied, one.baseNow[tied.class] ?? 0) ?? []),
  )
  return { ties, isUnexplained: (tie) => judge(tie, 0) !== undefined }
}

/** Items that go with a class beyond its share; where nature ties them too, that alone says nothing. */
function tiedByThemselves({ items, now, baseNow }: Counted, { classes }: Labelled, z: number): readonly Judged[] {
  const tied: Judged[] = []
  for (let id = 0; id < items.count; id += 1) {
    const rows = now.rows[id] ?? 0
    for (let at = 0; at < classes && rows >= fewestTiedRows; at += 1) {
      const [hits, share] = [now.hits[id * classes + at] ?? 0, baseNow[at] ?? 0]
      if (share <= 0 || hits <= rows * share) continue
      const surprise = surpriseOf({ rows, hits }, share, { value: 0, variance: 0 })
      if (surprise.z >= z && surprise.low >= leastLogOdds) tied.push({ parts: [{ items, id }], class: at, rows, hits })
    }
  }
  return tied
}

function frequent(counted: readonly Counted[]): readonly Readonly<{ one: Counted; id: number }>[] {
  return counted.flatMap((one) =>
    Array.from({ length: one.items.count }, (_, id) => ({ one, id })).filter(
      ({ id }) => (one.now.rows[id] ?? 0) >= fewestTiedRows,
    ),
  )
}

/** New rows that have all of the items. */
function carriersIn(labelled: Labelled): (parts: readonly Item[]) => readonly number[] {
  const known = new Map<Items, readonly (readonly number[])[]>()
  const rowsOf = (items: Items): readonly (readonly number[])[] => {
    const found = known.get(items) ?? rowsById(items, labelled)
    known.set(items, found)
    return found
  }
  return ([first, ...more]) => {
    const rows = first === undefined ? [] : (rowsOf(first.items)[first.id] ?? [])
    return more.reduce((left, { items, id }) => {
      const own = new Set(rowsOf(items)[id])
      return left.filter((row) => own.has(row))
    }, rows)
  }
}

function rowsById({ count, entries, starts, ids }: Items, { from, rows, label }: Labelled): readonly number[][] {
  const found = Array.from({ length: count }, (): number[] => [])
  for (let row = from; row < rows; row += 1) {
    const entry = entries[row] ?? -1
    if (entry < 0 || (label[row] ?? -1) < 0) continue
    for (let at = starts[entry] ?? 0; at < (starts[entry + 1] ?? 0); at += 1) found[ids[at] ?? 0]?.push(row)
  }
  return found
}

/** Shares of the classes among the nearest pictures, of which nothing near those fields was looked at. */
function votesIn(
  table: Columns,
  labelled: Labelled,
  seed: number,
): (row: number, hidden: readonly number[]) => Float64Array {
  const { label, classes } = labelled
  const all = lightFields(table)
  const { width } = all
  const references = referencesOf(labelled, seed)
  const among = lightFields(selectRows(table, references))
  const shortlists = new Map<number, Int32Array>()
  const shortlistOf = (row: number): Int32Array => {
    const one: Matrix = { rows: 1, width, values: all.values.subarray(row * width, (row + 1) * width) }
    const { indices } = nearest(one, among, { count: shortlisted + 1, skipSelf: false })
    const found = indices.filter((at) => at >= 0).map((at) => references[at] ?? 0)
    return found.filter((other) => other !== row)
  }
  const apart = (row: number, other: number, seen: readonly number[]): number =>
    seen.reduce(
      (sum, at) => sum + ((all.values[row * width + at] ?? 0) - (all.values[other * width + at] ?? 0)) ** 2,
      0,
    )
  const known = new Map<string, Float64Array>()
  const vote = (row: number, hidden: readonly number[]): Float64Array => {
    const shortlist = shortlists.get(row) ?? shortlistOf(row)
    shortlists.set(row, shortlist)
    const seen = Array.from({ length: width }, (_, at) => at).filter((at) => !hidden.some((field) => isNear(field, at)))
    const ranked = Array.from(shortlist, (other) => ({ other, distance: apart(row, other, seen) }))
    const nearestOnes = ranked.sort((left, right) => left.distance - right.distance).slice(0, voters)
    const shares = new Float64Array(classes)
    for (const { other } of nearestOnes) shares[label[other] ?? 0] = (shares[label[other] ?? 0] ?? 0) + 1
    return shares.map((votes) => (votes + 1 / classes) / (nearestOnes.length + 1))
  }
  return (row, hidden) => {
    const key = `${row} ${hidden.join()}`
    const shares = known.get(key) ?? vote(row, hidden)
    known.set(key, shares)
    return shares
  }
}

function isNear(field: number, other: number): boolean {
  const [across, down] = [
    (field % patches) - (other % patches),
    Math.floor(field / patches) - Math.floor(other / patches),
  ]
  return Math.abs(across) <= 1 && Math.abs(down) <= 1
}

/** Of each class as many as there are room for, so that a rare one is heard. */
function referencesOf({ from, rows, label, classes }: Labelled, seed: number): Int32Array {
  const to = from > 0 ? from : rows
  const taken = new Float64Array(classes)
  return shuffled(to, generatorOf(seed)).filter((row) => {
    const own = label[row] ?? -1
    if (own < 0 || (taken[own] ?? 0) >= maxReferences / classes) return false
    taken[own] = (taken[own] ?? 0) + 1
    return true
  })
}

function evenly<T>(list: readonly T[], wanted: number): readonly T[] {
  const stride = Math.max(1, Math.ceil(list.length / wanted))
  return list.filter((_, index) => index % stride === 0)
}
