/**
 * A private key in a file: who may read it is checked before it is read.
 *
 * Used by the signer's process for the key itself, and by the key home for everything around it.
 */

import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto'
import { closeSync, constants, fstatSync, lstatSync, openSync, readFileSync } from 'node:fs'
import { DomainError } from '../core/index.ts'
import { behindIt, holdsMorePrivate, isOfKnownKind, isSpeltOnce } from './public-key.ts'

/** LIMIT: a key file is at most 64 KiB. */
const maxKeyBytes = 64 * 1024

/**
 * Opens a PKCS8 key, encrypted or not.
 *
 * @throws ERR_KEY_HOME when there is no such file
 * @throws ERR_KEY_EXPOSED when others could read it, or replace it
 * @throws ERR_KEY_LOCKED when it is encrypted and the passphrase is missing or wrong
 * @throws ERR_KEY_MALFORMED when it is neither an ECDSA key on P-256 nor an Ed25519 key
 */
export function readPrivateKey(path: string, passphrase: string | undefined): KeyObject {
  const pem = readSecretFile(path).toString('utf8')
  if (holdsMorePrivate(pem)) throw new DomainError('ERR_KEY_MALFORMED', `the key \`${path}\` ${behindIt}`)
  if (isEncryptedPem(pem) && (passphrase === undefined || passphrase === '')) {
    throw new DomainError('ERR_KEY_LOCKED', `the key \`${path}\` is encrypted and there is no passphrase`)
  }
  const key = decodeKey(pem, path, passphrase)
  if (!isOfKnownKind(key))
    throw new DomainError(
      'ERR_KEY_MALFORMED',
      `the key \`${path}\` is neither an ECDSA key on P-256 nor an Ed25519 key`,
    )
  if (!isSpeltOnce(createPublicKey(key)))
    throw new DomainError(
      'ERR_KEY_MALFORMED',
      `the key \`${path}\` has its point compressed or hybrid: write it anew (openssl ec -conv_form uncompressed)`,
    )
  return key
}

/** PKCS8 with PBES2, or an old PEM with DEK-Info. */
export function isEncryptedPem(pem: string): boolean {
  return pem.includes('ENCRYPTED')
}

function decodeKey(pem: string, path: string, passphrase: string | undefined): KeyObject {
  try {
    return createPrivateKey({ key: pem, format: 'pem', ...(passphrase === undefined ? {} : { passphrase }) })
  } catch {
    // The cause is dropped: an OpenSSL message must not carry anything of the key or of the passphrase.
    if (isEncryptedPem(pem)) {
      throw new DomainError('ERR_KEY_LOCKED', `the passphrase does not open the key \`${path}\``)
    }
    throw new DomainError('ERR_KEY_MALFORMED', `\`${path}\` is not PEM of a private key`)
  }
}

/**
 * The bytes of a file that only its owner may read.
 *
 * THREAT: a key that others could read signs nothing that can be believed. The descriptor that was examined is the one
 * that is read.
 *
 * @throws ERR_KEY_HOME, ERR_KEY_EXPOSED
 */
export function readSecretFile(path: string): Buffer {
  const fd = openSecret(path)
  try {
    const status = fstatSync(fd)
    if (!status.isFile()) throw new DomainError('ERR_KEY_MALFORMED', `\`${path}\` is not a file`)
    if (status.size > maxKeyBytes) throw new DomainError('ERR_KEY_MALFORMED', `\`${path}\` is too large for a key`)
    refuseExposed(path, status.mode, status.uid, 0o077)
    return readFileSync(fd)
  } finally {
    closeSync(fd)
  }
}

function openSecret(path: string): number {
  try {
    return openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW)
  } catch (cause) {
    throw new DomainError('ERR_KEY_HOME', `the key \`${path}\` cannot be opened`, { cause })
  }
}

/**
 * THREAT: a folder that others may write lets them put another key in place of ours. A sticky one, as /tmp, does not.
 *
 * @throws ERR_KEY_HOME when it is not there, ERR_KEY_EXPOSED
 */
export function refuseExposedFolder(folder: string): void {
  const status = lstatSync(folder, { throwIfNoEntry: false })
  if (status === undefined) throw new DomainError('ERR_KEY_HOME', `the folder \`${folder}\` is not there`)
  refuseExposed(folder, status.mode, status.uid, (status.mode & 0o1000) === 0 ? 0o022 : 0)
}

/** @param forbidden mode bits that nobody else may have */
function refuseExposed(path: string, mode: number, owner: number, forbidden: number): void {
  const user = process.getuid?.()
  // In a container a mounted key keeps its owner's id, and root reads it.
  const isOurs = user === undefined || user === 0 || owner === user || owner === 0
  if (isOurs && (mode & forbidden) === 0) return
  const shown = (mode & 0o777).toString(8).padStart(3, '0')
  throw new DomainError('ERR_KEY_EXPOSED', `others have access to \`${path}\` (mode ${shown})`, {
    help: isOurs ? `chmod go-rwx ${path}` : 'keep the key in a folder of your own',
  })
}
