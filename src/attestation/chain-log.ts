/**
 * Is every statement of the chain in a log that the policy names?
 *
 * Asked only where the policy lists logs. Proofs are verified by the caller, who has the keys of logs and witnesses; who
 * cannot verify them leaves `loggedAt` out, and everything is refused.
 */
import type { ChainQuestion, VisitedStage } from './chain.ts'
import { type Finding, refused } from './finding.ts'

export function logFindings(
  { policy, surroundings }: Pick<ChainQuestion, 'policy' | 'surroundings'>,
  stages: readonly VisitedStage[],
): readonly Finding[] {
  if (policy.logs === undefined || policy.logs.length === 0) return []
  return stages.map(({ attestation, stage }) => {
    const found = surroundings.loggedAt?.(attestation)
    const because = 'the policy names logs, and no proof that the statement is in one is at hand'
    return { ...(found ?? refused('logged', 'ERR_TLOG_ENTRY', because)), subject: stage.facts.stage }
  })
}
