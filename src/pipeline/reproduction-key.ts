/** Under which key the reproductions of a statement are found: a hint, as every index of evidence. */
import { digestOfJson, type Sha256 } from '../core/index.ts'
import type { Project } from './project.ts'

export function reproductionKey(attestation: Sha256): Sha256 {
  return digestOfJson({ reproductionOf: attestation })
}

/** Newest first, believed or not. */
export function reproductionsAtHand({ evidence }: Pick<Project, 'evidence'>, attestation: Sha256): readonly Sha256[] {
  return evidence.byKey(reproductionKey(attestation))
}
