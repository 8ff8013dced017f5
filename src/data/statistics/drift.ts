/**
 * Did a table move away from its anchor? Every statistic of every column, decided by the size of the effect with an
 * interval around it: `fail` when it surely is large, `warn` when it probably is beyond the threshold and surely is not
 * nothing, else `pass`. The interval holds for all statistics of all columns together. What the anchor's own stretches do
 * among themselves is no drift, and somewhat more is not large (`periods.ts`).
 * Read next: `measure-numbers.ts` and `measure-categories.ts` for what is measured.
 */

import { type Estimate, familyWiseZ } from './intervals.ts'
import { measureCategories } from './measure-categories.ts'
import { measureLabel } from './measure-label.ts'
import { measureNulls, measureNumbers } from './measure-numbers.ts'
import type { ColumnProfile, TableProfile } from './profile.ts'

export type MeasureName = keyof DriftThresholds

export type Measure = Readonly<{
  name: MeasureName
  column: string
  verdict: 'pass' | 'warn' | 'fail'
  /** The statistic as its source defines it, over the samples. */
  value: number
  /** What it is in the populations: corrected for sampling, with its interval. */
  effect: Estimate
  /** What is no drift: the threshold, or what the anchor's own stretches do when that is more. */
  threshold: number
  /** From here on it fails. */
  large: number
  /** With a value in this column. */
  rows: Readonly<{ anchor: number; candidate: number }>
  because: string
}>

/** Effects up to here are no drift, in the unit of each statistic. */
export type DriftThresholds = Readonly<{
  /** Nats, over ten bins of the anchor and one for what lies outside of it. */
  'drift/psi': number
  /** Largest difference of the distribution functions, 0 to 1. */
  'drift/ks': number
  /** Jensen-Shannon divergence to base 2, 0 to 1, over the same bins as PSI. */
  'drift/js': number
  /** Largest difference of one category's share, 0 to 1. */
  'drift/l-infinity': number
  /** Difference of means in the anchor's standard deviations. */
  'drift/mean': number
  /** Largest move of the 5, 25, 50, 75 or 95 % quantile, in the anchor's interquartile ranges over 1.349. */
  'drift/quantile': number
  /** Share of rows whose category the anchor has not, beyond what a sample of its size leaves out. */
  'drift/new-categories': number
  /** Share of the anchor's rows whose category the candidate has not. */
  'drift/lost-categories': number
  /** Difference of the share of nulls. */
  'drift/nulls': number
  /** Largest difference of one class's share. */
  'drift/label-balance': number
  /** Difference of the correlation of one class with the number or with one value. */
  'drift/label-correlation': number
}>

export const defaultThresholds: DriftThresholds = {
  'drift/psi': 0.1,
  'drift/ks': 0.1,
  'drift/js': 0.02,
  'drift/l-infinity': 0.1,
  'drift/mean': 0.25,
  'drift/quantile': 0.4,
  'drift/new-categories': 0.01,
  'drift/lost-categories': 0.01,
  'drift/nulls': 0.05,
  'drift/label-balance': 0.1,
  'drift/label-correlation': 0.1,
}

/** What is no drift, in the unit of the statistic: of all columns alike, or of single ones. */
export type ThresholdOf = (name: MeasureName, column: string) => number

/** A user's, as far as they are no looser than assay's own. */
export function noLooser(thresholdOf: ThresholdOf = ownThreshold): ThresholdOf {
  return (name, column) => Math.min(thresholdOf(name, column), defaultThresholds[name])
}

/** A user's, as far as they are no tighter than assay's own. */
export function noTighter(thresholdOf: ThresholdOf = ownThreshold): ThresholdOf {
  return (name, column) => Math.max(thresholdOf(name, column), defaultThresholds[name])
}

function ownThreshold(name: MeasureName): number {
  return defaultThresholds[name]
}

/** A large effect, in thresholds: divergences grow with the square of a shift, and 0.25 is large for PSI (Siddiqi 2006). */
export const timesUntilLarge = { divergence: 2.5, other: 2 } as const

function largeFrom(name: MeasureName, threshold: number): number {
  const isDivergence = name === 'drift/psi' || name === 'drift/js'
  return threshold * (isDivergence ? timesUntilLarge.divergence : timesUntilLarge.other)
}

/** One statistic of one column, not yet held against its threshold. `because` says what moved. */
export type Finding = Pick<Measure, 'name' | 'value' | 'effect' | 'because'> &
  /** What it is whatever the size of the effect. */
  Readonly<{ atLeast?: 'warn' | 'fail' }>
export type Sample = Readonly<{ z: number }>

/** How often a verdict may alarm on a table that did not move at all. */
const alpha = 0.01

/**
 * Columns that only one side has are a matter of the schema and are left out here.
 *
 * @param options.thresholdOf `defaultThresholds` when left out
 * @returns in the order of the candidate's columns; empty when no column is on both sides
 */
export function decideDrift(
  candidate: TableProfile,
  anchor: TableProfile,
  { thresholdOf = ownThreshold }: Readonly<{ thresholdOf?: ThresholdOf | undefined }> = {},
): readonly Measure[] {
  const pairs = candidate.columns.flatMap((column) => {
    const before = anchor.columns.find(({ name }) => name === column.name)
    return before?.kind === column.kind ? [{ column, before }] : []
  })
  const z = familyWiseZ(alpha, pairs.length * 6)
  const usual = new Map(anchor.usual?.map(({ name, column, effect }) => [JSON.stringify([name, column]), effect]))
  return pairs.flatMap(({ column, before }) =>
    findingsOf(column, before, { z, isLabel: column.name === candidate.label }).map((finding) => {
      const own = usual.get(JSON.stringify([finding.name, column.name])) ?? 0
      const threshold = Math.max(thresholdOf(finding.name, column.name), own)
      const rows = { anchor: before.rows - before.nulls, candidate: column.rows - column.nulls }
      return { ...decide(finding, threshold), column: column.name, rows }
    }),
  )
}

function findingsOf(
  column: ColumnProfile,
  before: ColumnProfile,
  { z, isLabel }: Readonly<{ z: number; isLabel: boolean }>,
): readonly Finding[] {
  const own =
    column.kind === 'category' && before.kind === 'category'
      ? measureCategories(column.categories, before.categories, { z, isLabel })
      : column.kind !== 'category' && before.kind !== 'category'
        ? measureNumbers(column.sketch, before.sketch, z)
        : []
  return [measureNulls(column, before, z), ...own, ...measureLabel(column.withLabel, before.withLabel, z)]
}

function decide({ atLeast, ...finding }: Finding, threshold: number): Omit<Measure, 'column' | 'rows'> {
  const { name, effect } = finding
  const large = largeFrom(name, threshold)
  const isLarge = atLeast === 'fail' || effect.low > large
  const isDrift = atLeast === 'warn' || (effect.value > threshold && effect.low > 0)
  const verdict = isLarge ? 'fail' : isDrift ? 'warn' : 'pass'
  return { ...finding, verdict, threshold, large }
}
