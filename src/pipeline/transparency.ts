/** `assay tlog`: the project's transparency log, and what others say of it. */
import {
  type CheckpointTrust,
  isConsistent,
  type NoteKey,
  noteKeyOf,
  nothingSeen,
  observeLog,
  parseCheckpoint,
  parseHash,
  parseNoteKey,
  printNoteKey,
  tilePath,
  type VerifiedCheckpoint,
  verifyCheckpoint,
  verifyLogProof,
  widthOf,
} from '../attestation/index.ts'
import { DomainError, isSha256, type Sha256, sha256Of } from '../core/index.ts'
import { attestationsOf, type EnteredLog, enterLog, entriesOf, logFolderOf } from './enter-log.ts'
import { openLogFolder, readerOf } from './log-folder.fs.ts'
import { keepWitnessed, openOwnProofs } from './log-proofs.fs.ts'
import { askWitness, openRemoteLog, type Remote } from './log-remote.http.ts'
import { loadSeen, saveSeen } from './log-seen.fs.ts'
import { entryOf } from './log-trust.ts'
import type { Project } from './project.ts'
import { openSigner } from './run-tools.ts'

/** Where it is asked, and the key that it signs with. */
export type Witness = Readonly<{ address: string; key: NoteKey }>

/** Enters what is missing of the project's evidence, and `more` (bundles from elsewhere). @throws as `enterLog` */
export async function appendToLog(project: Project, more: readonly Sha256[]): Promise<EnteredLog> {
  await using signer = await openSigner(project, { draft: false, unsafeNoSandbox: false })
  return await enterLog(project, signer, [...attestationsOf(project), ...more])
}

/**
 * Has witnesses countersign the newest checkpoint, with a proof that it grew out of what they saw last.
 *
 * @returns names of the witnesses that signed
 * @throws ERR_TLOG_WITNESS when what came back is no signature of theirs, ERR_TLOG_REWIND when a witness has seen more
 */
export async function witnessLog(
  project: Project,
  log: NoteKey,
  witnesses: readonly Witness[],
  remote: Remote,
): Promise<readonly string[]> {
  const own = ownProofs(project)
  let signed = Buffer.from(own.checkpoint).toString('utf8')
  for (const { address, key } of witnesses) {
    const lines = await cosignatures(own, address, remote)
    const grown = `${signed}${lines.endsWith('\n') ? lines : `${lines}\n`}`
    verifyCheckpoint(Buffer.from(grown), { log, witnesses: [key], threshold: 1 })
    signed = grown
  }
  const trust = { log, witnesses: witnesses.map(({ key }) => key), threshold: 1 }
  const verified = verifyCheckpoint(Buffer.from(signed), trust)
  keepWitnessed(project.root, Buffer.from(signed))
  return verified.witnesses.map(({ name }) => name)
}

type Own = ReturnType<typeof ownProofs>

function ownProofs({ root }: Project): NonNullable<ReturnType<typeof openOwnProofs>> {
  const own = openOwnProofs(root)
  if (own !== undefined) return own
  throw noLog()
}

/** As it lies there; not verified. */
function checkpointOf({ root }: Project): Uint8Array {
  const bytes = openLogFolder(logFolderOf(root)).checkpoint()
  if (bytes !== undefined) return bytes
  throw noLog()
}

function noLog(): DomainError {
  return new DomainError('ERR_TLOG_MISSING', 'the project has no log yet')
}

async function cosignatures(own: Own, address: string, remote: Remote): Promise<string> {
  let old = 0
  for (let tries = 0; tries < 4; tries += 1) {
    const answer = await askWitness(address, Buffer.from(growthFrom(own, old)), remote)
    if (answer.kind === 'signed') return answer.lines
    if (answer.size > own.size) {
      throw new DomainError(
        'ERR_TLOG_REWIND',
        `the witness \`${address}\` has seen ${answer.size} entries, the log has ${own.size}`,
      )
    }
    old = answer.size
  }
  throw new DomainError(
    'ERR_TLOG_UNREACHABLE',
    `the witness \`${address}\` takes no proof from where it says that it is`,
  )
}

/** That the newest checkpoint grew out of the tree with `old` entries: what a witness is sent. */
function growthFrom(own: Own, old: number): string {
  const hashes = own.consistencyFrom(old).map((hash) => `${Buffer.from(hash).toString('base64')}\n`)
  return `old ${old}\n${hashes.join('')}\n${Buffer.from(own.checkpoint).toString('utf8')}`
}

/** C2SP tlog-proof of one attestation. @throws ERR_TLOG_ENTRY, ERR_TLOG_MISSING */
export function proveEntry(project: Project, attestation: Sha256): Uint8Array {
  const proof = ownProofs(project).inclusionOf(attestation)
  if (proof !== undefined) return proof
  throw new DomainError('ERR_TLOG_ENTRY', `the attestation \`${attestation}\` is not in the log`)
}

/** That the log grew out of an earlier checkpoint: the body of C2SP add-checkpoint. @throws ERR_USAGE, ERR_TLOG_MISSING */
export function proveGrowth(project: Project, earlier: Uint8Array): Uint8Array {
  return Buffer.from(growthFrom(ownProofs(project), parseCheckpoint(earlier).size))
}

export type ProvenEntry = Readonly<{ index: number; checkpoint: VerifiedCheckpoint }>

