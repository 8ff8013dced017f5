/**
 * What signed statements make of a source, and whether an input may enter a stage. Pure; signatures are verified
 * elsewhere, and only what was verified comes in as a fact.
 *
 * Monotone: a statement more can approve or revoke, a statement less can never lift a revocation that sources.yaml has.
 */
import { type Digest, DomainError, type ErrorCode, quotedForShell, type Sha256 } from '../core/index.ts'
import { type Classification, classifications, type Source } from './inventory.ts'

/** One verified statement about a source. */
export type ApprovalFact = Readonly<{
  id: string
  origin: string
  digest: Digest
  decision: 'approved' | 'revoked'
  /** RFC 3339, UTC: when the approver says to have decided. */
  at: string
  attestation: Sha256
  /** In words: who, as the statement says, and the key that signed it, as the trust policy calls it. */
  approvedBy?: string
  because?: string
  /** The classification that was approved, where the statement says it; another one voids the approval. */
  classification?: Classification
  /** `2027-01-31`; the earlier of this and the source's own counts. */
  reviewBy?: string
  /** What it was approved as. */
  kind?: string
  /** Of a golden set: where it lay. */
  path?: string
}>

export type SourceState = 'proposed' | 'approved' | 'revoked' | 'expired'
export type SourceStatus = Readonly<{ status: SourceState; because: string; approval?: ApprovalFact }>

export type Input = Readonly<{ path: string; digest: Digest; sourceId: string; pipeline?: string }>

/**
 * @param facts.now the later of the clock and the newest trusted time seen
 */
export function sourceStatus(
  source: Source,
  facts: Readonly<{ approvals: readonly ApprovalFact[]; now: Date }>,
): SourceStatus {
  const revocation = revocationOf(source, facts.approvals)
  if (revocation !== undefined) return { status: 'revoked', because: revocation }

  const about = facts.approvals.filter(({ id, decision }) => id === source.id && decision === 'approved')
  const refused = about.map((approval) => ({ approval, because: whyNot(approval, source, facts.now) }))
  const approval = refused
    .filter(({ because }) => because === undefined)
    .map((one) => one.approval)
    .sort(newestFirst)[0]
  if (approval === undefined) {
    const because = refused[0]?.because
    return {
      status: 'proposed',
      because: because === undefined ? 'nobody has approved it' : `an approval does not count: ${because}`,
    }
  }
  const reviewBy = [source.reviewBy, approval.reviewBy].filter((date) => date !== undefined).sort()[0]
  if (reviewBy !== undefined && !(facts.now.getTime() < endOfDay(reviewBy))) {
    return { status: 'expired', because: `it was to be reviewed by ${reviewBy}`, approval }
  }
  return { status: 'approved', because: approvalInWords(approval), approval }
}

function approvalInWords({ at, approvedBy, because }: ApprovalFact): string {
  return `approved on ${at}${approvedBy === undefined ? '' : ` by ${approvedBy}`}${because === undefined ? '' : `: ${because}`}`
}

/** INVARIANT: a revocation is for ever: of the id whatever its bytes, and of the bytes under whatever id. */
function revocationOf(source: Source, approvals: readonly ApprovalFact[]): string | undefined {
  if (source.revoked !== undefined) return `revoked on ${source.revoked.at}: ${source.revoked.because}`
  const revoked = approvals.filter(({ decision }) => decision === 'revoked')
  const own = revoked.find(({ id }) => id === source.id)
  if (own !== undefined) return `revoked on ${own.at}`
  const same = revoked.find(({ digest }) => digest === source.digest)
  return same === undefined ? undefined : `the same bytes were revoked as \`${same.id}\` on ${same.at}`
}

