/**
 * Where a log keeps what: tiles of 256 hashes, and bundles of 256 entries. Paths and bytes, no files.
 *
 * SOURCE: C2SP tlog-tiles.md.
 */
import { DomainError } from '../../core/index.ts'
import { hashBytes, type TreeHash } from './merkle.ts'

export const tileWidth = 256
/** LIMIT: the format's own: two bytes of length stand before an entry. */
export const maxEntryBytes = 65_535

/** `width` is how many of the 256 are there; a tile that is full never changes. */
export type TileAt = Readonly<{ level: number | 'entries'; index: number; width: number }>

/** `tile/0/x001/x234/067`, `tile/entries/000.p/12`. */
export function tilePath({ level, index, width }: TileAt): string {
  const groups: string[] = []
  for (let rest = index, last = true; last || rest > 0; rest = Math.floor(rest / 1000), last = false) {
    groups.unshift(`${last ? '' : 'x'}${String(rest % 1000).padStart(3, '0')}`)
  }
  return `tile/${level}/${groups.join('/')}${width === tileWidth ? '' : `.p/${width}`}`
}

/** How many hashes (or entries) a tile of a log of this size holds; 0 when there is none. */
export function widthOf(level: number | 'entries', index: number, size: number): number {
  const count = Math.floor(size / tileWidth ** (level === 'entries' ? 0 : level))
  return Math.max(0, Math.min(tileWidth, count - index * tileWidth))
}

/** @throws ERR_TLOG_MALFORMED when the bytes are not `width` hashes */
export function parseTile(bytes: Uint8Array, { level, index, width }: TileAt): readonly TreeHash[] {
  if (bytes.length !== width * hashBytes) throw malformed(`the tile ${level}/${index} has ${bytes.length} bytes`)
  return Array.from({ length: width }, (_, at) => bytes.subarray(at * hashBytes, (at + 1) * hashBytes))
}

/** @throws ERR_TLOG_MALFORMED when the bytes are not exactly `width` entries */
export function parseEntries(bytes: Uint8Array, { index, width }: TileAt): readonly Uint8Array[] {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  const entries: Uint8Array[] = []
  let at = 0
  while (at + 2 <= view.length && entries.length < width) {
    const end = at + 2 + view.readUInt16BE(at)
    if (end > view.length) break
    entries.push(view.subarray(at + 2, end))
    at = end
  }
  if (at !== view.length || entries.length !== width) throw malformed(`the entries ${index} are not ${width} entries`)
  return entries
}

/** @throws ERR_TLOG_MALFORMED when an entry is over the limit */
export function printEntries(entries: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat(
    entries.flatMap((entry) => {
      if (entry.length > maxEntryBytes) throw malformed(`an entry has ${entry.length} bytes`)
      const length = Buffer.alloc(2)
      length.writeUInt16BE(entry.length)
      return [length, entry]
    }),
  )
}

function malformed(what: string): DomainError {
  return new DomainError('ERR_TLOG_MALFORMED', what)
}
