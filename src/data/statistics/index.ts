/** What a table is like and whether it moved: the face of the statistics for the rest of `data`. */

export { decideDrift, type Measure, noLooser, noTighter, type ThresholdOf, timesUntilLarge } from './drift.ts'
export { binomialTail } from './exact-counts.ts'
export { periodsOf, profileAnchor } from './periods.ts'
export { type ColumnProfile, parseTableProfile, profileTable, type TableProfile } from './profile.ts'
export type { Sketch } from './sketch.ts'
