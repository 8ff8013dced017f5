/** A part of two tensors, read and measured: the work of one worker, or of this thread. */
import type { Element } from './elements.ts'
import { addElements } from './elements.ts'
import { type OpenFile, readUpTo } from './file-pair.fs.ts'
import { newTally, type Tally } from './tally.ts'
import type { Bound } from './tolerance.ts'
import { Unreadable } from './unreadable.ts'

/** Where elements lie in a file, and whether their bytes stand the other way round. */
export type Place = Readonly<{ offset: number; isBigEndian: boolean }>

export type Slice = Readonly<{
  element: Element
  /** How many. */
  count: number
  /** Number of the first in its tensor. */
  first: number
  left: Place
  right: Place
  bound: Bound
}>

/** LIMIT: an opaque element is not longer. */
export const bufferBytes = 4 * 1024 * 1024

const buffers = { left: Buffer.alloc(bufferBytes), right: Buffer.alloc(bufferBytes) }

/** @throws Unreadable when a file ends before */
export function measureSlice(left: OpenFile, right: OpenFile, slice: Slice): Tally {
  const { element, count, first, bound } = slice
  const tally = newTally()
  const step = Math.floor(bufferBytes / element.sizeBytes)
  for (let done = 0; done < count; done += step) {
    const bytes = Math.min(step, count - done) * element.sizeBytes
    const at = done * element.sizeBytes
    const one = fill(left, slice.left, buffers.left.subarray(0, bytes), at, element.sizeBytes)
    const other = fill(right, slice.right, buffers.right.subarray(0, bytes), at, element.sizeBytes)
    addElements(tally, element, [one, other], { first: first + done, bound })
  }
  return tally
}

function fill({ fd }: OpenFile, { offset, isBigEndian }: Place, buffer: Buffer, at: number, sizeBytes: number): Buffer {
  if (readUpTo(fd, buffer, offset + at) !== buffer.length) throw new Unreadable('became shorter while it was read')
  if (!isBigEndian) return buffer
  if (sizeBytes === 2) return buffer.swap16()
  if (sizeBytes === 4) return buffer.swap32()
  return sizeBytes === 8 ? buffer.swap64() : buffer
}
