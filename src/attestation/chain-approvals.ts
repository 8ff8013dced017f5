/**
 * Did people whom the policy lists as promoters approve the model: enough of them, none of whom built it or set a run of it off?
 *
 * An approval counts for these bytes as the statement that made them has them: another run of the same bytes needs another
 * one. One that is withheld opens nothing. Source: design section 10, "promote to production".
 */
import type { Sha256 } from '../core/index.ts'
import { type ChainQuestion, chainLimits, type VisitedStage } from './chain.ts'
import { maxClockSkewMs } from './chain-walk.ts'
import { caveat, type Finding, passed } from './finding.ts'
import { responsibleFor } from './responsible.ts'
import { countSigners, mailOf } from './trust-policy.ts'
import { type VerifiedDataDecision, verifyDataDecision } from './verify.ts'

type Approval = VerifiedDataDecision<'model-approval'>

/** What a policy that demands the approval lacks; undefined when nothing. */
export type JudgedApprovals = Readonly<{ findings: readonly Finding[]; lacking?: string; by: readonly Sha256[] }>

/** @param entry the statement of the stage that made the model */
export function judgeApprovals(
  question: ChainQuestion,
  entry: Sha256,
  stages: readonly VisitedStage[],
): JudgedApprovals {
  const rule = question.policy.roles.get('promoter')
  if (rule === undefined || rule.anyOf.length === 0)
    return { findings: [], lacking: 'a promoter in the policy', by: [] }
  const about = approvalsOf(question, entry)
  const apart = about.filter((one) => isApart(question, one, stages))
  const count = countSigners(
    rule,
    apart.map(({ signer }) => signer),
  )
  const because = `was approved by ${count} of ${rule.threshold} promoters that the policy asks for`
  const scope = { subject: question.subject.path }
  if (count >= rule.threshold)
    return { findings: [passed('model-approval', because, scope)], by: apart.map(({ attestation }) => attestation) }
  const own = about.length > apart.length ? '; whoever built it, or set a run of it off, does not count' : ''
  return {
    findings: [caveat('model-approval', because + own, scope)],
    lacking: `its approval: ${because}${own}`,
    by: [],
  }
}

function approvalsOf(question: ChainQuestion, entry: Sha256): readonly Approval[] {
  const { evidence, policy, limits = chainLimits, surroundings, subject } = question
  const latest = surroundings.now.getTime() + maxClockSkewMs
  return evidence.approvals.slice(0, limits.approvals).flatMap(({ bytes }) => {
    const read = bytes.length > limits.bundleBytes ? undefined : verifyDataDecision('model-approval', bytes, policy)
    if (read?.trusted !== true) return []
    const { made, at, subject: about } = read.statement.decision
    return made === entry && about.digest === subject.digest && Date.parse(at) <= latest ? [read.statement] : []
  })
}

/** THREAT: a builder who approves what they built, under another of their keys. So a promoter is a person, whom the policy names. */
function isApart({ policy }: ChainQuestion, { decision, signer }: Approval, stages: readonly VisitedStage[]): boolean {
  const person = signer.principal === undefined ? undefined : mailOf(signer.principal)
  const involved = stages.flatMap(({ stage }) => [
    stage.signer.principal ?? [],
    stage.facts.principal.email,
    responsibleFor(stage.facts, policy.services).person ?? [],
  ])
  return (
    person !== undefined &&
    person === mailOf(decision.by.email) &&
    !involved.flat().map(mailOf).includes(person) &&
    stages.every(({ stage }) => stage.signer.name !== signer.name)
  )
}
