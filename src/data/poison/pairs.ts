/**
 * Two common items that together are tied to one label though neither is: what the two say by themselves is taken off.
 *
 * LIMIT: only the commonest items, as many as ten million counters hold (about 1,800 for two classes, 900 for ten).
 */
import { familyWiseZ } from '../statistics/intervals.ts'
import { expectationOf, type LogOdds, logOddsOf, shareAt, spreadOf, surpriseOf } from './association.ts'
import { type Counted, countsOf, knownOf, type Labelled, leastLogOdds, type Tallies, type Tie } from './tie.ts'

const maxCounters = 10_000_000
/** Rows of an item that may be part of a pair, and of a pair. */
const fewestItemRows = 50
const fewestPairRows = 10
const spreadPairs = 4000
/** Two items that mostly come together are one. */
const sameItem = 0.5

type Kept = Readonly<{ counted: Counted; id: number; rows: number }>

export function findPairs(
  counted: readonly Counted[],
  labelled: Labelled,
  { alpha, changes }: Readonly<{ alpha: number; changes: readonly number[] }>,
): readonly Tie[] {
  const { classes } = labelled
  const kept = keptItems(counted, Math.floor(Math.sqrt(maxCounters / (1 + classes))))
  const places = placesOf(counted, kept)
  const now = countPairs(counted, places, { labelled, size: kept.length, from: labelled.from, to: labelled.rows })
  const before = countPairs(counted, places, { labelled, size: kept.length, from: 0, to: labelled.from })
  const pairs: number[] = []
  for (let pair = 0; pair < now.rows.length; pair += 1) {
    const rows = now.rows[pair] ?? 0
    const [left, right] = [kept[Math.floor(pair / kept.length)], kept[pair % kept.length]]
    if (left === undefined || right === undefined || rows < fewestPairRows) continue
    if (rows < sameItem * Math.min(left.rows, right.rows)) pairs.push(pair)
  }
  const z = familyWiseZ(alpha, Math.max(1, pairs.length * classes))
  const ties: Tie[] = []
  for (let at = 0; at < classes; at += 1)
    ties.push(...tiesOf(pairs, { kept, now, before, labelled, class: at, z, change: changes[at] ?? 0 }))
  return ties
}

/** The commonest items that are not everywhere. */
function keptItems(counted: readonly Counted[], wanted: number): readonly Kept[] {
  const kept: Kept[] = []
  for (const one of counted) {
    const total = one.now.rows.reduce((most, rows) => Math.max(most, rows), 0)
    for (let id = 0; id < one.items.count; id += 1) {
      const rows = one.now.rows[id] ?? 0
      if (rows >= fewestItemRows && (one.items.count > 1 || rows < total)) kept.push({ counted: one, id, rows })
    }
  }
  return kept.sort((left, right) => right.rows - left.rows).slice(0, wanted)
}

/** For each column, the place of each item among the kept, or -1. */
function placesOf(counted: readonly Counted[], kept: readonly Kept[]): readonly Int32Array[] {
  const places = counted.map(({ items }) => new Int32Array(items.count).fill(-1))
  const columnOf = new Map(counted.map((one, index) => [one, index]))
  for (const [place, { counted: one, id }] of kept.entries()) {
    const own = places[columnOf.get(one) ?? -1]
    if (own !== undefined) own[id] = place
  }
  return places
}

type Range = Readonly<{ labelled: Labelled; size: number; from: number; to: number }>

