/**
 * RFC 3161 timestamps: that a signature existed at a moment, by the word of an authority that the policy lists.
 *
 * Kept in one spelling: of a response, what the authority signed and nothing else, in a frame that is always the same.
 * THREAT: what nothing signs (a status text, certificates, algorithms said twice) could be changed unseen.
 * SOURCE: RFC 3161, 2.4; RFC 5652, 5.1 to 5.4; RFC 5816.
 */
import { hash, type KeyObject, verify, X509Certificate } from 'node:crypto'
import { DomainError } from '../../core/index.ts'
import type { ProvenTime } from '../trust-policy.ts'
import { type DerValue, readDer, tags, writeDer } from './der.ts'

export type TimestampAuthority = Readonly<{
  /** As its certificate calls it. */
  name: string
  key: KeyObject
  /** DER of the issuer's name and the serial number: what a timestamp names its signer by. */
  signerId: Uint8Array
  /** The certificate counts from and until. */
  from: Date
  until: Date
}>

const oidOf = (...bytes: readonly number[]): Uint8Array => writeDer(tags.oid, Uint8Array.from(bytes))
const signedDataOid = oidOf(0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02)
const timestampInfoOid = oidOf(0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x10, 0x01, 0x04)
const contentTypeOid = oidOf(0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x03)
const messageDigestOid = oidOf(0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x04)
const hashOids = {
  sha256: oidOf(0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01),
  sha384: oidOf(0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02),
  sha512: oidOf(0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x03),
} as const
type HashName = keyof typeof hashOids
/** ecdsa-with-SHA256 to SHA512, and shaNNNWithRSAEncryption, by their last byte. */
const signatureOids = {
  ec: (name: HashName) => [oidOf(0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, { sha256: 2, sha384: 3, sha512: 4 }[name])],
  rsa: (name: HashName) => [
    oidOf(0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, { sha256: 11, sha384: 12, sha512: 13 }[name]),
    writeDer(tags.null),
  ],
} as const
const timestamping = '1.3.6.1.5.5.7.3.8'

const integer = (value: number): Uint8Array => writeDer(tags.integer, Uint8Array.of(value))
const sequence = (...contents: readonly Uint8Array[]): Uint8Array => writeDer(tags.sequence, ...contents)

/**
 * An authority by its own certificate, the one that signs timestamps.
 *
 * @throws RangeError, or Error of Node, when it is no such certificate
 */
export function parseAuthority(pem: string): TimestampAuthority {
  const certificate = new X509Certificate(pem)
  if (certificate.keyUsage?.length !== 1 || certificate.keyUsage[0] !== timestamping)
    throw new RangeError('is not made for timestamps alone')
  const key = certificate.publicKey
  if (key.asymmetricKeyType !== 'ec' && key.asymmetricKeyType !== 'rsa')
    throw new RangeError('has a key of another kind')
  const name = /^CN=(.*)$/m.exec(certificate.subject)?.[1] ?? certificate.subject.replaceAll('\n', ', ')
  return {
    name,
    key,
    signerId: signerIdOf(certificate.raw),
    from: certificate.validFromDate,
    until: certificate.validToDate,
  }
}

/** SOURCE: RFC 5280, 4.1: version, serial number, algorithm, issuer. */
function signerIdOf(raw: Uint8Array): Uint8Array {
  const [certificate] = readDer(raw)
  const [body] = readDer(certificate?.content ?? raw)
  const fields = readDer(body?.content ?? raw)
  const [serial, , issuer] = fields[0]?.tag === tags.first ? fields.slice(1) : fields
  if (serial === undefined || issuer === undefined) throw new RangeError('is not a certificate')
  return sequence(issuer.whole, serial.whole)
}

/** DER to send to an authority. @param nonce bytes of which the first is 1 to 127 */
export function printTimestampRequest(signature: Uint8Array, nonce: Uint8Array): Uint8Array {
  return sequence(integer(1), imprintOf(signature), writeDer(tags.integer, nonce))
}

