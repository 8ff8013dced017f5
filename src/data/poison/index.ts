/** The face of the poisoning checks for the rest of `data`. */

export { findPoison, findPoisonInImages, tallyPoison } from './find-poison.ts'
export { compareGolden, type GoldenCheck } from './golden.ts'
export {
  decideHistory,
  defaultHistoryBudget,
  driftObservations,
  type HistoryBudget,
  type Trend,
  type Version,
} from './history.ts'
export { type Grey, tableOfImages } from './images.ts'
export type { Budget, Increment, PoisonCheck, PoisonName, Tally } from './report.ts'
export { restored } from './restored.ts'
export { deltaRows } from './row-hash.ts'
export { type Stamp, stampsOf } from './stamps.ts'
export { unsearched } from './unsearched.ts'
