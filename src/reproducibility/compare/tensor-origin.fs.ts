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
import { Unreadable } from './unreadable.ts'

const endBytes = 4096

/** A file of tensors: where each lies. */
export type TensorFile = Readonly<{ path: string; places: readonly Place[] }>
/** In bytes, from the start of the file. */
type Place = Readonly<{ offset: number; sizeBytes: number }>

/** Eight bytes of length and a brace. @param path absolute */
export function looksLikeTensors(path: string): boolean {
  return withFile(path, (file) => file.sizeBytes > 9 && readExactly(file, 8, 1)[0] === 0x7b)
}

/**
 * @param path absolute; hostile bytes
 * @returns undefined for what is no safetensors
 */
export function readTensors(path: string): TensorFile | undefined {
  return withFile(path, (file) => {
    try {
      const tensors = [...readHeader(file).tensors.values()]
      const places = tensors.map(({ place, count, element }) => ({
        offset: place.offset,
        sizeBytes: count * element.sizeBytes,
      }))
      return { path, places }
    } catch (error) {
      if (error instanceof Unreadable) return undefined // what no reader takes for tensors holds none
      throw error
    }
  })
}

/** True when every tensor of `model` is in `origin` too. */
export function hasNoTensorOfItsOwn(model: TensorFile, origin: TensorFile): boolean {
  const own = model.places.filter(({ sizeBytes }) => sizeBytes > 0)
  const sizes = new Set(origin.places.map(({ sizeBytes }) => sizeBytes))
  if (own.length === 0 || !own.every(({ sizeBytes }) => sizes.has(sizeBytes))) return false
  return withFile(model.path, (left) =>
    withFile(origin.path, (right) => {
      const isIn = (print: typeof endsOf): boolean => {
        const known = new Set(origin.places.map((place) => print(right, place)))
        return own.every((place) => known.has(print(left, place)))
      }
      return isIn(endsOf) && isIn(digestOf)
    }),
  )
}

function withFile<Value>(path: string, look: (file: OpenFile) => Value): Value {
  const file = openFile(path)
  try {
    return look(file)
  } finally {
    closeSync(file.fd)
  }
}

function endsOf(file: OpenFile, { offset, sizeBytes }: Place): string {
  const length = Math.min(endBytes, sizeBytes)
  const hasher = createHash('sha256').update(`${sizeBytes} `)
  hasher.update(readExactly(file, offset, length))
  return hasher.update(readExactly(file, offset + sizeBytes - length, length)).digest('hex')
}

function digestOf(file: OpenFile, { offset, sizeBytes }: Place): string {
  const hasher = createHash('sha256')
  for (let at = 0; at < sizeBytes; at += chunkBytes)
    hasher.update(readExactly(file, offset + at, Math.min(chunkBytes, sizeBytes - at)))
  return hasher.digest('hex')
}
