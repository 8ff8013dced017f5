/**
 * Bundles of our own evidence that hold a certificate: judged by the policy's trusted roots that may vouch for whom it names.
 *
 * An instance that takes new keys into use has an old root and a new one, or one with both: each authority and log counts
 * for the time that its root gives it, so what was signed under the old one stays believed. Loaded by policies that name
 * identities, and by no others.
 */
import { X509Certificate } from '@sigstore/core'
import { isDomainError, nearest } from '../../core/index.ts'
import { certifiedFindings, otherBuilder } from '../ci-identity.ts'
import { allPassed, type Finding, passed, refused } from '../finding.ts'
import type { CertifiedBundle, TrustedIdentity, TrustPolicy } from '../trust-policy.ts'
import { malformed } from '../trust-policy-signers.ts'
import { type CertificateIdentity, claimNames, identityOf } from './certificate-identity.ts'
import { parseForeignBundle } from './foreign-bundle.ts'
import { judgeCertificate } from './log-evidence.ts'
import { isOneInstance, mergedRoot, parseTrustedRoot, publicGoodRoot, type TrustedRoot } from './trusted-root.ts'

type Judge = (bytes: Uint8Array) => CertifiedBundle

/** By all of these roots, whomever it names. @throws ERR_TRUSTED_ROOT_MALFORMED */
export function certificateJudge(roots: readonly unknown[]): Judge {
  const root = mergedRoot(roots.map(rootFrom))
  return (bytes) => judgeBundle(bytes, () => root)
}

/**
 * By the identities of a policy: each has what it asks of its certificate, and the roots that may vouch for it.
 *
 * THREAT: an instance that certifies whom it likes vouches for an identity of another one. Where there are roots of several
 * instances, each identity says which of them may vouch for it.
 *
 * @param given trusted roots beside those of the policy, as their format has them
 * @throws ERR_TRUSTED_ROOT_MALFORMED, ERR_POLICY_MALFORMED
 */
export function identityJudge(
  { identities = new Map(), trustedRoots = new Map() }: Pick<TrustPolicy, 'identities' | 'trustedRoots'>,
  given: readonly unknown[],
): Judge {
  const listed = [...identities.values()]
  listed.forEach(refuseUnknownClaims)
  const named = new Map([...trustedRoots].map(([name, root]) => [name, rootFrom(root)]))
  const known = [...named.values(), ...given.map(rootFrom)]
  const all = known.length === 0 ? [publicGoodRoot()] : known
  const isOne = isOneInstance(all)
  const everything = mergedRoot(all)
  const rootOf = ({ name, trustedRoots: own }: TrustedIdentity): TrustedRoot => {
    if (own !== undefined) return mergedRoot(own.flatMap((each) => named.get(each) ?? []))
    if (isOne) return everything
    const what =
      'does not say which of the trusted roots, of several instances, may vouch for it: name them in its `trustedRoots`'
    throw malformed(`identities.${name}`, what)
  }
  const roots = new Map(listed.map((each) => [each.name, rootOf(each)]))
  const find = (names: CertificateIdentity): TrustedIdentity | undefined =>
    listed.find(({ identity, issuer }) => identity === names.identity && issuer === names.issuer)
  return (bytes) => {
    const { findings, certified } = judgeBundle(bytes, (names) => roots.get(find(names)?.name ?? '') ?? everything)
    if (certified === undefined || !allPassed(findings)) return { findings }
    const signer = find(certified)
    const asked = [...findings, ...identityFindings(signer, certified)]
    return signer !== undefined && allPassed(asked)
      ? { findings: asked, certified, signer: signer.name }
      : { findings: asked }
  }
}

function identityFindings(
  signer: TrustedIdentity | undefined,
  { identity, issuer, claims }: NonNullable<CertifiedBundle['certified']>,
): readonly Finding[] {
  const no = (because: string): readonly Finding[] => [refused('identity', 'ERR_IDENTITY_MISMATCH', because)]
  if (signer === undefined) return no(`is signed by \`${identity}\` (${issuer}), whom the policy does not list`)
  const other = Object.entries(signer.claims ?? {}).find(([name, value]) => claims[name] !== value)
  return other === undefined
    ? [passed('identity', `\`${signer.name}\` is \`${identity}\`, by \`${issuer}\``)]
    : no(
        `\`${signer.name}\` counts with \`${other[0]}\` \`${other[1]}\`, and its certificate says ${quoted(claims[other[0]])}`,
      )
}

function quoted(value: string | undefined): string {
  return value === undefined ? 'nothing of it' : `\`${value}\``
}

/** THREAT: a demand that is misspelt. It would be met by nobody; its writer is told at once. */
function refuseUnknownClaims({ name, claims = {} }: TrustedIdentity): void {
  const unknown = Object.keys(claims).find((claim) => !claimNames.includes(claim))
  if (unknown === undefined) return
  const place = `identities.${name}.claims`
  throw malformed(place, `has \`${unknown}\`, which no certificate says`, undefined, nearest(unknown, claimNames))
}

function rootFrom(root: unknown): TrustedRoot {
  return parseTrustedRoot(Buffer.from(JSON.stringify(root)))
}

/** @param rootFor by whom the certificate says that it names: which of them vouch for it is found out by these */
function judgeBundle(bytes: Uint8Array, rootFor: (names: CertificateIdentity) => TrustedRoot): CertifiedBundle {
  try {
    const bundle = parseForeignBundle(bytes)
    const { content, material } = bundle
    if (material.kind !== 'certificates' || content.kind !== 'statement')
      return { findings: [refused('bundle', 'ERR_BUNDLE_UNSUPPORTED', 'is no statement with a certificate')] }
    const root = rootFor(namesIn(material.certificates[0]))
    const { findings, named } = judgeCertificate({ bundle, root, digest: new Uint8Array() })
    const { identity, issuer } = named ?? {}
    if (named === undefined || identity === undefined || issuer === undefined)
      return {
        findings:
          named === undefined
            ? findings
            : [...findings, refused('identity', 'ERR_IDENTITY_MISMATCH', 'the certificate names nobody by one name')],
      }
    const certified = { identity, issuer, claims: named.claims }
    return {
      findings,
      certified: {
        ...certified,
        envelope: content.envelope,
        proven: { at: named.at, by: 'the instance' },
        stageFindings: (stated) => certifiedFindings(stated, certified),
        builderFindings: (builderId) => otherBuilder(builderId, certified),
      },
    }
  } catch (error) {
    if (!isDomainError(error)) throw error
    return { findings: [refused('bundle', error.code, error.message)] }
  }
}

function namesIn(certificate: Uint8Array): CertificateIdentity {
  try {
    return identityOf(X509Certificate.parse(Buffer.from(certificate)))
  } catch {
    return { identity: undefined, issuer: undefined } // INVARIANT: `judgeCertificate` says what is wrong with it
  }
}
