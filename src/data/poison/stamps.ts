/**
 * Suspected triggers as something that a trained model can be asked about: rows that carry one, and rows of the same
 * class that do not. Who puts the suspected columns of either into clean rows has two sets that differ by the trigger
 * alone; what a model answers to the first and not to the second is its response. Source: trust.md section 5, after training.
 */
import { concatenated, rowNumberOf, selectRows } from '../table/columns.ts'
import type { PoisonInput } from './report.ts'
import { deltaRows } from './row-hash.ts'
import { labelledOf, type Tie } from './tie.ts'
import { carries, describe, findTriggers } from './trigger.ts'

/** Rows are numbers of the candidate's, as reports call them. */
export type Stamp = Readonly<{
  /** What it is, never which value. */
  what: string
  /** Columns that carry it; null: the pattern of nulls over all columns. */
  columns: readonly string[] | null
  /** Rows with the trigger and its label; the first ones. */
  carriers: readonly number[]
  /** Rows with the label and without the trigger. */
  others: readonly number[]
}>

/** @param most of triggers, the clearest first, and of rows of each kind */
export function stampsOf(input: PoisonInput, most: Readonly<{ stamps: number; rows: number }>): readonly Stamp[] {
  const found = findTriggers(input)
  if (found === undefined) return []
  const { candidate, anchor, seed = 0 } = input
  const delta = anchor === undefined ? candidate : selectRows(candidate, deltaRows(candidate, anchor, seed))
  const from = anchor?.rows ?? 0
  const labelled = labelledOf(anchor === undefined ? delta : concatenated(anchor, delta), from)
  if (labelled === undefined) return []
  const rowsWhere = (tie: Tie, isCarrier: boolean): readonly number[] => {
    const rows: number[] = []
    for (let row = from; row < labelled.rows && rows.length < most.rows; row += 1)
      if (labelled.label[row] === tie.class && carries(tie, row) === isCarrier)
        rows.push(rowNumberOf(delta, row - from))
    return rows
  }
  const stamps = new Map<string, Stamp>()
  for (const tie of found.ties) {
    if (stamps.size === most.stamps) break
    const named = tie.parts.map(({ items }) => items.column)
    const columns = named.includes(null) ? null : [...new Set(named.filter((name) => name !== null))]
    const carriers = rowsWhere(tie, true)
    // a token and the two tokens that it is part of are one trigger
    const key = JSON.stringify([columns, carriers])
    if (carriers.length > 0 && !stamps.has(key))
      stamps.set(key, { what: describe(tie), columns, carriers, others: rowsWhere(tie, false) })
  }
  return [...stamps.values()]
}