/** Rows and hits of pairs, the smaller place first: pair `a * size + b`, a < b. */
function countPairs(
  counted: readonly Counted[],
  places: readonly Int32Array[],
  { labelled, size, from, to }: Range,
): Tallies {
  const { label, classes } = labelled
  const rows = new Float64Array(to > from ? size * size : 0)
  const hits = new Float64Array(rows.length * classes)
  const present = new Int32Array(4096)
  for (let row = from; row < to; row += 1) {
    const given = label[row] ?? -1
    if (given < 0) continue
    let count = 0
    for (let index = 0; index < counted.length && count < present.length; index += 1) {
      const place = places[index]
      const items = counted[index]?.items
      const entry = items?.entries[row] ?? -1
      if (items === undefined || place === undefined || entry < 0) continue
      for (let at = items.starts[entry] ?? 0; at < (items.starts[entry + 1] ?? 0) && count < present.length; at += 1) {
        const kept = place[items.ids[at] ?? 0] ?? -1
        if (kept >= 0) present[count++] = kept
      }
    }
    for (let i = 0; i < count; i += 1) {
      for (let j = i + 1; j < count; j += 1) {
        const [a, b] = [present[i] ?? 0, present[j] ?? 0]
        const pair = a < b ? a * size + b : b * size + a
        rows[pair] = (rows[pair] ?? 0) + 1
        hits[pair * classes + given] = (hits[pair * classes + given] ?? 0) + 1
      }
    }
  }
  return { rows, hits, total: to - from }
}

type Asked = Readonly<{
  kept: readonly Kept[]
  now: Tallies
  before: Tallies
  labelled: Labelled
  class: number
  z: number
  change: number
}>

function tiesOf(pairs: readonly number[], asked: Asked): readonly Tie[] {
  const { labelled, now, before, kept } = asked
  const { classes, anchored } = labelled
  const stride = Math.max(1, Math.ceil(pairs.length / spreadPairs))
  const spreadIn = (tallies: Tallies, when: 'now' | 'before'): number => {
    const sample = pairs.filter((pair, index) => index % stride === 0 && (tallies.rows[pair] ?? 0) >= fewestPairRows)
    return spreadOf(sample.map((pair) => deviationOf(pair, tallies, asked, when)))
  }
  const spread = anchored ? Math.max(spreadIn(now, 'now'), spreadIn(before, 'before')) : spreadIn(now, 'now')
  const ties: Tie[] = []
  for (const pair of pairs) {
    const rows = now.rows[pair] ?? 0
    const hits = now.hits[pair * classes + asked.class] ?? 0
    const { share, most } = additiveShare(pair, asked, 'now')
    // Two items that both speak against a class say it once more when they come together: no more than one is no news.
    if (hits <= rows * Math.max(share, most)) continue
    const known = anchored ? countsOf(before, { id: pair, class: asked.class, classes }) : undefined
    const usual = expectationOf(known, additiveShare(pair, asked, 'before').share, spread)
    const expected = { ...usual, variance: usual.variance + asked.change }
    const surprise = surpriseOf({ rows, hits }, share, expected)
    if (surprise.z < asked.z || surprise.low < leastLogOdds) continue
    const parts = [kept[Math.floor(pair / kept.length)], kept[pair % kept.length]].flatMap((part) =>
      part === undefined ? [] : [{ items: part.counted.items, id: part.id }],
    )
    ties.push({ parts, class: asked.class, z: surprise.z, rows, hits, expected: rows * shareAt(share, expected.value) })
  }
  return ties
}

function deviationOf(pair: number, tallies: Tallies, asked: Asked, when: 'now' | 'before'): LogOdds {
  const hits = tallies.hits[pair * asked.labelled.classes + asked.class] ?? 0
  return logOddsOf({ rows: tallies.rows[pair] ?? 0, hits }, additiveShare(pair, asked, when).share)
}

/** What the two items say by themselves, added up in log-odds; and the most that one of them or the base says. */
function additiveShare(
  pair: number,
  { kept, labelled, class: at }: Asked,
  when: 'now' | 'before',
): Readonly<{ share: number; most: number }> {
  const ownOf = (part: Kept | undefined): Readonly<{ base: number; own: number }> => {
    if (part === undefined) return { base: 0, own: 0 }
    const { counted, id } = part
    const base = (when === 'now' ? counted.baseNow : counted.baseBefore)[at] ?? 0
    const tallies = when === 'now' ? counted.now : counted.before
    return { base, own: knownOf(tallies, { id, class: at, classes: labelled.classes }, base)?.value ?? 0 }
  }
  const [left, right] = [ownOf(kept[Math.floor(pair / kept.length)]), ownOf(kept[pair % kept.length])]
  const base = (left.base + right.base) / 2
  return { share: shareAt(base, left.own + right.own), most: shareAt(base, Math.max(left.own, right.own, 0)) }
}
