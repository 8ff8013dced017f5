/**
 * The verifier as a library, `assay/verify`: for a registry, a deployment or a browser that has evidence and a policy, and
 * neither files nor a network. It is the same chain that `assay verify --evidence` asks.
 *
 * Built for WebCrypto: `browser-crypto.ts` stands in the place of Node's.
 */
import { isDomainError, parseDigest } from '../../core/index.ts'
import { parseBundle } from '../bundle.ts'
import { preAuthenticationEncoding } from '../dsse.ts'
import { bundlesInLines, type NamedBundle, nameInEvidence, travelledEvidence } from '../travelled.ts'
import type { TrustPolicy } from '../trust-policy.ts'
import { policyFromKey, trustPolicyOf } from '../trust-policy-shape.ts'
import { verifyChain } from '../verify-chain.ts'
import { checkSignature } from './browser-crypto.ts'
import type { Verify } from './types.ts'

export type * from './types.ts'

export const verify: Verify = async (question) => {
  const { evidence, digest: given, policy: trusted, now = new Date(), revokedSources = [] } = question
  const policy = typeof trusted === 'string' ? policyFromKey(trusted) : trustPolicyOf(trusted, 'file')
  const digest = parseDigest(given)
  const bundles = bundlesInLines(evidence)
  for (const bundle of bundles) await checkSigner(bundle, policy)
  const known = travelledEvidence(bundles)
  const path = nameInEvidence(known, digest, policy) ?? 'artifact'
  const revoked = revokedSources.map((source) => ({ id: source.id, digest: parseDigest(source.digest) }))
  const surroundings = { now, revokedSources: revoked }
  const verdict = verifyChain({ subject: { path, digest }, entries: [], evidence: known, policy, surroundings })
  const { trusted: isTrusted, level, whyNotHigher, subject, findings, properties, commits } = verdict
  return { trusted: isTrusted, level, whyNotHigher, subject, findings, properties, commits }
}

/** By the key that the bundle names, when the policy lists it: no other would be asked. */
async function checkSigner({ bytes }: NamedBundle, { keys }: TrustPolicy): Promise<void> {
  try {
    const { envelope, hint } = parseBundle(bytes)
    const signer = [...keys.values()].find((key) => key.hint === hint)
    if (signer === undefined) return
    const { payloadType, payload, signature } = envelope
    await checkSignature(keyOf(signer.key), preAuthenticationEncoding(payloadType, payload), signature)
  } catch (error) {
    if (!isDomainError(error)) throw error // what is no bundle is a finding of the chain
  }
}

type CheckedKey = Parameters<typeof checkSignature>[0]

/** INVARIANT: in this bundle every key is one of `browser-crypto.ts`; to the compiler it is Node's. */
function keyOf(key: object): CheckedKey {
  return key as CheckedKey
}
