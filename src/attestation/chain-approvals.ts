/**
 * Did people whom the policy lists as promoters approve the model: enough of them, none of whom built it, judged its gates, or
 * set a run of it off?
 *
 * An approval counts for these bytes as the statement that made them has them: another run of the same bytes needs another
 * one. One that is withheld opens nothing. Source: design section 10, "promote to production".
 */
import type { Sha256 } from '../core/index.ts'
import type { ChainQuestion, VisitedStage } from './chain.ts'
import { believedOf, maxClockSkewMs, once } from './chain-walk.ts'
import { caveat, type Finding, passed } from './finding.ts'
import { responsibleFor } from './responsible.ts'
import { countSigners, mailOf, type TrustedSigner, type TrustPolicy } from './trust-policy.ts'
import { type VerifiedDataDecision, type VerifiedGates, verifyDataDecision } from './verify.ts'

type Approval = VerifiedDataDecision<'model-approval'>
type Approver = Readonly<{ signer: TrustedSigner; decision: Pick<Approval['decision'], 'by'> }>

const uncounted = 'whoever built, judged or triggered it does not count; each builder needs a principal'

/** What a policy that demands the approval lacks. */
export type JudgedApprovals = Readonly<{
  findings: readonly Finding[]
  lacking: readonly string[]
  by: readonly Sha256[]
}>

/**
 * @param entry the statement of the stage that made the model
 * @param gates the verdict on its gates that counts
 */
export function judgeApprovals(
  question: ChainQuestion,
  entry: Sha256,
  stages: readonly VisitedStage[],
  gates: VerifiedGates | undefined,
): JudgedApprovals {
  const rule = question.policy.roles.get('promoter')
  if (rule === undefined || rule.anyOf.length === 0)
    return { findings: [], lacking: ['a promoter in the policy'], by: [] }
  const about = approvalsAtHand(question).filter(({ decision }) => decision.made === entry)
  const involved = involvedIn(question.policy, stages, gates)
  const apart = about.filter((one) => isApart(one, involved))
  const count = countSigners(
    { ...rule, distinct: 'principals' }, // promoters are people, whatever the rule counts
    apart.map(({ signer }) => signer),
  )
  const because = `was approved by ${count} of ${rule.threshold} promoters that the policy asks for`
  const scope = { subject: question.subject.path }
  if (count >= rule.threshold)
    return {
      findings: [passed('model-approval', because, scope)],
      lacking: [],
      by: apart.map(({ attestation }) => attestation),
    }
  const own = about.length === apart.length ? '' : `; ${uncounted}`
  return {
    findings: [caveat('model-approval', because + own, scope)],
    lacking: [`its approval: ${because}${own}`],
    by: [],
  }
}

/** Of any statement that made these bytes; none of a time to come. */
const approvalsAtHand = once((question: ChainQuestion): readonly Approval[] => {
  const { surroundings, subject } = question
  const latest = surroundings.now.getTime() + maxClockSkewMs
  return believedOf(question, (bytes, by) => verifyDataDecision('model-approval', bytes, by)).filter(
    ({ decision }) => decision.subject.digest === subject.digest && Date.parse(decision.at) <= latest,
  )
})

/** Keys and people who made it what it is; undefined among them for one of whom nobody knows who they are. */
function involvedIn(
  policy: TrustPolicy,
  stages: readonly VisitedStage[],
  gates: VerifiedGates | undefined,
): readonly (string | undefined)[] {
  const ran = stages.flatMap(({ stage: { signer, facts } }) => {
    const { person } = responsibleFor(facts, policy.services)
    return [...namesOf(signer, person), mailOf(facts.principal.email)]
  })
  if (gates === undefined) return ran
  const { signer, verdict } = gates
  const { email, tier } = verdict.principal
  // A signer of a stage too is judged by what they say there: a verdict does not say which service set it off.
  const isKnown = tier === 'verified' || ran.includes(signer.name)
  return [...ran, ...namesOf(signer, isKnown ? email : undefined), mailOf(email)]
}

function namesOf(
  { name, principal, identity }: TrustedSigner & Readonly<{ identity?: string }>,
  person: string | undefined,
): readonly (string | undefined)[] {
  return [name, ...[principal ?? person, person ?? name, identity ?? name].map((one) => one && mailOf(one))]
}

/** THREAT: a builder who approves what they built, under another of their keys. So a promoter is a person, whom the policy names. */
function isApart({ decision, signer }: Approver, involved: ReturnType<typeof involvedIn>): boolean {
  const person = signer.principal && mailOf(signer.principal)
  return person === mailOf(decision.by.email) && ![undefined, person, signer.name].some((one) => involved.includes(one))
}

/** Why what this promoter would sign counts nowhere; undefined when it would count. */
export function promoterFault(
  policy: TrustPolicy,
  approver: Approver,
  { stages, gates }: Readonly<{ stages: readonly VisitedStage[]; gates?: VerifiedGates }>,
): string | undefined {
  const { name, principal } = approver.signer
  if (policy.roles.get('promoter')?.anyOf.includes(name) !== true) return `the policy lists \`${name}\` as no promoter`
  if (principal === undefined || mailOf(principal) !== mailOf(approver.decision.by.email))
    return `the policy calls \`${name}\` ${principal ?? 'nobody'}, and not ${approver.decision.by.email}`
  const involved = involvedIn(policy, stages, gates)
  return isApart(approver, involved) ? undefined : uncounted
}
