/** The face of the poisoning checks for the rest of `data`. */

export { findPoison, findPoisonInImages, type PoisonReport } from './find-poison.ts'
export { compareGolden, type GoldenCheck } from './golden.ts'
export {
  type DriftObservation,
  decideHistory,
  defaultHistoryBudget,
  driftObservations,
  type HistoryBudget,
  type Trend,
  type Version,
} from './history.ts'
export { type Grey, side, tableOfImages } from './images.ts'
export type { Increment, PoisonCheck, PoisonInput, PoisonName, Suspect, Tally } from './report.ts'
export { type Budget, defaultBudgets } from './report.ts'
export { deltaRows } from './row-hash.ts'
export { type Stamp, stampsOf } from './stamps.ts'
export { unsearched } from './unsearched.ts'
