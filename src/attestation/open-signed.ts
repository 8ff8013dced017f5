/**
 * Who signed a bundle, for a role of the policy, and when: all that is asked before its payload is looked into.
 *
 * Two kinds of bundles: those of a key that the policy lists, and those of an identity, whose certificate the policy's
 * trusted roots vouch for. Read next: `verify.ts`.
 */
import { DomainError, type Sha256, sha256Of } from '../core/index.ts'
import { type Bundle, parseBundle } from './bundle.ts'
import { type Envelope, isSignedBy, statementPayloadType } from './dsse.ts'
import { allPassed, type Finding, passed, refused } from './finding.ts'
import { keyFindings } from './key-validity.ts'
import type { CertifiedBundle, ProvenTime, Role, TrustedSigner, TrustPolicy } from './trust-policy.ts'

export type Certified = NonNullable<CertifiedBundle['certified']>

export type Signed =
  | Readonly<{
      signer: TrustedSigner
      payload: Uint8Array
      findings: readonly Finding[]
      proven?: ProvenTime
      /** Of a bundle that is signed for an identity. */
      certified?: Certified
    }>
  | Readonly<{ signer?: undefined; findings: readonly Finding[] }>

/** Bundle, signer, role, signature, payload type, time: all that is asked before the payload is looked into. */
export function openSigned(bytes: Uint8Array, policy: TrustPolicy, role: Role): Signed {
  const opened = attempt('bundle', 'is a Sigstore bundle v0.3', () => parseBundle(bytes))
  if (opened.value === undefined) {
    // A bundle with a certificate is another format to the reader of ours, and judged where the policy names identities.
    const isOther = opened.finding.code === 'ERR_BUNDLE_UNSUPPORTED' && policy.judgeCertified !== undefined
    return isOther ? openCertified(bytes, policy, role) : { findings: [opened.finding] }
  }
  const bundle = opened.value
  const { envelope } = bundle
  const signer = [...policy.keys.values()].find((key) => key.hint === bundle.hint)
  if (signer === undefined) return { findings: [opened.finding, unknownSigner(bundle)] }
  const time = timeOf(bundle, policy, () => sha256Of(bytes))
  const findings = [
    opened.finding,
    isSignedBy(envelope, signer.key)
      ? passed('signature', `is signed by \`${signer.name}\``)
      : refused(
          'signature',
          'ERR_SIGNATURE_INVALID',
          `is not signed by \`${signer.name}\`, as it says: it was changed`,
        ),
    roleFinding(policy, signer, role),
    payloadTypeFinding(envelope),
    ...time.findings,
    ...keyFindings(signer, time.proven, policy.times),
    ...takenBackFindings(policy, bytes, envelope.payload),
  ]
  return allPassed(findings)
    ? { signer, payload: envelope.payload, findings, ...(time.proven === undefined ? {} : { proven: time.proven }) }
    : { findings }
}

/** As `openSigned`: certificate, log, time and signature first, then whom they name. */
function openCertified(bytes: Uint8Array, policy: TrustPolicy, role: Role): Signed {
  const { findings, certified, signer: name = '' } = policy.judgeCertified?.(bytes) ?? { findings: [] }
  const signer = policy.identities?.get(name)
  if (certified === undefined || signer === undefined) return { findings }
  const { envelope, proven } = certified
  const asked = [
    ...findings,
    roleFinding(policy, signer, role),
    payloadTypeFinding(envelope),
    ...keyFindings(signer, proven, policy.times),
    ...takenBackFindings(policy, bytes, envelope.payload),
  ]
  return allPassed(asked)
    ? { signer, payload: envelope.payload, findings: asked, proven, certified }
    : { findings: asked }
}

function roleFinding(policy: TrustPolicy, signer: TrustedSigner, role: Role): Finding {
  return hasRole(policy, signer, role)
    ? passed('role', `\`${signer.name}\` is listed as ${role}`)
    : refused('role', 'ERR_SIGNER_ROLE', `\`${signer.name}\` is not listed as ${role}`)
}

function payloadTypeFinding({ payloadType }: Envelope): Finding {
  return payloadType === statementPayloadType
    ? passed('payload-type', 'is an in-toto statement')
    : refused('payload-type', 'ERR_STATEMENT_UNSUPPORTED', 'is signed, and is no in-toto statement')
}

/** THREAT: a timestamp that nobody here can verify could be anything; it is refused as all unread bytes are. */
function timeOf(
  { envelope, timestamps = [] }: Bundle,
  { times }: TrustPolicy,
  attestation: () => Sha256,
): Readonly<{ findings: readonly Finding[]; proven?: ProvenTime }> {
  const unlisted = refused('timestamp', 'ERR_BUNDLE_TIMESTAMP', 'holds a timestamp, and the policy lists no authority')
  const verify = times?.timestamp
  const stamped = timestamps.map((timestamp): Attempt<ProvenTime> => {
    if (verify === undefined) return { finding: unlisted }
    return attempt('timestamp', 'its timestamp verifies', () => verify(timestamp, envelope.signature))
  })
  const proven = [...stamped.flatMap(({ value }) => value ?? []), ...[times?.witnessed?.(attestation()) ?? []].flat()]
  const [earliest] = proven.toSorted((left, right) => left.at.getTime() - right.at.getTime())
  const failed = stamped.flatMap(({ finding }) => (finding.passed ? [] : [finding]))
  if (earliest === undefined) return { findings: failed }
  const because = `was signed before ${earliest.at.toISOString()}, as ${earliest.by} says`
  return { findings: [...failed, passed('signed-at', because)], proven: earliest }
}

/**
 * THREAT: a bundle has many spellings (blanks, a timestamp, the other of two ECDSA signatures), its payload has one.
 *
 * @param said that, or of a bundle without a payload its signature in one spelling
 */
export function takenBackFindings(
  { takenBack: taken }: Pick<TrustPolicy, 'takenBack'>,
  bytes: Uint8Array,
  said?: Uint8Array,
): readonly Finding[] {
  if (taken === undefined || taken.statements.size === 0) return []
  const spelt = said === undefined ? [bytes] : [bytes, said]
  const because = spelt.flatMap((each) => taken.statements.get(sha256Of(each)) ?? [])[0]
  if (because === undefined) return []
  return [refused('taken-back', 'ERR_STATEMENT_REVOKED', `the statement was taken back: ${because}`)]
}

function unknownSigner({ hint }: Bundle): Finding {
  const shown = /^[\w+/=]{1,64}$/.test(hint) ? ` (${hint})` : ''
  return refused('signature', 'ERR_SIGNER_UNKNOWN', `is signed by a key that the policy does not list${shown}`)
}

function hasRole(policy: TrustPolicy, signer: TrustedSigner, role: Role): boolean {
  return role === 'builder'
    ? policy.builders.some(({ key }) => key === signer.name)
    : (policy.roles.get(role)?.anyOf.includes(signer.name) ?? false)
}

export type Attempt<T> = Readonly<{ value: T; finding: Finding }> | Readonly<{ value?: undefined; finding: Finding }>

/** A parser's fault as a finding: a question of trust was asked, and a broken file is the answer no. */
export function attempt<T>(check: string, because: string, parse: () => T): Attempt<T> {
  try {
    return { value: parse(), finding: passed(check, because) }
  } catch (error) {
    if (!(error instanceof DomainError)) throw error
    return { finding: refused(check, error.code, error.message) }
  }
}
