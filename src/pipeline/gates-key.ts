/** Gate verdicts of the project: where they are found (a hint, as every index of evidence), and which of them count. */
import {
  gatesThatCount,
  maxGateVerdicts,
  statedPayload,
  type VerifiedGates,
  verifyGateVerdict,
} from '../attestation/index.ts'
import { digestOfJson, isDomainError, type Sha256, sha256Of } from '../core/index.ts'
import type { Project } from './project.ts'

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

/**
 * Keeps a gate verdict that the policy believes.
 *
 * THREAT: one verdict in a thousand spellings: of what the same signer says, the spelling that is here already stays alone.
 *
 * @returns its attestation where it is kept
 */
export function keepGates(
  { evidence, trust }: Pick<Project, 'evidence' | 'trust'>,
  bytes: Uint8Array,
): Sha256 | undefined {
  const read = verifyGateVerdict(bytes, trust)
  if (!read.trusted) return undefined
  const { attestation, signer, verdict } = read.statement
  const key = gatesKey(verdict.made.attestation)
  const payload = payloadOf(bytes)
  const here = evidence.byKey(key)
  const isThere =
    !here.includes(attestation) &&
    here.some((other) => {
      const known = evidence.bundle(other)
      const same = known !== undefined && payloadOf(known) === payload ? verifyGateVerdict(known, trust) : undefined
      return same?.trusted === true && same.statement.signer.name === signer.name
    })
  return isThere ? undefined : evidence.save(bytes, { key, subjects: [] })
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
