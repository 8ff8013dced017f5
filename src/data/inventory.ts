/**
 * The inventory of data sources: which input is it, who answers for it, and may it be used?
 *
 * `sources.yaml` holds facts only. Approved, revoked and expired are computed here from facts that signed statements
 * gave (the caller verified them): a word in the file approves nothing. Only a revocation stands in the file too, so
 * that a statement that goes missing cannot undo it. Source: trust.md section 2, design section 6.
 */
import { type Digest, DomainError } from '../core/index.ts'

export const classifications = ['public', 'internal', 'confidential', 'restricted'] as const
export type Classification = (typeof classifications)[number]

export type Source = Readonly<{
  id: string
  /** Project path of the file or folder. */
  path: string
  /** Where it came from: a URI, or words. */
  origin: string
  owner: Readonly<{ name: string; email: string }>
  classification: Classification
  /** SPDX expression. */
  licence: string
  /** `model`: a base model for fine-tuning. */
  kind: 'data' | 'model'
  digest: Digest
  /** RFC 3339, UTC. */
  addedAt: string
  /** Day (`2027-01-31`) after which its approval has expired. */
  reviewBy?: string
  contract?: string
  revoked?: Readonly<{ at: string; because: string }>
}>

/** What a verified approval or revocation says. */
export type ApprovalFact = Readonly<{
  id: string
  origin: string
  digest: Digest
  decision: 'approved' | 'revoked'
  /** RFC 3339, UTC. */
  at: string
  reviewBy?: string
}>

export type SourceStatus = 'proposed' | 'approved' | 'revoked' | 'expired'
export type SourceVerdict = Readonly<{ status: SourceStatus; because: string }>

/**
 * The status of a source. A revocation is final, whatever was approved when; an approval counts for exactly this id,
 * origin and digest.
 */
export function sourceStatus(
  source: Source,
  { approvals, now }: Readonly<{ approvals: readonly ApprovalFact[]; now: Date }>,
): SourceVerdict {
  const own = approvals.filter(({ id }) => id === source.id)
  if (source.revoked !== undefined) return { status: 'revoked', because: `revoked: ${source.revoked.because}` }
  const revocation = own.find(({ decision }) => decision === 'revoked')
  if (revocation !== undefined) return { status: 'revoked', because: `revoked at ${revocation.at}` }

  const approval = own
    .filter(({ digest, origin }) => digest === source.digest && origin === source.origin)
    .toSorted((left, right) => (left.at < right.at ? 1 : -1))[0]
  if (approval === undefined) {
    const because = own.length === 0 ? 'nobody has approved it' : 'it was approved for other bytes or another origin'
    return { status: 'proposed', because }
  }
  const reviewBy = [source.reviewBy, approval.reviewBy].filter((day) => day !== undefined).toSorted()[0]
  if (reviewBy !== undefined && now.toISOString().slice(0, 10) > reviewBy) {
    return { status: 'expired', because: `it was to be reviewed by ${reviewBy}` }
  }
  return { status: 'approved', because: `approved at ${approval.at}` }
}

/**
 * Why these bytes may not be used, or undefined when they may. All that is unknown means no.
 *
 * @param clearance the highest classification that the pipeline is cleared for
 */
export function decideInput(
  input: Readonly<{ path: string; sourceId: string; digest: Digest }>,
  source: Source | undefined,
  status: SourceStatus | undefined,
  clearance: Classification,
): DomainError | undefined {
  const { path, sourceId: id } = input
  if (source === undefined || status === undefined) {
    return new DomainError(
      'ERR_SOURCE_UNKNOWN',
      `\`${path}\` names the source \`${id}\`, which is not in sources.yaml`,
      {
        help: `register it: assay data add ${id} ${path}`,
      },
    )
  }
  if (status === 'revoked')
    return new DomainError('ERR_SOURCE_REVOKED', `the source \`${id}\` of \`${path}\` was revoked`)
  if (source.path !== path) {
    return new DomainError(
      'ERR_SOURCE_UNKNOWN',
      `the source \`${id}\` is about \`${source.path}\`, not about \`${path}\``,
    )
  }
  if (source.digest !== input.digest) {
    return new DomainError(
      'ERR_SOURCE_CHANGED',
      `\`${path}\` does not hold the bytes on record for its source \`${id}\``,
      {
        help: `restore the bytes on record, or register the new ones: assay data add ${id} ${path} --replace`,
        details: { expected: source.digest, found: input.digest },
      },
    )
  }
  if (status === 'proposed') {
    return new DomainError(
      'ERR_SOURCE_UNAPPROVED',
      `nobody has approved the source \`${id}\` of \`${path}\` for these bytes`,
      {
        help: `look at the data, then: assay data approve ${id}`,
      },
    )
  }
  if (status === 'expired')
    return new DomainError('ERR_SOURCE_EXPIRED', `the approval of the source \`${id}\` of \`${path}\` has expired`)
  if (classifications.indexOf(source.classification) > classifications.indexOf(clearance)) {
    return new DomainError(
      'ERR_SOURCE_OVERCLASSIFIED',
      `the source \`${id}\` of \`${path}\` is ${source.classification}, the pipeline is cleared for ${clearance}`,
    )
  }
  return undefined
}
