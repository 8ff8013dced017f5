/** Evidence that left its project: bundles, one a line of a file or one a file of a folder. Pure. */
import { type Digest, DomainError, type Sha256, sha256Of } from '../core/index.ts'
import type { ChainEvidence } from './chain.ts'
import { statedGates, statedReproduction } from './stated.ts'
import type { TrustPolicy } from './trust-policy.ts'
import { subjectsOfBundle, verifyStage } from './verify.ts'

export type NamedBundle = Readonly<{ name: string; bytes: Uint8Array }>

/** LIMIT: a line takes memory however short it is. */
const maxLines = 250_000

/** @param bytes of a `.jsonl` file @throws ERR_INPUT_TOO_LARGE */
export function bundlesInLines(bytes: Uint8Array): readonly NamedBundle[] {
  const bundles: NamedBundle[] = []
  let start = 0
  for (let end = bytes.indexOf(10); start < bytes.length; end = bytes.indexOf(10, start)) {
    const stop = end < 0 ? bytes.length : end
    if (stop > start) bundles.push({ name: `line ${bundles.length + 1}`, bytes: bytes.subarray(start, stop) })
    if (bundles.length > maxLines) throw new DomainError('ERR_INPUT_TOO_LARGE', 'evidence of too many lines')
    start = stop + 1
  }
  return bundles
}

/** Trust: the bundles are indexed by what they *say*, and verified by the chain. */
export function travelledEvidence(bundles: readonly NamedBundle[]): ChainEvidence {
  const byDigest = new Map<Sha256, Uint8Array>()
  const bySubject = new Map<Digest, Sha256[]>()
  const reproductions = new Map<Sha256, Sha256[]>()
  const gates = new Map<Sha256, Sha256[]>()
  for (const { bytes } of bundles) {
    const digest = sha256Of(bytes)
    byDigest.set(digest, bytes)
    for (const subject of subjectsOfBundle(bytes)) addTo(bySubject, subject, digest)
    for (const { original } of statedReproduction(bytes)?.stages ?? []) addTo(reproductions, original, digest)
    const judged = statedGates(bytes)
    if (judged !== undefined) addTo(gates, judged.made.attestation, digest)
  }
  return {
    bundle: (attestation) => byDigest.get(attestation),
    bySubject: (subject) => bySubject.get(subject) ?? [],
    reproductionsOf: (attestation) => reproductions.get(attestation) ?? [],
    gatesOf: (attestation) => gates.get(attestation) ?? [],
    approvals: bundles.map(({ name, bytes }) => ({ name, bytes, committed: true })),
  }
}

function addTo<Key>(index: Map<Key, Sha256[]>, key: Key, digest: Sha256): void {
  const known = index.get(key)
  if (known === undefined) index.set(key, [digest])
  else known.push(digest)
}

/** The path that believed evidence gives these bytes: an artifact may be called otherwise where it went. */
export function nameInEvidence(evidence: ChainEvidence, digest: Digest, policy: TrustPolicy): string | undefined {
  for (const attestation of evidence.bySubject(digest)) {
    const bytes = evidence.bundle(attestation)
    const verdict = bytes === undefined ? undefined : verifyStage(bytes, policy)
    const output =
      verdict?.trusted === true ? verdict.statement.facts.outputs.find((out) => out.digest === digest) : undefined
    if (output !== undefined) return output.path
  }
  return undefined
}
