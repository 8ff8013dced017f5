/** `assay tlog`: the project's transparency log, and what others say of it. */
import {
  type CheckpointTrust,
  isConsistent,
  type LogReader,
  type NoteKey,
  noteKeyOf,
  nothingSeen,
  observeLog,
  parseCheckpoint,
  parseHash,
  parseNoteKey,
  printNoteKey,
  type TileWrite,
  tilePath,
  tileWidth,
  type VerifiedCheckpoint,
  verifyCheckpoint,
  verifyLogProof,
  widthOf,
} from '../attestation/index.ts'
import { DomainError, isDomainError, isSha256, type Sha256, sha256Of } from '../core/index.ts'
import { eachBounded } from '../data/index.ts'
import { attestationsOf, type EnteredLog, enterLog, logFolderOf } from './enter-log.ts'
import { openLogFolder, readerOf } from './log-folder.fs.ts'
import { isLogStore, type LogObjects, openLogObjects, readerOfObjects } from './log-objects.http.ts'
import { growthFrom, keepWitnessed, type OwnProofs, openOwnProofs } from './log-proofs.fs.ts'
import { askWitness, openRemoteLog, type Remote } from './log-remote.http.ts'
import { loadSeen, saveContradiction, saveSeen } from './log-seen.fs.ts'
import { entryOf } from './log-trust.ts'
import type { Project } from './project.ts'
import { openSigner } from './run-tools.ts'
import { enterSharedLog, readSharedLog } from './shared-log.ts'

/** Where it is asked, and the key that it signs with. */
export type Witness = Readonly<{ address: string; key: NoteKey }>

/** A log of the project's: its own, on disk, or one in an object store. */
export type LogPlace = Readonly<{ kind: 'own' }> | Readonly<{ kind: 'store'; address: string; remote: Remote }>

const theOwn: LogPlace = { kind: 'own' }

/** @throws ERR_USAGE */
export function logPlaceOf(address: string | undefined, remote: Remote): LogPlace {
  if (address === undefined) return theOwn
  if (isLogStore(address)) return { kind: 'store', address, remote }
  throw new DomainError('ERR_USAGE', `\`${address}\` is no log that can be written`, {
    help: 'write s3://bucket/prefix',
  })
}

/** Enters what is missing of the project's evidence, and `more` (bundles from elsewhere). @throws as `enterLog`, `enterSharedLog` */
export async function appendToLog(
  project: Project,
  more: readonly Sha256[],
  place: LogPlace = theOwn,
): Promise<EnteredLog> {
  await using signer = await openSigner(project, { draft: false, unsafeNoSandbox: false })
  const all = [...attestationsOf(project), ...more]
  if (place.kind === 'own') return await enterLog(project, signer, all)
  return await withObjects(project, place, (objects) => enterSharedLog(project, signer, objects, all))
}

/**
 * Folder of the log: of one in an object store the copy, brought to what the store shows and verified.
 *
 * @throws as `readSharedLog`
 */
export async function logFolderAt(project: Project, place: LogPlace): Promise<string> {
  if (place.kind === 'own') return logFolderOf(project.root)
  await using signer = await openSigner(project, { draft: false, unsafeNoSandbox: false })
  return await withObjects(project, place, (objects) => readSharedLog(project.root, objects, signer.logKey))
}

async function withObjects<Result>(
  { environment }: Pick<Project, 'environment'>,
  { address, remote }: Extract<LogPlace, { kind: 'store' }>,
  work: (objects: LogObjects) => Promise<Result>,
): Promise<Result> {
  const objects = openLogObjects(address, environment, remote)
  try {
    return await work(objects)
  } finally {
    await objects.close()
  }
}

/**
 * Has witnesses countersign the newest checkpoint, with a proof that it grew out of what they saw last.
 *
 * @param place folder of the log
 * @returns names of the witnesses that signed
 * @throws ERR_TLOG_WITNESS when what came back is no signature of theirs, ERR_TLOG_REWIND when a witness has seen more
 */
