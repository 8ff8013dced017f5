/** Gate verdicts of the project: where they are found (a hint, as every index of evidence), which count, and what is kept. */
import {
  gatesThatCount,
  maxGateVerdicts,
  type VerifiedGates,
  verifyGateVerdict,
  verifyReproduction,
} from '../attestation/index.ts'
import { digestOfJson, type Sha256 } from '../core/index.ts'
import { loggedAtHand } from './log-proofs.fs.ts'
import type { Project } from './project.ts'
import { reproductionKey } from './reproduction-key.ts'
import { type IsLogged, isSaid, richestFirst } from './spellings.ts'

export function gatesKey(made: Sha256): Sha256 {
  return digestOfJson({ gatesOf: made })
}

type AtHand = Pick<Project, 'root' | 'evidence' | 'trust' | 'verdicts' | 'now'>

/**
 * Those that count for what a statement made, each payload once, newest first by the time that was signed.
 *
 * LIMIT: 64. Of more, only the newest that come to the same on the same metrics by the same `assay.yaml`, whatever else they
 * say; where all that are left passed and an older one failed, that one stands in the place of the oldest.
 * THREAT: verdicts that passed and count nowhere, of the gates of branches, which crowd out the one that failed.
 */
export function gatesOwn(project: AtHand, made: Sha256): readonly VerifiedGates[] {
  const { evidence, trust, verdicts, now } = project
  const found = richestFirst(evidence, evidence.byKey(gatesKey(made)), loggedAtHand(project))
  const all = gatesThatCount(
    {
      policy: trust,
      evidence: { bundle: evidence.bundle, gatesOf: () => found },
      surroundings: { now: trust.times?.now ?? now() },
    },
    made,
    verdicts,
  )
  if (all.length <= maxGateVerdicts) return all
  const oldestFirst = all.toReversed()
  const apart = new Map(oldestFirst.map((gates) => [subjectOf(gates), gates]))
  const newest = all.filter((gates) => apart.get(subjectOf(gates)) === gates).slice(0, maxGateVerdicts)
  const failed = all.find(({ verdict }) => verdict.result === 'FAILED')
  return failed === undefined || newest.includes(failed) ? newest : [...newest.slice(0, -1), failed]
}

function subjectOf({ verdict: { outputs, measured, definition, result } }: VerifiedGates): Sha256 {
  const { path, digest } = definition
  return digestOfJson({ outputs: outputs.map((out) => out.digest), by: measured.attestation, path, digest, result })
}

/** Attestations of `gatesOwn`. */
export function gatesAtHandOf(project: AtHand, made: Sha256): readonly Sha256[] {
  return gatesOwn(project, made).map(({ attestation }) => attestation)
}

type Keeping = Pick<Project, 'evidence' | 'trust'> & Readonly<{ isLogged: IsLogged }>

/** Keeps a gate verdict that the policy believes. @returns its attestation where it is kept */
export function keepGates({ evidence, trust, isLogged }: Keeping, bytes: Uint8Array): Sha256 | undefined {
  const verify = (one: Uint8Array) => verifyGateVerdict(one, trust)
  const read = verify(bytes)
  if (!read.trusted) return undefined
  const key = gatesKey(read.statement.verdict.made.attestation)
  return isSaid(evidence, bytes, { here: evidence.byKey(key), said: read.statement, verify, isLogged })
    ? undefined
    : evidence.save(bytes, { key, subjects: [] })
}

/** Keeps a reproduction that the policy believes, for each stage that it is about: it is found again by each. */
export function keepReproduction(
  { evidence, trust, isLogged }: Keeping,
  bytes: Uint8Array,
): Readonly<{ isKept: boolean; again: readonly Sha256[] }> | undefined {
  const verify = (one: Uint8Array) => verifyReproduction(one, trust)
  const read = verify(bytes)
  if (!read.trusted) return undefined
  const { stages } = read.statement.reproduction
  let isKept = false
  for (const { original } of stages) {
    const key = reproductionKey(original)
    if (isSaid(evidence, bytes, { here: evidence.byKey(key), said: read.statement, verify, isLogged })) continue
    evidence.save(bytes, { key, subjects: [] })
    isKept = true
  }
  return { isKept, again: stages.flatMap(({ again }) => again ?? []) }
}
