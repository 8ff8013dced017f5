/**
 * Proofs of transparency logs that came with evidence from elsewhere: kept as they came, so that they can be shown again.
 *
 *   .assay/log-proofs/<64 hex>-<64 hex>     of an attestation, by the digest of the proof
 *   .assay/log-proofs/growth-<64 hex>       that a log grew
 *
 * Nothing is believed: whoever reads a proof holds it against the key of a log.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { hexOf, isSha256, type Sha256, sha256Of } from '../core/index.ts'
import { writeDurably } from './evidence.fs.ts'
import { type HoldsProof, type LogProofs, maxGrowths, maxProofsEach } from './log-trust.ts'

/** LIMIT: as the readers of proofs have it. */
const maxProofBytes = 128 * 1024

const inclusionName = (attestation: Sha256, proof: Uint8Array): string =>
  `${hexOf(attestation)}-${hexOf(sha256Of(proof))}`
const growthName = (growth: Uint8Array): string => `growth-${hexOf(sha256Of(growth))}`

/** Name -> bytes of each, as they are called in a folder and at a remote. */
export function namedProofs({ inclusions, growths }: LogProofs): ReadonlyMap<string, Uint8Array> {
  return new Map([
    ...[...inclusions].flatMap(([attestation, proofs]) =>
      proofs.map((proof) => [inclusionName(attestation, proof), proof] as const),
    ),
    ...growths.map((growth) => [growthName(growth), growth] as const),
  ])
}

/** What the name says that it is of: an attestation, or `growth`; undefined when it is no name of a proof. */
export function proofSubject(name: string): Sha256 | 'growth' | undefined {
  const [, subject = ''] = /^([0-9a-f]{64}|growth)-[0-9a-f]{64}$/.exec(name) ?? []
  if (subject === 'growth') return subject
  const digest = `sha256:${subject}`
  return isSha256(digest) ? digest : undefined
}

/** The digest that the name ends with. */
export function isNamedAsItIs(name: string, bytes: Uint8Array): boolean {
  return name.endsWith(`-${hexOf(sha256Of(bytes))}`)
}

/** @param holds whether a proof is one by the trust policy: it is kept beside as many that are none */
export function keepProofs(root: string, proofs: LogProofs, holds: HoldsProof): void {
  const folder = folderOf(root)
  const known = new Set(namesIn(folder))
  const kept = Map.groupBy(known, proofSubject)
  for (const [name, bytes] of namedProofs(proofs)) {
    const subject = proofSubject(name)
    const most = subject === 'growth' ? maxGrowths : maxProofsEach
    const there = kept.get(subject) ?? []
    if (known.has(name) || bytes.length > maxProofBytes) continue
    // THREAT: what proves nothing, so much of it that what does is never kept
    const isProof = subject !== undefined && subject !== 'growth' && there.length < 2 * most && holds(subject, bytes)
    if (there.length >= most && !isProof) continue
    mkdirSync(folder, { recursive: true })
    writeDurably(join(folder, name), bytes, join(root, '.assay', 'tmp'))
    kept.set(subject, [...there, name])
  }
}

/** All of these, or of everything. */
export function keptProofs(root: string, attestations?: ReadonlySet<Sha256>): LogProofs {
  const folder = folderOf(root)
  const inclusions = new Map<Sha256, Uint8Array[]>()
  const growths: Uint8Array[] = []
  for (const name of namesIn(folder)) {
    const subject = proofSubject(name)
    if (subject === undefined || (subject !== 'growth' && attestations?.has(subject) === false)) continue
    const bytes = readProof(join(folder, name))
    if (bytes === undefined || !isNamedAsItIs(name, bytes)) continue // INVARIANT: a damaged proof proves nothing
    if (subject === 'growth') growths.push(bytes)
    else inclusions.set(subject, [...(inclusions.get(subject) ?? []), bytes])
  }
  return { inclusions, growths }
}

function folderOf(root: string): string {
  return join(root, '.assay', 'log-proofs')
}

function namesIn(folder: string): readonly string[] {
  return existsSync(folder) ? readdirSync(folder).toSorted() : []
}

function readProof(file: string): Uint8Array | undefined {
  const status = statSync(file, { throwIfNoEntry: false })
  return status?.isFile() === true && status.size <= maxProofBytes ? readFileSync(file) : undefined
}

/** Both, each once. */
export function joinProofs(left: LogProofs, right: LogProofs): LogProofs {
  const inclusions = new Map<Sha256, readonly Uint8Array[]>(left.inclusions)
  for (const [attestation, proofs] of right.inclusions)
    inclusions.set(attestation, distinct([...(inclusions.get(attestation) ?? []), ...proofs]))
  return { inclusions, growths: distinct([...left.growths, ...right.growths]) }
}

function distinct(all: readonly Uint8Array[]): readonly Uint8Array[] {
  return [...new Map(all.map((bytes) => [sha256Of(bytes), bytes])).values()]
}

export const noProofs: LogProofs = { inclusions: new Map(), growths: [] }
