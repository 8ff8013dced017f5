/** Under which key the reproductions of a statement are found (a hint, as every index of evidence), and which of many are read. */
import {
  maxReproductions,
  newestReproductionFirst,
  type VerifiedReproduction,
  verifyReproduction,
} from '../attestation/index.ts'
import { digestOfJson, type Sha256 } from '../core/index.ts'
import { loggedAtHand } from './log-proofs.fs.ts'
import type { Project } from './project.ts'
import { payloadOf, richestFirst } from './spellings.ts'

export function reproductionKey(attestation: Sha256): Sha256 {
  return digestOfJson({ reproductionOf: attestation })
}

type AtHand = Pick<Project, 'root' | 'evidence' | 'trust'>

/**
 * Newest first, of several spellings the richest; believed or not.
 *
 * LIMIT: 1,000. Of more, those that are believed, what one signer says once; of them the newest 900 and every one that diverged.
 * THREAT: copies that were imported when copies were kept, for which nothing would be verified any more.
 */
export function reproductionsAtHand(project: AtHand, attestation: Sha256): readonly Sha256[] {
  const { evidence } = project
  const all = richestFirst(evidence, evidence.byKey(reproductionKey(attestation)), loggedAtHand(project))
  return all.length > maxReproductions ? fewerOf(project, all) : all
}

function fewerOf({ evidence, trust }: Pick<AtHand, 'evidence' | 'trust'>, all: readonly Sha256[]): readonly Sha256[] {
  const once = new Map<string, VerifiedReproduction>()
  for (const candidate of all) {
    const bytes = evidence.bundle(candidate)
    const read = bytes === undefined ? undefined : verifyReproduction(bytes, trust)
    if (bytes === undefined || read?.trusted !== true) continue
    const said = `${payloadOf(bytes)} ${read.statement.signer.name}`
    if (!once.has(said)) once.set(said, read.statement)
  }
  const newest = [...once.values()].toSorted(newestReproductionFirst)
  return newest
    .filter(({ reproduction: { result } }, index) => index < maxReproductions * 0.9 || result === 'diverged')
    .map(({ attestation }) => attestation)
}
