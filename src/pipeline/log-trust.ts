/** Which logs and witnesses are believed, and what a proof comes to under them. Pure. */
import {
  type CheckpointTrust,
  decodeBase64,
  type Finding,
  isConsistent,
  isSameHash,
  isShownBy,
  leafHashOf,
  type NoteKey,
  nodesShown,
  type ProvenTime,
  parseLogProof,
  parseNoteKey,
  passed,
  refused,
  type SigningTimes,
  type TreeHash,
  type TreeNode,
  type TrustPolicy,
  type VerifiedCheckpoint,
  verifyCheckpoint,
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
 * Whether an attestation is in one of the logs that the policy names: one proof that holds is enough.
 *
 * @param proofsOf hostile bytes
 * @returns undefined, for the chain to leave out, where the policy names none
 */
export function loggedBy(policy: TrustPolicy, proofsOf: ProofsOf): Readonly<{ loggedAt?: LoggedAt }> {
  const trusts = logsOf(policy)
  if (trusts.length === 0) return {}
  return {
    loggedAt: (attestation) => {
      const found = proofsOf(attestation).map((proof) => judgeProof(proof, attestation, trusts))
      return found.find(({ passed: holds }) => holds) ?? found[0]
    },
  }
}

/** Bytes of proofs; hostile. */
export type ProofsOf = (attestation: Sha256) => readonly Uint8Array[]

/**
 * Before which moment an attestation is proven to have been signed: witnesses saw the log with it.
 *
 * As many as the policy asks for must have seen it by then. THREAT: a log alone proves no time against who keeps it, so a
 * log without a threshold of witnesses says nothing.
 */
export function witnessedBy({ logs = [] }: TrustPolicy, proofsOf: ProofsOf): Pick<SigningTimes, 'witnessed'> {
  const trusts = logs
    .filter(({ threshold }) => threshold > 0)
    .map(({ key, witnesses, threshold }) => logTrust(key, witnesses, threshold))
  if (trusts.length === 0) return {}
  return {
    witnessed: (attestation) =>
      proofsOf(attestation)
        .flatMap((proof) => trusts.flatMap((trust) => timeUnder(proof, attestation, trust) ?? []))
        .toSorted((left, right) => left.at.getTime() - right.at.getTime())[0],
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

function logsOf({ logs = [] }: TrustPolicy): readonly CheckpointTrust[] {
  return logs.map(({ key, witnesses, threshold }) => logTrust(key, witnesses, threshold))
}

export type HoldsProof = (attestation: Sha256, proof: Uint8Array) => boolean

/** Whether a proof is one by a log of the policy, and by as many witnesses as it asks for. */
export function holdsUnder(policy: TrustPolicy): HoldsProof {
  const trusts = logsOf(policy)
  return (attestation, proof) => judgeProof(proof, attestation, trusts).passed
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

/** What travels of transparency logs with evidence: hostile bytes, until a key of a log is held against them. */
export type LogProofs = Readonly<{
  /** C2SP tlog-proof, by attestation. */
  inclusions: ReadonlyMap<Sha256, readonly Uint8Array[]>
  /** Bodies of C2SP add-checkpoint: that a log grew out of an earlier checkpoint. */
  growths: readonly Uint8Array[]
}>

/** LIMIT: so many proofs of one attestation, and so many growths, are read; more are passed over. */
export const maxProofsEach = 16
export const maxGrowths = 1024

/** One line of exported evidence: the proof of one attestation, as C2SP tlog-proof. */
export function printProofLine(attestation: Sha256, proof: Uint8Array): string {
  return `{"assayLogProof":1,"attestation":"${attestation}","proof":${JSON.stringify(Buffer.from(proof).toString('utf8'))}}`
}

/** As `printProofLine`, that a log grew. */
export function printGrowthLine(growth: Uint8Array): string {
  return `{"assayLogGrowth":1,"growth":${JSON.stringify(Buffer.from(growth).toString('utf8'))}}`
}

/** All of them, one a line. */
export function printProofs({ inclusions, growths }: LogProofs): readonly string[] {
  return [
    ...[...inclusions].flatMap(([attestation, proofs]) => proofs.map((proof) => printProofLine(attestation, proof))),
    ...growths.map(printGrowthLine),
  ]
}

const lineStart = /^\{"assayLog(?:Proof|Growth)":/
const lineLimits = { maxBytes: 256 * 1024, maxDepth: 2 }

/** Hostile lines: those that are no proof are somebody else's. */
export function parseProofLines(lines: Iterable<Uint8Array>): LogProofs {
  const inclusions = new Map<Sha256, Uint8Array[]>()
  const growths: Uint8Array[] = []
  for (const line of lines) {
    if (!lineStart.test(Buffer.from(line.subarray(0, 32)).toString('latin1'))) continue
    const { assayLogProof, assayLogGrowth, attestation, proof, growth } = fieldsOf(line)
    if (assayLogProof === 1 && isSha256(attestation) && typeof proof === 'string') {
      const known = inclusions.get(attestation) ?? []
      if (known.length < maxProofsEach) inclusions.set(attestation, [...known, Buffer.from(proof)])
    } else if (assayLogGrowth === 1 && typeof growth === 'string' && growths.length < maxGrowths) {
      growths.push(Buffer.from(growth))
    }
  }
  return { inclusions, growths }
}

function fieldsOf(line: Uint8Array): Readonly<Record<string, unknown>> {
  try {
    const json = parseStrictJson(line, 'proof', lineLimits)
    return typeof json === 'object' && json !== null && !Array.isArray(json) ? { ...json } : {}
  } catch (error) {
    if (isDomainError(error)) return {} // INVARIANT: a line that cannot be read proves nothing
    throw error
  }
}

/** What proofs of a log that the policy names come to among themselves. `grown`: pairs of checkpoints that a growth connects. */
export type ShownHistory = Readonly<{ origin: string; checkpoints: number; grown: number }>

export type Histories = Readonly<{
  /** One for each log of the policy of which there is a checkpoint. */
  shown: readonly ShownHistory[]
  /** Those that connect two checkpoints of one of these logs. Others show nothing, and need not travel on. */
  growths: readonly Uint8Array[]
}>

/**
 * Holds all checkpoints of one log against each other, each signed by it, and what its proofs say to be at one place.
 *
 * @throws ERR_TLOG_FORK when a log has signed two histories
 */
export function historiesIn(policy: TrustPolicy, proofs: LogProofs): Histories {
  const read = logsOf(policy).map((trust) => ({ trust, ...historyOf(trust, proofs) }))
  return {
    shown: read.flatMap(({ trust, checkpoints, growths }) =>
      checkpoints === 0 ? [] : [{ origin: trust.log.name, checkpoints, grown: growths.length }],
    ),
    growths: [...new Set(read.flatMap(({ growths }) => growths))],
  }
}

/** Of what a log that the policy names has signed, where it contradicts itself: then nothing that it says proves anything. */
export function forkFindings(policy: TrustPolicy, proofs: LogProofs): readonly Finding[] {
  try {
    historiesIn(policy, proofs)
    return []
  } catch (error) {
    if (isDomainError(error, 'ERR_TLOG_FORK')) return [refused('log-history', 'ERR_TLOG_FORK', error.message)]
    throw error
  }
}

function historyOf(
  trust: CheckpointTrust,
  { inclusions, growths }: LogProofs,
): Readonly<{ checkpoints: number; growths: readonly Uint8Array[] }> {
  const seen = new Map<number, VerifiedCheckpoint>()
  const nodes = new Map<string, TreeHash>()
  const see = (proof: Uint8Array): VerifiedCheckpoint | undefined => {
    const checkpoint = believed(checkpointIn(proof), trust)
    if (checkpoint === undefined) return undefined
    const known = seen.get(checkpoint.size)
    if (known !== undefined && !isSameHash(known.root, checkpoint.root)) throw forked(checkpoint)
    seen.set(checkpoint.size, known ?? checkpoint)
    return checkpoint
  }
  for (const [attestation, proofs] of inclusions) {
    for (const proof of proofs) {
      const checkpoint = see(proof)
      // THREAT: two histories of different lengths, which no growth connects: one place of the tree holds two hashes
      for (const node of checkpoint === undefined ? [] : nodesIn(proof, attestation, checkpoint)) {
        const place = `${node.level} ${node.index}`
        const known = nodes.get(place)
        if (checkpoint !== undefined && known !== undefined && !isSameHash(known, node.hash))
          throw forked(checkpoint, node)
        nodes.set(place, node.hash)
      }
    }
  }
  for (const growth of growths) see(growth)
  return { checkpoints: seen.size, growths: growths.filter((growth) => isGrown(growth, seen, trust)) }
}

function nodesIn(proof: Uint8Array, attestation: Sha256, { size, root }: VerifiedCheckpoint): readonly TreeNode[] {
  try {
    const { index, path } = parseLogProof(proof)
    const entry = entryOf(attestation)
    if (!isShownBy({ index, path }, entry, { size, root })) return []
    return nodesShown({ index: BigInt(index), size: BigInt(size), leaf: leafHashOf(entry), proof: path })
  } catch (error) {
    if (isDomainError(error)) return [] // INVARIANT: a proof that cannot be read shows no place
    throw error
  }
}

/** The note that a proof ends with. */
function checkpointIn(proof: Uint8Array): Uint8Array {
  const at = Buffer.from(proof.buffer, proof.byteOffset, proof.length).indexOf('\n\n')
  return at < 0 ? new Uint8Array() : proof.subarray(at + 2)
}

/** Witnesses are not asked for: whether the log contradicts itself is a matter of its own signature. */
function believed(bytes: Uint8Array, { log }: CheckpointTrust): VerifiedCheckpoint | undefined {
  try {
    return verifyCheckpoint(bytes, { log, witnesses: [], threshold: 0 })
  } catch (error) {
    if (isDomainError(error)) return undefined // INVARIANT: what is not signed by this log says nothing of it
    throw error
  }
}

/** Whoever carries a growth may have changed it: one that does not hold shows nothing. */
function isGrown(growth: Uint8Array, seen: ReadonlyMap<number, VerifiedCheckpoint>, trust: CheckpointTrust): boolean {
  const to = believed(checkpointIn(growth), trust)
  const [, size = ''] = /^old (\d{1,15})\n/.exec(Buffer.from(growth.subarray(0, 32)).toString('latin1')) ?? []
  const from = seen.get(Number(size))
  if (to === undefined || from === undefined) return false
  const hashes = Buffer.from(growth).toString('latin1').split('\n\n', 1)[0]?.split('\n').slice(1) ?? []
  const proof = hashes.flatMap((line) => decodeBase64(line) ?? [])
  return isConsistent({
    from: { size: BigInt(from.size), root: from.root },
    to: { size: BigInt(to.size), root: to.root },
    proof: hashes.length > 64 ? [] : proof,
  })
}

function forked({ origin, size }: VerifiedCheckpoint, node?: TreeNode): DomainError {
  const what =
    node === undefined ? `two histories of ${size} entries` : `two histories: ${entriesUnder(node)} two of them`
  return new DomainError('ERR_TLOG_FORK', `the log \`${origin}\` has signed ${what}`, {
    help: 'ask who runs the log; until that is settled nothing that rests on it counts: take it out of the policy, or the evidence with the other history out of the folder',
  })
}

function entriesUnder({ level, index }: TreeNode): string {
  const first = index << BigInt(level)
  return level === 0 ? `entry ${index} is` : `the entries ${first} to ${first + (1n << BigInt(level)) - 1n} are`
}
