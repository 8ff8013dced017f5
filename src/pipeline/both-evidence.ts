/** Evidence of a project, and what lies beside a file: one body of evidence. Pure. */
import type { ChainEvidence } from '../attestation/index.ts'
import type { Sha256 } from '../core/index.ts'
import { payloadOf } from './spellings.ts'

type Counting = (attestation: Sha256) => readonly Sha256[]

/**
 * Committed approvals are the project's own: what lies beside a file is in no commit. Of reproductions and gate verdicts none of
 * either is left out: too many are refused.
 *
 * @param counting the project's own gate verdicts that count
 */
export function bothOf(own: ChainEvidence, beside: ChainEvidence, counting: Counting): ChainEvidence {
  return {
    bundle: (attestation) => own.bundle(attestation) ?? beside.bundle(attestation),
    bySubject: (subject) => [...own.bySubject(subject), ...beside.bySubject(subject)],
    reproductionsOf: (attestation) => [
      ...new Set([own, beside].flatMap(({ reproductionsOf }) => reproductionsOf?.(attestation) ?? [])),
    ],
    gatesOf: (attestation) => {
      const both = gatesOfBoth(own, beside, attestation, counting(attestation))
      return both.length > 0 ? both : (own.gatesOf?.(attestation) ?? []) // to be told why
    },
    approvals: [...own.approvals, ...beside.approvals.map((approval) => ({ ...approval, committed: false }))],
  }
}

/**
 * What says the same counts once.
 *
 * THREAT: one of the project that nobody believes takes the place of what says the same beside, and is believed.
 */
function gatesOfBoth(
  own: ChainEvidence,
  beside: ChainEvidence,
  attestation: Sha256,
  known: readonly Sha256[],
): readonly Sha256[] {
  const payloadIn = ({ bundle }: ChainEvidence, gates: Sha256): Sha256 =>
    payloadOf(bundle(gates) ?? new Uint8Array()) ?? gates
  const payloads = new Set(known.map((gates) => payloadIn(own, gates)))
  const others = (beside.gatesOf?.(attestation) ?? []).filter((gates) => !payloads.has(payloadIn(beside, gates)))
  return [...new Set([...known, ...others])]
}
