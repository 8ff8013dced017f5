/**
 * Signed words that a commit took out of `attestations/`.
 *
 * THREAT: who can commit deletes what speaks against the data: the revocation of a source, the review that found rows bad, the
 * anchor that replaced a poisoned one. What the history of HEAD holds is believed as if it still lay there; approvals and
 * waivers are not, so that to delete one takes it back. LIMIT: a history that is cut off, or written anew, has lost its words.
 */
import { isDomainError, printable } from '../core/index.ts'
import { nameOfObject, type Repository } from '../data/index.ts'
import type { EvidenceStore, StoredApproval } from './evidence.fs.ts'

export type TakenAway = Readonly<{ approvals: readonly StoredApproval[]; findings: readonly string[] }>

export const nothingTaken: TakenAway = { approvals: [], findings: [] }

/**
 * @param present what lies in `attestations/` now
 * @param counts whether a bundle is believed, and speaks against data
 */
export async function takenAway(
  repository: Repository | undefined,
  present: readonly StoredApproval[],
  counts: (bytes: Uint8Array) => boolean,
): Promise<TakenAway> {
  if (repository === undefined) return nothingTaken
  const found = await goneFrom(repository, present)
  if (found === undefined) return { approvals: [], findings: [unknown] }
  const approvals = found.gone.flatMap(({ blob, name, bytes }): readonly StoredApproval[] =>
    counts(bytes) ? [{ name: `attestations/taken-${blob.slice(0, 12)}-${name}`, bytes, isTaken: true }] : [],
  )
  const told = found.gone
    .filter(({ bytes }) => approvals.some((each) => each.bytes === bytes))
    .map(({ name }) => `a commit took attestations/${printable(name)} away, and it still counts: put it back`)
  return { approvals, findings: [...told, ...(found.isWhole ? [] : [unknown])] }
}

const unknown = 'not all that commits took out of attestations/ is here to be looked at: get the whole history'

type Gone = Readonly<{ blob: string; name: string; bytes: Buffer }>

/** Undefined in a clone that holds a part of the objects. */
async function goneFrom(
  repository: Repository,
  present: readonly StoredApproval[],
): Promise<Readonly<{ gone: readonly Gone[]; isWhole: boolean }> | undefined> {
  try {
    const { files, isWhole } = await repository.onceIn('attestations')
    const here = new Set(present.map(({ bytes }) => nameOfObject('blob', bytes, repository.objectFormat)))
    const gone = files.filter(({ blob, name }) => name.endsWith('.sigstore.json') && !here.has(blob))
    const read = await repository.readBlobs(gone.map(({ blob }) => blob))
    const held = gone.map(({ blob, name }) => ({ blob, name, bytes: read.get(blob) ?? Buffer.of() }))
    return { gone: held, isWhole }
  } catch (error) {
    if (isDomainError(error, 'ERR_GIT_FAILED')) return undefined
    throw error
  }
}

/** All that is believed, what was taken away after what is here. */
export function withTaken(evidence: EvidenceStore, { approvals }: TakenAway): EvidenceStore {
  if (approvals.length === 0) return evidence
  return { ...evidence, approvals: () => [...evidence.approvals(), ...approvals] }
}
