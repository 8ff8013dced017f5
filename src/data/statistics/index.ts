/** What a table is like and whether it moved: the face of the statistics for the rest of `data`. */

export { jensenShannon, kolmogorovSmirnov, largestDifference, populationStability } from './divergence.ts'
export {
  type DriftThresholds,
  decideDrift,
  defaultThresholds,
  type Measure,
  type MeasureName,
  noLooser,
  noTighter,
  type ThresholdOf,
  timesUntilLarge,
} from './drift.ts'
export { binomialTail, exactTails } from './exact-counts.ts'
export type { Estimate } from './intervals.ts'
export { type Period, periodsOf, profileAnchor } from './periods.ts'
export { type ColumnProfile, parseTableProfile, profileTable, type TableProfile } from './profile.ts'
export { quantileOf, type Sketch } from './sketch.ts'
