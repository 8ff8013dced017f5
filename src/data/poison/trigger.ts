/**
 * A value, token, character, number or pattern of nulls that is tied to one label as nothing else of its column is;
 * alone, or two common ones together. Against an anchor, an item is expected to do what it did there.
 *
 * It does not see: a trigger whose label nearly every row has anyway, or one that single columns cannot show and two
 * items cannot either (three common values together, a paraphrase, a pattern of numbers that never repeat).
 */
import { familyWiseZ } from '../statistics/intervals.ts'
import { type Columns, concatenated, rowNumberOf, selectRows } from '../table/columns.ts'
import { expectationOf, type LogOdds, shareAt, spreadOf, surpriseOf } from './association.ts'
import { type Items, itemsOf } from './items.ts'
import { findPairs } from './pairs.ts'
import { type Relabelling, relabelledTies } from './relabelled.ts'
import { alpha, type Finding, findingOf, type PoisonInput, type Suspect } from './report.ts'
import { restored } from './restored.ts'
import { deltaRows } from './row-hash.ts'
import { stampedIn } from './stamped.ts'
import {
  type Change,
  type Counted,
  countItems,
  countsOf,
  fewestTiedRows,
  knownOf,
  type Labelled,
  labelledOf,
  leastLogOdds,
  type Place,
  stretchesOf,
  type Tallies,
  type Tie,
} from './tie.ts'

const name = 'poison/trigger'
/** A column with no more items, in a smaller share of its rows, is one of values that hardly come back. */
const fewItems = 5
const rareShare = 0.5
/** Rows that an item needs on both sides to say how much items change. */
const changeRows = 20
/** Items that it takes to say it: of fewer, those that carry a trigger would excuse each other. */
const fewestChanges = 20
/** Items that the spread is estimated from. */
const spreadItems = 4000
export type TriggerFinding = Finding & Readonly<{ ties: readonly Tie[]; items: number }>

/** Ways to find something, which share the false alarms that are allowed. */
const ways = { inTables: 3, inImages: 4 }

/** Undefined when there is no label with two classes. */
export function findTriggers(input: PoisonInput): TriggerFinding | undefined {
  return findTies(input, alpha / ways.inTables, (ties) => ties)
}

/** Of images: what the rest of the pictures does not explain; beside approved ones also what these say is tied anew. */
export function findTriggersInImages(input: PoisonInput): TriggerFinding | undefined {
  return findTies(input, alpha / ways.inImages, (ties, { counted, labelled, table, z }) => {
    const stamped = stampedIn(counted, labelled, { table, z, seed: input.seed ?? 0 })
    return [...stamped.ties, ...ties.filter(stamped.isUnexplained)]
  })
}

type Looked = Readonly<{ counted: readonly Counted[]; labelled: Labelled; table: Columns; z: number }>

function findTies(
  input: PoisonInput,
  part: number,
  chosen: (ties: readonly Tie[], looked: Looked) => readonly Tie[],
): TriggerFinding | undefined {
  const { candidate, anchor, seed = 0 } = input
  const rows = anchor === undefined ? new Int32Array(0) : deltaRows(candidate, anchor, seed)
  const delta = anchor === undefined ? candidate : selectRows(candidate, rows)
  const table = anchor === undefined ? candidate : concatenated(anchor, delta)
  const labelled = labelledOf(table, anchor?.rows ?? 0)
  if (labelled === undefined || delta.rows === 0) return undefined
  const columns = itemsOf(table)
  const counted = columns.map((items) => ({
    ...countItems(items, labelled),
    usual: usualChanges(items, labelled),
    items,
  }))
  const tests = counted.reduce((sum, { items }) => sum + items.count, 0) * labelled.classes
  const z = familyWiseZ(part, tests)
  const changes = changesOf(counted, labelled)
  const single = counted.flatMap((one) => singleTies(one, labelled, { z, changes }))
  const relabelled =
    anchor === undefined
      ? []
      : relabelledTies(columns, labelled, { tables: relabelling({ candidate, anchor, rows, seed }), alpha: part })
  const pairs = findPairs(counted, labelled, { alpha: part, changes })
  const found = chosen([...single, ...relabelled, ...pairs], { counted, labelled, table, z })
  const ties = found.toSorted((left, right) => right.z - left.z)
  const { count, suspects } = suspectsOf(ties, labelled, delta)
  const excess = ties.reduce((most, tie) => Math.max(most, tie.hits - tie.expected), 0)
  const anchored = anchor !== undefined
  const finding = findingOf(input, name, {
    column: ties[0]?.parts[0]?.items.column ?? null,
    anchored,
    found: count,
    of: delta.rows,
    expected: anchored ? count - excess : null,
    low: excess,
    value: excess,
    minimumDetectable: fewestDetectable(labelled, familyWiseZ(part, tests)),
    suspects,
    because: because(ties, counted.length, tests / labelled.classes),
    tally: { column: null },
  })
  return { ...finding, ties, items: tests / labelled.classes }
}

