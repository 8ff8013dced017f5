/**
 * Approved rows that came back under another label, and what they have in common. Such rows need no others beside them
 * that keep their labels: a pattern of the anchor whose rows are all relabelled shows even when nothing else is new.
 *
 * An item is held to the share of each class that was relabelled: correcting a twentieth of one class marks nothing.
 * Only of a candidate that holds most of the anchor, and of rows that nothing else equals: of other rows it cannot be
 * told whether they were relabelled or are another row.
 */
import { familyWiseZ } from '../statistics/intervals.ts'
import type { Columns } from '../table/columns.ts'
import { type Counts, type LogOdds, logOddsOf, spreadOf, surpriseOf } from './association.ts'
import type { Items } from './items.ts'
import { rowHashes } from './row-hash.ts'
import { fewestTiedRows, type Labelled, leastLogOdds, type Tie } from './tie.ts'

/** Share of the anchor that has to be there unchanged. */
const leastKept = 0.5

/** `kept`: rows that are in the anchor as they are. */
export type Relabelling = Readonly<{ anchor: Columns; delta: Columns; kept: number; seed: number }>

export function relabelledTies(
  columns: readonly Items[],
  labelled: Labelled,
  { tables, alpha }: Readonly<{ tables: Relabelling; alpha: number }>,
): readonly Tie[] {
  if (tables.kept < leastKept * tables.anchor.rows) return []
  const becomes = relabelledTo(tables, labelled)
  const z = familyWiseZ(alpha, columns.reduce((sum, { count }) => sum + count, 0) * labelled.classes)
  return Array.from({ length: labelled.classes }, (_, at) => at).flatMap((at) => {
    const moved = becomes.reduce((sum, label) => sum + (label === at ? 1 : 0), 0)
    return moved < fewestTiedRows ? [] : columns.flatMap((items) => tiesTo(items, labelled, { becomes, at, z }))
  })
}

/** For each row of the anchor the class that it has now, -1 where it is not there or has its own. */
function relabelledTo({ anchor, delta, seed }: Relabelling, { from, label }: Labelled): Int32Array {
  const named = new Set(anchor.columns.map(({ name }) => name))
  const shared = delta.columns.map(({ name }) => name).filter((name) => named.has(name) && name !== delta.label)
  const hashesOf = ({ rows, columns }: Columns): Float64Array =>
    rowHashes(
      rows,
      columns.filter(({ name }) => shared.includes(name)),
      seed,
    )
  const now = onlyRows(hashesOf(delta))
  const becomes = new Int32Array(anchor.rows).fill(-1)
  for (const [hash, row] of onlyRows(hashesOf(anchor))) {
    const other = now.get(hash)
    const given = other === undefined ? -1 : (label[from + other] ?? -1)
    if (given >= 0 && given !== label[row]) becomes[row] = given
  }
  return becomes
}

/** Rows by their hash, without those that share one. */
function onlyRows(hashes: Float64Array): ReadonlyMap<number, number> {
  const rows = new Map<number, number>()
  const often = new Set<number>()
  for (const [row, hash] of hashes.entries()) {
    if (rows.has(hash)) often.add(hash)
    else rows.set(hash, row)
  }
  for (const hash of often) rows.delete(hash)
  return rows
}

type Asked = Readonly<{ becomes: Int32Array; at: number; z: number }>

function tiesTo(items: Items, labelled: Labelled, asked: Asked): readonly Tie[] {
  const { rows, hits, expected, share } = tallied(items, labelled, asked)
  const enough = [...rows.keys()].filter((id) => (rows[id] ?? 0) >= fewestTiedRows)
  const shareOf = (id: number): number => (expected[id] ?? 0) / (rows[id] ?? 1)
  const beyond = enough.map((id) => beyondOf({ rows: rows[id] ?? 0, hits: hits[id] ?? 0 }, shareOf(id)))
  const variance = spreadOf(beyond)
  return enough.flatMap((id): readonly Tie[] => {
    const counts = { rows: rows[id] ?? 0, hits: hits[id] ?? 0 }
    if (counts.hits < fewestTiedRows || counts.hits <= (expected[id] ?? 0)) return []
    const surprise = surpriseOf(counts, share, { value: logit(shareOf(id)) - logit(share), variance })
    if (surprise.z < asked.z || surprise.low < leastLogOdds) return []
    return [{ parts: [{ items, id }], class: asked.at, z: surprise.z, ...counts, expected: expected[id] ?? 0 }]
  })
}

/** What an item lies above expectation. Below it, the others make room for the one that was planted. */
function beyondOf(counts: Counts, share: number): LogOdds {
  const { value, variance } = logOddsOf(counts, share)
  return { value: Math.max(0, value), variance }
}

type Tallied = Readonly<{ rows: Float64Array; hits: Float64Array; expected: Float64Array; share: number }>

/** Of rows of the anchor that were not of the class: how many have an item, became it, and should have, by their classes. */
function tallied(
  { count, entries, starts, ids }: Items,
  { from, label, classes }: Labelled,
  { becomes, at }: Asked,
): Tallied {
  const others = Int32Array.from({ length: from }, (_, row) => row).filter((row) => {
    const own = label[row] ?? -1
    return own >= 0 && own !== at && (entries[row] ?? -1) >= 0
  })
  const [of, moved] = [new Float64Array(classes), new Float64Array(classes)]
  for (const row of others) {
    const own = label[row] ?? 0
    of[own] = (of[own] ?? 0) + 1
    if (becomes[row] === at) moved[own] = (moved[own] ?? 0) + 1
  }
  const [rows, hits, expected] = [new Float64Array(count), new Float64Array(count), new Float64Array(count)]
  for (const row of others) {
    const entry = entries[row] ?? 0
    const own = label[row] ?? 0
    for (let place = starts[entry] ?? 0; place < (starts[entry + 1] ?? 0); place += 1) {
      const id = ids[place] ?? 0
      rows[id] = (rows[id] ?? 0) + 1
      expected[id] = (expected[id] ?? 0) + (moved[own] ?? 0) / (of[own] ?? 1)
      if (becomes[row] === at) hits[id] = (hits[id] ?? 0) + 1
    }
  }
  const share = moved.reduce((sum, one) => sum + one, 0) / Math.max(1, others.length)
  return { rows, hits, expected, share }
}

function logit(share: number): number {
  const inside = Math.min(1 - 1e-6, Math.max(1e-6, share))
  return Math.log(inside / (1 - inside))
}
