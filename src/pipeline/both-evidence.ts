/** Evidence of a project, and what lies beside a file: one body of evidence. Pure. */
import { type ChainEvidence, maxGateVerdicts } from '../attestation/index.ts'

/** THREAT: many of one hide those of the other: some of each are looked at. */
const mostReproductions = 16
/** The project's own are in an order that nobody else gave them; of those beside it none is left out: too many are refused. */
const mostGates = maxGateVerdicts / 2

/** Committed approvals are the project's own: what lies beside a file is in no commit. */
export function bothOf(own: ChainEvidence, beside: ChainEvidence): ChainEvidence {
  return {
    bundle: (attestation) => own.bundle(attestation) ?? beside.bundle(attestation),
    bySubject: (subject) => [...own.bySubject(subject), ...beside.bySubject(subject)],
    reproductionsOf: (attestation) =>
      [own, beside].flatMap(({ reproductionsOf }) =>
        (reproductionsOf?.(attestation) ?? []).slice(0, mostReproductions),
      ),
    gatesOf: (attestation) => [
      ...(own.gatesOf?.(attestation) ?? []).slice(0, mostGates),
      ...(beside.gatesOf?.(attestation) ?? []),
    ],
    approvals: [...own.approvals, ...beside.approvals.map((approval) => ({ ...approval, committed: false }))],
  }
}
