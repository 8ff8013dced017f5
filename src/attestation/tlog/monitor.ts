/**
 * Whoever watches a log: reads each entry once, grows the tree from what it remembers, and holds the outcome against what
 * the log signed. A log that forgets, changes or shows another history does not come to the same root.
 *
 * It believes no tile of the log: the hashes are made here. Nothing but the edges of the tree has to be remembered.
 */
import { z } from 'zod'
import { DomainError, parseStrictJson } from '../../core/index.ts'
import { type CheckpointTrust, type VerifiedCheckpoint, verifyCheckpoint } from './checkpoint.ts'
import { isSameHash, leafHashOf, type TreeHash } from './merkle.ts'
import { decodeBase64 } from './read-note.ts'
import { parseEntries, type TileAt, tileWidth, widthOf } from './tile.ts'
import { type Edges, growTree, rootOfEdges, type TileWrite } from './tree.ts'

/** What was seen of a log; an empty log when nothing was. */
export type Seen = Readonly<{ origin: string; size: number; edges: Edges; checkpoint: string }>

/** A log as it can be read: hostile bytes. */
export type LogReader = Readonly<{
  /** Undefined where there is none. */
  checkpoint(): Promise<Uint8Array | undefined>
  /** Undefined where there is none. */
  read(at: TileAt): Promise<Uint8Array | undefined>
}>

export type Observation = Readonly<{
  seen: Seen
  checkpoint: VerifiedCheckpoint
  /** Entries that were not there before. */
  added: number
}>

export function nothingSeen(origin: string): Seen {
  return { origin, size: 0, edges: [], checkpoint: '' }
}

/**
 * Looks at a log once.
 *
 * @param onEntry called for each new entry, in order, before it is known whether the log stands by it
 * @param onTile called for each tile as it must be
 * @throws ERR_TLOG_REWIND, ERR_TLOG_FORK when it is not what was seen before, or not what it signed
 * @throws ERR_TLOG_MISSING when a part of it is not there
 * @throws ERR_TLOG_SIGNATURE, ERR_TLOG_WITNESS, ERR_TLOG_MALFORMED
 */
export async function observeLog(
  reader: LogReader,
  seen: Seen,
  trust: CheckpointTrust,
  on: Readonly<{ onEntry?(entry: Uint8Array, index: number): void; onTile?(tile: TileWrite): void }> = {},
): Promise<Observation> {
  const bytes = await reader.checkpoint()
  if (bytes === undefined) throw missing(seen.size === 0 ? 'there is no log' : 'the log is gone')
  const checkpoint = verifyCheckpoint(bytes, trust)
  if (checkpoint.origin !== seen.origin) throw fork(`the log is \`${checkpoint.origin}\`, not \`${seen.origin}\``)
  if (checkpoint.size < seen.size) {
    throw new DomainError('ERR_TLOG_REWIND', `the log has ${checkpoint.size} entries, and had ${seen.size}`)
  }
  let { size, edges } = seen
  while (size < checkpoint.size) {
    const entries = (await entriesAt(reader, Math.floor(size / tileWidth), checkpoint.size)).slice(size % tileWidth)
    for (const [at, entry] of entries.entries()) on.onEntry?.(entry, size + at)
    const grown = growTree(size, entries.map(leafHashOf), edges)
    for (const tile of grown.tiles) on.onTile?.(tile)
    size += entries.length
    edges = grown.edges
  }
  if (!isSameHash(rootOfEdges(edges), checkpoint.root)) {
    const what = seen.size === 0 ? 'what it holds' : 'what was seen before, with what came since,'
    throw fork(`${what} does not make the root that the log signed for ${checkpoint.size} entries`)
  }
  const now = { origin: seen.origin, size, edges, checkpoint: Buffer.from(bytes).toString('utf8') }
  return { seen: now, checkpoint, added: size - seen.size }
}

/** Of a bundle that has become full meanwhile, the first `width`. */
async function entriesAt(reader: LogReader, index: number, size: number): Promise<readonly Uint8Array[]> {
  const at: TileAt = { level: 'entries', index, width: widthOf('entries', index, size) }
  const bytes = await reader.read(at)
  if (bytes !== undefined) return parseEntries(bytes, at)
  const full = { ...at, width: tileWidth }
  const whole = at.width === tileWidth ? undefined : await reader.read(full)
  if (whole === undefined) throw missing(`the entries from ${index * tileWidth} on are gone`)
  return parseEntries(whole, full).slice(0, at.width)
}

/** LIMIT: a state is at most 1 MiB: at most 255 hashes of each of seven levels stand in it. */
const stateLimits = { maxBytes: 1024 * 1024, maxDepth: 8 }

const stateShape = z.strictObject({
  assayLogSeen: z.literal(1),
  origin: z.string().min(1).max(300),
  size: z.int().nonnegative(),
  edges: z.array(z.array(z.string()).max(tileWidth - 1)).max(8),
  checkpoint: z.string().max(64 * 1024),
})

/** @throws ERR_TLOG_MALFORMED when the bytes are not what `printSeen` wrote */
export function parseSeen(bytes: Uint8Array): Seen {
  const parsed = stateShape.safeParse(parseStrictJson(bytes, 'state', stateLimits))
  if (!parsed.success) throw malformed('is not what assay tlog monitor wrote')
  const { origin, size, edges, checkpoint } = parsed.data
  return { origin, size, edges: edges.map((level) => level.map(parseEdge)), checkpoint }
}

export function printSeen({ origin, size, edges, checkpoint }: Seen): string {
  const encoded = edges.map((level) => level.map((hash) => Buffer.from(hash).toString('base64')))
  return `${JSON.stringify({ assayLogSeen: 1, origin, size, edges: encoded, checkpoint })}\n`
}

function parseEdge(text: string): TreeHash {
  const bytes = decodeBase64(text)
  if (bytes?.length !== 32) throw malformed('holds what is no hash')
  return bytes
}

function fork(what: string): DomainError {
  return new DomainError('ERR_TLOG_FORK', what)
}

function missing(what: string): DomainError {
  return new DomainError('ERR_TLOG_MISSING', what)
}

function malformed(what: string): DomainError {
  return new DomainError('ERR_TLOG_MALFORMED', `the state of the monitor ${what}`)
}
