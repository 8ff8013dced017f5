/**
 * npy: one array of numpy.
 *
 * SOURCE: numpy, NEP 1 and `numpy/lib/format.py`, versions 1.0 to 3.0. Arrays of objects are pickles, which are not read:
 * their bytes are compared. Records and texts are compared element by element, bit by bit.
 * LIMIT: a header of 64 KiB (numpy itself reads 10,000 bytes).
 */
import type { Answer } from './bytes.fs.ts'
import type { Tolerance } from './compared.ts'
import type { Element } from './elements.ts'
import { type FilePair, type OpenFile, readExactly } from './file-pair.fs.ts'
import { measureTensors } from './measure-tensors.fs.ts'
import { type PythonLiteral, parsePythonLiteral } from './python-literal.ts'
import { answerOfTensors, pairTensors, type Tensor } from './tensor-list.ts'
import { bufferBytes } from './tensor-slice.fs.ts'
import { readBoth, Unreadable, utf8Of } from './unreadable.ts'

const maxHeaderBytes = 64 * 1024
/** What the array of a file is called that is not a member of an npz file. */
const arrayName = 'array'

type NpyArray = Tensor & Readonly<{ isFortran: boolean }>

/** @throws Unreadable */
export async function compareNpy(
  files: FilePair,
  common: number,
  options: Readonly<{ path: string; array?: string; tolerances: readonly Tolerance[]; signal: AbortSignal }>,
): Promise<Answer> {
  const { left, right } = readBoth((side) => readArray(files[side]))
  const sides = [left, right].map((array) => new Map([[options.array ?? arrayName, array]]))
  const paired = pairTensors(sides[0] ?? new Map(), sides[1] ?? new Map(), options)
  if (left.isFortran !== right.isFortran && paired.otherCount === 0) {
    const detail = 'one file has the array by rows, the other by columns, so that the values are not compared'
    return { verdict: 'diverged', detail, unmeasured: 1, measures: [] }
  }
  const measures = await measureTensors(files, paired.pairs, common, options.signal)
  return answerOfTensors(
    paired,
    measures,
    'the same array, with a header or a byte order that is written in another way',
  )
}

function readArray(file: OpenFile): NpyArray {
  const { text, start } = readHeader(file)
  const header = parsePythonLiteral(text)
  const [descr, isFortran, shape] = ['descr', 'fortran_order', 'shape'].map((key) =>
    header instanceof Map ? header.get(key) : undefined,
  )
  if (!(header instanceof Map) || header.size !== 3 || descr === undefined || typeof isFortran !== 'boolean')
    throw new Unreadable('has a header without descr, fortran_order and shape')
  if (!isSizes(shape)) throw new Unreadable('has a header with a shape that is none')
  const size = shape.reduce((product, side) => product * BigInt(side), 1n)
  const dataBytes = file.sizeBytes - start
  const isFlat = shape.filter((side) => side > 1).length < 2
  return { ...typeOf(descr, size, dataBytes, start), shape, isFortran: isFortran && !isFlat }
}

function readHeader(file: OpenFile): Readonly<{ text: string; start: number }> {
  const magic = readExactly(file, 0, 8)
  if (!magic.subarray(0, 6).equals(Buffer.from('\x93NUMPY', 'latin1')))
    throw new Unreadable('does not begin as an npy file')
  const [major = 0, minor = 0] = magic.subarray(6)
  if (major < 1 || major > 3 || minor !== 0)
    throw new Unreadable(`is of version ${major}.${minor} of npy, which is not known`)
  const wide = major > 1
  const length = wide ? readExactly(file, 8, 4).readUInt32LE() : readExactly(file, 8, 2).readUInt16LE()
  if (length > maxHeaderBytes)
    throw new Unreadable(`claims a header of ${length} bytes, the limit is ${maxHeaderBytes}`)
  const start = wide ? 12 : 10
  const header = readExactly(file, start, length)
  return { text: major === 3 ? utf8Of(header) : header.toString('latin1'), start: start + length }
}

function isSizes(value: PythonLiteral | undefined): value is readonly number[] {
  return Array.isArray(value) && value.every((each) => typeof each === 'number')
}

const kinds: Readonly<Record<string, Element & Readonly<{ components?: 2 }>>> = {
  b1: { kind: 'opaque', sizeBytes: 1 },
  i1: { kind: 'i8', sizeBytes: 1 },
  u1: { kind: 'u8', sizeBytes: 1 },
  i2: { kind: 'i16', sizeBytes: 2 },
  u2: { kind: 'u16', sizeBytes: 2 },
  i4: { kind: 'i32', sizeBytes: 4 },
  u4: { kind: 'u32', sizeBytes: 4 },
  i8: { kind: 'i64', sizeBytes: 8 },
  u8: { kind: 'u64', sizeBytes: 8 },
  f2: { kind: 'f16', sizeBytes: 2 },
  f4: { kind: 'f32', sizeBytes: 4 },
  f8: { kind: 'f64', sizeBytes: 8 },
  c8: { kind: 'f32', sizeBytes: 4, components: 2 },
  c16: { kind: 'f64', sizeBytes: 8, components: 2 },
  M8: { kind: 'opaque', sizeBytes: 8 },
  m8: { kind: 'opaque', sizeBytes: 8 },
}

/** The type without its byte order, so that both orders are the same type. */
function typeOf(
  descr: PythonLiteral,
  size: bigint,
  dataBytes: number,
  start: number,
): Pick<Tensor, 'type' | 'element' | 'count' | 'place'> {
  const [, order = '', name = ''] = /^([<>|=])(.+)$/s.exec(typeof descr === 'string' ? descr : '') ?? []
  const plainName = name.replace(/\[.*\]$/s, '')
  const known = Object.hasOwn(kinds, plainName) ? kinds[plainName] : undefined
  if (known !== undefined) {
    const count = size * BigInt(known.components ?? 1)
    refuseSize(count * BigInt(known.sizeBytes), dataBytes)
    const place = { offset: start, isBigEndian: order === '>' }
    return { type: plainName === 'b1' ? '|b1' : name, element: known, count: Number(count), place }
  }
  // pickled objects have any length; of all else the length tells how long an element is
  const isPickle = JSON.stringify(printed(descr)).includes('O')
  const sizeBytes = isPickle || size === 0n ? 1 : Number(BigInt(dataBytes) / size)
  if (!isPickle) refuseSize(BigInt(sizeBytes) * size, dataBytes)
  const isWhole = !isPickle && sizeBytes > 0 && sizeBytes <= bufferBytes
  const element: Element = { kind: 'opaque', sizeBytes: isWhole ? sizeBytes : 1 }
  const place = { offset: start, isBigEndian: false }
  const type = typeof descr === 'string' ? descr : JSON.stringify(printed(descr))
  return { type: type.slice(0, 200), element, count: dataBytes / element.sizeBytes, place }
}

function printed(value: PythonLiteral): unknown {
  if (value instanceof Map) return Object.fromEntries(value)
  return Array.isArray(value) ? value.map(printed) : value
}

function refuseSize(wanted: bigint, dataBytes: number): void {
  if (wanted !== BigInt(dataBytes))
    throw new Unreadable(`has ${dataBytes} bytes of elements where its header promises ${wanted}`)
}
