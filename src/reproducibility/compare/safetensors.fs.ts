/**
 * safetensors: tensors by name, wherever they lie in the file.
 *
 * SOURCE: huggingface/safetensors, README "Format" and `safetensors/src/tensor.rs`. Headers that break its rules are
 * refused: a key twice, overlap, holes, bytes behind the last tensor, sizes that are not those of the shape.
 * LIMIT: a header of 32 MiB (the format allows 100 MB; real ones have less than one).
 */
import type { Answer } from './bytes.fs.ts'
import type { Tolerance } from './compared.ts'
import type { Element } from './elements.ts'
import { type FilePair, type OpenFile, readExactly } from './file-pair.fs.ts'
import { type JsonValue, parseJsonValue } from './json-value.ts'
import { measureTensors } from './measure-tensors.fs.ts'
import { answerOfTensors, pairTensors, type Tensor } from './tensor-list.ts'
import { readBoth, Unreadable } from './unreadable.ts'
import { quoted } from './words.ts'

const maxHeaderBytes = 32 * 1024 * 1024

const elements: Readonly<Record<string, Element & Readonly<{ components?: 2 }>>> = {
  BOOL: { kind: 'opaque', sizeBytes: 1 },
  U8: { kind: 'u8', sizeBytes: 1 },
  I8: { kind: 'i8', sizeBytes: 1 },
  F8_E5M2: { kind: 'f8_e5m2', sizeBytes: 1 },
  F8_E4M3: { kind: 'f8_e4m3', sizeBytes: 1 },
  F8_E8M0: { kind: 'f8_e8m0', sizeBytes: 1 },
  F8_E4M3FNUZ: { kind: 'f8_e4m3fnuz', sizeBytes: 1 },
  F8_E5M2FNUZ: { kind: 'f8_e5m2fnuz', sizeBytes: 1 },
  I16: { kind: 'i16', sizeBytes: 2 },
  U16: { kind: 'u16', sizeBytes: 2 },
  F16: { kind: 'f16', sizeBytes: 2 },
  BF16: { kind: 'bf16', sizeBytes: 2 },
  I32: { kind: 'i32', sizeBytes: 4 },
  U32: { kind: 'u32', sizeBytes: 4 },
  F32: { kind: 'f32', sizeBytes: 4 },
  C64: { kind: 'f32', sizeBytes: 4, components: 2 },
  I64: { kind: 'i64', sizeBytes: 8 },
  U64: { kind: 'u64', sizeBytes: 8 },
  F64: { kind: 'f64', sizeBytes: 8 },
}
/** Types of less than a byte: their bytes are compared. */
const packedBits: Readonly<Record<string, number>> = { F4: 4, F6_E2M3: 6, F6_E3M2: 6 }

/** @throws Unreadable */
export async function compareSafetensors(
  files: FilePair,
  common: number,
  options: Readonly<{ path: string; tolerances: readonly Tolerance[]; signal: AbortSignal }>,
): Promise<Answer> {
  const { left, right } = readBoth((side) => readHeader(files[side]))
  const paired = pairTensors(left.tensors, right.tensors, options)
  const metadata = differingMetadata(left.metadata, right.metadata)
  const isMoved = [...left.tensors.keys()].join('\0') !== [...right.tensors.keys()].join('\0')
  const measures = await measureTensors(files, paired.pairs, common, options.signal)
  return answerOfTensors(
    {
      ...paired,
      others: [...paired.others, ...(metadata === undefined ? [] : [`the metadata ${quoted(metadata)} differs`])],
      otherCount: paired.otherCount + (metadata === undefined ? 0 : 1),
    },
    measures,
    isMoved ? 'the same tensors, in another order' : 'the same tensors, with a header that is written in another way',
  )
}

type Header = Readonly<{ tensors: ReadonlyMap<string, Tensor>; metadata: ReadonlyMap<string, JsonValue> }>

/** @throws Unreadable */
export function readHeader(file: OpenFile): Header {
  if (file.sizeBytes < 8) throw new Unreadable('ends before the length of its header')
  const length = readExactly(file, 0, 8).readBigUInt64LE()
  if (length > BigInt(maxHeaderBytes))
    throw new Unreadable(`claims a header of ${length} bytes, the limit is ${maxHeaderBytes}`)
  const header = parseJsonValue(readExactly(file, 8, Number(length)))
  if (!(header instanceof Map)) throw new Unreadable('has a header that is no JSON object')
  const metadata = header.get('__metadata__') ?? new Map<string, JsonValue>()
  if (!(metadata instanceof Map) || [...metadata.values()].some((value) => typeof value !== 'string'))
    throw new Unreadable('has metadata that are not texts')
  const start = 8 + Number(length)
  const found = [...header]
    .filter(([name]) => name !== '__metadata__')
    .map(([name, entry]) => tensorOf(name, entry, start))
  refuseHoles(found, file.sizeBytes - start)
  return { tensors: new Map(found.map(({ name, tensor }) => [name, tensor])), metadata }
}

type Found = Readonly<{ name: string; tensor: Tensor; begin: number; end: number }>

function tensorOf(name: string, entry: JsonValue, start: number): Found {
  const members = entry instanceof Map ? entry : new Map<string, JsonValue>()
  const [type, shape, offsets] = ['dtype', 'shape', 'data_offsets'].map((key) => members.get(key))
  if (typeof type !== 'string' || !isSizes(shape) || !isSizes(offsets) || offsets.length !== 2 || members.size !== 3)
    throw new Unreadable(`has the tensor ${quoted(name)} without dtype, shape and offsets`)
  const [begin = 0, end = 0] = offsets
  const known = Object.hasOwn(elements, type) ? elements[type] : undefined
  const packed = Object.hasOwn(packedBits, type) ? packedBits[type] : undefined
  const bits = known === undefined ? packed : known.sizeBytes * (known.components ?? 1) * 8
  if (bits === undefined) throw new Unreadable(`has the tensor ${quoted(name)} of a type that is not known`)
  if (shape.reduce((size, side) => size * BigInt(side), BigInt(bits)) !== BigInt(end - begin) * 8n)
    throw new Unreadable(`has the tensor ${quoted(name)} in ${end - begin} bytes, which is not the size of its shape`)
  const element: Element = known ?? { kind: 'opaque', sizeBytes: 1 }
  const place = { offset: start + begin, isBigEndian: false }
  return { name, begin, end, tensor: { type, shape, element, count: (end - begin) / element.sizeBytes, place } }
}

function isSizes(value: JsonValue | undefined): value is readonly number[] {
  return Array.isArray(value) && value.every((each) => Number.isSafeInteger(each) && Number(each) >= 0)
}

/** Every byte belongs to one tensor. */
function refuseHoles(found: readonly Found[], dataBytes: number): void {
  let position = 0
  for (const { name, begin, end } of found.toSorted((a, b) => a.begin - b.begin || a.end - b.end)) {
    if (begin !== position || end < begin)
      throw new Unreadable(`has the tensor ${quoted(name)} where it overlaps another one or leaves a hole`)
    position = end
  }
  if (position !== dataBytes)
    throw new Unreadable(`has ${dataBytes} bytes of tensors where its header promises ${position}`)
}

function differingMetadata(
  left: ReadonlyMap<string, JsonValue>,
  right: ReadonlyMap<string, JsonValue>,
): string | undefined {
  return [...left.keys(), ...right.keys()].find((key) => left.get(key) !== right.get(key))
}
