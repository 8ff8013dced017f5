/**
 * A transparency log in a folder: tiles, bundles of entries, and `checkpoint`, as C2SP tlog-tiles lays them out, so that
 * any web server serves it as it is.
 *
 * Order: tiles first, the checkpoint last, each written durably: a process killed between any two steps leaves the log
 * as it was.
 */
import { closeSync, constants, fstatSync, openSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type LogReader, type TileAt, type TileWrite, tilePath, tileWidth } from '../attestation/index.ts'
import { DomainError } from '../core/index.ts'
import { errnoOf, ioFault } from '../data/index.ts'
import { writeDurably } from './evidence.fs.ts'

/** LIMIT: 16 MiB: 256 entries of 64 KiB. */
const maxBytes = 256 * (65_535 + 2)

export type LogFolder = Readonly<{
  checkpoint(): Uint8Array | undefined
  /** A tile that has become full meanwhile stands for its earlier ones. Undefined when it is not there. */
  read(at: TileAt): Uint8Array | undefined
  /** @throws ERR_IO, ERR_DISK_FULL */
  write(tiles: readonly TileWrite[]): void
  commit(checkpoint: Uint8Array): void
  /** Puts the whole log aside, for good: under `name` beside it. */
  setAside(name: string): void
}>

/** @param folder absolute; need not be there */
export function openLogFolder(folder: string): LogFolder {
  const aside = join(folder, 'tmp')
  const fileOf = (at: TileAt): string => join(folder, tilePath(at))
  return {
    checkpoint: () => readBounded(join(folder, 'checkpoint')),
    read: (at) => readBounded(fileOf(at)),
    write: (tiles) => {
      for (const { at, bytes } of tiles) {
        const file = fileOf(at)
        writeDurably(file, bytes, aside)
        if (at.width === tileWidth) rmSync(`${file}.p`, { recursive: true, force: true }) // the full one stands for them
      }
    },
    commit: (checkpoint) => writeDurably(join(folder, 'checkpoint'), checkpoint, aside),
    setAside: (name) => {
      try {
        renameSync(folder, join(dirname(folder), name))
      } catch (error) {
        throw ioFault(error, folder)
      }
    },
  }
}

export function readerOf(folder: LogFolder): LogReader & Readonly<{ close(): Promise<void> }> {
  return {
    checkpoint: async () => folder.checkpoint(),
    read: async (at) => folder.read(at),
    close: async () => undefined,
  }
}

/** One open file: a writer may replace it, or take it away for a fuller one, at any time. */
function readBounded(file: string): Uint8Array | undefined {
  const fd = opened(file)
  if (fd === undefined) return undefined
  try {
    const status = fstatSync(fd)
    if (!status.isFile()) throw new DomainError('ERR_TLOG_MALFORMED', `\`${file}\` is not a file`)
    if (status.size > maxBytes) throw new DomainError('ERR_INPUT_TOO_LARGE', `\`${file}\` has ${status.size} bytes`)
    return readFileSync(fd)
  } finally {
    closeSync(fd)
  }
}

function opened(file: string): number | undefined {
  try {
    return openSync(file, constants.O_RDONLY | constants.O_NONBLOCK)
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(errnoOf(error) ?? '')) return undefined
    throw ioFault(error, file)
  }
}
