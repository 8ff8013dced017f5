/**
 * Files of a folder, each looked at: what it is, and of images whether they decode, how large they are, and what they
 * look like from afar (a difference hash of 256 bits). Runs in the sandboxed process.
 *
 * THREAT: a small file may stand for a huge image. The decoder refuses by the size that the header claims before it
 * takes memory, and gives up after some seconds. LIMIT: 100 megapixels, the first frame, 20 s a file.
 * THREAT: what the decoder makes of an image is not what trainers read: see opaque.fs.ts.
 * Source: Krawetz, "Kind of Like That" (2013): here 16 rows of 17 grey values, each compared with the next.
 */
import { closeSync, openSync, readSync } from 'node:fs'
import { type Grey, side } from '../poison/images.ts'
import type { FileList } from '../validate/request.ts'
import { fileTypeOf, imageTypes } from './file-type.ts'
import { opaque } from './opaque.fs.ts'
import { packedFault, type UnpackBudget } from './packed.fs.ts'
import { type Reading, readingsOf } from './readings.ts'

export type LookedAt = Readonly<{
  type: string
  width?: number
  height?: number
  /** 64 hex digits. */
  look?: string
  /** Why it does not decode. */
  fault?: string
  isTooLarge?: true
  /** Of an image: what readers take differently; left out for none. */
  readings?: readonly Reading[]
  /** It unpacks to hundreds of times its size. */
  isBomb?: true
  /** It holds more than it says. */
  isLying?: true
  /** A packed file of which not all was unpacked. */
  isBelieved?: true
  /** And that because others used up the budget. */
  isUnread?: true
}>

/** `unpackedBytes`: of all packed files together. */
export type ImageLimits = Readonly<{ pixels: number; parallel: number; unpackedBytes?: number }>

const maxUnpackedBytes = 32e9
const packedWords = {
  bomb: { isBomb: true },
  lies: { isLying: true },
  believed: { isBelieved: true },
  unread: { isBelieved: true, isUnread: true },
} as const

const headBytes = 512
const secondsPerImage = 20
const columns = 17
const rows = 16
/** What an image is decoded to, before it is made smaller for either purpose. */
const rough = { width: 136, height: 128, channels: 1 } as const

/** `grey`: 32 x 32 levels of what decodes; they stay in the sandbox. */
export type Seen = LookedAt & Readonly<{ grey?: Grey }>

export async function lookAtFiles(files: FileList, limits: ImageLimits): Promise<readonly Seen[]> {
  const budget: UnpackBudget = { bytes: limits.unpackedBytes ?? maxUnpackedBytes }
  const looked: Seen[] = []
  for (const { path } of files) {
    const type = typeAt(path)
    const fault = await packedFault(path, type, budget)
    looked.push(fault === undefined ? { type } : { type, ...packedWords[fault] })
  }
  const images = [...looked.keys()].filter((index) => imageTypes.has(looked[index]?.type ?? ''))
  if (images.length === 0) return looked
  const decode = await openDecoder(limits)
  const work = async (): Promise<void> => {
    for (let index = images.pop(); index !== undefined; index = images.pop()) {
      looked[index] = { type: '', ...looked[index], ...(await decode(files[index]?.path ?? '')) }
    }
  }
  await Promise.all(Array.from({ length: limits.parallel }, work))
  return looked
}

export function typeAt(path: string): string {
  const fd = openSync(path, 'r')
  try {
    const buffer = Buffer.alloc(headBytes)
    return fileTypeOf(buffer.subarray(0, readSync(fd, buffer, 0, headBytes, 0)))
  } finally {
    closeSync(fd)
  }
}

type Decode = (path: string) => Promise<Omit<Seen, 'type'>>

/** Loaded only for images: libvips takes 60 ms and 20 MB. */
async function openDecoder({ pixels, parallel }: ImageLimits): Promise<Decode> {
  const { default: sharp } = await import('sharp')
  sharp.cache(false)
  sharp.concurrency(Math.max(1, Math.floor(parallel / 2)))
  const options = { limitInputPixels: pixels, failOn: 'warning', sequentialRead: true, pages: 1 } as const
  return async (path) => {
    try {
      const { width, height, ...about } = await sharp(path, options).metadata()
      const image = await opaque(sharp, path, { options, seconds: secondsPerImage, isGrey: true })
      const roughly = await image
        .greyscale()
        .resize(rough.width, rough.height, { fit: 'fill', fastShrinkOnLoad: false })
        .extractChannel(0)
        .raw()
        .toBuffer()
      const readings = readingsOf(about)
      return {
        ...{ width, height, look: lookOf(shrunk(roughly, columns, rows)), grey: shrunk(roughly, side, side) },
        ...(readings.length === 0 ? {} : { readings }),
      }
    } catch (error) {
      const [fault = ''] = (error instanceof Error ? error.message : String(error)).replaceAll(path, 'it').split('\n')
      return { fault: fault.slice(0, 200), ...(/pixel limit/i.test(fault) ? { isTooLarge: true as const } : {}) }
    }
  }
}

/** A smaller picture of the rough one: each level is the mean of what falls on it. */
function shrunk(roughly: Uint8Array, wide: number, high: number): Uint8Array {
  const edge = (at: number, parts: number, length: number): number => Math.floor((at * length) / parts)
  return Uint8Array.from({ length: wide * high }, (_, at) => {
    const [column, row] = [at % wide, Math.floor(at / wide)]
    const [left, right] = [edge(column, wide, rough.width), edge(column + 1, wide, rough.width)]
    const [top, bottom] = [edge(row, high, rough.height), edge(row + 1, high, rough.height)]
    let sum = 0
    for (let y = top; y < bottom; y += 1) for (let x = left; x < right; x += 1) sum += roughly[y * rough.width + x] ?? 0
    return Math.round(sum / ((bottom - top) * (right - left)))
  })
}

/** One bit for each pair of neighbours: is the left one brighter? */
export function lookOf(grey: Uint8Array): string {
  const channels = grey.length / (columns * rows)
  let bits = 0n
  for (let row = 0; row < rows; row += 1) {
    for (let column = 0; column < columns - 1; column += 1) {
      const at = (row * columns + column) * channels
      bits = (bits << 1n) | ((grey[at] ?? 0) > (grey[at + channels] ?? 0) ? 1n : 0n)
    }
  }
  return bits.toString(16).padStart((rows * (columns - 1)) / 4, '0')
}
