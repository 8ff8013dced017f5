/** That root keys stand behind a trust policy: its digest and its number, signed. Format: docs/formats/trust-policy.md. */
import { type Finding, passed, refused } from './finding.ts'
import { verifyDocument } from './signed-document.ts'
import { policyPayloadType, policySignatureShape } from './trust-documents.ts'
import type { TrustPolicy } from './trust-policy.ts'

/**
 * May a policy take the place of the one that was believed so far?
 *
 * Its root keys must have signed it, and those of the one before; and its number must be higher. A policy without root
 * keys is replaced by the user's word alone.
 *
 * @param signatures bundles, one a line; hostile
 */
export function judgeSuccession(
  before: TrustPolicy | undefined,
  next: TrustPolicy,
  signatures: Uint8Array | undefined,
): readonly Finding[] {
  const roots = [before, next].filter((policy) => policy?.roles.has('root') === true)
  if (roots.length === 0) return [passed('policy', 'no root signs this policy: it is your word')]
  if (signatures === undefined)
    return [refused('policy', 'ERR_POLICY_UNSIGNED', 'the policy names a root, and nothing of it is signed')]
  const findings = roots.flatMap((policy) => (policy === undefined ? [] : signedBy(policy, next, signatures)))
  if (before?.version === undefined || before.digest === next.digest) return findings
  return (next.version ?? 0) > before.version
    ? findings
    : [
        ...findings,
        refused(
          'policy',
          'ERR_POLICY_ROLLBACK',
          `the policy has the version ${next.version ?? 'none'}, and ${before.version} was believed before`,
        ),
      ]
}

/** Each of the two roots counts its own signatures, and leaves those of others alone. */
function signedBy(root: TrustPolicy, next: TrustPolicy, signatures: Uint8Array): readonly Finding[] {
  const kind = { payloadType: policyPayloadType, shape: policySignatureShape, what: 'policy' }
  const { findings, document } = verifyDocument(signatures, kind, root)
  if (document === undefined) return findings
  const { project, policy, version } = document
  const isOfThis = policy === next.digest && project === next.project && version === next.version
  return isOfThis
    ? findings
    : [
        ...findings,
        refused('policy', 'ERR_POLICY_UNSIGNED', 'the signatures are for another policy, or another version of it'),
      ]
}
