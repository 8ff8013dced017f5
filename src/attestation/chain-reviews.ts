/**
 * Was the definition of each stage reviewed, by enough people who neither wrote it, committed it nor set the run off?
 *
 * A review counts for its commit, and for files of the same bytes in another: what was read is what ran. Who wrote and
 * committed the last change is said by the builder; who wrote those before, by the history of the project, and by the reviewer
 * alone where the caller has none, which is told. Source: trust.md section 3.
 */
import type { Sha256 } from '../core/index.ts'
import type { ChainQuestion, VisitedStage } from './chain.ts'
import { type BesideStages, believedOf, maxClockSkewMs, once } from './chain-walk.ts'
import { caveat, type Finding, passed } from './finding.ts'
import { responsibleFor } from './responsible.ts'
import type { StageFacts } from './stage-facts.ts'
import { countSigners, mailOf, type TrustedSigner, type TrustPolicy } from './trust-policy.ts'
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
  const { peopleAt } = question.surroundings
  const reviewed = reviewedCommits(question.policy, held, peopleAt)
  const reviews = stages.map(({ stage }) => judgeStage(question, stage.facts, { held, reviewed, peopleAt }))
  // Said where somebody reviewed anything: a project without reviews is told by the level's row alone.
  const said = held.length === 0 ? [] : reviews
  const findings = said.map(({ stage, fault, by }) => {
    const counted = `its definition was reviewed by ${by.length}`
    const told =
      fault ??
      (peopleAt
        ? undefined
        : `${counted}, and no history is here to say who wrote it: verify in a clone of the project`)
    const scope = { subject: stage }
    return told === undefined ? passed('review', counted, scope) : caveat('review', told, scope)
  })
  return { reviews, findings }
}

const reviewsAtHand = once(heldReviews)

/** Of definitions, by reviewers of the policy; none of a time to come. */
export function heldReviews(question: BesideStages): readonly VerifiedReview[] {
  const latest = question.surroundings.now.getTime() + maxClockSkewMs
  return believedOf(question, verifyDefinitionReview).filter(({ review }) => Date.parse(review.at) <= latest)
}

/**
 * Commits up to which everything was reviewed, each step by enough people who wrote no part of it.
 *
 * THREAT: a reviewer who wrote a part says that they read what changed since, and nobody read theirs. So what changed since
 * a commit counts only when that commit was reviewed.
 */
export function reviewedCommits(
  { roles }: TrustPolicy,
  held: readonly VerifiedReview[],
  peopleAt: PeopleAt | undefined,
): ReadonlySet<string> {
  const rule = roles.get('reviewer')
  const reviewed = new Set<string>()
  if (rule === undefined) return reviewed
  const bySince = new Map<string, VerifiedReview[]>()
  for (const one of held.filter((each) => isApart(each, { peopleAt }))) {
    const since = one.review.since ?? ''
    bySince.set(since, [...(bySince.get(since) ?? []), one])
  }
  const signers = new Map<string, TrustedSigner[]>()
  const open = ['']
  for (const since of open) {
    for (const { review, signer } of bySince.get(since) ?? []) {
      const known = [...(signers.get(review.commit) ?? []), signer]
      signers.set(review.commit, known)
      if (reviewed.has(review.commit) || countSigners(rule, known) < rule.threshold) continue
      reviewed.add(review.commit)
      open.push(review.commit)
    }
  }
  return reviewed
}

type PeopleAt = NonNullable<ChainQuestion['surroundings']['peopleAt']>
/** `peopleAt` is undefined where the caller has no history at all: the reviewer's word counts. */
type Around = Readonly<{ involved?: readonly string[]; peopleAt: PeopleAt | undefined }>

/**
 * The reviewer, whom the policy names by key, is none of those who had a hand in it.
 *
 * THREAT: whom a review leaves out of its authors, and who commits by another address: the history names all, and a name that
 * is the reviewer's own is taken for the reviewer. A review of a commit that the history has not, or since one that does not
 * lead there, would hide them all: it does not count.
 */
export function isApart({ review, signer }: VerifiedReview, { involved = [], peopleAt }: Around): boolean {
  const { principal } = signer
  if (principal === undefined || mailOf(principal) !== mailOf(review.by.email)) return false
  const written = writtenBy(review, peopleAt)
  if (written === undefined) return false
  const others = [...involved, ...review.authors, ...written].map(mailOf)
  const own = nameOf(principal)
  return !others.includes(mailOf(principal)) && !(own !== '' && written.map(nameOf).includes(own))
}

/** Whom the history names; undefined when it does not know the span that was reviewed. */
function writtenBy({ commit, since }: VerifiedReview['review'], peopleAt: PeopleAt | undefined) {
  return peopleAt === undefined ? [] : peopleAt(commit, since)
}

