/**
 * Certificates, log entries and timestamps of a Sigstore instance: `@sigstore/verify`, and what it leaves out.
 *
 * Left out there, asked here: a signature over an artifact of which only the digest is known; that an entry was made
 * for the same certificate or key (a second key that fits a signature can be computed); that what a proof says of its
 * tree is what the log signed; an identity that is equal, not like. DECISION 0047.
 */
import { hash, type KeyObject } from 'node:crypto'
import { type Bundle, bundleFromJSON } from '@sigstore/bundle'
import { ASN1Obj, X509Certificate } from '@sigstore/core'
import { type SignedEntity, type TrustMaterial, toSignedEntity, VerificationError, Verifier } from '@sigstore/verify'
import { z } from 'zod'
import type { ErrorCode } from '../../core/index.ts'
import { preAuthenticationEncoding } from '../dsse.ts'
import { type Finding, passed, refused } from '../finding.ts'
import { type CertificateClaims, type CertificateIdentity, claimsOf, identityOf } from './certificate-identity.ts'
import { isDigestSigned } from './digest-signature.ts'
import type { ForeignBundle } from './foreign-bundle.ts'
import { parseCertificate } from './foreign-trust.ts'
import { signersOfEntry } from './log-entry.ts'
import { isEnvelopeSigned } from './signature.ts'
import type { TrustedRoot } from './trusted-root.ts'

/** Raw digest of the artifact, by the hash that a message signature names; empty for a statement. */
export type LogQuestion = Readonly<{ bundle: ForeignBundle; root: TrustedRoot; digest: Uint8Array }>

/** Entries and timestamps that a bundle carries beside a key or a chain of its own: all of them must verify. */
export function judgeEntries(question: LogQuestion, key: KeyObject): readonly Finding[] {
  const { bundle } = question
  return judged(() => {
    const material = { ...question.root.material, publicKey: () => ({ publicKey: key, validFor: () => true }) }
    const entity = entityOf(question, withKeyInstead(bundle))
    const thresholds = { ctlogThreshold: 0, tlogThreshold: bundle.logEntries.length, timestampThreshold: 0 }
    verifyEntity(entity, material, thresholds)
    refuseOtherCertificates(bundle, material)
    refuseOtherSigner(entity, key.export({ type: 'spki', format: 'der' }))
    return [passed('log', `${bundle.logEntries.length} log entries and ${bundle.timestamps} timestamps verify`)]
  })
}

/** Everything that stands behind an identity: its certificate, the certificate's log, an entry, a time. */
export function judgeIdentity(
  question: LogQuestion,
  expected: Readonly<{ identity: string; issuer: string }>,
): readonly Finding[] {
  const { findings, named } = judgeCertificate(question)
  return named === undefined
    ? findings
    : [
        ...findings,
        isSame('identity', expected.identity, named.identity),
        isSame('issuer', expected.issuer, named.issuer),
      ]
}

type NamedCertificate = CertificateIdentity & CertificateClaims & Readonly<{ at: Date }>

/** `named` only when all but whom the certificate names was verified: that is the caller's question. */
export type JudgedCertificate = Readonly<{
  findings: readonly Finding[]
  named?: NamedCertificate
}>

export function judgeCertificate(question: LogQuestion): JudgedCertificate {
  let named: NamedCertificate | undefined
  const findings = judged(() => {
    const entity = entityOf(question, bundleFromJSON(withoutBareProofs(question.bundle)))
    const thresholds = { ctlogThreshold: 1, tlogThreshold: 1, timestampThreshold: 1 }
    verifyEntity(entity, question.root.material, thresholds)
    refuseOtherCertificates(question.bundle, question.root.material)
    const { key } = entity
    if (key.$case !== 'certificate') throw new Error('is not signed by a certificate')
    refuseOtherSigner(entity, key.certificate.publicKey)
    refuseEndedLogs(entity, question.root.material)
    named = {
      ...identityOf(key.certificate),
      claims: claimsOf(key.certificate),
      at: new Date(Math.min(...timesOf(entity))),
    }
    return [
      passed('certificate', 'is vouched for by the trusted root, and in the log of certificates'),
      passed('log', `${entity.tlogEntries.length} log entries and ${entity.timestamps.length} times verify`),
      passed('signature', 'is signed by the key of the certificate'),
      noRoots(question.bundle),
    ]
  })
  return { findings, ...(named === undefined ? {} : { named }) }
}

/** Milliseconds; the signature was there at each of them. */
function timesOf({ timestamps }: SignedEntity): readonly number[] {
  return timestamps.map((each) =>
    each.$case === 'timestamp-authority'
      ? each.timestamp.signingTime.getTime()
      : Number(each.tlogEntry.integratedTime) * 1000,
  )
}