export async function witnessLog(
  place: string,
  log: NoteKey,
  witnesses: readonly Witness[],
  remote: Remote,
): Promise<readonly string[]> {
  const own = ownProofs(place)
  let signed = Buffer.from(own.checkpoint).toString('utf8')
  for (const { address, key } of witnesses) {
    const lines = await cosignatures(own, address, remote)
    const grown = `${signed}${lines.endsWith('\n') ? lines : `${lines}\n`}`
    verifyCheckpoint(Buffer.from(grown), { log, witnesses: [key], threshold: 1 })
    signed = grown
  }
  const trust = { log, witnesses: witnesses.map(({ key }) => key), threshold: 1 }
  const verified = verifyCheckpoint(Buffer.from(signed), trust)
  keepWitnessed(place, Buffer.from(signed))
  return verified.witnesses.map(({ name }) => name)
}

function ownProofs(place: string): OwnProofs {
  const own = openOwnProofs(place)
  if (own !== undefined) return own
  throw noLog()
}

/** As it lies there; not verified. */
function checkpointOf(place: string): Uint8Array {
  const bytes = openLogFolder(place).checkpoint()
  if (bytes !== undefined) return bytes
  throw noLog()
}

function noLog(): DomainError {
  return new DomainError('ERR_TLOG_MISSING', 'the project has no log yet')
}

