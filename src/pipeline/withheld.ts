/** What is told of data, by how secret it is: of confidential and restricted data numbers of rows and names, no values. Pure. */
import { isSecret } from '../attestation/index.ts'
import type { Baseline, Classification, ColumnFact, DataCheck, DatasetDiff } from '../data/index.ts'

/** THREAT: evidence that leaks data: of confidential data it holds row numbers and names, no values. */
export function shown(check: DataCheck, classification: Classification): DataCheck {
  if (!isSecret(classification)) return check
  const { because: _because, ...rest } = check
  return { ...rest, observed: null, expected: null }
}

/** What differs between two datasets; `withheld` says why values are missing. */
export type ShownDiff = Omit<DatasetDiff, 'changed'> &
  Readonly<{
    withheld?: string
    changed: readonly Readonly<{
      row: number | string
      key?: number | string
      columns: readonly Readonly<{ name: string; before?: string | null; after?: string | null }>[]
    }>[]
  }>

/** Rows are told by number, changes by column, and what a source brought only in all. Files of a folder have no values. */
export function shownDiff(diff: DatasetDiff, classification: Classification): ShownDiff {
  const { table, changed } = diff
  const withheld = withheldOf(classification)
  if (table === undefined || withheld === undefined) return diff
  const { sources: _sources, checks, ...rest } = table
  return {
    ...diff,
    withheld,
    changed: changed.map(({ row, columns }) => ({ row, columns: columns.map(({ name }) => ({ name })) })),
    table: { ...rest, checks: checks.map((check) => shown(check, classification)) },
  }
}

/** What the draft of a contract may be made of. THREAT: it is written into a file that is committed. */
export function shownFact(fact: ColumnFact, classification: Classification): ColumnFact {
  return isSecret(classification) ? { ...fact, min: null, max: null, longest: null, values: null } : fact
}

/** THREAT: a baseline is committed, and its profile is made of values: names of categories, ends of bins. */
export function shownBaseline(baseline: Baseline, classification: Classification): Baseline {
  return isSecret(classification) ? { ...baseline, profile: null } : baseline
}

/** Undefined for data that is no secret. */
export function withheldOf(classification: Classification): string | undefined {
  return isSecret(classification) ? `values and ranges: they are not told of ${classification} data` : undefined
}
