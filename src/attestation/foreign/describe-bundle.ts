/** What a bundle says, for people. Nothing is verified: whoever reads it is told so, and nothing is decided by it. */
import { X509Certificate as CertificateFields } from '@sigstore/core'
import { isDomainError, type Json } from '../../core/index.ts'
import { claimsOf, identityOf } from './certificate-identity.ts'
import type { ForeignBundle } from './foreign-bundle.ts'
import { type ForeignStatement, parseForeignStatement } from './foreign-statement.ts'
import { parseCertificate } from './foreign-trust.ts'

export type CertificateDescription = Readonly<{
  subject: string
  /** Whom a certificate of a Sigstore instance names, and who vouched for that. */
  identity: string | null
  oidcIssuer: string | null
  /** What a CI said of the run, as the authority wrote it down: name -> value. */
  claims: Readonly<Record<string, string>>
  issuer: string
  /** RFC 3339. */
  validFrom: string
  validTo: string
}>

export type BundleDescription = Readonly<{
  mediaType: string
  signer:
    | Readonly<{ kind: 'key'; hint: string }>
    /** The leaf first. THREAT: one that cannot be read keeps its place (null), or its issuer is taken for the signer. */
    | Readonly<{ kind: 'certificate'; certificates: readonly (CertificateDescription | null)[] }>
  content:
    | Readonly<{ kind: 'statement'; payloadType: string; payloadBytes: number; statement: ForeignStatement | null }>
    /** `digest`: `sha256:<hex>` and so on. */
    | Readonly<{ kind: 'message'; digest: string }>
  /** `time`: RFC 3339 of the moment that the log claims; null where it claims none. */
  logEntries: readonly Readonly<{ index: string | null; kind: string; time: string | null }>[]
  timestamps: number
}>

export function describeBundle(bundle: ForeignBundle): BundleDescription {
  return {
    mediaType: bundle.mediaType,
    signer: signerOf(bundle),
    content: contentOf(bundle),
    logEntries: bundle.logEntries.map(entryOf),
    timestamps: bundle.timestamps,
  }
}

function signerOf({ material }: ForeignBundle): BundleDescription['signer'] {
  if (material.kind === 'key') return { kind: 'key', hint: material.hint }
  return { kind: 'certificate', certificates: material.certificates.map(certificateOf) }
}

function certificateOf(der: Uint8Array): CertificateDescription | null {
  try {
    const certificate = parseCertificate(der)
    const fields = CertificateFields.parse(certificate.raw)
    const { identity, issuer } = identityOf(fields)
    return {
      subject: onOneLine(certificate.subject ?? ''),
      identity: identity ?? null,
      oidcIssuer: issuer ?? null,
      claims: claimsOf(fields),
      issuer: onOneLine(certificate.issuer),
      validFrom: certificate.validFromDate.toISOString(),
      validTo: certificate.validToDate.toISOString(),
    }
  } catch {
    return null // INVARIANT: what cannot be read is not shown, and nothing is decided by it
  }
}

/** OpenSSL puts each part of a name on a line of its own. */
function onOneLine(name: string): string {
  return name.replaceAll('\n', ', ')
}

function contentOf({ content }: ForeignBundle): BundleDescription['content'] {
  if (content.kind === 'message')
    return { kind: 'message', digest: `${content.algorithm}:${Buffer.from(content.digest).toString('hex')}` }
  const { payload, payloadType } = content.envelope
  return { kind: 'statement', payloadType, payloadBytes: payload.length, statement: statementOf(payload, payloadType) }
}

function statementOf(payload: Uint8Array, payloadType: string): ForeignStatement | null {
  try {
    return parseForeignStatement(payload, payloadType)
  } catch (error) {
    if (isDomainError(error)) return null
    throw error
  }
}

function entryOf(entry: Json): BundleDescription['logEntries'][number] {
  // The shape of an entry was proven when the bundle was read.
  const { logIndex, integratedTime, kindVersion } = entry as Readonly<{
    logIndex?: string
    integratedTime?: string
    kindVersion: Readonly<{ kind: string; version: string }>
  }>
  const seconds = Number(integratedTime ?? 0)
  return {
    index: logIndex ?? null,
    kind: `${kindVersion.kind} ${kindVersion.version}`,
    time: seconds > 0 && seconds < 1e11 ? new Date(seconds * 1000).toISOString() : null,
  }
}
