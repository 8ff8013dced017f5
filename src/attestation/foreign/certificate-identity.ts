/**
 * Whom a certificate of a Sigstore instance names, and who vouched for that.
 *
 * THREAT: `@sigstore/verify` reads both as ASCII by dropping the highest bit of each byte, so that another name prints as
 * the one that was asked for, and takes the first of several names. Here a name is UTF-8 and the only one.
 * SOURCE: sigstore/fulcio docs/oid-info.md; RFC 5280, 4.2.1.6.
 */
import type { X509Certificate } from '@sigstore/core'

export type CertificateIdentity = Readonly<{ identity: string | undefined; issuer: string | undefined }>

export type CertificateClaims = Readonly<{
  /** What a CI said of the run in its token, as the authority wrote it down. */
  claims: Readonly<Record<string, string>>
}>

/** SOURCE: sigstore/fulcio docs/oid-info.md, 1.3.6.1.4.1.57264.1.9 to .23: DER strings. */
const claimNumbers: Readonly<Record<number, string>> = {
  9: 'build-signer-uri',
  10: 'build-signer-digest',
  11: 'runner-environment',
  12: 'source-repository',
  13: 'source-digest',
  14: 'source-ref',
  15: 'source-repository-id',
  16: 'source-owner',
  17: 'source-owner-id',
  18: 'build-config',
  19: 'build-config-digest',
  20: 'build-trigger',
  21: 'run',
  22: 'source-visibility',
  23: 'deployment-environment',
}

export const claimNames: readonly string[] = Object.values(claimNumbers)

export function claimsOf(certificate: X509Certificate): CertificateClaims['claims'] {
  return Object.fromEntries(
    Object.entries(claimNumbers).flatMap(([number, name]) => {
      const value = textOf(certificate.extension(`1.3.6.1.4.1.57264.1.${number}`)?.valueObj.subs[0]?.value)
      return value === undefined ? [] : [[name, value]]
    }),
  )
}

const alternativeName = '2.5.29.17'
/** A DER string; the older one is the bare text. */
const issuerOid = '1.3.6.1.4.1.57264.1.8'
const oldIssuerOid = '1.3.6.1.4.1.57264.1.1'

/** Tags of an e-mail address and a URI among the kinds of a name. */
const textTags = [1, 6]
/** A user of an authority's own directory (`ada!example.org`): OtherName, a kind and a UTF8String. */
const userOid = '1.3.6.1.4.1.57264.1.7'

export function identityOf(certificate: X509Certificate): CertificateIdentity {
  const names = certificate.extension(alternativeName)?.valueObj.subs[0]?.subs ?? []
  const issuer = certificate.extension(issuerOid)
  return {
    identity: names.length === 1 ? nameOf(names[0]) : undefined,
    issuer:
      issuer === undefined
        ? textOf(certificate.extension(oldIssuerOid)?.value)
        : textOf(issuer.valueObj.subs[0]?.value),
  }
}

type Name = X509Certificate['tbsCertificate']

function nameOf(name: Name | undefined): string | undefined {
  if (name === undefined) return undefined
  if (textTags.some((tag) => name.tag.isContextSpecific(tag))) return textOf(name.value)
  if (!name.tag.isContextSpecific(0)) return undefined
  const [kind, explicit, ...more] = name.subs
  const [text, ...others] = explicit?.subs ?? []
  const isUser = kind?.tag.isOID() === true && kind.toOID() === userOid && explicit?.tag.isContextSpecific(0) === true
  return isUser && more.length + others.length === 0 && text?.tag.toDER() === 0x0c ? textOf(text.value) : undefined
}

function textOf(bytes: Uint8Array | undefined): string | undefined {
  if (bytes === undefined) return undefined
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return undefined // INVARIANT: what is no text is nobody's name
  }
}