async function cosignatures(own: OwnProofs, address: string, remote: Remote): Promise<string> {
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

/** C2SP tlog-proof of one attestation. @throws ERR_TLOG_ENTRY, ERR_TLOG_MISSING */
export function proveEntry(place: string, attestation: Sha256): Uint8Array {
  const proof = ownProofs(place).inclusionOf(attestation)
  if (proof !== undefined) return proof
  throw new DomainError('ERR_TLOG_ENTRY', `the attestation \`${attestation}\` is not in the log`)
}

/** That the log grew out of an earlier checkpoint: the body of C2SP add-checkpoint. @throws ERR_USAGE, ERR_TLOG_MISSING */
export function proveGrowth(place: string, earlier: Uint8Array): Uint8Array {
  return Buffer.from(growthFrom(ownProofs(place), parseCheckpoint(earlier).size))
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

/** The key of a log of the project's, as its signer says it is. @throws ERR_KEY_HOME, ERR_KEY_LOCKED, ERR_TLOG_MISSING */
export async function ownLogKey(project: Project, place: LogPlace = theOwn): Promise<NoteKey> {
  const { origin } = parseCheckpoint(checkpointOf(await logFolderAt(project, place)))
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
 * Every entry, every tile and the checkpoint of a log of the project's, from the entries up.
 *
 * @returns attestations of the project that are not in it, too
 * @throws ERR_TLOG_FORK, ERR_TLOG_MISSING, ERR_TLOG_SIGNATURE, ERR_TLOG_MALFORMED
 */
export async function verifyWholeLog(
  project: Project,
  trust: CheckpointTrust,
  place: LogPlace = theOwn,
): Promise<WholeLog> {
  if (place.kind === 'own') return await wholeLog(project, readerOf(openLogFolder(logFolderOf(project.root))), trust)
  return await withObjects(project, place, (objects) => wholeLog(project, readerOfObjects(objects), trust))
}

async function wholeLog(project: Project, reader: LogReader, trust: CheckpointTrust): Promise<WholeLog> {
  const tiles: TileWrite[] = []
  const entries = new Set<string>()
  const { checkpoint } = await observeLog(reader, nothingSeen(trust.log.name), trust, {
    onTile: (tile) => void tiles.push(tile),
    onEntry: (entry) => void entries.add(Buffer.from(entry).toString('latin1')),
  })
  const counting = tiles.filter(({ at }) => at.width === widthOf(at.level, at.index, checkpoint.size)) // others grew on
  await eachBounded(counting, jobs, async ({ at, bytes }) => {
    const held = (await reader.read(at)) ?? (await reader.read({ ...at, width: tileWidth }))?.subarray(0, bytes.length)
    if (held === undefined || Buffer.compare(held, bytes) !== 0)
      throw new DomainError('ERR_TLOG_FORK', `the tile \`${tilePath(at)}\` is not what its entries make`)
  })
  return {
    origin: checkpoint.origin,
    key: printNoteKey(trust.log),
    size: checkpoint.size,
    root: `sha256:${Buffer.from(checkpoint.root).toString('hex')}`,
    witnesses: checkpoint.witnesses.map(({ name }) => name),
    missing: attestationsOf(project).filter((attestation) => !entries.has(attestation)),
  }
}

/** LIMIT: tiles that are asked for at once. */
const jobs = 8

export type LogTrust = CheckpointTrust

/** @throws ERR_TLOG_MALFORMED, ERR_USAGE */
export function parseWitness(address: string, key: string): Witness {
  const parsed = parseNoteKey(key)
  if (parsed.role === 'witness') return { address, key: parsed }
  throw new DomainError('ERR_USAGE', `\`${key}\` is the key of a log, not of a witness`)
}

export type Look = Readonly<{ origin: string; size: number; added: number; at: string; entries: readonly string[] }>

/** What a monitor met that nobody should have to see: both checkpoints, as the log signed them. */
export type Contradiction = Readonly<{
  code: 'ERR_TLOG_FORK' | 'ERR_TLOG_REWIND'
  because: string
  /** File that both checkpoints were written to. */
  evidence: string
}>

export type Watching = Readonly<{ environment: Project['environment']; remote: Remote; now: Date }>

/**
 * Looks at a log once, as somebody who does not own it, and remembers what was seen.
 *
 * @param source folder of the log, or its address (`https://`, `s3://`)
 * @param file what was seen before; written when the look is good, and only then
 * @returns at most a hundred of the new entries; or what the log contradicts itself in, written down beside the file
 * @throws ERR_TLOG_UNREACHABLE, ERR_TLOG_MISSING and what else `observeLog` throws
 */
export async function monitorLog(
  source: string,
  file: string,
  trust: CheckpointTrust,
  watching: Watching,
): Promise<Look | Contradiction> {
  const reader = remembering(openReader(source, watching))
  const seen = loadSeen(file, trust.log.name)
  const entries: string[] = []
  const onEntry = (entry: Uint8Array): void => {
    if (entries.length < 100) entries.push(Buffer.from(entry).toString('utf8'))
  }
  const at = watching.now.toISOString()
  try {
    const { seen: next, added } = await observeLog(reader, seen, trust, { onEntry })
    saveSeen(file, next)
    return { origin: next.origin, size: next.size, added, at, entries }
  } catch (error) {
    if (!isDomainError(error, 'ERR_TLOG_FORK', 'ERR_TLOG_REWIND')) throw error
    const because = error.message
    const code = error.code as Contradiction['code'] // one of the two, see above
    const shown = Buffer.from(reader.last() ?? []).toString('utf8')
    return {
      code,
      because,
      evidence: saveContradiction(file, { at, source, code, because, seen: seen.checkpoint, shown }),
    }
  } finally {
    await reader.close()
  }
}

type OpenReader = LogReader & Readonly<{ close(): Promise<void> }>

function openReader(source: string, { environment, remote }: Watching): OpenReader {
  if (isLogStore(source)) return readerOfObjects(openLogObjects(source, environment, remote))
  return isWebLog(source) ? openRemoteLog(source, remote) : readerOf(openLogFolder(source))
}

export function isWebLog(source: string): boolean {
  return /^https?:\/\//.test(source)
}

/** The checkpoint that was read last is what the log shows now. */
function remembering(reader: OpenReader): OpenReader & Readonly<{ last(): Uint8Array | undefined }> {
  let last: Uint8Array | undefined
  return {
    ...reader,
    checkpoint: async () => {
      last = await reader.checkpoint()
      return last
    },
    last: () => last,
  }
}
