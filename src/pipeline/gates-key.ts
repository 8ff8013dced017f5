/** Under which key the gate verdicts on what a statement made are found: a hint, as every index of evidence. */
import { digestOfJson, type Sha256 } from '../core/index.ts'
import type { Project } from './project.ts'

export function gatesKey(made: Sha256): Sha256 {
  return digestOfJson({ gatesOf: made })
}

/** Newest first, believed or not. */
export function gatesAtHandOf({ evidence }: Pick<Project, 'evidence'>, made: Sha256): readonly Sha256[] {
  return evidence.byKey(gatesKey(made))
}
