/** `assay attest import`: of evidence that travelled, what the trust policy believes becomes evidence of the project. */
import { type NamedBundle, verifyDataVerdict, verifyStage } from '../attestation/index.ts'
import { DomainError, type Sha256, sha256Of } from '../core/index.ts'
import { keepGates, keepReproduction } from './gates-key.ts'
import { joinProofs, keepProofs, keptProofs } from './kept-proofs.fs.ts'
import { loggedAtHand } from './log-proofs.fs.ts'
import { historiesIn, holdsUnder, type LogProofs, type ShownHistory } from './log-trust.ts'
import type { Project } from './project.ts'
import type { IsLogged } from './spellings.ts'
import { builtIn } from './travelling-evidence.ts'

/** Bundles and proofs as they came: hostile. */
export type TravelledEvidence = Readonly<{ bundles: readonly NamedBundle[]; proofs: LogProofs }>

export type ImportedEvidence = Readonly<{
  /** Statements of stages that are believed; not those of a reproduction. */
  stages: readonly Sha256[]
  /** Proofs of transparency logs that were kept. */
  logProofs: number
  /** What the logs that the policy names have signed, so far as it is here. */
  histories: readonly ShownHistory[]
}>

/**
 * Approvals travel with the commit and are not kept.
 *
 * Order: a log that contradicts itself is met before anything is kept.
 *
 * @param from for messages
 * @throws ERR_EVIDENCE_MISSING when no stage is believed, ERR_TLOG_FORK
 */
export function importEvidence(
  project: Project,
  { bundles, proofs }: TravelledEvidence,
  from: string,
): ImportedEvidence {
  const { evidence, trust, root } = project
  const { shown: histories, growths } = historiesIn(trust, joinProofs(keptProofs(root), proofs))
  const isLogged = loggedAtHand(project, proofs)
  const stages: Sha256[] = []
  const repeats = new Set<Sha256>()
  const kept = new Set(evidence.approvals().map(({ bytes }) => sha256Of(bytes)))
  for (const { bytes } of bundles) {
    const stage = verifyStage(bytes, trust)
    if (stage.trusted) {
      const { key, outputs } = stage.statement.facts
      stages.push(evidence.save(bytes, { key, subjects: outputs.map(({ digest }) => digest) }))
      kept.add(sha256Of(bytes))
      continue
    }
    for (const again of keepOther({ ...project, isLogged }, bytes, kept)) repeats.add(again)
  }
  const first = stages.filter((attestation) => !repeats.has(attestation))
  if (first.length === 0)
    throw new DomainError('ERR_EVIDENCE_MISSING', `nothing in \`${from}\` is a statement of a stage that is believed`)
  const ofKept = new Map([...proofs.inclusions].filter(([attestation]) => kept.has(attestation)))
  keepProofs(root, { inclusions: ofKept, growths }, holdsUnder(trust))
  return { stages: first, logProofs: ofKept.size, histories }
}

/** @returns the statements of the runs that a reproduction was made with */
function keepOther(
  project: Project & Readonly<{ isLogged: IsLogged }>,
  bytes: Uint8Array,
  kept: Set<Sha256>,
): readonly Sha256[] {
  const { evidence, trust } = project
  const verdict = verifyDataVerdict(bytes, trust)
  if (verdict.trusted) kept.add(evidence.save(bytes, { key: verdict.statement.verdict.key, subjects: [] }))
  const built = builtIn(bytes, trust)
  if (built !== undefined) kept.add(evidence.save(bytes, { key: sha256Of(bytes), subjects: [built] }))
  const gates = keepGates(project, bytes)
  if (gates !== undefined) kept.add(gates)
  const reproduction = keepReproduction(project, bytes)
  if (reproduction?.isKept === true) kept.add(sha256Of(bytes))
  return reproduction?.again ?? []
}