/** A proof has no time of its own: its log must count at each that is proven. The library asks that of promises alone. */
function refuseEndedLogs(entity: SignedEntity, { tlogs }: TrustMaterial): void {
  const times = timesOf(entity)
  for (const { inclusionPromise, logId } of entity.tlogEntries) {
    if (inclusionPromise !== undefined) continue
    const own = tlogs.filter(({ logID }) => logID.equals(logId.keyId))
    const isInForce = (time: number): boolean =>
      own.some(({ validFor: { start, end } }) => start.getTime() <= time && time <= end.getTime())
    if (!times.every(isInForce)) throw wrongEntry('a log entry is of a log that does not count at its time')
  }
}

/** An authority that a bundle brings along is not one that anybody trusts; the format has no place for it. */
function noRoots({ material }: ForeignBundle): Finding {
  const certificates = material.kind === 'certificates' ? material.certificates.map(parseCertificate) : []
  return certificates.every(({ subject, issuer }) => subject !== issuer)
    ? passed('chain', 'brings no authority of its own')
    : refused('chain', 'ERR_BUNDLE_MALFORMED', 'the bundle holds the certificate of a root')
}

function isSame(check: string, expected: string, found: string | undefined): Finding {
  return found === expected
    ? passed(check, `is \`${expected}\``)
    : refused(check, 'ERR_IDENTITY_MISMATCH', `is \`${found ?? 'nobody'}\`, not \`${expected}\``)
}

/** A timestamp may bring its authority's certificates, which nothing signs: they must be those of the trusted root. */
function refuseOtherCertificates({ json }: ForeignBundle, { timestampAuthorities }: TrustMaterial): void {
  const { timestampVerificationData: data } = timestampsShape.parse(materialOf(json))
  const known = timestampAuthorities.flatMap(({ certChain }) => certChain)
  for (const { signedTimestamp } of data?.rfc3161Timestamps ?? []) {
    for (const der of certificatesIn(Buffer.from(signedTimestamp, 'base64'))) {
      const certificate = X509Certificate.parse(der)
      if (!known.some((each) => each.equals(certificate)))
        throw new VerificationError({ code: 'TIMESTAMP_ERROR', message: 'a timestamp brings an unknown certificate' })
    }
  }
}

const timestampsShape = z.looseObject({
  timestampVerificationData: z
    .looseObject({ rfc3161Timestamps: z.array(z.looseObject({ signedTimestamp: z.string() })).optional() })
    .nullish(),
})

/** SOURCE: RFC 3161, 2.4.2 (TimeStampResp); RFC 5652, 5.1 (SignedData: `certificates` is its first tag [0]). */
function certificatesIn(timestamp: Buffer<ArrayBuffer>): readonly Buffer<ArrayBuffer>[] {
  const signedData = ASN1Obj.parseBuffer(timestamp).subs[1]?.subs[1]?.subs[0]
  const certificates = signedData?.subs.find(({ tag }) => tag.isContextSpecific(0))
  return certificates?.subs.map((each) => Buffer.from(each.toDER())) ?? []
}

type Thresholds = Readonly<{ ctlogThreshold: number; tlogThreshold: number; timestampThreshold: number }>

function verifyEntity(entity: SignedEntity, material: TrustMaterial, thresholds: Thresholds): void {
  new Verifier(withNames(material, entity), thresholds).verify(entity)
  for (const entry of entity.tlogEntries) refuseOtherTree(entry)
}

/**
 * Rekor v1 signs its checkpoints as the host that it ran on, which the library looks for in the log's address. Its key is
 * what decides there: the entry names the log by the key's hash. The next Rekor (`0.0.2` of all but in-toto) signs as the log.
 */
function withNames(material: TrustMaterial, { tlogEntries }: SignedEntity): TrustMaterial {
  const first = tlogEntries.filter(({ kindVersion: { kind, version } }) => version !== '0.0.2' || kind === 'intoto')
  const tlogs = material.tlogs.map((log) => {
    const notes = first.flatMap(({ logId, inclusionProof }) =>
      log.logID.equals(logId.keyId) ? (inclusionProof?.checkpoint?.envelope ?? []) : [],
    )
    const names = notes.flatMap((note) => [...note.matchAll(/^\u2014 (\S+) /gm)].map(([, name]) => name))
    return { ...log, baseURL: [log.baseURL, ...names].join(' ') }
  })
  return { ...material, tlogs }
}

