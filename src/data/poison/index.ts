/** The face of the poisoning checks for the rest of `data`. */

export { findPoison, type PoisonReport } from './find-poison.ts'
export type { Budget, PoisonCheck, PoisonInput, PoisonName, Suspect, Tally } from './report.ts'
