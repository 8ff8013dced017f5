/**
 * Enters attestations into the project's transparency log (`.assay/log`): whatever of the project's evidence is not in it.
 *
 * An entry is the text `sha256:<64 hex>` of a bundle and no more: nothing of what was signed leaks by the log, and
 * nothing is parsed. What a killed process left out is entered by the next that signs something.
 */
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  bundleEntries,
  type Edges,
  edgesOf,
  growTree,
  isSameHash,
  leafHashOf,
  logOrigin,
  type NoteKey,
  noteKeyOf,
  parseCheckpoint,
  parseEntries,
  parseTile,
  printNoteKey,
  rootOfEdges,
  type Signer,
  type TileWrite,
  type Tree,
  type TreeHead,
  tileWidth,
  verifyCheckpoint,
  widthOf,
} from '../attestation/index.ts'
import { DomainError, isDomainError, isSha256, type Sha256, sha256Of } from '../core/index.ts'
import { holdFile } from './busy.fs.ts'
import { type LogFolder, openLogFolder } from './log-folder.fs.ts'
import { entryOf } from './log-trust.ts'
import type { Project } from './project.ts'

export type EnteredLog = Readonly<{ origin: string; key: string; size: number; root: Sha256; added: number }>

export type LogOwner = Readonly<{ root: string; id: string }>

export function logFolderOf(root: string): string {
  return join(root, '.assay', 'log')
}

/** Everything that the project has signed or taken in: what belongs into its log. */
export function attestationsOf({ evidence }: Pick<Project, 'evidence'>): readonly Sha256[] {
  return [...evidence.attestations(), ...evidence.approvals().map(({ bytes }) => sha256Of(bytes))]
}

/**
 * Enters those that are missing, in the order given, under one checkpoint.
 *
 * @throws ERR_TLOG_FORK, ERR_TLOG_MISSING, ERR_TLOG_SIGNATURE, ERR_TLOG_MALFORMED when the log on disk is not what it
 *   signed: nothing is signed on top of it
 * @throws ERR_SIGN_REFUSED for a throw-away key
 */
export async function enterLog(
  owner: LogOwner,
  signer: Pick<Signer, 'sign' | 'logKey'>,
  attestations: readonly Sha256[],
): Promise<EnteredLog> {
  const release = await holdLog(`${logFolderOf(owner.root)}.lock`)
  try {
    const folder = openLogFolder(logFolderOf(owner.root))
    const log = openOwn(folder, owner, signer.logKey)
    const added = missingFrom(folder, log, attestations)
    if (added.length === 0 && log.size > 0) return reportOf(log.key, log, 0)
    const { tiles, head } = grownBy(folder, log, added)
    folder.write(tiles)
    folder.commit(await signHead(signer, log, head))
    return reportOf(log.key, head, added.length)
  } finally {
    release()
  }
}

/** Those that the log does not hold, each once. */
export function missingFrom(folder: LogFolder, { size }: OwnLog, attestations: readonly Sha256[]): readonly Sha256[] {
  const known = entriesOf(folder, size)
  return [...new Set(attestations)].filter((each) => !known.has(each))
}

/** The log with these entries: every tile that changes. */
export function grownBy(
  folder: LogFolder,
  { size, edges }: OwnLog,
  added: readonly Sha256[],
): Readonly<{ tiles: readonly TileWrite[]; head: TreeHead }> {
  const entries = added.map(entryOf)
  const { head, tiles } = growTree(size, entries.map(leafHashOf), edges)
  return { head, tiles: [...bundleEntries(size, pendingOf(folder, size), entries), ...tiles] }
}

/** The checkpoint of a tree, signed by the log. @throws ERR_SIGN_REFUSED */
export async function signHead(
  signer: Pick<Signer, 'sign'>,
  { id }: OwnLog,
  { size, root }: TreeHead,
): Promise<Uint8Array> {
  const digest: Sha256 = `sha256:${Buffer.from(root).toString('hex')}`
  return (await signer.sign({ kind: 'checkpoint', checkpoint: { id, size, root: digest } })).bytes
}

export type OwnLog = Readonly<{ id: string; key: NoteKey; size: number; root: Uint8Array; edges: Edges }>

/** The log as it was signed, or a new one; one that another key kept is put aside. */
function openOwn(folder: LogFolder, owner: LogOwner, logKey: string): OwnLog {
  const bytes = folder.checkpoint()
  if (bytes === undefined) return newLog(owner, logKey)
  const key = keyOfLog(bytes, logKey)
  if (key !== undefined) return openSigned(folder, bytes, key)
  folder.setAside(`log-${sha256Of(bytes).slice('sha256:'.length, 23)}`)
  return newLog(owner, logKey)
}

/** Undefined when the checkpoint names another key. @throws ERR_TLOG_MALFORMED */
export function keyOfLog(checkpoint: Uint8Array, logKey: string): NoteKey | undefined {
  const { origin, note } = parseCheckpoint(checkpoint)
  const key = noteKeyOf(origin, 'log', Buffer.from(logKey, 'base64'))
  return note.signatures.some((each) => each.name === key.name && each.id === key.id) ? key : undefined
}

