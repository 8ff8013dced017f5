/**
 * What an approved table says of honest movement: rows mostly stand in the order in which they came, so its own
 * stretches, each against the others, show how far a season or a week moves a column. A table whose rows are in no
 * order has stretches that do not differ, and excuses nothing.
 *
 * THREAT: only the anchor is asked, which a reviewer approved; a candidate cannot widen what it is held to.
 */
import { type Columns, selectRows } from '../table/columns.ts'
import { decideDrift } from './drift.ts'
import { profileTable, type TableProfile } from './profile.ts'

const stretches = 5
/** A shorter stretch says more about chance than about time. */
const fewestRows = 50

export type Period = Readonly<{ period: Columns; rest: Columns }>

/** The fifths of a table, in its order, each with the other four. None for a table of under 250 rows. */
export function periodsOf(table: Columns): readonly Period[] {
  const size = Math.floor(table.rows / stretches)
  if (size < fewestRows) return []
  return Array.from({ length: stretches }, (_, index) => {
    const [from, to] = [index * size, index === stretches - 1 ? table.rows : (index + 1) * size]
    const period = Int32Array.from({ length: to - from }, (_row, at) => from + at)
    const rest = Int32Array.from({ length: table.rows - period.length }, (_row, at) =>
      at < from ? at : at + to - from,
    )
    return { period: selectRows(table, period), rest: selectRows(table, rest) }
  })
}

/** The profile of a table that is to be approved: with how far its own stretches lie from one another. */
export function profileAnchor(table: Columns): TableProfile {
  const largest = new Map<string, NonNullable<TableProfile['usual']>[number]>()
  for (const { period, rest } of periodsOf(table)) {
    for (const { name, column, effect } of decideDrift(profileTable(period), profileTable(rest))) {
      // half way between the estimate and its lower bound, and only of what surely is not nothing: the largest of five
      // estimates is mostly chance
      const careful = effect.low > 0 ? (effect.value + effect.low) / 2 : 0
      const key = JSON.stringify([name, column])
      if (careful > (largest.get(key)?.effect ?? 0)) largest.set(key, { name, column, effect: careful })
    }
  }
  const profile = profileTable(table)
  return largest.size === 0 ? profile : { ...profile, usual: [...largest.values()] }
}
