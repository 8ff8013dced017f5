/**
 * Whether an archive is read alike by everybody: pure, beside the parser, over the same bytes.
 *
 * THREAT: what one reader sees and another does not. An image is reviewed with Docker's tools; entries behind the end of
 * the archive, headers for all entries, and links or folders that claim bytes are read by some and passed over by others.
 * SOURCE: POSIX pax, "ustar Interchange Format": 512-byte blocks, two of zeros at the end, size at 124, type at 156.
 */
import { ImageFault } from './image-tree.ts'

const blockBytes = 512
/** Files, and the headers of long names: what may have bytes. */
const withBytes = new Set(['0', '\0', '7', 'x', 'L', 'K'])

export type ArchiveFrame = Readonly<{
  /** @throws ImageFault */
  add(piece: Buffer): void
}>

export function newArchiveFrame(): ArchiveFrame {
  let block: Buffer = Buffer.alloc(0)
  let skipBytes = 0
  let zeroBlocks = 0
  const take = (header: Buffer): void => {
    if (header.every((byte) => byte === 0)) zeroBlocks += 1
    else {
      zeroBlocks = 0
      skipBytes = Math.ceil(sizeOf(header) / blockBytes) * blockBytes
    }
  }
  return {
    add(piece) {
      for (let at = 0; at < piece.length; ) {
        if (zeroBlocks >= 2) return refuseBytes(piece.subarray(at))
        if (skipBytes > 0) {
          const passed = Math.min(skipBytes, piece.length - at)
          skipBytes -= passed
          at += passed
          continue
        }
        const wanted = piece.subarray(at, at + blockBytes - block.length)
        at += wanted.length
        block = block.length === 0 ? wanted : Buffer.concat([block, wanted])
        if (block.length < blockBytes) continue
        take(block)
        block = Buffer.alloc(0)
      }
    },
  }
}

function refuseBytes(rest: Buffer): void {
  if (rest.some((byte) => byte !== 0)) throw new ImageFault('has a layer with bytes behind its end')
}

/** LIMIT: 8 GiB a file, which is what the field holds in the form that every reader reads. */
function sizeOf(header: Buffer): number {
  const type = header.toString('latin1', 156, 157)
  const text = header
    .toString('latin1', 124, 136)
    .replace(/[\0 ]+$/, '')
    .trimStart()
  if (!/^[0-7]*$/.test(text)) throw new ImageFault('has a layer with a file of over 8 GiB, or of no size')
  const sizeBytes = text === '' ? 0 : Number.parseInt(text, 8)
  if (type === 'g') throw new ImageFault('has a layer with a header for all of its entries')
  if (sizeBytes > 0 && !withBytes.has(type)) throw new ImageFault('has a layer with a link or folder that has bytes')
  return sizeBytes
}