/** @throws ERR_TLOG_FORK when the tiles are not what was signed, ERR_TLOG_SIGNATURE */
export function openSigned(folder: LogFolder, bytes: Uint8Array, key: NoteKey): OwnLog {
  const { size, root } = verifyCheckpoint(bytes, { log: key, witnesses: [], threshold: 0 })
  const edges = edgesOf(treeOf(folder, size))
  if (!isSameHash(rootOfEdges(edges), root)) {
    throw new DomainError('ERR_TLOG_FORK', 'the tiles of the log do not make the root that it signed')
  }
  return { id: idOf(key), key, size, root, edges }
}

export function newLog({ id: project }: LogOwner, logKey: string): OwnLog {
  const id = `${project}/${randomBytes(8).toString('hex')}`
  return emptyLog(noteKeyOf(logOrigin(id), 'log', Buffer.from(logKey, 'base64')))
}

export function emptyLog(key: NoteKey): OwnLog {
  return { id: idOf(key), key, size: 0, root: rootOfEdges([]), edges: [] }
}

function idOf({ name }: NoteKey): string {
  return name.slice(logOrigin('').length)
}

/** @throws ERR_TLOG_MISSING, ERR_TLOG_MALFORMED when a tile is read that is not there */
export function treeOf(folder: LogFolder, size: number): Tree {
  const parsed = new Map<string, ReturnType<typeof parseTile>>()
  return {
    size,
    known: new Map(),
    readTile: (at) => {
      const name = `${at.level}/${at.index}`
      const known = parsed.get(name) ?? parseTile(bytesOf(folder, at), at)
      parsed.set(name, known)
      return known
    },
  }
}

function bytesOf(folder: LogFolder, at: Parameters<LogFolder['read']>[0]): Uint8Array {
  const bytes = folder.read(at) ?? folder.read({ ...at, width: tileWidth })?.subarray(0, at.width * 32)
  if (bytes !== undefined) return bytes
  throw new DomainError('ERR_TLOG_MISSING', `the tile ${at.level}/${at.index} of the log is gone`)
}

/**
 * Place of each attestation that the log holds.
 *
 * @throws ERR_TLOG_FORK when entries are not those that the tiles are of: the log would be said to hold what it does not
 */
export function entriesOf(folder: LogFolder, size: number): ReadonlyMap<Sha256, number> {
  const found = new Map<Sha256, number>()
  const tree = treeOf(folder, size)
  for (let index = 0; index * tileWidth < size; index += 1) {
    for (const [at, entry] of bundleAt(folder, index, tree).entries()) {
      const text = Buffer.from(entry).toString('latin1')
      if (isSha256(text) && !found.has(text)) found.set(text, index * tileWidth + at)
    }
  }
  return found
}

export function pendingOf(folder: LogFolder, size: number): readonly Uint8Array[] {
  return size % tileWidth === 0 ? [] : bundleAt(folder, Math.floor(size / tileWidth), treeOf(folder, size))
}

/** The entries as the tile of their hashes has them. */
function bundleAt(folder: LogFolder, index: number, { size, readTile }: Tree): readonly Uint8Array[] {
  const entries = readBundle(folder, index, size)
  const hashes = readTile({ level: 0, index, width: entries.length })
  if (entries.every((entry, at) => isSameHash(leafHashOf(entry), hashes[at] ?? emptyHash))) return entries
  throw new DomainError('ERR_TLOG_FORK', `the entries ${index} of the log are not those that its tiles are of`)
}

const emptyHash = new Uint8Array()

function readBundle(folder: LogFolder, index: number, size: number): readonly Uint8Array[] {
  const at = { level: 'entries', index, width: widthOf('entries', index, size) } as const
  const bytes = folder.read(at)
  if (bytes !== undefined) return parseEntries(bytes, at)
  const full = { ...at, width: tileWidth }
  const whole = folder.read(full)
  if (whole === undefined) throw new DomainError('ERR_TLOG_MISSING', `the entries ${index} of the log are gone`)
  return parseEntries(whole, full).slice(0, at.width)
}

export function reportOf(
  key: NoteKey,
  { size, root }: Readonly<{ size: number; root: Uint8Array }>,
  added: number,
): EnteredLog {
  return { origin: key.name, key: printNoteKey(key), size, root: `sha256:${Buffer.from(root).toString('hex')}`, added }
}

/** LIMIT: waits at most half a minute for another process. */
const waitMs = 25
const maxWaits = 1200

export async function holdLog(file: string): Promise<() => void> {
  for (let waits = 0; ; waits += 1) {
    try {
      return holdFile(file)
    } catch (error) {
      if (waits >= maxWaits || !isDomainError(error, 'ERR_RUN_BUSY')) throw error
      await sleep(waitMs)
    }
  }
}
