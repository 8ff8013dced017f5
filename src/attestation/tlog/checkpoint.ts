/**
 * A checkpoint: which log, how many entries, which root; signed by the log, countersigned by witnesses.
 *
 * SOURCE: C2SP tlog-checkpoint.md. The log's key is called as its origin is, as that page asks for.
 */
import { DomainError } from '../../core/index.ts'
import type { TreeHead } from './checkpoint-text.ts'
import { emptyRoot, hashBytes, isSameHash } from './merkle.ts'
import type { Note, NoteKey } from './note.ts'
import { decodeBase64, parseNote, verifyNote } from './read-note.ts'

export type Checkpoint = TreeHead & Readonly<{ origin: string; note: Note }>

/** Who must have signed. `threshold` counts witnesses. */
export type CheckpointTrust = Readonly<{ log: NoteKey; witnesses: readonly NoteKey[]; threshold: number }>

export type VerifiedCheckpoint = Checkpoint & Readonly<{ witnesses: readonly Readonly<{ name: string; at: Date }>[] }>

/**
 * Reads hostile bytes; nothing is verified.
 *
 * LIMIT: 2^53 - 1 entries; extension lines are refused: nothing here would understand them.
 *
 * @throws ERR_TLOG_MALFORMED
 */
export function parseCheckpoint(bytes: Uint8Array): Checkpoint {
  const note = parseNote(bytes)
  const [origin = '', sizeText = '', rootText = '', end, ...more] = note.text.split('\n')
  if (origin === '' || end !== '' || more.length > 0) throw malformed('does not have exactly three lines')
  const root = decodeBase64(rootText)
  if (root?.length !== hashBytes) throw malformed('has no root hash')
  return { origin, size: parseSize(sizeText), root, note }
}

/** Decimal, without leading zeros. @throws ERR_TLOG_MALFORMED */
export function parseSize(text: string): number {
  const size = Number(text)
  if (!/^(0|[1-9]\d{0,15})$/.test(text) || !Number.isSafeInteger(size)) throw malformed('has no size')
  return size
}

/**
 * A checkpoint that may be believed: signed by its log, and by enough witnesses.
 *
 * @throws ERR_TLOG_MALFORMED, ERR_TLOG_SIGNATURE, ERR_TLOG_WITNESS
 */
export function verifyCheckpoint(bytes: Uint8Array, trust: CheckpointTrust): VerifiedCheckpoint {
  const checkpoint = parseCheckpoint(bytes)
  const { log, threshold } = trust
  if (checkpoint.origin !== log.name || log.role !== 'log') {
    throw new DomainError(
      'ERR_TLOG_SIGNATURE',
      `the checkpoint is of the log \`${checkpoint.origin.slice(0, 200)}\`, and the key of \`${log.name}\``,
    )
  }
  const signed = verifyNote(checkpoint.note, [log, ...trust.witnesses])
  if (!signed.some(({ key }) => key === log)) {
    throw new DomainError('ERR_TLOG_SIGNATURE', `the checkpoint is not signed by its log, \`${log.name}\``)
  }
  const witnesses = signed.flatMap(({ key, at }) => (at === undefined ? [] : [{ name: key.name, at }]))
  if (witnesses.length < threshold) {
    throw new DomainError(
      'ERR_TLOG_WITNESS',
      `${witnesses.length} witnesses signed the checkpoint, ${threshold} are asked for`,
    )
  }
  if (checkpoint.size === 0 && !isSameHash(checkpoint.root, emptyRoot)) throw malformed('has another root than nothing')
  return { ...checkpoint, witnesses }
}

function malformed(what: string): DomainError {
  return new DomainError('ERR_TLOG_MALFORMED', `the checkpoint ${what}`)
}
