/**
 * Signed notes: a text, and below it one line for each signature. What checkpoints are.
 *
 * Ed25519 only: type 1 signs the text, type 4 (a witness) signs the text with a time before it. Signatures of keys that
 * nobody knows are passed over; one of a known key that does not hold refuses the whole note. Reading: `read-note.ts`.
 * SOURCE: C2SP signed-note.md, tlog-cosignature.md.
 */
import { createPublicKey, hash, type KeyObject, sign } from 'node:crypto'

/** The byte before the key in its text, and in its id. */
export const noteTypes = { log: 1, witness: 4 } as const
export type NoteRole = keyof typeof noteTypes

/** A key that signs notes, as its verifiers know it: `<name>+<8 hex>+<base64>`. */
export type NoteKey = Readonly<{ name: string; role: NoteRole; id: string; key: KeyObject }>

/** `id` is 8 hex digits; `blob` what stands behind it, a signature or more. */
export type NoteSignature = Readonly<{ name: string; id: string; blob: Uint8Array }>

/** `text` ends with a line end, and is what is signed. */
export type Note = Readonly<{ text: string; signatures: readonly NoteSignature[] }>

export function printNote({ text, signatures }: Note): string {
  return `${text}\n${signatures.map(printSignature).join('')}`
}

export function printSignature({ name, id, blob }: NoteSignature): string {
  return `— ${name} ${Buffer.concat([Buffer.from(id, 'hex'), blob]).toString('base64')}\n`
}

/** @param publicBytes 32 bytes, Ed25519 */
export function noteKeyOf(name: string, role: NoteRole, publicBytes: Uint8Array): NoteKey {
  const tag = Buffer.of(noteTypes[role])
  const digest = hash('sha256', Buffer.concat([Buffer.from(`${name}\n`), tag, publicBytes]), 'buffer')
  const x = Buffer.from(publicBytes).toString('base64url')
  const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' })
  return { name, role, id: digest.subarray(0, 4).toString('hex'), key }
}

export function printNoteKey({ name, role, id, key }: NoteKey): string {
  return `${name}+${id}+${Buffer.concat([Buffer.of(noteTypes[role]), rawPublic(key)]).toString('base64')}`
}

/** @returns 32 bytes */
export function rawPublic(key: KeyObject): Buffer {
  return Buffer.from(String(key.export({ format: 'jwk' }).x), 'base64url')
}

/** A log's signature on a note. @param text ends with a line end */
export function signNote(text: string, key: NoteKey, privateKey: KeyObject): NoteSignature {
  return { name: key.name, id: key.id, blob: sign(null, Buffer.from(text), privateKey) }
}

/** A witness's: that it saw this text at this second, and nothing of the log that contradicts it. */
export function cosignNote(
  text: string,
  key: NoteKey,
  signed: Readonly<{ privateKey: KeyObject; at: Date }>,
): NoteSignature {
  const seconds = BigInt(Math.floor(signed.at.getTime() / 1000))
  const time = Buffer.alloc(8)
  time.writeBigUInt64BE(seconds)
  const signature = sign(null, cosignedBytes(text, seconds), signed.privateKey)
  return { name: key.name, id: key.id, blob: Buffer.concat([time, signature]) }
}

/** What a witness signs: the text, with the second before it. */
export function cosignedBytes(text: string, seconds: bigint): Buffer {
  return Buffer.from(`cosignature/v1\ntime ${seconds}\n${text}`)
}