/** @param subject the bundle's bytes, or its digest. @throws ERR_TLOG_PROOF and what else `verifyLogProof` throws */
export function verifyEntry(proof: Uint8Array, subject: Uint8Array | Sha256, trust: CheckpointTrust): ProvenEntry {
  return verifyLogProof(proof, entryOf(isSha256(subject) ? subject : sha256Of(subject)), trust)
}

export function isGrowth(proof: Uint8Array): boolean {
  return Buffer.from(proof.subarray(0, 4)).toString('latin1') === 'old '
}

/** That a log grew from one checkpoint to another. Both must be signed. @throws ERR_TLOG_PROOF, ERR_TLOG_SIGNATURE, ERR_TLOG_MALFORMED */
export function verifyGrowth(proof: Uint8Array, earlier: Uint8Array, trust: CheckpointTrust): VerifiedCheckpoint {
  const view = Buffer.from(proof)
  const split = view.indexOf('\n\n')
  const [head = '', ...hashes] = view.toString('latin1', 0, Math.max(0, split)).split('\n')
  const from = verifyCheckpoint(earlier, { ...trust, witnesses: [], threshold: 0 })
  const to = verifyCheckpoint(view.subarray(split + 2), trust)
  const proven = { from: asBig(from), to: asBig(to), proof: hashes.map(parseHash) }
  if (split < 0 || head !== `old ${from.size}` || hashes.length > 64 || !(from.size === 0 || isConsistent(proven)))
    throw new DomainError(
      'ERR_TLOG_PROOF',
      'the proof does not show that the later checkpoint grew out of the earlier one',
    )
  return to
}

function asBig({ size, root }: VerifiedCheckpoint): Readonly<{ size: bigint; root: Uint8Array }> {
  return { size: BigInt(size), root }
}

/** The key of the project's own log, as its signer says it is. @throws ERR_KEY_HOME, ERR_KEY_LOCKED, ERR_TLOG_MISSING */
export async function ownLogKey(project: Project): Promise<NoteKey> {
  const { origin } = parseCheckpoint(checkpointOf(project))
  await using signer = await openSigner(project, { draft: false, unsafeNoSandbox: false })
  return noteKeyOf(origin, 'log', Buffer.from(signer.logKey, 'base64'))
}

export type WholeLog = Readonly<{
  origin: string
  key: string
  size: number
  root: Sha256
  witnesses: readonly string[]
  missing: readonly Sha256[]
}>

/**
 * Every entry, every tile and the checkpoint of the project's own log, from the entries up.
 *
 * @returns attestations of the project that are not in it, too
 * @throws ERR_TLOG_FORK, ERR_TLOG_MISSING, ERR_TLOG_SIGNATURE, ERR_TLOG_MALFORMED
 */
export async function verifyWholeLog(project: Project, trust: CheckpointTrust): Promise<WholeLog> {
  const folder = openLogFolder(logFolderOf(project.root))
  const { size } = verifyCheckpoint(checkpointOf(project), trust)
  const { checkpoint } = await observeLog(readerOf(folder), nothingSeen(trust.log.name), trust, {
    onTile: ({ at, bytes }) => {
      if (at.width !== widthOf(at.level, at.index, size)) return // it grew on
      const held = folder.read(at)
      if (held === undefined || Buffer.compare(held, bytes) !== 0)
        throw new DomainError('ERR_TLOG_FORK', `the tile \`${tilePath(at)}\` is not what its entries make`)
    },
  })
  const entries = entriesOf(folder, checkpoint.size)
  return {
    origin: checkpoint.origin,
    key: printNoteKey(trust.log),
    size: checkpoint.size,
    root: `sha256:${Buffer.from(checkpoint.root).toString('hex')}`,
    witnesses: checkpoint.witnesses.map(({ name }) => name),
    missing: attestationsOf(project).filter((attestation) => !entries.has(attestation)),
  }
}

export type LogTrust = CheckpointTrust

/** @throws ERR_TLOG_MALFORMED, ERR_USAGE */
export function parseWitness(address: string, key: string): Witness {
  const parsed = parseNoteKey(key)
  if (parsed.role === 'witness') return { address, key: parsed }
  throw new DomainError('ERR_USAGE', `\`${key}\` is the key of a log, not of a witness`)
}

export type Look = Readonly<{ origin: string; size: number; added: number; at: string; entries: readonly string[] }>

/**
 * Looks at a log once, as somebody who does not own it, and remembers what was seen.
 *
 * @param source folder of the log, or its address
 * @param file what was seen before; written when the look is good, and only then
 * @returns at most a hundred of the new entries
 * @throws ERR_TLOG_FORK, ERR_TLOG_REWIND and what else `observeLog` throws
 */
export async function monitorLog(
  source: string,
  file: string,
  trust: CheckpointTrust,
  { remote, now }: Readonly<{ remote: Remote; now: Date }>,
): Promise<Look> {
  const reader = /^https?:\/\//.test(source) ? openRemoteLog(source, remote) : readerOf(openLogFolder(source))
  const entries: string[] = []
  const onEntry = (entry: Uint8Array): void => {
    if (entries.length < 100) entries.push(Buffer.from(entry).toString('utf8'))
  }
  try {
    const { seen, added } = await observeLog(reader, loadSeen(file, trust.log.name), trust, { onEntry })
    saveSeen(file, seen)
    return { origin: seen.origin, size: seen.size, added, at: now.toISOString(), entries }
  } finally {
    await reader.close()
  }
}
