/**
 * A log in an object store, which several machines write and everybody may read.
 *
 *   head          what comes next: entries and the checkpoint over them; replaced under a condition, which decides who is next
 *   checkpoint    what readers see; replaced when all tiles of it are there
 *   tile/...      as in a folder
 *
 * Order: whoever replaces `head` has the turn; then tiles, then `checkpoint`. Whoever comes next first does what is missing
 * of that: a writer that was killed leaves nothing half. Tiles are written by nobody who has not had the turn, so that the
 * bytes of a name never change once they count. DECISION 0052.
 *
 * What was seen is copied to `.assay/logs/<hex>`: a store that goes back, or shows another history, is refused.
 */
import { join } from 'node:path'
import { z } from 'zod'
import {
  bundleEntries,
  type CheckpointTrust,
  type NoteKey,
  observeLog,
  parseCheckpoint,
  type Signer,
  type TileWrite,
  tilePath,
  verifyCheckpoint,
} from '../attestation/index.ts'
import { DomainError, hexOf, isDomainError, isSha256, parseStrictJson, type Sha256, sha256Of } from '../core/index.ts'
import { eachBounded } from '../data/index.ts'
import {
  type EnteredLog,
  emptyLog,
  grownBy,
  holdLog,
  keyOfLog,
  type LogOwner,
  missingFrom,
  newLog,
  type OwnLog,
  openSigned,
  pendingOf,
  reportOf,
  signHead,
} from './enter-log.ts'
import { type LogFolder, openLogFolder } from './log-folder.fs.ts'
import { type LogObjects, readerOfObjects, refuseUnconditional } from './log-objects.http.ts'

/** LIMIT: turns that others may take before ours; entries of one turn; objects on their way at once. */
const maxTurns = 64
const maxEntries = 100_000
const jobs = 8

/** Folder of what was seen of the log at this address. */
export function copyFolderOf(root: string, address: string): string {
  return join(root, '.assay', 'logs', hexOf(sha256Of(address)).slice(0, 16))
}

/**
 * Enters those that are missing, in the order given, under one checkpoint.
 *
 * @throws as `enterLog`; ERR_TLOG_SIGNATURE when another key keeps the log, ERR_TLOG_REWIND, ERR_TLOG_UNREACHABLE also for a
 *   store without conditional writes
 */
export async function enterSharedLog(
  owner: LogOwner,
  signer: Pick<Signer, 'sign' | 'logKey'>,
  objects: LogObjects,
  attestations: readonly Sha256[],
): Promise<EnteredLog> {
  const place = copyFolderOf(owner.root, objects.address)
  const release = await holdLog(`${place}.lock`)
  try {
    await refuseUnconditional(objects)
    let fresh: OwnLog | undefined
    for (let turn = 0; turn < maxTurns; turn += 1) {
      const folder = openLogFolder(place)
      const caught = await catchUp(objects, folder, signer.logKey)
      if (caught === 'again') continue
      fresh ??= newLog(owner, signer.logKey)
      const log = caught.log ?? fresh
      const added = missingFrom(folder, log, attestations).slice(0, maxEntries)
      if (added.length === 0 && log.size > 0) return reportOf(log.key, log, 0)
      const { head, tiles } = grownBy(folder, log, added)
      const checkpoint = await signHead(signer, log, head)
      const next = printHead({ from: log.size, entries: added, checkpoint })
      if (!(await objects.putIf('head', next, caught.headTag))) continue
      await publish(objects, tiles, { checkpoint, tag: caught.checkpointTag })
      folder.write(tiles)
      folder.commit(checkpoint)
      return reportOf(log.key, head, added.length)
    }
    throw crowded(objects)
  } finally {
    release()
  }
}

/** Brings the copy to what the store shows now, every byte verified. @returns the copy's folder */
export async function readSharedLog(root: string, objects: LogObjects, logKey: string): Promise<string> {
  const place = copyFolderOf(root, objects.address)
  const release = await holdLog(`${place}.lock`)
  try {
    const shown = await objects.read('checkpoint')
    if (shown === undefined) throw missing(`there is no log at \`${objects.address}\``)
    await observeInto(objects, openLogFolder(place), { key: keyOf(shown.bytes, logKey, objects), shown: shown.bytes })
    return place
  } finally {
    release()
  }
}

type Caught = Readonly<{
  log: OwnLog | undefined
  headTag: string | undefined
  checkpointTag: string | undefined
}>

/** What was decided is there for readers, and in the copy. */
async function catchUp(objects: LogObjects, folder: LogFolder, logKey: string): Promise<Caught | 'again'> {
  const held = await objects.read('head')
  const shown = await objects.read('checkpoint')
  if (held === undefined) {
    if (shown === undefined && folder.checkpoint() === undefined)
      return { log: undefined, headTag: undefined, checkpointTag: undefined }
    throw missing(`the log at \`${objects.address}\` has lost its head`)
  }
  const head = parseHead(held.bytes)
  const key = keyOf(head.checkpoint, logKey, objects)
  const trust: CheckpointTrust = { log: key, witnesses: [], threshold: 0 }
  const decided = verifyCheckpoint(head.checkpoint, trust)
  const public_ = shown === undefined ? 0 : verifyCheckpoint(shown.bytes, trust).size
  if (public_ > decided.size) return 'again' // read before somebody's turn
  const before =
    shown === undefined ? emptyCopy(folder, key) : await observeInto(objects, folder, { key, shown: shown.bytes })
  const tags = { headTag: held.tag, checkpointTag: shown?.tag }
  if (before.size === decided.size) return { log: before, ...tags }
  if (before.size !== head.from) return 'again'
  const { head: grown, tiles } = grownBy(folder, before, head.entries)
  if (grown.size !== decided.size || Buffer.compare(grown.root, decided.root) !== 0)
    throw new DomainError('ERR_TLOG_FORK', 'the entries that come next do not make the root that the log signed')
  await publish(objects, tiles, { checkpoint: head.checkpoint, tag: shown?.tag })
  folder.write(tiles)
  folder.commit(head.checkpoint)
  return 'again'
}

