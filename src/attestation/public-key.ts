/** Public keys: ECDSA on P-256 and Ed25519, named by the hash of their SPKI. */
import { createPublicKey, hash, type KeyObject } from 'node:crypto'
import { DomainError } from '../core/index.ts'
import { isSoundPoint } from './ed25519.ts'

/** LIMIT: a PEM file is at most 64 KiB. */
const maxPemChars = 64 * 1024
/** Named curve and uncompressed point, whose form is a byte. SOURCE: RFC 5480 section 2; SEC 1, 2.3.3. */
const [spkiBytes, formAt, uncompressed] = [91, 26, 4]
/** What stands before the 32 bytes of an Ed25519 key. SOURCE: RFC 8410 section 4. */
const headerBytes = 12

/**
 * A public key from its SPKI PEM.
 *
 * THREAT: with its point in another form it is the same key by another hint: one key under two names reaches a threshold of
 * two, and a revoked one is not known again. An Ed25519 key of small order is one that anybody can sign for.
 *
 * @throws ERR_KEY_MALFORMED when it is no PEM, holds a private key or a second one, is neither ECDSA on P-256 nor Ed25519, or is spelt
 *   otherwise than OpenSSL writes it
 */
export function parsePublicKey(pem: string): KeyObject {
  if (pem.length > maxPemChars || pem.includes('PRIVATE') || holdsMore(pem)) throw malformed('is not one public key')
  let key: KeyObject
  try {
    key = createPublicKey({ key: pem, format: 'pem' })
  } catch (cause) {
    throw malformed('is not PEM of a public key', cause)
  }
  if (!isOfKnownKind(key)) throw malformed('is neither an ECDSA key on P-256 nor an Ed25519 key')
  if (!isSpeltOnce(key)) throw malformed(respelt)
  const spki = key.export({ type: 'spki', format: 'der' })
  if (isEd25519(key) && !isSoundPoint(spki.subarray(headerBytes)))
    throw malformed('is no point that only its owner can sign for')
  return key
}

/** What is said of a key that is not spelt so. */
export const respelt = 'has its point compressed or hybrid: openssl ec -pubin -conv_form uncompressed'

/**
 * Whether a key, or anything else, stands behind the first in a PEM file.
 *
 * THREAT: OpenSSL reads the first and says nothing of the others: who looks at the file may mean another.
 */
export function holdsMore(pem: string): boolean {
  return pem.split('-----BEGIN ').length > 2
}

/** As `holdsMore`, of private keys: their curve, a certificate and their public key may stand beside. */
export function holdsMorePrivate(pem: string): boolean {
  return pem.split(/-----BEGIN [A-Z ]*PRIVATE KEY-----/).length > 2
}

/** What is said of a key with another behind it. */
export const behindIt = 'is not alone in its file: only the first is read'

/** Is the point of a public key on P-256 uncompressed, so that the key has one hint? Of any other kind, yes. */
export function isSpeltOnce(key: KeyObject): boolean {
  if (!isP256(key)) return true
  const spki = key.export({ type: 'spki', format: 'der' })
  return spki.length === spkiBytes && spki[formAt] === uncompressed
}

export function isP256(key: KeyObject): boolean {
  return key.asymmetricKeyType === 'ec' && key.asymmetricKeyDetails?.namedCurve === 'prime256v1'
}

export function isEd25519({ asymmetricKeyType }: Pick<KeyObject, 'asymmetricKeyType'>): boolean {
  return asymmetricKeyType === 'ed25519'
}

/** Kinds of keys that evidence is signed with. */
export function isOfKnownKind(key: KeyObject): boolean {
  return isP256(key) || isEd25519(key)
}

/** Which hash a signature is made with; Ed25519 has its own. */
export function hashFor(key: Pick<KeyObject, 'asymmetricKeyType'>): 'sha256' | null {
  return isEd25519(key) ? null : 'sha256'
}

/** base64 SHA-256 of the SPKI DER: the hint that cosign writes. Source: sigstore protobuf-specs, PublicKeyIdentifier. */
export function hintOf(key: KeyObject): string {
  return hash('sha256', key.export({ type: 'spki', format: 'der' }), 'base64')
}

/** SPKI PEM, 64 columns, final newline. */
export function pemOf(key: KeyObject): string {
  return key.export({ type: 'spki', format: 'pem' }).toString()
}

function malformed(what: string, cause?: unknown): DomainError {
  return new DomainError('ERR_KEY_MALFORMED', `the key ${what}`, { cause })
}
