/**
 * Is a certificate vouched for by an authority that was named? X.509 chains of the kind that teams keep for themselves.
 *
 * Signatures and names are OpenSSL's work (`node:crypto`); which certificate may do what is asked here, and what is
 * not understood refuses: a critical extension, a weak hash, a path longer than its authority allows. Revocation lists
 * are not asked. SOURCE: RFC 5280 sections 4.2 and 6.1; OpenSSF Model Signing v1.0, 8.2.
 */
import type { X509Certificate } from 'node:crypto'
import { X509Certificate as CertificateFields } from '@sigstore/core'
import { type Finding, passed, refused } from '../finding.ts'
import { isVerifiable } from './signature.ts'

export type ChainQuestion = Readonly<{
  leaf: X509Certificate
  /** From the bundle; hostile. */
  others: readonly X509Certificate[]
  roots: readonly X509Certificate[]
  /** The moment at which all must be valid: nothing here proves that it was signed earlier. */
  at: Date
}>

const extensions = {
  keyUsage: '2.5.29.15',
  alternativeName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  extendedKeyUsage: '2.5.29.37',
} as const
const codeSigning = '1.3.6.1.5.5.7.3.3'

/** LIMIT: certificates of a path, and signatures that are looked at for one. */
const maxPath = 10
const maxLooks = 200

/** Two findings: who vouches, and whether the leaf is made for signing. */
export function judgeChain(question: ChainQuestion): readonly Finding[] {
  const { leaf, at } = question
  const path = pathToRoot(question)
  if (path === undefined) {
    return [
      refused('certificate', 'ERR_CERTIFICATE_UNTRUSTED', 'no authority that was named vouches for the certificate'),
    ]
  }
  const expired = path.find((each) => at < each.validFromDate || at > each.validToDate)
  const root = path.at(-1) ?? leaf
  return [
    expired === undefined
      ? passed('certificate', `is vouched for by \`${nameOf(root)}\`${path.length === 1 ? ', itself' : ''}`)
      : refused(
          'certificate',
          'ERR_CERTIFICATE_EXPIRED',
          `the certificate of \`${nameOf(expired)}\` is valid from ${expired.validFromDate.toISOString()} to ${expired.validToDate.toISOString()} only`,
        ),
    maySign(leaf)
      ? passed('certificate-usage', 'the certificate is made for signing')
      : refused('certificate-usage', 'ERR_CERTIFICATE_USAGE', 'the certificate is not made for signing'),
  ]
}

/** The shortest path that ends in a root, the leaf first; depth first would let a hostile bundle choose. */
function pathToRoot({ leaf, others, roots }: ChainQuestion): readonly X509Certificate[] | undefined {
  if (!isUnderstood(leaf)) return undefined
  const known = roots.find((root) => root.raw.equals(leaf.raw))
  if (known !== undefined) return [known]
  const candidates = [...roots, ...others].filter(isUnderstood)
  let looks = 0
  let paths: readonly (readonly X509Certificate[])[] = [[leaf]]
  for (let length = 1; length < maxPath && paths.length > 0; length += 1) {
    const longer: (readonly X509Certificate[])[] = []
    for (const path of paths) {
      for (const issuer of candidates) {
        looks += 1
        if (looks > maxLooks || path.includes(issuer) || !mayIssue(issuer, path)) continue
        if (roots.includes(issuer)) return [...path, issuer]
        longer.push([...path, issuer])
      }
    }
    paths = longer
  }
  return undefined
}

/** @param path from the leaf up; the last one is what `issuer` is to have issued */
function mayIssue(issuer: X509Certificate, path: readonly X509Certificate[]): boolean {
  const subject = path.at(-1)
  if (subject === undefined || !issuer.ca || !subject.checkIssued(issuer)) return false
  const { extBasicConstraints, extKeyUsage } = fieldsOf(issuer)
  const limit = extBasicConstraints?.pathLenConstraint
  // Authorities between this one and the leaf, without those that issued themselves.
  const between = path.slice(1).filter((each) => each.subject !== each.issuer).length
  if (limit !== undefined && limit < BigInt(between)) return false
  if (extKeyUsage?.keyCertSign === false) return false
  return subject.verify(issuer.publicKey)
}

/** A hash that nobody forges, and no critical extension but those that are asked about. */
function isUnderstood(certificate: X509Certificate): boolean {
  try {
    const fields = fieldsOf(certificate)
    return (
      fields.version === 'v3' &&
      fields.signatureAlgorithm !== undefined &&
      isVerifiableOrRsa(certificate) &&
      fields.extensions.every((extension) => {
        const [oid = ''] = extension.subs.slice(0, 1).map((each) => each.toOID())
        return extension.subs.length < 3 || Object.values<string>(extensions).includes(oid)
      })
    )
  } catch {
    return false // INVARIANT: what cannot be read to its end vouches for nothing
  }
}

function isVerifiableOrRsa({ publicKey }: X509Certificate): boolean {
  return (
    isVerifiable(publicKey) ||
    (publicKey.asymmetricKeyType === 'rsa' && (publicKey.asymmetricKeyDetails?.modulusLength ?? 0) >= 2048)
  )
}

/** digitalSignature, else code signing. SOURCE: model-transparency sign_certificate.py, which asks for the same. */
function maySign(leaf: X509Certificate): boolean {
  return fieldsOf(leaf).extKeyUsage?.digitalSignature === true || (leaf.keyUsage ?? []).includes(codeSigning)
}

function fieldsOf(certificate: X509Certificate): CertificateFields {
  return CertificateFields.parse(certificate.raw)
}

/** The common name, else all of the subject; those that Fulcio makes have an empty one, which Node gives as undefined. */
export function nameOf({ subject }: Readonly<{ subject?: string }>): string {
  return /^CN=(.*)$/m.exec(subject ?? '')?.[1] ?? subject?.replaceAll('\n', ', ') ?? 'nobody by name'
}
