/**
 * The port: a signing key that never leaves what holds it. An adapter beside it for each kind of holder.
 *
 * THREAT: a holder that was taken over, or a wrong one behind the right address, signs with another key, or not at all. So
 * the key is read once and every signature is verified by it before anything is done with it.
 */
import { hash, type KeyObject, verify } from 'node:crypto'
import { DomainError } from '../../core/index.ts'
import { isP256, isSpeltOnce } from '../public-key.ts'

export type HeldKey = Readonly<{
  /** ECDSA on P-256, as the holder says. */
  publicKey: KeyObject
  /**
   * @param digest SHA-256, 32 bytes
   * @returns DER
   * @throws ERR_SIGNER_DENIED, ERR_SIGNER_UNREACHABLE, ERR_SIGNER_WRONG
   */
  signDigest(digest: Uint8Array): Promise<Uint8Array>
}>

/** Signs whole messages, and verifies what comes back. @throws ERR_SIGNER_WRONG when the key is of another kind */
export function provenSigner({ publicKey, signDigest }: HeldKey): (message: Uint8Array) => Promise<Uint8Array> {
  if (!isP256(publicKey)) throw wrong('holds a key that is not ECDSA on P-256')
  if (!isSpeltOnce(publicKey)) throw wrong('spells its public key with the point compressed or hybrid')
  return async (message) => {
    const signature = await signDigest(hash('sha256', message, 'buffer'))
    if (isSignature(message, publicKey, signature)) return signature
    throw wrong('answered with a signature that is not by its own key')
  }
}

function isSignature(message: Uint8Array, key: KeyObject, signature: Uint8Array): boolean {
  try {
    return verify('sha256', message, { key, dsaEncoding: 'der' }, signature)
  } catch {
    return false // INVARIANT: bytes that are no signature sign nothing
  }
}

export function wrong(what: string): DomainError {
  return new DomainError('ERR_SIGNER_WRONG', `what holds the key ${what}`)
}

export function denied(what: string, help?: string): DomainError {
  return new DomainError('ERR_SIGNER_DENIED', `what holds the key ${what}`, help === undefined ? {} : { help })
}

export function unreachable(what: string): DomainError {
  return new DomainError('ERR_SIGNER_UNREACHABLE', `what holds the key ${what}`)
}
