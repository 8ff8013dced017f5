/** Words that who can commit may want to be rid of: a revocation, rows that are not good, an anchor that replaced another. */
import type { TrustPolicy } from './trust-policy.ts'
import { verifyDataDecision, verifySourceApproval } from './verify.ts'

/** Whether the policy believes it, and it may take something away from data. */
export function speaksAgainst(bytes: Uint8Array, policy: TrustPolicy): boolean {
  const source = verifySourceApproval(bytes, policy)
  if (source.trusted) return source.statement.approval.decision === 'revoked'
  const review = verifyDataDecision('data-review', bytes, policy)
  if (review.trusted) return review.statement.decision.rows.some(({ verdict }) => verdict !== 'good')
  return verifyDataDecision('data-anchor', bytes, policy).trusted
}
