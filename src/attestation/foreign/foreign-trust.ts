/** What a foreign bundle is judged by: a key, authorities, or an identity and who vouches for it. */
import { createPublicKey, hash, type KeyObject, X509Certificate } from 'node:crypto'
import { DomainError } from '../../core/index.ts'
import { behindIt, hintOf, holdsMore, isSpeltOnce, pemOf, respelt } from '../public-key.ts'
import type { ForeignMaterial } from './foreign-bundle.ts'
import { isVerifiable } from './signature.ts'

export type ForeignTrust =
  | Readonly<{ kind: 'key'; key: KeyObject }>
  | Readonly<{ kind: 'authorities'; roots: readonly X509Certificate[] }>
  /** Both are compared letter by letter, never as patterns. */
  | Readonly<{ kind: 'identity'; identity: string; issuer: string }>

/** LIMIT: a PEM file is at most 1 MiB. */
const maxPemChars = 1024 * 1024

/**
 * A key that others sign with: ECDSA on P-256, P-384 or P-521, or Ed25519; text around the PEM is left out.
 *
 * @throws ERR_KEY_MALFORMED, for a private key too
 */
export function parseForeignKey(pem: string): KeyObject {
  if (pem.length > maxPemChars || pem.includes('PRIVATE KEY-----') || !pem.includes('-----BEGIN PUBLIC KEY-----'))
    throw new DomainError('ERR_KEY_MALFORMED', 'the key is not PEM of a public key')
  if (holdsMore(pem)) throw new DomainError('ERR_KEY_MALFORMED', `the key ${behindIt}`)
  let key: KeyObject
  try {
    key = createPublicKey({ key: pem, format: 'pem' })
  } catch (cause) {
    throw new DomainError('ERR_KEY_MALFORMED', 'the key is not PEM of a public key', { cause })
  }
  if (!isVerifiable(key))
    throw new DomainError('ERR_KEY_MALFORMED', 'the key is neither ECDSA on P-256, P-384 or P-521 nor Ed25519')
  // THREAT: a key that was revoked, by another hint.
  if (!isSpeltOnce(key)) throw new DomainError('ERR_KEY_MALFORMED', `the key ${respelt}`)
  return key
}

/**
 * Every certificate of a PEM file, in its order.
 *
 * @throws ERR_CERTIFICATE_MALFORMED when there is none, or one cannot be read
 */
export function parseCertificates(pem: string): readonly X509Certificate[] {
  const blocks =
    pem.length > maxPemChars ? null : pem.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g)
  if (blocks === null) throw new DomainError('ERR_CERTIFICATE_MALFORMED', 'there is no PEM of a certificate')
  return blocks.map((block) => parseCertificate(block))
}

/** @param encoded PEM, or exactly its DER @throws ERR_CERTIFICATE_MALFORMED */
export function parseCertificate(encoded: string | Uint8Array): X509Certificate {
  try {
    const certificate = new X509Certificate(encoded)
    // The key is read when it is asked for only, and throws then.
    if (certificate.publicKey.asymmetricKeyType === undefined) throw new Error('a key of no known kind')
    // THREAT: what OpenSSL reads of bytes is the certificate at their beginning, whatever stands behind it.
    if (typeof encoded !== 'string' && !certificate.raw.equals(encoded)) throw new Error('another spelling')
    return certificate
  } catch (cause) {
    throw new DomainError('ERR_CERTIFICATE_MALFORMED', 'a certificate cannot be read', { cause })
  }
}

/**
 * May what a bundle says of its key stand for this key? It proves nothing: one that names another is not what was meant.
 *
 * Known fingerprints must fit: hex SHA-256 of the PEM (model_signing), base64 SHA-256 of the SPKI (cosign), its hex; a
 * short hint is free text. A key that stands there itself must be this one. SOURCE: sigstore_common.proto
 * PublicKeyIdentifier, PublicKeyDetails; model-transparency sign_ec_key.py, sign_sigstore_pb.py.
 */
export function isMeantBy(
  { hint, statedKey, statedKind }: Extract<ForeignMaterial, { kind: 'key' }>,
  key: KeyObject,
): boolean {
  const spki = key.export({ type: 'spki', format: 'der' })
  const isHint = hint.length < 40 || [modelHintOf(key), hintOf(key), hash('sha256', spki, 'hex')].includes(hint)
  const isKey = statedKey === undefined || [spki, Buffer.from(pemOf(key))].some((each) => each.equals(statedKey))
  return isHint && isKey && (statedKind === undefined || statedKind === kindOf(key))
}

/** SOURCE: sigstore_common.proto PublicKeyDetails. */
const kinds: Readonly<Record<string, string>> = {
  prime256v1: 'PKIX_ECDSA_P256_SHA_256',
  secp384r1: 'PKIX_ECDSA_P384_SHA_384',
  secp521r1: 'PKIX_ECDSA_P521_SHA_512',
}

function kindOf({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): string | undefined {
  return asymmetricKeyType === 'ed25519' ? 'PKIX_ED25519' : kinds[asymmetricKeyDetails?.namedCurve ?? '']
}

/** The hint that model_signing writes and asks for. */
export function modelHintOf(key: KeyObject): string {
  return hash('sha256', pemOf(key), 'hex')
}
