/** All poisoning checks of a table, and one verdict: the worst of them. */
import { decideDrift, profileTable } from '../statistics/index.ts'
import { rowNumberOf } from '../table/columns.ts'
import { findClassShift } from './class-shift.ts'
import { findContradictions } from './contradictions.ts'
import { findDuplicates } from './duplicates.ts'
import { findLabelFlips } from './label-flip.ts'
import { findOutliers } from './outliers.ts'
import { type Finding, type PoisonCheck, type PoisonInput, type Tally, withoutGood } from './report.ts'
import { findSource } from './source.ts'
import { findTriggers } from './trigger.ts'

export type PoisonReport = Readonly<{
  /** Without the rows of an anchor: `warn` at least, since nothing says what honest data are like. */
  verdict: 'pass' | 'warn' | 'fail'
  anchored: boolean
  checks: readonly PoisonCheck[]
  /** What this table showed, for the baseline that it may become. */
  baseline: readonly Tally[]
}>

/**
 * Checks that have nothing to work on (no label, no source, no text) are left out, not passed.
 *
 * Trust: every value of the tables is hostile; no message repeats one.
 */
export function findPoison(input: PoisonInput): PoisonReport {
  const found = searches.flatMap((search) => search(input) ?? [])
  const first = found.map(({ check }) => withoutGood(check, input))
  const source = findSource(input, suspectedRows(input, first))
  const checks = tempered(source === undefined ? first : [...first, withoutGood(source.check, input)], input)
  const anchored = input.anchor !== undefined
  const worst = checks.some(({ verdict }) => verdict === 'fail')
    ? 'fail'
    : !anchored || checks.some(({ verdict }) => verdict === 'warn')
      ? 'warn'
      : 'pass'
  return { verdict: worst, anchored, checks, baseline: found.flatMap(({ tally }) => tally ?? []) }
}

/** All that looks at rows; sources are judged by what these find. */
const searches: readonly ((input: PoisonInput) => Finding | readonly Finding[] | undefined)[] = [
  findLabelFlips,
  findTriggers,
  findDuplicates,
  findContradictions,
  findOutliers,
  findClassShift,
]

/**
 * Where what rows look like has surely moved, the anchor is no judge of what their labels should be: drift fails such a
 * table, and poison only warns. Flips move no feature, so they cannot hide here; who moves features to hide them is
 * refused for drift.
 */
function tempered(checks: readonly PoisonCheck[], { candidate, anchor }: PoisonInput): readonly PoisonCheck[] {
  if (anchor === undefined || !checks.some(({ verdict }) => verdict === 'fail')) return checks
  const moved = decideDrift(profileTable(candidate), profileTable(anchor)).find(
    ({ name, column, verdict }) =>
      verdict === 'fail' && name !== 'drift/label-correlation' && column !== candidate.label,
  )
  if (moved === undefined) return checks
  const because = `column \`${moved.column}\` has drifted away from the anchor, so this may be drift`
  return checks.map((check) =>
    check.verdict === 'fail' ? { ...check, verdict: 'warn', because: `${check.because}; ${because}` } : check,
  )
}

/** Rows that some check lists, whatever its verdict: a source is judged by all of them. */
function suspectedRows({ candidate }: PoisonInput, checks: readonly PoisonCheck[]): Uint8Array {
  const numbers = new Set(checks.flatMap(({ suspects }) => suspects.map(({ row }) => row)))
  return Uint8Array.from({ length: candidate.rows }, (_, row) => (numbers.has(rowNumberOf(candidate, row)) ? 1 : 0))
}
