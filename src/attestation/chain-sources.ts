/**
 * Are the external inputs of a chain approved for these very bytes, by enough of the right people, now?
 *
 * Approvals are computed from signed statements each time; a word in a file approves nothing. Ignoring a statement can
 * only ever take an approval away: a revocation that somebody withholds still stands in `sources.yaml`.
 */
import type { Digest, ErrorCode, Sha256 } from '../core/index.ts'
import { type ChainQuestion, chainLimits, type RevokedSource, type VisitedStage } from './chain.ts'
import { maxClockSkewMs, once } from './chain-walk.ts'
import { caveat, type Finding, passed, refused } from './finding.ts'
import type { StageFacts, StatedDependency } from './stage-facts.ts'
import { countSigners, mailOf, type TrustPolicy } from './trust-policy.ts'
import { type VerifiedApproval, verifySourceApproval } from './verify.ts'

/** An external input of the chain: what is known of its approval. */
export type ExternalInput = Readonly<{
  stage: string
  path: string
  /** `unlisted`: in no inventory, or made by a frozen stage without our statement. */
  kind: 'approved' | 'refused' | 'unlisted'
  /** True when somebody whom the policy names by key approved it, and who is not the owner. */
  independent: boolean
  /** Bundles of the approvals that count. */
  approvals: readonly Sha256[]
}>

type Held = VerifiedApproval & Readonly<{ name: string; committed: boolean }>
type Book = Readonly<{ held: readonly Held[]; disbelieved: readonly string[]; revoked: readonly RevokedSource[] }>

export function judgeInputs(
  question: ChainQuestion,
  stages: readonly VisitedStage[],
): Readonly<{ inputs: readonly ExternalInput[]; findings: readonly Finding[] }> {
  const inputs: ExternalInput[] = []
  const findings: Finding[] = [...tooMany(question)]
  const book = readBook(question)
  for (const { stage } of stages) {
    findings.push(...revokedCode(book, stage.facts))
    for (const dependency of stage.facts.dependencies) {
      const { origin, path } = dependency
      if (origin.kind === 'stage') continue
      const scope = { subject: `${stage.facts.stage}: ${path}` }
      const unapproved = { stage: stage.facts.stage, path, independent: false, approvals: [] }
      findings.push(...goldenFindings(book, dependency.digest, scope))
      const revoked = whyRevoked(book, dependency)
      if (revoked !== undefined) {
        findings.push(refused('source-approval', 'ERR_SOURCE_REVOKED', revoked, scope))
        inputs.push({ ...unapproved, kind: 'refused' })
      } else if (origin.kind === 'code') {
        // Pinned by the commit; it is no input.
      } else if (origin.kind === 'source') {
        const judged = judgeSource(question, book, { id: origin.id, dependency, startedAt: stage.facts.startedAt })
        findings.push(...judged.findings.map((finding) => ({ ...finding, ...scope })))
        const { kind, independent, approvals } = judged
        inputs.push({ ...unapproved, kind, independent, approvals })
      } else {
        findings.push(caveat('inventory', unlistedBecause(dependency), scope))
        inputs.push({ ...unapproved, kind: 'unlisted' })
      }
    }
  }
  return { inputs, findings }
}

/** THREAT: so many approvals that the revocation among them is not read. */
function tooMany({ evidence: { approvals }, limits = chainLimits }: ChainQuestion): readonly Finding[] {
  const because = `there are ${approvals.length} approvals, the limit is ${limits.approvals}`
  return approvals.length > limits.approvals ? [refused('limits', 'ERR_CHAIN_LIMIT', because)] : []
}

function unlistedBecause({ origin, role }: StatedDependency): string {
  if (role === 'persist') return 'adds to its own previous bytes, which no statement proves'
  return origin.kind === 'not-made-here'
    ? `was not made here: \`${origin.stage}\` is frozen and has no statement`
    : 'is not in the inventory'
}

/**
 * Why a dep may not be used at all, whatever it is called and whoever approved it.
 *
 * THREAT: revoked bytes come in as an input that nobody listed, as a file that git tracks, under another id, or through
 * older evidence in which they were still one of these.
 */
function whyRevoked({ revoked }: Book, { origin, digest }: StatedDependency): string | undefined {
  if (origin.kind === 'source' && revoked.some(({ id }) => id === origin.id)) {
    return `the source \`${origin.id}\` was revoked`
  }
  const same = revoked.find((source) => source.digest === digest)
  return same === undefined ? undefined : `its bytes were revoked as the source \`${same.id}\``
}