function imprintOf(signature: Uint8Array): Uint8Array {
  return sequence(
    sequence(hashOids.sha256, writeDer(tags.null)),
    writeDer(tags.octets, hash('sha256', signature, 'buffer')),
  )
}

/**
 * What is kept of an authority's response, in its one spelling; `verifyTimestamp` believes it afterwards.
 *
 * @throws ERR_TIMESTAMP_FAILED when the response refuses, answers something else, or is of none of the authorities
 */
export function acceptTimestamp(
  response: Uint8Array,
  {
    signature,
    nonce,
    authorities,
  }: Readonly<{
    signature: Uint8Array
    nonce: Uint8Array
    authorities: readonly TimestampAuthority[]
  }>,
): Uint8Array {
  try {
    const parts = partsOf(response)
    const asked = writeDer(tags.integer, nonce)
    if (!fieldsOf(parts.info).some(({ whole }) => isSame(whole, asked))) throw new RangeError('answers another request')
    const signer = authorities.find(({ signerId }) => isSame(signerId, parts.signerId))
    if (signer === undefined) throw new RangeError('is of an authority that the policy does not list')
    const kept = printTimestamp(parts, signer)
    verifyTimestamp(kept, signature, [signer])
    return kept
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : 'cannot be read'
    throw new DomainError('ERR_TIMESTAMP_FAILED', `the timestamp ${why}`, { cause })
  }
}

/**
 * When a signature existed, by one of the authorities.
 *
 * Trust: `timestamp` is hostile; `authorities` are the policy's.
 *
 * @throws ERR_BUNDLE_TIMESTAMP
 */
export function verifyTimestamp(
  timestamp: Uint8Array,
  signature: Uint8Array,
  authorities: readonly TimestampAuthority[],
): ProvenTime {
  const refusal = (what: string, cause?: unknown): DomainError =>
    new DomainError('ERR_BUNDLE_TIMESTAMP', `the timestamp ${what}`, { cause })
  let parts: Parts
  try {
    parts = partsOf(timestamp)
  } catch (cause) {
    throw refusal('is none', cause)
  }
  const named = authorities.filter(({ signerId }) => isSame(signerId, parts.signerId))
  if (named.length === 0) throw refusal('is of an authority that the policy does not list')
  const signer = named.find((authority) => isSignedBy(parts, authority))
  if (signer === undefined || !isSame(printTimestamp(parts, signer), timestamp)) throw refusal('was changed')
  const fields = fieldsOf(parts.info)
  const [version, , imprint, , time] = fields
  if (!isSame(version?.whole, integer(1)) || !isImprintOf(imprint, signature)) throw refusal('is for another signature')
  const at = timeOf(time)
  if (at === undefined) throw refusal('says no time')
  if (at < signer.from || at > signer.until)
    throw refusal(`is dated ${at.toISOString()}, when its authority's certificate did not count`)
  return { at, by: signer.name }
}

type Parts = Readonly<{
  digest: HashName
  signerId: Uint8Array
  /** TSTInfo, whole. */
  info: Uint8Array
  /** Content of the signed attributes. */
  attributes: Uint8Array
  signature: Uint8Array
}>

/** @throws RangeError when the bytes are no TimeStampResp that grants one */
function partsOf(bytes: Uint8Array): Parts {
  const [response] = readDer(bytes)
  const [status, token] = childrenOf(response, tags.sequence)
  const [granted] = childrenOf(status, tags.sequence)
  if (granted?.tag !== tags.integer || (granted.content[0] ?? 2) > 1)
    throw new RangeError('was refused by its authority')
  const [, wrapped] = childrenOf(token, tags.sequence)
  const [signedData] = childrenOf(wrapped, tags.first)
  const fields = childrenOf(signedData, tags.sequence)
  const [, holder] = childrenOf(fields[2], tags.sequence)
  const [held] = childrenOf(holder, tags.first)
  if (held?.tag !== tags.octets) throw new RangeError('has no content')
  const signers = childrenOf(fields.at(-1), tags.set)
  if (signers.length !== 1) throw new RangeError('has not exactly one signer')
  const [, signerId, algorithm, attributes, , signature] = childrenOf(signers[0], tags.sequence)
  if (attributes?.tag !== tags.first || signature?.tag !== tags.octets || signerId === undefined)
    throw new RangeError('has no signed attributes')
  const [oid] = childrenOf(algorithm, tags.sequence)
  const digest = (['sha256', 'sha384', 'sha512'] as const).find((name) => isSame(hashOids[name], oid?.whole))
  if (digest === undefined) throw new RangeError('is by a hash that is not known')
  return {
    digest,
    signerId: signerId.whole,
    info: held.content,
    attributes: attributes.content,
    signature: signature.content,
  }
}

