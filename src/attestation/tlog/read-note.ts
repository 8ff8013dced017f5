/** Signed notes from hostile bytes: parsed strictly, then held against the keys that are known. SOURCE: C2SP signed-note.md. */
import { verify } from 'node:crypto'
import { DomainError } from '../../core/index.ts'
import {
  cosignedBytes,
  type Note,
  type NoteKey,
  type NoteRole,
  type NoteSignature,
  noteKeyOf,
  noteTypes,
} from './note.ts'

/** LIMIT: a note is at most 64 KiB, with at most 64 signatures. */
const maxNoteBytes = 64 * 1024
const maxSignatures = 64

/**
 * Reads hostile bytes; nothing is verified.
 *
 * @throws ERR_TLOG_MALFORMED
 */
export function parseNote(bytes: Uint8Array): Note {
  const whole = readText(bytes)
  const split = whole.lastIndexOf('\n\n')
  if (split < 0 || !whole.endsWith('\n')) throw malformed('has no signatures')
  const lines = whole.slice(split + 2, -1).split('\n')
  if (lines.length > maxSignatures) throw malformed(`has more than ${maxSignatures} signatures`)
  return { text: whole.slice(0, split + 1), signatures: lines.map(parseSignature) }
}

/** @throws ERR_TLOG_MALFORMED when the line is no signature of a note */
export function parseSignature(line: string): NoteSignature {
  const [, name, encoded] = /^— (\S+) (\S+)$/u.exec(line) ?? []
  if (name === undefined || encoded === undefined || !isNoteName(name)) throw malformed('has a line that signs nothing')
  const bytes = decodeBase64(encoded)
  if (bytes === undefined || bytes.length < 5) throw malformed(`has a signature of \`${name}\` that is not base64`)
  return { name, id: bytes.subarray(0, 4).toString('hex'), blob: bytes.subarray(4) }
}

/** The verifier key's text. @throws ERR_TLOG_MALFORMED when it is none, or not of Ed25519 */
export function parseNoteKey(text: string): NoteKey {
  const [, name, id, encoded] = /^([^\s+]+)\+([0-9a-f]{8})\+(\S+)$/.exec(text.trim()) ?? []
  if (name === undefined || id === undefined || encoded === undefined || !isNoteName(name)) throw badKey(text)
  const bytes = decodeBase64(encoded)
  if (bytes?.length !== 33) throw badKey(text)
  const role = (Object.keys(noteTypes) as NoteRole[]).find((each) => noteTypes[each] === bytes[0]) // keys of the table
  if (role === undefined) throw badKey(text)
  const key = noteKeyOf(name, role, bytes.subarray(1))
  if (key.id !== id) throw badKey(text)
  return key
}

export type NoteVerdict = Readonly<{ key: NoteKey /** When the witness says that it signed. */; at?: Date }>

/**
 * Which of the keys signed the note, each once.
 *
 * @throws ERR_TLOG_SIGNATURE when a signature in the name of one of them does not hold
 */
export function verifyNote({ text, signatures }: Note, keys: readonly NoteKey[]): readonly NoteVerdict[] {
  const found = new Map<NoteKey, NoteVerdict>()
  for (const signature of signatures) {
    for (const key of keys) {
      if (key.name !== signature.name || key.id !== signature.id) continue
      const verdict = verdictOf(text, signature, key)
      if (verdict === undefined) {
        throw new DomainError(
          'ERR_TLOG_SIGNATURE',
          `the signature of \`${key.name}\` does not hold: the text was changed`,
        )
      }
      if (!found.has(key)) found.set(key, verdict)
    }
  }
  return [...found.values()]
}

function verdictOf(text: string, { blob }: NoteSignature, key: NoteKey): NoteVerdict | undefined {
  if (key.role === 'log') return verify(null, Buffer.from(text), key.key, blob) ? { key } : undefined
  if (blob.length !== 72) return undefined
  const seconds = Buffer.from(blob).readBigUInt64BE(0)
  if (seconds > 253_402_300_799n) return undefined // the year 9999
  if (!verify(null, cosignedBytes(text, seconds), key.key, blob.subarray(8))) return undefined
  return { key, at: new Date(Number(seconds) * 1000) }
}

/** @throws ERR_TLOG_MALFORMED */
function readText(bytes: Uint8Array): string {
  if (bytes.length > maxNoteBytes) throw malformed(`has ${bytes.length} bytes, the limit is ${maxNoteBytes}`)
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch (cause) {
    throw malformed('is not UTF-8', cause)
  }
  if (/[\u0000-\u0009\u000b-\u001f\u007f]/.test(text)) throw malformed('holds control characters')
  return text
}

export function isNoteName(name: string): boolean {
  return name !== '' && name.length <= 255 && !/[\s+]/u.test(name)
}

/** Standard alphabet, padded, canonical. THREAT: a second spelling of the same bytes would survive a flipped bit. */
export function decodeBase64(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64')
  return bytes.toString('base64') === text ? bytes : undefined
}

function badKey(text: string): DomainError {
  return new DomainError('ERR_TLOG_MALFORMED', `\`${text.slice(0, 200)}\` is not the key of a log or a witness`, {
    help: 'write it as assay tlog append prints it: NAME+8 HEX+BASE64',
  })
}

function malformed(what: string, cause?: unknown): DomainError {
  return new DomainError('ERR_TLOG_MALFORMED', `the note ${what}`, { cause })
}