/** Tracked files that the stage opened without a dep on them. */
function revokedCode(book: Book, { stage, code }: StageFacts): readonly Finding[] {
  if (code.kind !== 'opened') return []
  return code.files.flatMap(({ path, digest }) => {
    const same = book.revoked.find((source) => source.digest === digest)
    const scope = { subject: `${stage}: ${path}` }
    const because = `its bytes were revoked as the source \`${same?.id}\``
    return [
      ...goldenFindings(book, digest, scope),
      ...(same === undefined ? [] : [refused('source-approval', 'ERR_SOURCE_REVOKED', because, scope)]),
    ]
  })
}

/** THREAT: a model that was trained on rows that people verified agrees with them, and with an anchor that does. */
function goldenFindings({ held }: Book, digest: Digest, scope: Readonly<{ subject: string }>): readonly Finding[] {
  const same = held.find(({ approval }) => isGolden(approval) && approval.digest === digest)
  const because = `is the golden set \`${same?.approval.source.id}\`, which no stage may read`
  return same === undefined ? [] : [refused('data-golden', 'ERR_DATA_GOLDEN_USED', because, scope)]
}

function isGolden({ source, decision }: VerifiedApproval['approval']): boolean {
  return source.kind === 'golden' && decision === 'approved'
}

/**
 * Whether the golden set that an anchor agrees with is approved: a caveat, where the owner of the data alone approved it.
 *
 * @param source of the data, where it has one
 */
export function judgeGolden(
  question: ChainQuestion,
  { source: id, digest, label }: Readonly<{ source: string; digest: Digest; label?: string }>,
  source: string | undefined,
): Finding {
  const { held } = readBook(question)
  const { policy, surroundings } = question
  const statements = held.filter(({ approval }) => isGolden(approval) || approval.decision === 'revoked')
  const standing = decideSource({ id, digest, statements, policy, now: surroundings.now })
  if (standing.kind === 'refused') return refused('data-golden', standing.code, standing.because)
  const owners = held.flatMap(({ approval }) => (approval.source.id === source ? [mailOf(approval.source.owner)] : []))
  const isOwn = standing.by.every((one) => owners.some((owner) => isSelfApproved(one, owner)))
  const because = `its anchor agrees with the golden set \`${id}\` in \`${label}\``
  return isOwn ? caveat('data-golden', `${because}, which its owner approved`) : passed('data-golden', because)
}

/** Every approval and revocation that the policy believes. */
const readBook = once(({ evidence, policy, surroundings, limits = chainLimits }: ChainQuestion): Book => {
  const held: Held[] = []
  const disbelieved: string[] = []
  for (const { name, bytes, committed } of evidence.approvals.slice(0, limits.approvals)) {
    const verdict = bytes.length > limits.bundleBytes ? undefined : verifySourceApproval(bytes, policy)
    if (verdict?.trusted === true) held.push({ ...verdict.statement, name, committed })
    else {
      const why = verdict?.findings.find((finding) => !finding.passed)
      // Reviews and stages lie beside approvals: a statement of another type is not a broken approval.
      if (why?.code !== 'ERR_STATEMENT_UNSUPPORTED') disbelieved.push(`${name}: ${why?.because ?? 'is too large'}`)
    }
  }
  const signed = held.flatMap(({ approval: { decision, source, digest } }) =>
    decision === 'revoked' ? [{ id: source.id, digest }] : [],
  )
  return { held, disbelieved, revoked: [...(surroundings.revokedSources ?? []), ...signed] }
})

type SourceInput = Readonly<{ id: string; dependency: StatedDependency; startedAt: string }>
type JudgedSource = Readonly<{
  kind: 'approved' | 'refused'
  independent: boolean
  approvals: readonly Sha256[]
  findings: readonly Finding[]
}>

function judgeSource(question: ChainQuestion, book: Book, input: SourceInput): JudgedSource {
  const { policy, surroundings } = question
  const ofSource = book.held.filter(({ approval }) => approval.source.id === input.id)
  const standing = decideSource({
    id: input.id,
    digest: input.dependency.digest,
    statements: ofSource,
    policy,
    now: surroundings.now,
  })
  if (standing.kind === 'refused') {
    const disbelieved = book.disbelieved.slice(0, 3).join('; ')
    const more =
      standing.code === 'ERR_SOURCE_UNAPPROVED' && disbelieved !== '' ? ` (not believed: ${disbelieved})` : ''
    const finding = refused('source-approval', standing.code, `${standing.because}${more}`)
    return { kind: 'refused', independent: false, approvals: [], findings: [finding] }
  }
  const { by } = standing
  const names = by.map(({ signer }) => `\`${signer.name}\``).join(', ')
  const approved = passed('source-approval', `the source \`${input.id}\` is approved for these bytes by ${names}`)
  return {
    kind: 'approved',
    independent: by.some((held) => held.signer.principal !== undefined && !isSelfApproved(held)),
    approvals: by.map(({ attestation }) => attestation),
    findings: [approved, ...approvalCaveats(input, by)],
  }
}