/** Nothing is shown yet. @throws ERR_TLOG_REWIND when something was seen before */
function emptyCopy(folder: LogFolder, key: NoteKey): OwnLog {
  const bytes = folder.checkpoint()
  if (bytes === undefined) return emptyLog(key)
  throw new DomainError('ERR_TLOG_REWIND', `the log has no entries, and had ${parseCheckpoint(bytes).size}`)
}

/** The copy, grown to what the store shows; its tiles are made here, none is believed. @throws as `observeLog` */
async function observeInto(
  objects: LogObjects,
  folder: LogFolder,
  { key, shown }: Readonly<{ key: NoteKey; shown: Uint8Array }>,
): Promise<OwnLog> {
  const bytes = folder.checkpoint()
  const copy = bytes === undefined ? emptyLog(key) : openSigned(folder, bytes, key)
  const entries: Uint8Array[] = []
  const tiles: TileWrite[] = []
  const seen = { ...copy, origin: key.name, checkpoint: Buffer.from(bytes ?? []).toString('utf8') }
  const trust: CheckpointTrust = { log: key, witnesses: [], threshold: 0 }
  const { seen: now } = await observeLog({ ...readerOfObjects(objects), checkpoint: async () => shown }, seen, trust, {
    onEntry: (entry) => void entries.push(entry),
    onTile: (tile) => void tiles.push(tile),
  })
  folder.write([...bundleEntries(copy.size, pendingOf(folder, copy.size), entries), ...tiles])
  const checkpoint = Buffer.from(now.checkpoint)
  folder.commit(checkpoint)
  return openSigned(folder, checkpoint, key)
}

type Publication = Readonly<{ checkpoint: Uint8Array /** Of the one that is shown now. */; tag: string | undefined }>

async function publish(
  objects: LogObjects,
  tiles: readonly TileWrite[],
  { checkpoint, tag }: Publication,
): Promise<void> {
  await eachBounded(tiles, jobs, ({ at, bytes }) => objects.put(tilePath(at), bytes))
  let before = tag
  for (let turn = 0; !(await objects.putIf('checkpoint', checkpoint, before)); turn += 1) {
    if (turn >= maxTurns) throw crowded(objects)
    const shown = await objects.read('checkpoint')
    // somebody did it for us, and may have gone on
    if (shown !== undefined && parseCheckpoint(shown.bytes).size >= parseCheckpoint(checkpoint).size) return
    before = shown?.tag
  }
}

function keyOf(checkpoint: Uint8Array, logKey: string, { address }: LogObjects): NoteKey {
  const key = keyOfLog(checkpoint, logKey)
  if (key !== undefined) return key
  throw new DomainError('ERR_TLOG_SIGNATURE', `the log at \`${address}\` is kept by another key`, {
    help: 'name a prefix of its own for each key, or append with the key that keeps this one',
  })
}

function crowded({ address }: LogObjects): DomainError {
  return new DomainError('ERR_TLOG_UNREACHABLE', `others write the log at \`${address}\` all the time`)
}

function missing(what: string): DomainError {
  return new DomainError('ERR_TLOG_MISSING', what)
}

type Head = Readonly<{ from: number; entries: readonly Sha256[]; checkpoint: Uint8Array }>

const headShape = z.strictObject({
  assayLogHead: z.literal(1),
  from: z.int().nonnegative(),
  entries: z.array(z.custom<Sha256>(isSha256)).max(maxEntries),
  checkpoint: z.string().max(64 * 1024),
})

function printHead({ from, entries, checkpoint }: Head): Uint8Array {
  const text = Buffer.from(checkpoint).toString('utf8')
  return Buffer.from(`${JSON.stringify({ assayLogHead: 1, from, entries, checkpoint: text })}\n`)
}

/** @throws ERR_TLOG_MALFORMED */
function parseHead(bytes: Uint8Array): Head {
  const parsed = headShape.safeParse(headJson(bytes))
  if (!parsed.success) throw foreignHead()
  const { from, entries, checkpoint } = parsed.data
  return { from, entries, checkpoint: Buffer.from(checkpoint) }
}

function headJson(bytes: Uint8Array): unknown {
  try {
    return parseStrictJson(bytes, 'head', { maxBytes: 16 * 1024 * 1024, maxDepth: 3 })
  } catch (error) {
    if (!isDomainError(error)) throw error
    throw foreignHead(error)
  }
}

function foreignHead(cause?: unknown): DomainError {
  return new DomainError('ERR_TLOG_MALFORMED', 'the head of the log is not what assay wrote', { cause })
}
