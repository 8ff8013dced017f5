/** Gate verdicts of the project: where they are found (a hint, as every index of evidence), which count, and what is kept. */
import {
  gatesThatCount,
  maxGateVerdicts,
  statedPayload,
  type Verdict,
  type VerifiedGates,
  type VerifiedReproduction,
  verifyGateVerdict,
  verifyReproduction,
} from '../attestation/index.ts'
import { digestOfJson, isDomainError, type Sha256, sha256Of } from '../core/index.ts'
import type { Project } from './project.ts'
import { reproductionKey } from './reproduction-key.ts'

export function gatesKey(made: Sha256): Sha256 {
  return digestOfJson({ gatesOf: made })
}

type AtHand = Pick<Project, 'evidence' | 'trust' | 'verdicts' | 'now'>

/**
 * Those that count for what a statement made, each payload once, newest first by the time that was signed.
 *
 * LIMIT: 64. Of more, only the newest that come to the same on the same metrics by the same `assay.yaml`, whatever else they
 * say; where all that are left passed and an older one failed, that one stands in the place of the oldest.
 * THREAT: verdicts that passed and count nowhere, of the gates of branches, which crowd out the one that failed.
 */
export function gatesOwn({ evidence, trust, verdicts, now }: AtHand, made: Sha256): readonly VerifiedGates[] {
  const all = gatesThatCount(
    {
      policy: trust,
      evidence: { bundle: evidence.bundle, gatesOf: () => evidence.byKey(gatesKey(made)) },
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

type Keeping = Pick<Project, 'evidence' | 'trust'>

/** Keeps a gate verdict that the policy believes. @returns its attestation where it is kept */
export function keepGates({ evidence, trust }: Keeping, bytes: Uint8Array): Sha256 | undefined {
  const verify = (one: Uint8Array) => verifyGateVerdict(one, trust)
  const read = verify(bytes)
  if (!read.trusted) return undefined
  const key = gatesKey(read.statement.verdict.made.attestation)
  return isSaid(evidence, bytes, { key, said: read.statement, verify })
    ? undefined
    : evidence.save(bytes, { key, subjects: [] })
}

/** Keeps a reproduction that the policy believes, for each stage that it is about: it is found again by each. */
export function keepReproduction(
  { evidence, trust }: Keeping,
  bytes: Uint8Array,
): Readonly<{ isKept: boolean; again: readonly Sha256[] }> | undefined {
  const verify = (one: Uint8Array) => verifyReproduction(one, trust)
  const read = verify(bytes)
  if (!read.trusted) return undefined
  const { stages } = read.statement.reproduction
  let isKept = false
  for (const { original } of stages) {
    const key = reproductionKey(original)
    if (isSaid(evidence, bytes, { key, said: read.statement, verify })) continue
    evidence.save(bytes, { key, subjects: [] })
    isKept = true
  }
  return { isKept, again: stages.flatMap(({ again }) => again ?? []) }
}

type Said = Pick<VerifiedGates | VerifiedReproduction, 'attestation' | 'signer'>

/**
 * Whether another spelling of what the same signer says is here already: it stays alone.
 *
 * THREAT: one statement in a thousand spellings.
 */
function isSaid(
  evidence: Project['evidence'],
  bytes: Uint8Array,
  { key, said, verify }: Readonly<{ key: Sha256; said: Said; verify(known: Uint8Array): Verdict<Said> }>,
): boolean {
  const here = evidence.byKey(key)
  if (here.includes(said.attestation)) return false
  const payload = payloadOf(bytes)
  return here.some((other) => {
    const known = evidence.bundle(other)
    const same = known !== undefined && payloadOf(known) === payload ? verify(known) : undefined
    return same?.trusted === true && same.statement.signer.name === said.signer.name
  })
}

/** Digest of the payload that a bundle holds, whatever its spelling; undefined where there is none. */
export function payloadOf(bytes: Uint8Array): Sha256 | undefined {
  try {
    return sha256Of(statedPayload(bytes))
  } catch (error) {
    if (isDomainError(error)) return undefined
    throw error
  }
}
