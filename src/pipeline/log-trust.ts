/** Which logs and witnesses are believed, and what a proof comes to under them. Pure. */
import {
  type CheckpointTrust,
  type Finding,
  type NoteKey,
  type ProvenTime,
  parseNoteKey,
  passed,
  refused,
  type SigningTimes,
  type TrustPolicy,
  verifyLogProof,
} from '../attestation/index.ts'
import { DomainError, type ErrorCode, isDomainError, isSha256, parseStrictJson, type Sha256 } from '../core/index.ts'

/** Bytes of the entry of a bundle. */
export function entryOf(attestation: Sha256): Uint8Array {
  return Buffer.from(attestation)
}

/** @throws ERR_TLOG_MALFORMED for a key that is none; ERR_USAGE when it is of the other kind, or given twice */
export function logTrust(key: NoteKey | string, witnessKeys: readonly string[], threshold: number): CheckpointTrust {
  const log = typeof key === 'string' ? parseNoteKey(key) : key
  const witnesses = witnessKeys.map(parseNoteKey)
  if (log.role !== 'log' || witnesses.some(({ role }) => role !== 'witness'))
    throw new DomainError('ERR_USAGE', 'a key of a log and keys of witnesses are asked for', {
      help: '--key takes the key of the log, --witness-key one of a witness',
    })
  // THREAT: one witness under two names would reach a threshold of two alone.
  if (new Set(witnesses.map(keyBytesOf)).size < witnesses.length)
    throw new DomainError('ERR_USAGE', 'one key of a witness is given twice')
  if (threshold > witnesses.length)
    throw new DomainError('ERR_USAGE', `${threshold} witnesses are asked for, and ${witnesses.length} keys given`)
  return { log, witnesses, threshold }
}

function keyBytesOf({ key }: NoteKey): string {
  return String(key.export({ format: 'jwk' }).x)
}

export type LoggedAt = (attestation: Sha256) => Finding | undefined

/**
 * Whether an attestation is in one of the logs that the policy names.
 *
 * @param proofOf hostile bytes
 * @returns undefined, for the chain to leave out, where the policy names none
 */
export function loggedBy({ logs = [] }: TrustPolicy, proofOf: LogProofs): Readonly<{ loggedAt?: LoggedAt }> {
  if (logs.length === 0) return {}
  const trusts = logs.map(({ key, witnesses, threshold }) => logTrust(key, witnesses, threshold))
  return {
    loggedAt: (attestation) => {
      const proof = proofOf(attestation)
      return proof === undefined ? undefined : judgeProof(proof, attestation, trusts)
    },
  }
}

/** Bytes of a proof; hostile. */
export type LogProofs = (attestation: Sha256) => Uint8Array | undefined

/**
 * Before which moment an attestation is proven to have been signed: witnesses saw the log with it.
 *
 * As many as the policy asks for must have seen it by then. THREAT: a log alone proves no time against who keeps it, so a
 * log without a threshold of witnesses says nothing.
 */
export function witnessedBy({ logs = [] }: TrustPolicy, proofOf: LogProofs): Pick<SigningTimes, 'witnessed'> {
  const trusts = logs
    .filter(({ threshold }) => threshold > 0)
    .map(({ key, witnesses, threshold }) => logTrust(key, witnesses, threshold))
  if (trusts.length === 0) return {}
  return {
    witnessed: (attestation) => {
      const proof = proofOf(attestation)
      return proof === undefined ? undefined : trusts.flatMap((trust) => timeUnder(proof, attestation, trust) ?? [])[0]
    },
  }
}

function timeUnder(proof: Uint8Array, attestation: Sha256, trust: CheckpointTrust): ProvenTime | undefined {
  try {
    const { checkpoint } = verifyLogProof(proof, entryOf(attestation), trust)
    const seen = checkpoint.witnesses.toSorted((left, right) => left.at.getTime() - right.at.getTime())
    const last = seen[trust.threshold - 1]
    return last === undefined ? undefined : { at: last.at, by: `the witness ${last.name}` }
  } catch (error) {
    if (isDomainError(error)) return undefined // INVARIANT: a proof that does not verify proves no time
    throw error
  }
}

function judgeProof(proof: Uint8Array, attestation: Sha256, trusts: readonly CheckpointTrust[]): Finding {
  let fault: Readonly<{ code: ErrorCode; message: string }> | undefined
  for (const trust of trusts) {
    try {
      const { index, checkpoint } = verifyLogProof(proof, entryOf(attestation), trust)
      const seen = checkpoint.witnesses.map(({ name, at }) => `, witnessed by ${name} at ${at.toISOString()}`).join('')
      return passed('logged', `is entry ${index} of ${checkpoint.size} in ${checkpoint.origin}${seen}`)
    } catch (error) {
      if (!isDomainError(error)) throw error
      fault ??= error
    }
  }
  return refused('logged', fault?.code ?? 'ERR_TLOG_ENTRY', fault?.message ?? 'is in no log that the policy names')
}

/** One line of exported evidence: the proof of one attestation, as C2SP tlog-proof. */
export function printProofLine(attestation: Sha256, proof: Uint8Array): string {
  return `{"assayLogProof":1,"attestation":"${attestation}","proof":${JSON.stringify(Buffer.from(proof).toString('utf8'))}}`
}

const proofLineStart = Buffer.from('{"assayLogProof":')
const lineLimits = { maxBytes: 256 * 1024, maxDepth: 2 }

/** Hostile lines: those that are no proof are somebody else's. The first of an attestation counts. */
export function parseProofLines(lines: Iterable<Uint8Array>): ReadonlyMap<Sha256, Uint8Array> {
  const found = new Map<Sha256, Uint8Array>()
  for (const line of lines) {
    if (Buffer.compare(line.subarray(0, proofLineStart.length), proofLineStart) !== 0) continue
    const parsed = parsedLine(line)
    if (parsed !== undefined && !found.has(parsed.attestation)) found.set(parsed.attestation, Buffer.from(parsed.proof))
  }
  return found
}

function parsedLine(line: Uint8Array): Readonly<{ attestation: Sha256; proof: string }> | undefined {
  try {
    const json = parseStrictJson(line, 'proof', lineLimits)
    if (typeof json !== 'object' || json === null || Array.isArray(json)) return undefined
    const { assayLogProof, attestation, proof } = json as Readonly<Record<string, unknown>> // an object, see above
    return assayLogProof === 1 && isSha256(attestation) && typeof proof === 'string'
      ? { attestation, proof }
      : undefined
  } catch (error) {
    if (isDomainError(error)) return undefined // INVARIANT: a line that cannot be read proves nothing
    throw error
  }
}
