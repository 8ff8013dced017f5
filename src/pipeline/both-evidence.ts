/** Evidence of a project, and what lies beside a file: one body of evidence. Pure. */
import type { ChainEvidence } from '../attestation/index.ts'
import type { Sha256 } from '../core/index.ts'
import { payloadOf } from './gates-key.ts'

/** THREAT: many of one hide those of the other: some of each are looked at. */
const mostReproductions = 16

/** Committed approvals are the project's own: what lies beside a file is in no commit. */
export function bothOf(own: ChainEvidence, beside: ChainEvidence): ChainEvidence {
  return {
    bundle: (attestation) => own.bundle(attestation) ?? beside.bundle(attestation),
    bySubject: (subject) => [...own.bySubject(subject), ...beside.bySubject(subject)],
    reproductionsOf: (attestation) =>
      [own, beside].flatMap(({ reproductionsOf }) =>
        (reproductionsOf?.(attestation) ?? []).slice(0, mostReproductions),
      ),
    gatesOf: (attestation) => gatesOfBoth(own, beside, attestation),
    approvals: [...own.approvals, ...beside.approvals.map((approval) => ({ ...approval, committed: false }))],
  }
}

/** None of either is left out: too many are refused. The project's own are verified; what says the same counts once. */
function gatesOfBoth(own: ChainEvidence, beside: ChainEvidence, attestation: Sha256): readonly Sha256[] {
  const payloadIn = ({ bundle }: ChainEvidence, gates: Sha256): Sha256 =>
    payloadOf(bundle(gates) ?? new Uint8Array()) ?? gates
  const known = own.gatesOf?.(attestation) ?? []
  const payloads = new Set(known.map((gates) => payloadIn(own, gates)))
  const others = (beside.gatesOf?.(attestation) ?? []).filter((gates) => !payloads.has(payloadIn(beside, gates)))
  return [...new Set([...known, ...others])]
}
