/**
 * Was the definition of each stage reviewed, by enough people who neither wrote it, committed it nor set the run off?
 *
 * A review counts for its commit, and for files of the same bytes in another: what was read is what ran. Who wrote and
 * committed is said by the review and by the builder, and nobody may be missing. Source: trust.md section 3, level 3.
 */
import type { Sha256 } from '../core/index.ts'
import { type ChainQuestion, chainLimits, type VisitedStage } from './chain.ts'
import { maxClockSkewMs } from './chain-walk.ts'
import { caveat, type Finding, passed } from './finding.ts'
import { responsibleFor } from './responsible.ts'
import type { StageFacts } from './stage-facts.ts'
import { countSigners } from './trust-policy.ts'
import { type VerifiedReview, verifyDefinitionReview } from './verify.ts'

export type JudgedReview = Readonly<{
  stage: string
  /** Why it counts as not reviewed; undefined when it was. */
  fault: string | undefined
  /** Reviews that count. */
  by: readonly Sha256[]
}>

/** What a builder says of the commit; facts of the record by these names. */
export const commitFacts = {
  author: 'source/author',
  committer: 'source/committer',
  protectedRef: 'source/protected-ref',
} as const

export function judgeReviews(
  question: ChainQuestion,
  stages: readonly VisitedStage[],
): Readonly<{ reviews: readonly JudgedReview[]; findings: readonly Finding[] }> {
  const held = reviewsAtHand(question)
  const reviews = stages.map(({ stage }) => judgeStage(question, stage.facts, held))
  // Said where somebody reviewed anything: a project without reviews is told by the level's row alone.
  const findings = reviews.flatMap(({ stage, fault, by }) => {
    if (held.length === 0) return []
    return [
      fault === undefined
        ? passed('review', `its definition was reviewed by ${by.length}`, { subject: stage })
        : caveat('review', fault, { subject: stage }),
    ]
  })
  return { reviews, findings }
}

function reviewsAtHand({ evidence, policy, limits = chainLimits }: ChainQuestion): readonly VerifiedReview[] {
  return evidence.approvals.slice(0, limits.approvals).flatMap(({ bytes }) => {
    const read = bytes.length > limits.bundleBytes ? undefined : verifyDefinitionReview(bytes, policy)
    return read?.trusted === true ? [read.statement] : []
  })
}

function judgeStage(
  { policy, surroundings }: ChainQuestion,
  facts: StageFacts,
  held: readonly VerifiedReview[],
): JudgedReview {
  const no = (fault: string): JudgedReview => ({ stage: facts.stage, fault, by: [] })
  const rule = policy.roles.get('reviewer')
  if (rule === undefined) return no('the policy lists no reviewer')
  const latest = surroundings.now.getTime() + maxClockSkewMs
  const about = held.filter(({ review }) => covers(review, facts) && Date.parse(review.at) <= latest)
  if (about.length === 0) return no('no signed review of the definition is at hand')
  const involved = involvedIn(facts, responsibleFor(facts, policy.services).person)
  if (involved === undefined) return no('the builder does not say who wrote and committed the code')
  const apart = about.filter(({ review, signer }) => {
    const reviewer = mailOf(signer.principal)
    const others = new Set([...involved, ...review.authors.map(mailOf)])
    return reviewer !== undefined && reviewer === mailOf(review.by.email) && !others.has(reviewer)
  })
  const count = countSigners(
    rule,
    apart.map(({ signer }) => signer),
  )
  if (apart.length === 0) return no('was reviewed by nobody but those who wrote, committed or started it')
  if (count < rule.threshold) return no(`was reviewed by ${count}, and the policy asks for ${rule.threshold}`)
  return { stage: facts.stage, fault: undefined, by: apart.map(({ attestation }) => attestation) }
}

/** THREAT: a file that changed since, or that nobody read, under the name of a review. */
function covers({ project, commit, files }: VerifiedReview['review'], facts: StageFacts): boolean {
  if (project !== facts.project.id) return false
  const read = new Map(files.map(({ path, digest }) => [path, digest]))
  const isRead = (all: readonly Readonly<{ path: string; digest: Sha256 }>[]): boolean =>
    all.every(({ path, digest }) => read.get(path) === digest)
  if (!isRead(facts.definition)) return false
  if (facts.source.commit === commit) return true
  return facts.code.kind === 'opened' && isRead(facts.code.files)
}

/** Undefined when it is not known who all had a hand in it. */
function involvedIn(
  { facts, principal }: StageFacts,
  responsible: string | undefined,
): readonly (string | undefined)[] | undefined {
  const said = (name: string): string | undefined =>
    facts.find((fact) => fact.name === name && fact.tier !== 'declared')?.value
  const [author, committer] = [said(commitFacts.author), said(commitFacts.committer)]
  return author === undefined || committer === undefined
    ? undefined
    : [mailOf(author), mailOf(committer), mailOf(principal.email), mailOf(responsible)]
}

function mailOf(person: string | undefined): string | undefined {
  return person === undefined ? undefined : (/<([^<>]*)>\s*$/.exec(person)?.[1] ?? person).trim().toLowerCase()
}