/** The new rows with the approved numbers where they are near to them, and how many rows then are not new. */
function relabelling({
  candidate,
  anchor,
  rows,
  seed,
}: Readonly<{ candidate: Columns; anchor: Columns; rows: Int32Array; seed: number }>): Relabelling {
  const { table } = restored(candidate, anchor, seed)
  return { anchor, delta: selectRows(table, rows), kept: candidate.rows - deltaRows(table, anchor, seed).length, seed }
}

function singleTies(
  counted: Counted,
  { classes, anchored }: Labelled,
  { z, changes }: Readonly<{ z: number; changes: readonly number[] }>,
): readonly Tie[] {
  const { items, now, before, baseNow, baseBefore, usual } = counted
  const ties: Tie[] = []
  for (let at = 0; at < classes; at += 1) {
    const place = (id: number): Place => ({ id, class: at, classes })
    const share = baseNow[at] ?? 0
    if (share <= 0) continue
    const ofNow = usualSpread(anchored ? ofKnown(now, before) : now, { at, classes, share })
    const judgeShare = baseBefore[at] ?? 0
    const spread = anchored ? Math.max(ofNow, usualSpread(before, { at, classes, share: judgeShare })) : ofNow
    const change = Math.max(changes[at] ?? 0, usual[at] ?? 0)
    for (let id = 0; id < items.count; id += 1) {
      const rows = now.rows[id] ?? 0
      const hits = now.hits[id * classes + at] ?? 0
      if (rows < fewestTiedRows || hits <= rows * share) continue
      const usual = expectationOf(anchored ? countsOf(before, place(id)) : undefined, judgeShare, spread)
      const expected = { ...usual, variance: usual.variance + change }
      const surprise = surpriseOf({ rows, hits }, share, expected)
      if (surprise.z < z || surprise.low < leastLogOdds) continue
      ties.push({
        parts: [{ items, id }],
        class: at,
        z: surprise.z,
        rows,
        hits,
        expected: rows * shareAt(share, expected.value),
      })
    }
  }
  return ties
}

/** THREAT: many planted items would make each other usual. Of new rows only items that the anchor has say what is. */
function ofKnown(now: Tallies, before: Tallies): Tallies {
  return { ...now, rows: now.rows.map((rows, id) => ((before.rows[id] ?? 0) < fewestTiedRows ? 0 : rows)) }
}

/**
 * How far items of this column lie from expectation. Of a column that has hardly an item (numbers that never repeat,
 * text in plain letters) the few there are have no others to be judged by, and nothing excuses them.
 */
function usualSpread(tallies: Tallies, asked: Readonly<{ at: number; classes: number; share: number }>): number {
  const ids = sampled(tallies.rows)
  const inItems = ids.reduce((sum, id) => sum + (tallies.rows[id] ?? 0), 0)
  const hasOthers = ids.length > fewItems || inItems >= rareShare * tallies.total
  const ofItems = hasOthers ? spreadOf(deviations(tallies, ids, asked)) : 0
  const { bins } = tallies
  return bins === undefined ? ofItems : Math.max(ofItems, spreadOf(deviations(bins, sampled(bins.rows), asked)))
}

function deviations(
  tallies: Tallies,
  ids: readonly number[],
  { at, classes, share }: Readonly<{ at: number; classes: number; share: number }>,
): readonly LogOdds[] {
  return ids.map((id) => knownOf(tallies, { id, class: at, classes }, share) ?? { value: 0, variance: 1 })
}

/**
 * For each class, how far items honestly move away from what they did in the anchor: the spread of all columns' changes.
 * A season that changes what many values mean is drift; a trigger changes one.
 */
function changesOf(counted: readonly Counted[], { classes, anchored }: Labelled): readonly number[] {
  if (!anchored) return []
  return Array.from({ length: classes }, (_, at) => {
    const changes = counted.flatMap((one) => changesOfColumn(one, at, classes))
    return changes.length < fewestChanges ? 0 : spreadOf(changes)
  })
}

