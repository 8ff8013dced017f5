/** Rows that agree in everything but the label: of each such group, those that carry the rarer label. */
import { familyWiseZ, wilson } from '../statistics/intervals.ts'
import { type Columns, featuresOf, rowNumberOf } from '../table/columns.ts'
import { groupsOf } from './duplicates.ts'
import { alpha, type Finding, findingOf, type PoisonInput } from './report.ts'
import { deltaRows, rowHashes } from './row-hash.ts'

/**
 * Rows that agree in everything but the label. Undefined without a label.
 *
 * With an anchor, also new rows that give a row of the anchor another label: a row counts when its own label is not the
 * commonest of its like.
 */
export function findContradictions(input: PoisonInput): Finding | undefined {
  const { candidate, anchor, seed = 0 } = input
  const now = contradicting(candidate, seed)
  if (now === undefined) return undefined
  const before = anchor === undefined ? undefined : contradicting(anchor, seed)
  const known = input.baseline?.find((tally) => tally.name === 'poison/contradiction')
  const [found, of] = before === undefined ? [known?.found, known?.of] : [before.length, anchor?.rows]
  const anchored = found !== undefined && of !== undefined && of > 0
  const z = familyWiseZ(alpha, 8)
  const share = anchored ? wilson(found, of, z) : { value: 0, low: 0, high: 0 }
  const mean = share.high * candidate.rows
  const low = anchored ? Math.max(0, now.length - mean - z * Math.sqrt(mean + 1)) : 0
  const fresh = new Set(anchor === undefined ? [] : deltaRows(candidate, anchor, seed))
  return findingOf(input, 'poison/contradiction', {
    column: candidate.label ?? null,
    anchored,
    found: now.length,
    of: candidate.rows,
    expected: anchored ? share.value * candidate.rows : null,
    low,
    minimumDetectable: Math.ceil(mean - share.value * candidate.rows + (z + 1.645) * Math.sqrt(mean + 1)),
    suspects: now.map((row) => ({
      row: rowNumberOf(candidate, row),
      score: fresh.has(row) ? 2 : 1,
      because: 'rows that agree in all else mostly carry another label',
    })),
    because: `${now.length} rows contradict rows that are the same but for the label`,
  })
}

/** Rows whose label is not the commonest among rows of equal features; in a tie, those after the first label. */
function contradicting(table: Columns, seed: number): readonly number[] | undefined {
  const label = table.columns.find(({ name: columnName }) => columnName === table.label)
  const features = featuresOf(table)
  if (label === undefined || features.length === 0) return undefined
  const groups = groupsOf(rowHashes(table.rows, features, seed))
  const own = rowHashes(table.rows, [label], seed)
  const votes = new Map<number, Map<number, number>>()
  for (let row = 0; row < groups.length; row += 1) {
    const group = groups[row] ?? -1
    if (group < 0) continue
    const ofGroup = votes.get(group) ?? new Map<number, number>()
    votes.set(group, ofGroup)
    ofGroup.set(own[row] ?? 0, (ofGroup.get(own[row] ?? 0) ?? 0) + 1)
  }
  const winners = new Map(
    [...votes].map(([group, ofGroup]) => [
      group,
      [...ofGroup].reduce((best, one) => (one[1] > best[1] ? one : best))[0],
    ]),
  )
  const isContrary = (row: number): boolean => (groups[row] ?? -1) >= 0 && winners.get(groups[row] ?? -1) !== own[row]
  return Array.from(groups.keys()).filter(isContrary)
}
