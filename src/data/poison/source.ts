/**
 * Which source, or ingestion batch, the suspects come from: one that has far more of them than all the others together.
 */
import { differenceOf, familyWiseZ, wilson } from '../statistics/intervals.ts'
import { rowNumberOf, sourceOf } from '../table/columns.ts'
import { alpha, type Finding, findingOf, type PoisonInput, type Suspect } from './report.ts'

const name = 'poison/source'
/** A share of suspects that is larger by less than this is the source's own difficulty. */
const leastDifference = 0.02

export type SourceShare = Readonly<{ source: number; rows: number; suspects: number; excessLow: number }>

/**
 * @param suspected one number a row of the candidate, 1 where any other check found it suspect
 * @returns undefined when no source column is named, or all rows are of one source
 */
export function findSource(input: PoisonInput, suspected: Uint8Array): Finding | undefined {
  const { candidate } = input
  const column = sourceOf(candidate)
  if (column === undefined) return undefined
  const sources = column.dictionary.length
  const rows = new Float64Array(sources)
  const suspects = new Float64Array(sources)
  for (let row = 0; row < candidate.rows; row += 1) {
    const source = column.codes[row] ?? -1
    if (source < 0) continue
    rows[source] = (rows[source] ?? 0) + 1
    suspects[source] = (suspects[source] ?? 0) + (suspected[row] ?? 0)
  }
  const total = { rows: sum(rows), suspects: sum(suspects) }
  const used = [...rows.keys()].filter((source) => (rows[source] ?? 0) > 0)
  if (used.length < 2) return undefined
  const z = familyWiseZ(alpha, used.length)
  const shares = used.map((source): SourceShare => {
    const own = { rows: rows[source] ?? 0, suspects: suspects[source] ?? 0 }
    const rest = wilson(total.suspects - own.suspects, total.rows - own.rows, z)
    const difference = differenceOf(wilson(own.suspects, own.rows, z), rest)
    return { source, ...own, excessLow: Math.max(0, (difference.low - leastDifference) * own.rows) }
  })
  const worst = shares.reduce((most, share) => (share.excessLow > most.excessLow ? share : most))
  const anchored = input.anchor !== undefined
  const expected =
    total.rows > worst.rows ? ((total.suspects - worst.suspects) / (total.rows - worst.rows)) * worst.rows : 0
  return findingOf(input, name, {
    column: candidate.source ?? null,
    anchored,
    found: worst.suspects,
    of: worst.rows,
    expected,
    low: worst.excessLow,
    budgetOf: candidate.rows,
    minimumDetectable: Math.ceil(leastDifference * worst.rows + z * Math.sqrt(expected + 1)),
    suspects: worst.excessLow > 0 ? rowsOfSource(input, suspected, { codes: column.codes, source: worst.source }) : [],
    because: `one of ${used.length} sources has ${worst.suspects} suspects among ${worst.rows} rows, where the others make expect ${expected.toFixed(1)}`,
    tally: null,
  })
}

function sum(values: Float64Array): number {
  return values.reduce((total, value) => total + value, 0)
}

function rowsOfSource(
  { candidate }: PoisonInput,
  suspected: Uint8Array,
  { codes, source }: Readonly<{ codes: Int32Array; source: number }>,
): readonly Suspect[] {
  const suspects: Suspect[] = []
  for (let row = 0; row < candidate.rows; row += 1) {
    if (suspected[row] !== 1 || codes[row] !== source) continue
    suspects.push({ row: rowNumberOf(candidate, row), score: 1, because: 'a suspect of a source that has too many' })
  }
  return suspects
}
