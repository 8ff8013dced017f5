/**
 * The key of the signer's transparency log: Ed25519, which C2SP's verifiers and witnesses read, derived from the signing
 * key by HKDF, so that there is no second secret to keep, to back up or to lose. DECISION 0041.
 *
 * A local log proves no time against the holder of its key (trust.md section 4): that is what witnesses are for.
 */
import { createPrivateKey, createPublicKey, hkdfSync, type KeyObject } from 'node:crypto'
import { hexOf } from '../../core/index.ts'
import { checkpointText, logOrigin } from '../tlog/checkpoint-text.ts'
import { noteKeyOf, printNote, rawPublic, signNote } from '../tlog/note.ts'
import type { LogHead } from './protocol.ts'

/** What stands before the 32 bytes of an Ed25519 key in PKCS8. Source: RFC 8410 section 7. */
const pkcs8Prefix = Buffer.from('302e020100300506032b657004220420', 'hex')

/** @param key private, ECDSA or Ed25519: its JWK has `d` either way */
export function deriveLogKey(key: KeyObject): KeyObject {
  const secret = Buffer.from(String(key.export({ format: 'jwk' }).d), 'base64url')
  const seed = Buffer.from(hkdfSync('sha256', secret, 'assay.dev', 'transparency log v1', 32))
  return createPrivateKey({ key: Buffer.concat([pkcs8Prefix, seed]), format: 'der', type: 'pkcs8' })
}

/** 32 bytes. */
export function publicLogKey(logKey: KeyObject): Buffer {
  return rawPublic(createPublicKey(logKey))
}

/** The bytes of the signed note. */
export function signCheckpoint({ id, size, root }: LogHead, logKey: KeyObject): Uint8Array {
  const origin = logOrigin(id)
  const text = checkpointText(origin, { size, root: Buffer.from(hexOf(root), 'hex') })
  const key = noteKeyOf(origin, 'log', publicLogKey(logKey))
  return Buffer.from(printNote({ text, signatures: [signNote(text, key, logKey)] }))
}
