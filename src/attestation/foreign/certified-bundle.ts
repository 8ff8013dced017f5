/**
 * Bundles of our own evidence that hold a certificate: judged by the policy's trusted roots, all of them at once.
 *
 * An instance that takes new keys into use has an old root and a new one, or one with both: each authority and log counts
 * for the time that its root gives it, so what was signed under the old one stays believed. Loaded by policies that name
 * identities, and by no others.
 */
import { isDomainError } from '../../core/index.ts'
import { certifiedFindings, otherBuilder } from '../ci-identity.ts'
import { refused } from '../finding.ts'
import type { CertifiedBundle } from '../trust-policy.ts'
import { parseForeignBundle } from './foreign-bundle.ts'
import { judgeCertificate } from './log-evidence.ts'
import { mergedRoot, parseTrustedRoot, publicGoodRoot } from './trusted-root.ts'

/** @throws ERR_TRUSTED_ROOT_MALFORMED */
export function certificateJudge(roots: readonly unknown[] | undefined): (bytes: Uint8Array) => CertifiedBundle {
  const root =
    roots === undefined
      ? publicGoodRoot()
      : mergedRoot(roots.map((each) => parseTrustedRoot(Buffer.from(JSON.stringify(each)))))
  return (bytes) => {
    try {
      const bundle = parseForeignBundle(bytes)
      const { content } = bundle
      if (bundle.material.kind !== 'certificates' || content.kind !== 'statement')
        return { findings: [refused('bundle', 'ERR_BUNDLE_UNSUPPORTED', 'is no statement with a certificate')] }
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
}