/** The one spelling. */
function printTimestamp(
  { digest, signerId, info, attributes, signature }: Parts,
  { key }: Pick<TimestampAuthority, 'key'>,
): Uint8Array {
  const algorithm = sequence(hashOids[digest])
  const kind = key.asymmetricKeyType === 'rsa' ? 'rsa' : 'ec'
  const signer = sequence(
    integer(1),
    signerId,
    algorithm,
    writeDer(tags.first, attributes),
    sequence(...signatureOids[kind](digest)),
    writeDer(tags.octets, signature),
  )
  const content = sequence(timestampInfoOid, writeDer(tags.first, writeDer(tags.octets, info)))
  const signedData = sequence(integer(3), writeDer(tags.set, algorithm), content, writeDer(tags.set, signer))
  return sequence(sequence(integer(0)), sequence(signedDataOid, writeDer(tags.first, signedData)))
}

/** SOURCE: RFC 5652, 5.4: the attributes are signed as a SET, and say type and digest of the content. */
function isSignedBy({ digest, info, attributes, signature }: Parts, { key }: TimestampAuthority): boolean {
  const said = (oid: Uint8Array): readonly DerValue[] =>
    readDer(attributes).flatMap((attribute) => {
      const [name, values] = childrenOf(attribute, tags.sequence)
      return isSame(oid, name?.whole) ? childrenOf(values, tags.set) : []
    })
  try {
    const [type, digests] = [said(contentTypeOid), said(messageDigestOid)]
    const expected = writeDer(tags.octets, hash(digest, info, 'buffer'))
    if (type.length !== 1 || !isSame(type[0]?.whole, timestampInfoOid)) return false
    if (digests.length !== 1 || !isSame(digests[0]?.whole, expected)) return false
    return verify(digest, writeDer(tags.set, attributes), key, signature)
  } catch {
    return false // INVARIANT: bytes that are no signature sign nothing
  }
}

function isImprintOf(imprint: DerValue | undefined, signature: Uint8Array): boolean {
  const [algorithm, digest] = childrenOf(imprint, tags.sequence)
  const [oid] = childrenOf(algorithm, tags.sequence)
  return isSame(hashOids.sha256, oid?.whole) && isSame(digest?.content, hash('sha256', signature, 'buffer'))
}

function fieldsOf(info: Uint8Array): readonly DerValue[] {
  const [value] = readDer(info)
  return childrenOf(value, tags.sequence)
}

/** GeneralizedTime in UTC. SOURCE: RFC 3161, 2.4.2. */
function timeOf(value: DerValue | undefined): Date | undefined {
  if (value?.tag !== tags.generalizedTime) return undefined
  const text = Buffer.from(value.content).toString('latin1')
  const [, year, month, day, hour, minute, second, fraction = ''] =
    /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\.\d{1,9})?Z$/.exec(text) ?? []
  const at = new Date(`${year}-${month}-${day}T${hour}:${minute}:${second}${fraction}Z`)
  return Number.isNaN(at.getTime()) ? undefined : at
}

/** @throws RangeError when it is not there, or of another tag */
function childrenOf(value: DerValue | undefined, tag: number): readonly DerValue[] {
  if (value?.tag !== tag) throw new RangeError('has another shape')
  return readDer(value.content)
}

function isSame(left: Uint8Array | undefined, right: Uint8Array | undefined): boolean {
  return left !== undefined && right !== undefined && Buffer.compare(left, right) === 0
}