/** Why an approval of this id does not count for the source as it stands. */
function whyNot(approval: ApprovalFact, source: Source, now: Date): string | undefined {
  if (approval.digest !== source.digest) return 'it is for other bytes'
  if (approval.origin !== source.origin) return 'it is for another origin'
  if (approval.classification !== undefined && approval.classification !== source.classification) {
    return `it is for the classification ${approval.classification}`
  }
  if (approval.kind !== undefined && approval.kind !== source.kind) return `it is for the kind ${approval.kind}`
  // as the first approvals of golden sets did: taken out of the inventory, its place would be any other
  if (source.kind === 'golden' && approval.path === undefined) return 'it does not say where the golden set lies'
  const at = Date.parse(approval.at)
  return Number.isNaN(at) || at > now.getTime() ? 'it is dated in the future' : undefined
}

/** By time, then by attestation, so that the answer does not depend on the order of files. */
export function newestFirst(left: ApprovalFact, right: ApprovalFact): number {
  return Date.parse(right.at) - Date.parse(left.at) || (left.attestation < right.attestation ? -1 : 1)
}

/** How a source whose day has passed comes to a new one. */
function renewed({ id, path }: Source): string {
  return `look at the data, then: assay data add ${id} ${quotedForShell(path)} --replace --review-by DATE, and assay data approve ${id}`
}

/** @throws ERR_SOURCE_EXPIRED when its day has passed: an approval would count for nothing */
export function refuseExpired(source: Source, now: Date): void {
  const { id, reviewBy } = source
  if (reviewBy !== undefined && !(now.getTime() < endOfDay(reviewBy)))
    throw new DomainError(
      'ERR_SOURCE_EXPIRED',
      `\`${id}\` was to be reviewed by ${reviewBy}: an approval would count for nothing`,
      {
        help: renewed(source),
      },
    )
}

function endOfDay(date: string): number {
  return Date.parse(`${date}T00:00:00Z`) + 86_400_000
}

/**
 * The first reason why an input must not enter a stage, as the refusal to give; undefined when it may.
 *
 * @param source undefined when the inventory does not have it
 * @param clearance the highest classification that the pipeline may read
 */
export function decideInput(
  input: Input,
  source: Source | undefined,
  status: SourceState | undefined,
  clearance: Classification,
): DomainError | undefined {
  const { path, sourceId } = input
  const refuse = (code: ErrorCode, because: string, help?: string): DomainError =>
    new DomainError(code, `\`${path}\` may not be used: ${because}`, {
      details: { path, source: sourceId, found: input.digest },
      ...(help === undefined ? {} : { help }),
    })
  if (source === undefined || status === undefined) {
    return refuse(
      'ERR_SOURCE_UNKNOWN',
      `its source \`${sourceId}\` is not in the inventory`,
      `register it: assay data add ${sourceId} ${quotedForShell(path)}`,
    )
  }
  if (status === 'revoked') return refuse('ERR_SOURCE_REVOKED', `its source \`${sourceId}\` was revoked`)
  if (input.digest !== source.digest) {
    const help = `restore the bytes on record, or register the new ones: assay data add ${sourceId} ${quotedForShell(path)} --replace`
    return refuse('ERR_SOURCE_CHANGED', `it does not hold the bytes on record for \`${sourceId}\``, help)
  }
  if (status === 'expired')
    return refuse('ERR_SOURCE_EXPIRED', `the approval of \`${sourceId}\` has expired`, renewed(source))
  if (status !== 'approved')
    return refuse(
      'ERR_SOURCE_UNAPPROVED',
      `nobody has approved \`${sourceId}\` for these bytes`,
      `look at the data, then: assay data approve ${sourceId}`,
    )
  if (input.pipeline !== undefined && source.pipelines?.includes(input.pipeline) === false) {
    return refuse('ERR_SOURCE_UNAPPROVED', `\`${sourceId}\` is for other pipelines than \`${input.pipeline}\``)
  }
  if (classifications.indexOf(source.classification) > classifications.indexOf(clearance)) {
    return refuse(
      'ERR_SOURCE_OVERCLASSIFIED',
      `\`${sourceId}\` is ${source.classification}, the pipeline is cleared for ${clearance}`,
    )
  }
  return undefined
}
