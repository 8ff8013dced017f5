/** A policy that names identities, made ready to judge them: what verifies certificates is loaded for it alone. */
import type { TrustPolicy } from './trust-policy.ts'

/** @param roots trusted roots beside those of the policy, as their format has them. @throws ERR_TRUSTED_ROOT_MALFORMED, ERR_POLICY_MALFORMED */
export async function withIdentities(policy: TrustPolicy, roots: readonly unknown[] = []): Promise<TrustPolicy> {
  if (policy.identities === undefined || policy.judgeCertified !== undefined) return policy
  const { identityJudge } = await import('./foreign/certified-bundle.ts')
  return { ...policy, judgeCertified: identityJudge(policy, roots) }
}