/** The entity with a signature that is verified by what is known of the artifact. */
function entityOf({ bundle: { content }, digest }: LogQuestion, message: Bundle): SignedEntity {
  const { signature } = content.kind === 'statement' ? content.envelope : content
  const isDigest = (expected: Uint8Array) => (given: Buffer) => given.equals(expected)
  const comparisons =
    content.kind === 'statement'
      ? {
          compareDigest: isDigest(hash('sha256', content.envelope.payload, 'buffer')),
          compareSignedDigest: isDigest(
            hash('sha256', preAuthenticationEncoding(content.envelope.payloadType, content.envelope.payload), 'buffer'),
          ),
          verifySignature: (key: KeyObject) => isEnvelopeSigned(content.envelope, key),
        }
      : {
          compareDigest: isDigest(digest),
          compareSignedDigest: isDigest(digest),
          verifySignature: (key: KeyObject) => isDigestSigned(digest, signature, key),
        }
  return {
    ...toSignedEntity(message),
    signature: {
      signature: Buffer.from(signature),
      compareSignature: (given: Buffer) => given.equals(signature),
      ...comparisons,
    },
  }
}

/** v0.3 has no chain for the library: who signed is known already, and the entries are what is asked about. */
function withKeyInstead({ json }: ForeignBundle): Bundle {
  const { certificate, x509CertificateChain, publicKey, ...rest } = materialOf(json)
  return bundleFromJSON({ ...json, verificationMaterial: { ...rest, publicKey: { hint: '' } } })
}

/** v0.1 may hold a proof without what the log signed of its tree: it proves nothing, and the log's promise is there. */
function withoutBareProofs({ json, mediaType, logEntries }: ForeignBundle): unknown {
  if (!mediaType.endsWith('version=0.1')) return json
  const bare = entryShape.array().parse(logEntries)
  const tlogEntries = bare.map(({ inclusionProof, ...entry }) =>
    inclusionProof?.checkpoint === undefined ? entry : { ...entry, inclusionProof },
  )
  return { ...json, verificationMaterial: { ...materialOf(json), tlogEntries } }
}

const entryShape = z.looseObject({ inclusionProof: z.looseObject({ checkpoint: z.unknown().optional() }).nullish() })

function materialOf(json: ForeignBundle['json']): Readonly<Record<string, unknown>> {
  return json['verificationMaterial'] as Readonly<Record<string, unknown>> // its shape was proven when it was read
}

type Entry = SignedEntity['tlogEntries'][number]

/** Size and root that a proof repeats beside the checkpoint; without a promise, the index too: nothing signs them. */
function refuseOtherTree({ inclusionProof: proof, inclusionPromise, logIndex, integratedTime }: Entry): void {
  if (proof === undefined) return
  const [, size = '', root = ''] = proof.checkpoint?.envelope.split('\n') ?? []
  if (proof.treeSize !== size || proof.rootHash.toString('base64') !== root)
    throw wrongEntry('a proof speaks of another tree than its checkpoint')
  if (inclusionPromise !== undefined) return
  if (logIndex !== proof.logIndex) throw wrongEntry('a log entry has two places')
  if (integratedTime !== '0') throw wrongEntry('a log entry has a time that nobody signed')
}

/** @param spki DER of the key that the bundle was verified with */
function refuseOtherSigner({ tlogEntries }: SignedEntity, spki: Uint8Array): void {
  for (const { canonicalizedBody } of tlogEntries) {
    if (!signersOfEntry(canonicalizedBody).every((signer) => signer.equals(spki)))
      throw wrongEntry('a log entry is for another key')
  }
}

function wrongEntry(message: string): VerificationError {
  return new VerificationError({ code: 'TLOG_BODY_ERROR', message })
}

/** What the library throws, as a finding; whatever else comes out of hostile bytes refuses too. */
function judged(judge: () => readonly Finding[]): readonly Finding[] {
  try {
    return judge()
  } catch (error) {
    const [check, code] = causeOf(error)
    const because = error instanceof Error ? error.message.slice(0, 200) : 'it cannot be read'
    return [refused(check, code, because.charAt(0).toLowerCase() + because.slice(1))]
  }
}

function causeOf(error: unknown): readonly [string, ErrorCode] {
  const code = error instanceof VerificationError ? error.code : ''
  if (code === 'SIGNATURE_ERROR') return ['signature', 'ERR_SIGNATURE_INVALID']
  if (code === 'TIMESTAMP_ERROR') return ['timestamp', 'ERR_BUNDLE_TIMESTAMP']
  if (code === 'CERTIFICATE_ERROR' || code === 'PUBLIC_KEY_ERROR') return ['certificate', 'ERR_CERTIFICATE_UNTRUSTED']
  return code === '' ? ['bundle', 'ERR_BUNDLE_MALFORMED'] : ['log', 'ERR_BUNDLE_LOG_ENTRY']
}