/** The same of one column, by stretches of the anchor against its other rows: a season that comes and goes. */
function usualChanges(items: Items, labelled: Labelled): readonly number[] {
  const changes = stretchesOf(items, labelled)
  return Array.from({ length: changes.length > 0 ? labelled.classes : 0 }, (_, at) =>
    spreadOf(changes.flatMap((one) => changesOfColumn(one, at, labelled.classes))),
  )
}

function changesOfColumn(
  { now, before, baseNow, baseBefore }: Change,
  at: number,
  classes: number,
): readonly LogOdds[] {
  const pairs: readonly (readonly [Tallies, Tallies])[] = [
    [now, before],
    ...(now.bins === undefined || before.bins === undefined ? [] : [[now.bins, before.bins] as const]),
  ]
  return pairs.flatMap(([left, right]) =>
    sampled(left.rows).flatMap((id) => {
      if ((right.rows[id] ?? 0) < changeRows || (left.rows[id] ?? 0) < changeRows) return []
      const [is] = deviations(left, [id], { at, classes, share: baseNow[at] ?? 0 })
      const [was] = deviations(right, [id], { at, classes, share: baseBefore[at] ?? 0 })
      return is && was ? [{ value: is.value - was.value, variance: is.variance + was.variance }] : []
    }),
  )
}

/** Ids of items with enough rows; evenly chosen when they are many. */
function sampled(rows: Float64Array): readonly number[] {
  const enough = Int32Array.from(rows.keys()).filter((id) => (rows[id] ?? 0) >= fewestTiedRows)
  const stride = Math.max(1, Math.ceil(enough.length / spreadItems))
  return Array.from({ length: Math.ceil(enough.length / stride) }, (_, index) => enough[index * stride] ?? 0)
}

function suspectsOf(
  ties: readonly Tie[],
  { from, rows, label }: Labelled,
  delta: Columns,
): Readonly<{ count: number; suspects: readonly Suspect[] }> {
  const best = new Map<number, Suspect>()
  for (const tie of ties) {
    const reason = `${describe(tie)}: ${tie.hits} of ${tie.rows} such rows carry one label, ${tie.expected.toFixed(0)} expected`
    for (let row = from; row < rows; row += 1) {
      if (label[row] !== tie.class || best.has(row) || !carries(tie, row)) continue
      best.set(row, { row: rowNumberOf(delta, row - from), score: tie.z, because: reason })
    }
  }
  return { count: best.size, suspects: [...best.values()] }
}

export function carries({ parts }: Tie, row: number): boolean {
  return parts.every((part) => hasItem(part, row))
}

function hasItem({ items, id }: Tie['parts'][number], row: number): boolean {
  const entry = items.entries[row] ?? -1
  if (entry < 0) return false
  for (let at = items.starts[entry] ?? 0; at < (items.starts[entry + 1] ?? 0); at += 1)
    if (items.ids[at] === id) return true
  return false
}

export function describe({ parts }: Tie): string {
  return parts
    .map(({ items, id }) => (items.column === null ? items.what(id) : `${items.what(id)} of \`${items.column}\``))
    .join(' together with ')
}

function because(ties: readonly Tie[], columns: number, items: number): string {
  const [first] = ties
  if (first === undefined)
    return `none of ${items} values and tokens of ${columns} columns, alone or in pairs, is tied to one label`
  return `${ties.length} of ${items} values, tokens and pairs are tied to one label; the clearest is ${describe(first)}`
}

/** Rows that an item, new and always with the commonest class, needs to be seen. */
function fewestDetectable({ label, from, rows, classes }: Labelled, z: number): number {
  const counts = new Float64Array(classes)
  for (let row = from; row < rows; row += 1)
    if ((label[row] ?? -1) >= 0) counts[label[row] ?? 0] = (counts[label[row] ?? 0] ?? 0) + 1
  const share =
    Math.max(...counts) /
    Math.max(
      1,
      counts.reduce((sum, count) => sum + count, 0),
    )
  for (let hits = fewestTiedRows; hits < rows - from; hits = Math.ceil(hits * 1.1)) {
    const { z: reached, low } = surpriseOf({ rows: hits, hits }, share, { value: 0, variance: 0 })
    if (reached >= z && low >= leastLogOdds) return hits
  }
  return rows - from
}
