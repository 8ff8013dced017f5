/**
 * That an entry is in a log, as a text that travels: index, path and checkpoint. Verified offline.
 *
 * SOURCE: C2SP tlog-proof.md (v1).
 */
import { DomainError } from '../../core/index.ts'
import { type CheckpointTrust, parseSize, type VerifiedCheckpoint, verifyCheckpoint } from './checkpoint.ts'
import { hashBytes, isIncluded, leafHashOf, type TreeHash } from './merkle.ts'
import { decodeBase64 } from './read-note.ts'

const header = 'c2sp.org/tlog-proof@v1'
/** LIMIT: 64 hashes, as many as a tree of 2^64 entries has levels; 128 KiB. */
const maxHashes = 64
const maxProofBytes = 128 * 1024

/** `checkpoint` as the log gave it, signatures and all. */
export type LogProof = Readonly<{ index: number; path: readonly TreeHash[]; checkpoint: Uint8Array }>

export function printLogProof({ index, path, checkpoint }: LogProof): string {
  return `${[header, `index ${index}`, ...path.map(encode), '', Buffer.from(checkpoint).toString()].join('\n')}`
}

/** Reads hostile bytes. Lines of an application (`extra`) are refused: nothing here would understand them. @throws ERR_TLOG_MALFORMED */
export function parseLogProof(bytes: Uint8Array): LogProof {
  if (bytes.length > maxProofBytes) throw malformed(`has ${bytes.length} bytes, the limit is ${maxProofBytes}`)
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  const split = view.indexOf('\n\n')
  if (split < 0) throw malformed('has no checkpoint')
  const [first, second = '', ...hashes] = view.toString('latin1', 0, split).split('\n')
  if (first !== header) throw malformed('is of another kind or version')
  if (!second.startsWith('index ')) throw malformed('has no index')
  if (hashes.length > maxHashes) throw malformed(`has more than ${maxHashes} hashes`)
  return {
    index: parseSize(second.slice('index '.length)),
    path: hashes.map(parseHash),
    checkpoint: view.subarray(split + 2),
  }
}

/** @throws ERR_TLOG_MALFORMED */
export function parseHash(line: string): TreeHash {
  const bytes = decodeBase64(line)
  if (bytes?.length !== hashBytes) throw malformed('has a line that is no hash')
  return bytes
}

/**
 * That the entry is in the log that `trust` speaks of.
 *
 * Trust: `bytes` and `entry` are hostile. Order: the checkpoint is believed before the path is walked.
 *
 * @throws ERR_TLOG_MALFORMED, ERR_TLOG_SIGNATURE, ERR_TLOG_WITNESS, ERR_TLOG_PROOF
 */
export function verifyLogProof(
  bytes: Uint8Array,
  entry: Uint8Array,
  trust: CheckpointTrust,
): Readonly<{ index: number; checkpoint: VerifiedCheckpoint }> {
  const proof = parseLogProof(bytes)
  const checkpoint = verifyCheckpoint(proof.checkpoint, trust)
  if (!isShownBy(proof, entry, checkpoint))
    throw new DomainError('ERR_TLOG_PROOF', `the proof does not show that the entry is in \`${checkpoint.origin}\``)
  return { index: proof.index, checkpoint }
}

/** Whether the path leads from the entry to the root of the checkpoint. */
export function isShownBy(
  { index, path }: Omit<LogProof, 'checkpoint'>,
  entry: Uint8Array,
  { size, root }: Pick<VerifiedCheckpoint, 'size' | 'root'>,
): boolean {
  return isIncluded({ index: BigInt(index), size: BigInt(size), leaf: leafHashOf(entry), root, proof: path })
}

function encode(hash: TreeHash): string {
  return Buffer.from(hash).toString('base64')
}

function malformed(what: string): DomainError {
  return new DomainError('ERR_TLOG_MALFORMED', `the proof ${what}`)
}
