/**
 * Is a model another one under a new header? Tensors by their bytes, whatever they are called and wherever they lie.
 *
 * Cheap for honest models: of tensors of one size the ends are compared first, and the first tensor that is nowhere else
 * ends the question.
 */
import { createHash } from 'node:crypto'
import { closeSync } from 'node:fs'
import { chunkBytes, type OpenFile, openFile, readExactly } from './file-pair.fs.ts'
import { readHeader } from './safetensors.fs.ts'
import type { Tensor } from './tensor-list.ts'
import { Unreadable } from './unreadable.ts'

const endBytes = 4096

/**
 * True when both are safetensors, and every tensor of `model` is in `origin` too.
 *
 * @param model absolute; hostile bytes, as those of `origin`
 */
export function hasNoTensorOfItsOwn(model: string, origin: string): boolean {
  const left = openFile(model)
  try {
    const right = openFile(origin)
    try {
      return looksLikeTensors(left) && looksLikeTensors(right) && areAllIn(left, right)
    } catch (error) {
      if (error instanceof Unreadable) return false // what no reader takes for tensors holds none
      throw error
    } finally {
      closeSync(right.fd)
    }
  } finally {
    closeSync(left.fd)
  }
}

/** Eight bytes of length and a brace. */
function looksLikeTensors(file: OpenFile): boolean {
  return file.sizeBytes > 9 && readExactly(file, 8, 1)[0] === 0x7b
}

function areAllIn(model: OpenFile, origin: OpenFile): boolean {
  const own = [...readHeader(model).tensors.values()].filter(({ count }) => count > 0)
  const theirs = [...readHeader(origin).tensors.values()]
  const sizes = new Set(theirs.map(bytesOf))
  if (own.length === 0 || !own.every((tensor) => sizes.has(bytesOf(tensor)))) return false
  const isIn = (print: typeof endsOf): boolean => {
    const known = new Set(theirs.map((tensor) => print(origin, tensor)))
    return own.every((tensor) => known.has(print(model, tensor)))
  }
  return isIn(endsOf) && isIn(digestOf)
}

function bytesOf({ count, element }: Tensor): number {
  return count * element.sizeBytes
}

function endsOf(file: OpenFile, tensor: Tensor): string {
  const size = bytesOf(tensor)
  const length = Math.min(endBytes, size)
  const hasher = createHash('sha256').update(`${size} `)
  hasher.update(readExactly(file, tensor.place.offset, length))
  return hasher.update(readExactly(file, tensor.place.offset + size - length, length)).digest('hex')
}

function digestOf(file: OpenFile, tensor: Tensor): string {
  const size = bytesOf(tensor)
  const hasher = createHash('sha256')
  for (let at = 0; at < size; at += chunkBytes)
    hasher.update(readExactly(file, tensor.place.offset + at, Math.min(chunkBytes, size - at)))
  return hasher.digest('hex')
}