/** What a reader should know of an approval that counts. */
function approvalCaveats(
  { id, dependency: { origin }, startedAt }: SourceInput,
  by: readonly Held[],
): readonly Finding[] {
  const findings: Finding[] = []
  if (by.every((held) => isSelfApproved(held))) {
    findings.push(caveat('separation-of-duties', `the owner of the source \`${id}\` approved it`, { tier: 'declared' }))
  }
  const loose = by.filter(({ committed }) => !committed).map(({ name }) => name)
  if (loose.length > 0) findings.push(caveat('approval-committed', `${loose.join(', ')} is not committed`))
  if (by.every(({ approval }) => Date.parse(approval.at) > Date.parse(startedAt))) {
    findings.push(caveat('approval-order', `the source \`${id}\` was approved after the stage had run`))
  }
  if (origin.kind !== 'source') return findings
  const { approval: pinned, classification } = origin
  if (pinned !== undefined && by.every(({ attestation }) => attestation !== pinned)) {
    findings.push(caveat('approval-pinned', 'the approval that the run relied on is not at hand; another one counts'))
  }
  if (by.some(({ approval }) => approval.source.classification !== classification)) {
    findings.push(caveat('classification', `the run took the source \`${id}\` for \`${classification}\``))
  }
  return findings
}

function isSelfApproved({ approval, signer }: Held, owner = mailOf(approval.source.owner)): boolean {
  return (
    owner === mailOf(approval.approver.email) || (signer.principal !== undefined && owner === mailOf(signer.principal))
  )
}

export type SourceQuestion<Statement extends VerifiedApproval> = Readonly<{
  id: string
  digest: Digest
  /** Approvals and revocations of this source, all verified. */
  statements: readonly Statement[]
  policy: TrustPolicy
  now: Date
}>

export type SourceStanding<Statement extends VerifiedApproval> =
  | Readonly<{ kind: 'approved'; by: readonly Statement[] }>
  | Readonly<{ kind: 'refused'; code: ErrorCode; because: string }>

/**
 * Whether a source is approved for these bytes at this moment.
 *
 * A revocation counts for every digest of the source and against every approval, whatever their dates.
 */
export function decideSource<Statement extends VerifiedApproval>(
  question: SourceQuestion<Statement>,
): SourceStanding<Statement> {
  const { id, digest, policy, now } = question
  const no = (code: ErrorCode, because: string): SourceStanding<Statement> => ({ kind: 'refused', code, because })
  const statements = question.statements.filter(({ approval }) => approval.source.id === id)
  if (statements.some(({ approval }) => approval.decision === 'revoked')) {
    return no('ERR_SOURCE_REVOKED', `the source \`${id}\` was revoked`)
  }
  const approvals = statements.filter(({ approval }) => approval.decision === 'approved')
  const forBytes = approvals.filter(
    (held) => held.approval.digest === digest && atMs(held) <= now.getTime() + maxClockSkewMs,
  )
  const fresh = forBytes.filter(({ approval }) => !isPast(approval.reviewBy, now))

  if (isEnough(policy, fresh)) return { kind: 'approved', by: fresh }
  if (isEnough(policy, forBytes)) return no('ERR_SOURCE_EXPIRED', `the approval of the source \`${id}\` has expired`)
  if (forBytes.length > 0) return no('ERR_SOURCE_UNAPPROVED', `too few people approved the source \`${id}\``)
  return approvals.length > 0
    ? no('ERR_SOURCE_UNAPPROVED', `the source \`${id}\` is approved for other bytes than these`)
    : no('ERR_SOURCE_UNAPPROVED', `nobody who may has approved the source \`${id}\``)
}

function isEnough(policy: TrustPolicy, held: readonly VerifiedApproval[]): boolean {
  const rule = policy.roles.get('source-approver')
  return (
    rule !== undefined &&
    countSigners(
      rule,
      held.map(({ signer }) => signer),
    ) >= rule.threshold
  )
}

function atMs({ approval }: VerifiedApproval): number {
  return Date.parse(approval.at)
}

/** A review date counts through its last second, UTC. */
function isPast(reviewBy: string | undefined, now: Date): boolean {
  return reviewBy !== undefined && now.getTime() >= Date.parse(`${reviewBy}T00:00:00Z`) + 86_400_000
}
