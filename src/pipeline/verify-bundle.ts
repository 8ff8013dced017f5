/** `assay verify FILE --bundle FILE`: only that bundle decides, without a project and without a chain. Pure. */
import {
  allPassed,
  clockFindings,
  evidenceDemands,
  type Finding,
  gatesAlone,
  judgeStages,
  logFindings,
  passed,
  recallFindings,
  refused,
  sourceDemands,
  stageDemands,
  standingFindings,
  type TrustPolicy,
  type VerifiedStage,
  verifyStage,
} from '../attestation/index.ts'
import type { Digest } from '../core/index.ts'
import { nothingEarned } from './nothing-earned.ts'
import type { ArtifactVerdict } from './verify.ts'

/**
 * @param bytes of the bundle; hostile
 * @returns level 0 whatever it finds: one statement says nothing about what it was made of
 */
export function verifyOneBundle(
  subject: Readonly<{ path: string; digest: Digest }>,
  bytes: Uint8Array,
  policy: TrustPolicy,
  now: Date,
): ArtifactVerdict {
  const verdict = verifyStage(bytes, policy)
  const findings: Finding[] = [...verdict.findings, isInForce(policy, now), ...standingFindings(policy)]
  if (verdict.trusted) {
    const names = verdict.statement.facts.outputs.some(({ digest }) => digest === subject.digest)
    findings.push(
      names
        ? passed('subject', 'the statement names these bytes')
        : refused('subject', 'ERR_SUBJECT_MISMATCH', 'the statement does not name these bytes'),
      ...demandsOf(subject, { policy, stage: verdict.statement, now }),
    )
  }
  return {
    trusted: verdict.trusted && allPassed(findings),
    level: 0,
    whyNotHigher: [
      'one bundle was judged alone: what it builds on was not looked at (leave --bundle out, or use --evidence)',
    ],
    subject,
    findings,
    properties: nothingEarned,
    commits: [],
    requirements: [],
  }
}

/** What the policy demands of a stage; what a bundle alone cannot show is refused, not passed over. */
function demandsOf(
  subject: Parameters<typeof verifyOneBundle>[0],
  { policy, stage, now }: Readonly<{ policy: TrustPolicy; stage: VerifiedStage; now: Date }>,
): readonly Finding[] {
  const question = { subject, policy, surroundings: { now } }
  const stages = [{ attestation: stage.attestation, stage }]
  const most = Math.min(1, stage.grant.maxLevel)
  const because = `one bundle shows level ${most} at most, the policy asks for ${policy.minimumLevel}`
  return [
    ...judgeStages(question, stages).findings,
    ...clockFindings(now, [policy.times?.seen ?? [], stage.proven?.at ?? []].flat()),
    ...stageDemands(question, stages),
    ...sourceDemands(question, stages),
    ...recallFindings(question, stages),
    ...evidenceDemands(policy, nothingJudged),
    ...gatesAlone(policy),
    ...logFindings(question, [{ kind: 'stages', attestation: stage.attestation, subject: stage.facts.stage }]),
    policy.minimumLevel <= most
      ? passed('minimum-level', because)
      : refused('minimum-level', 'ERR_LEVEL_TOO_LOW', because),
  ]
}

const nothingJudged = { stages: [], inputs: [], data: [], reproductions: [], reviews: [] }

function isInForce({ expiresAt }: TrustPolicy, now: Date): Finding {
  return expiresAt === undefined || now < expiresAt
    ? passed('policy-expiry', 'the policy has not expired')
    : refused('policy-expiry', 'ERR_POLICY_EXPIRED', `the policy expired on ${expiresAt.toISOString()}`)
}
