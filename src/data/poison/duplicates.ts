/**
 * Rows that come again and again: exact copies, and texts that are nearly the same. A burst is more copies of one thing
 * than the anchor's repetition makes expect.
 */
import { familyWiseZ } from '../statistics/intervals.ts'
import { type Columns, rowNumberOf } from '../table/columns.ts'
import { generatorOf, shuffled } from './generator.ts'
import { nearDuplicateGroups } from './near-duplicates.ts'
import { alpha, type Finding, findingOf, type PoisonInput, type Suspect } from './report.ts'
import { rowHashes } from './row-hash.ts'

const name = 'poison/duplicates'

/** One finding for rows, one for each column of text; none for an empty table. Copies are counted beyond the first. */
export function findDuplicates(input: PoisonInput): readonly Finding[] {
  const { candidate, anchor, seed = 0 } = input
  if (candidate.rows === 0 || candidate.columns.length === 0) return []
  const exact = decideGroups(input, {
    column: null,
    what: 'exact copies of another row',
    now: exactGroups(candidate, seed),
    before: anchor === undefined ? undefined : exactGroups(anchor, seed),
  })
  const texts = candidate.columns.flatMap((column) => {
    if (column.kind !== 'text') return []
    const other = anchor?.columns.find(({ name: otherName }) => otherName === column.name)
    return [
      decideGroups(input, {
        column: column.name,
        what: 'texts that are nearly another one',
        now: nearDuplicateGroups(column, seed),
        before: other?.kind === 'text' ? nearDuplicateGroups(other, seed) : undefined,
      }),
    ]
  })
  return [exact, ...texts]
}

/** Rows of one group are the same, or nearly; -1 for a row that is like no other. */
export type Groups = Int32Array

function exactGroups(table: Columns, seed: number): Groups {
  const hashes = rowHashes(table.rows, table.columns, seed)
  return groupsOf(hashes)
}

/** Groups of equal numbers. */
export function groupsOf(hashes: Float64Array): Groups {
  const order = Int32Array.from(hashes.keys()).sort(
    (left, right) => (hashes[left] ?? 0) - (hashes[right] ?? 0) || left - right,
  )
  const groups = new Int32Array(hashes.length).fill(-1)
  let group = -1
  for (let at = 1; at < order.length; at += 1) {
    const [row, before] = [order[at] ?? 0, order[at - 1] ?? 0]
    if (hashes[row] !== hashes[before]) continue
    if (groups[before] === -1) {
      group += 1
      groups[before] = group
    }
    groups[row] = group
  }
  return groups
}

type Asked = Readonly<{ column: string | null; what: string; now: Groups; before: Groups | undefined }>

function decideGroups(input: PoisonInput, { column, what, now, before }: Asked): Finding {
  const { candidate } = input
  const sizes = sizesOf(now)
  const copies = copiesOf(sizes)
  const largest = largestOf(sizes)
  const z = familyWiseZ(alpha, 2 * candidate.columns.length)
  const { anchored, expected, error, usual } = expectationOf(input, { column, now, before })
  // Where rows repeat by nature, how often they do changes with what they are about: by half is honest.
  const byNumber = copies - 1.5 * (expected + z * error)
  // A group far larger than any of the anchor is a burst even when copies are as many as ever.
  const bySize = largest - 2 * usual - z * Math.sqrt(usual + 1)
  const low = anchored ? Math.max(0, byNumber, bySize) : 0
  return findingOf(input, name, {
    column,
    anchored,
    found: copies,
    of: candidate.rows,
    expected: anchored ? expected : null,
    low,
    minimumDetectable: Math.ceil(Math.min((z + 1.645) * (error + 1), usual + (z + 1.645) * Math.sqrt(usual + 1))),
    suspects: suspectsOf(candidate, now, { sizes, what }),
    because: `${copies} rows are ${what}, the largest group has ${largest}${anchored ? `; the anchor makes expect ${expected.toFixed(0)}` : ''}`,
  })
}

type Expected = Readonly<{ anchored: boolean; expected: number; error: number; usual: number }>

/** Copies grow faster than rows, so as many rows of each table are compared, and what differs is scaled up. */
function expectationOf(
  { candidate, anchor, baseline, seed = 0 }: PoisonInput,
  { column, now, before }: Omit<Asked, 'what'>,
): Expected {
  const known = baseline?.find((tally) => tally.name === name && tally.column === column)
  if (before === undefined || anchor === undefined || anchor.rows === 0) {
    const share = known === undefined || known.of === 0 ? 0 : known.found / known.of
    const expected = share * candidate.rows
    return { anchored: known !== undefined, expected, error: Math.sqrt(expected + 1), usual: candidate.rows }
  }
  const rows = Math.min(candidate.rows, anchor.rows)
  const [sizesNow, sizesBefore] = [sizesOf(sampleOf(now, rows, seed)), sizesOf(sampleOf(before, rows, seed))]
  const factor = candidate.rows / rows
  const expected = copiesOf(sizesOf(now)) - factor * (copiesOf(sizesNow) - copiesOf(sizesBefore))
  const squares = (sizes: Int32Array): number => sizes.reduce((sum, size) => sum + (size > 1 ? (size - 1) ** 2 : 0), 0)
  const error = factor * Math.sqrt(squares(sizesNow) + squares(sizesBefore))
  return { anchored: true, expected, error, usual: factor * Math.max(1, largestOf(sizesBefore)) }
}

function sampleOf(groups: Groups, rows: number, seed: number): Groups {
  if (rows === groups.length) return groups
  const order = shuffled(groups.length, generatorOf(seed))
  return order.subarray(0, rows).map((row) => groups[row] ?? -1)
}

function largestOf(sizes: Int32Array): number {
  return sizes.reduce((most, size) => Math.max(most, size), 0)
}

function sizesOf(groups: Groups): Int32Array {
  const sizes = new Int32Array(groups.reduce((most, group) => Math.max(most, group), -1) + 1)
  for (const group of groups) if (group >= 0) sizes[group] = (sizes[group] ?? 0) + 1
  return sizes
}

function copiesOf(sizes: Int32Array): number {
  return sizes.reduce((sum, size) => sum + Math.max(0, size - 1), 0)
}

function suspectsOf(
  table: Columns,
  groups: Groups,
  { sizes, what }: Readonly<{ sizes: Int32Array; what: string }>,
): readonly Suspect[] {
  const suspects: Suspect[] = []
  for (let row = 0; row < groups.length; row += 1) {
    const group = groups[row] ?? -1
    if (group < 0) continue
    const size = sizes[group] ?? 0
    suspects.push({ row: rowNumberOf(table, row), score: size, because: `one of ${size} rows that are ${what}` })
  }
  return suspects
}