/** `Ada  LOVELACE <ada@example.org>` -> `ada lovelace` */
function nameOf(person: string): string {
  return person
    .replace(/<[^<>]*>\s*$/, '')
    .trim()
    .replace(/\s+/g, ' ')
    .toLowerCase()
}

type Reviews = Readonly<{
  held: readonly VerifiedReview[]
  reviewed: ReadonlySet<string>
  peopleAt: PeopleAt | undefined
}>

function judgeStage({ policy }: ChainQuestion, facts: StageFacts, { held, reviewed, peopleAt }: Reviews): JudgedReview {
  const no = (fault: string): JudgedReview => ({ stage: facts.stage, fault, by: [] })
  const rule = policy.roles.get('reviewer')
  if (rule === undefined) return no('the policy lists no reviewer')
  const about = held.filter(({ review }) => covers(review, runOf(facts)))
  if (about.length === 0) return no('no signed review of the definition is at hand')
  const involved = involvedIn(facts, responsibleFor(facts, policy.services).person)
  if (involved === undefined) return no('the builder does not say who wrote and committed the code')
  const known = about.filter(({ review }) => writtenBy(review, peopleAt) !== undefined)
  if (known.length === 0)
    return no(
      'was reviewed in or since what is no commit here, or none whose authors can be told: verify in a whole clone',
    )
  const apart = known.filter((one) => isApart(one, { involved, peopleAt }))
  if (apart.length === 0) return no('was reviewed by nobody but those who wrote, committed or started it')
  const whole = apart.filter(({ review: { since } }) => since === undefined || reviewed.has(since))
  if (whole.length === 0) return no('was reviewed since a commit that was not reviewed itself')
  const count = countSigners(
    rule,
    whole.map(({ signer }) => signer),
  )
  if (count < rule.threshold) return no(`was reviewed by ${count}, and the policy asks for ${rule.threshold}`)
  return { stage: facts.stage, fault: undefined, by: whole.map(({ attestation }) => attestation) }
}

/** What ran, as far as a review can cover it. */
export type ReviewedRun = Readonly<{
  /** Id of the project. */
  project: string
  /** Missing where the tree differed from it. */
  commit?: string | undefined
  definition: readonly Readonly<{ path: string; digest: Sha256 }>[]
  /** Tracked files that were opened; missing where that was not observed. */
  code?: readonly Readonly<{ path: string; digest: Sha256 }>[] | undefined
}>

/** Whether enough people who wrote no part of it, as the history says, read what ran. Who started it is not asked. */
export function isReviewed(
  policy: TrustPolicy,
  { held, peopleAt }: Readonly<{ held: readonly VerifiedReview[]; peopleAt: PeopleAt }>,
  ran: ReviewedRun,
): boolean {
  const rule = policy.roles.get('reviewer')
  if (rule === undefined || held.length === 0) return false
  const reviewed = reviewedCommits(policy, held, peopleAt)
  const counting = held.filter(
    (one) =>
      covers(one.review, ran) &&
      isApart(one, { peopleAt }) &&
      (one.review.since === undefined || reviewed.has(one.review.since)),
  )
  const signers = counting.map(({ signer }) => signer)
  return countSigners(rule, signers) >= rule.threshold
}

function runOf({ project, source, definition, code }: StageFacts): ReviewedRun {
  return {
    project: project.id,
    commit: source.commit,
    definition,
    code: code.kind === 'opened' ? code.files : undefined,
  }
}

/** There may be many runs, reviews and files. */
const filesRead = once(
  ({ files }: VerifiedReview['review']) => new Map(files.map(({ path, digest }) => [path, digest])),
)

/** THREAT: a file that changed since, or that nobody read, under the name of a review. */
function covers(review: VerifiedReview['review'], ran: ReviewedRun): boolean {
  if (review.project !== ran.project) return false
  const read = filesRead(review)
  const isRead = (all: readonly Readonly<{ path: string; digest: Sha256 }>[]): boolean =>
    all.every(({ path, digest }) => read.get(path) === digest)
  if (!isRead(ran.definition)) return false
  if (ran.commit === review.commit) return true
  return ran.code !== undefined && isRead(ran.code)
}

/** Undefined when it is not known who all had a hand in it. */
function involvedIn({ facts, principal }: StageFacts, responsible: string | undefined): readonly string[] | undefined {
  const said = (name: string): string | undefined =>
    facts.find((fact) => fact.name === name && fact.tier !== 'declared')?.value
  const [author, committer] = [said(commitFacts.author), said(commitFacts.committer)]
  return author === undefined || committer === undefined
    ? undefined
    : [author, committer, principal.email, ...[responsible ?? []].flat()].map(mailOf)
}
