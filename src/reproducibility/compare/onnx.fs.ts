/**
 * ONNX: initializers as tensors by name, all else of the model by its bytes, part by part.
 *
 * SOURCE: onnx/onnx.proto. Weights in `raw_data`, `float_data` and `double_data` are measured; those in other fields
 * (packed integers, texts, tensors inside nodes) are compared by their bytes. What lies in files beside the model is an
 * out, or a file of one, of its own.
 * LIMIT: a million nodes, values and initializers.
 */
import type { Answer } from './bytes.fs.ts'
import type { Tolerance } from './compared.ts'
import type { Element } from './elements.ts'
import { type FilePair, type OpenFile, pause } from './file-pair.fs.ts'
import { measureTensors } from './measure-tensors.fs.ts'
import { digestOfSpan, fieldsOf, type ProtobufField, packedNumbers, readSpan, type Span } from './protobuf.fs.ts'
import { answerOfTensors, pairTensors, type Tensor } from './tensor-list.ts'
import { readBothLater, Unreadable, utf8Of } from './unreadable.ts'
import { quoted } from './words.ts'

/** @throws Unreadable */
export async function compareOnnx(
  files: FilePair,
  common: number,
  options: Readonly<{ path: string; tolerances: readonly Tolerance[]; signal: AbortSignal }>,
): Promise<Answer> {
  const { left, right } = await readBothLater((side) => readModel(files[side], options.signal))
  const paired = pairTensors(left.tensors, right.tensors, options)
  const parts = [...left.parts.keys(), ...[...right.parts.keys()].filter((name) => !left.parts.has(name))]
  const differing = parts.filter((name) => left.parts.get(name) !== right.parts.get(name))
  const others = differing.map((name) => `${quoted(name)} ${tellPart(left, right, name)}`)
  const measures = await measureTensors(files, paired.pairs, common, options.signal)
  return answerOfTensors(
    { ...paired, others: [...paired.others, ...others].slice(0, 3), otherCount: paired.otherCount + others.length },
    measures,
    'the same initializers and the same graph, written in another way',
  )
}

type Model = Readonly<{ tensors: ReadonlyMap<string, Tensor>; parts: ReadonlyMap<string, string> }>

function tellPart(left: Model, right: Model, name: string): string {
  if (!left.parts.has(name)) return 'is missing in the first file'
  return right.parts.has(name) ? 'differs' : 'is missing in the second file'
}

/** `*`: there may be several, and they are numbered. */
const modelNames: Readonly<Record<number, string>> = {
  1: 'ir_version',
  2: 'producer_name',
  3: 'producer_version',
  4: 'domain',
  5: 'model_version',
  6: 'doc_string',
  8: 'opset_import*',
  14: 'metadata_props*',
  20: 'training_info*',
  25: 'functions*',
}
const graphNames: Readonly<Record<number, string>> = {
  1: 'node*',
  2: 'graph.name',
  10: 'graph.doc_string',
  11: 'input*',
  12: 'output*',
  13: 'value_info*',
  14: 'quantization_annotation*',
  15: 'sparse_initializer*',
  16: 'graph.metadata_props*',
}
const graphField = 7
/** SOURCE: Protocol Buffers, "Encoding": a reader passes over a field of another wire type than its own. */
const wires = { number: 0, bytes8: 1, bytes: 2, bytes4: 5 } as const
const initializerField = 5
const maxParts = 1_000_000
const partsPerPause = 4096

async function readModel(file: OpenFile, signal: AbortSignal): Promise<Model> {
  const parts = new Map<string, string>()
  const tensors = new Map<string, Tensor>()
  const counts = new Map<string, number>()
  const addPart = (name: string, field: ProtobufField): void => {
    const number = counts.get(name) ?? 0
    counts.set(name, number + 1)
    if (number > 0 && !name.endsWith('*')) throw new Unreadable(`has ${quoted(name)} twice`)
    parts.set(
      name.endsWith('*') ? `${name.slice(0, -1)} ${number}` : name,
      `${field.wire} ${digestOfSpan(file, field)}`,
    )
  }
  let [all, graphs] = [0, 0]
  const next = async (): Promise<void> => {
    all += 1
    if (all > maxParts) throw new Unreadable(`has more than ${maxParts} parts`)
    if (all % partsPerPause === 0) await pause(signal)
  }
  for (const field of fieldsOf(file, { start: 0, end: file.sizeBytes })) {
    await next()
    if (field.number !== graphField || field.wire !== wires.bytes) {
      addPart(modelNames[field.number] ?? `field ${field.number}*`, field)
      continue
    }
    graphs += 1
    for (const inner of fieldsOf(file, field)) {
      await next()
      if (inner.number === initializerField && inner.wire === wires.bytes)
        addInitializer(file, inner, { tensors, parts })
      else addPart(graphNames[inner.number] ?? `graph field ${inner.number}*`, inner)
    }
  }
  if (graphs !== 1) throw new Unreadable(`has ${graphs} graphs`)
  return { tensors, parts }
}

/** Fields of a tensor; one with any other field than these is compared by its bytes. */
const tensorFields = { dims: 1, type: 2, floats: 4, name: 8, raw: 9, doubles: 10 } as const
const float32: ReadonlySet<number> = new Set([1, 14])
const float64: ReadonlySet<number> = new Set([11, 15])
/** LIMIT: an initializer of more fields, such as numbers one by one, is compared by its bytes. */
const maxFields = 1000

/** Numbers of a list stand together, or one by one. */
const wiresOf: ReadonlyMap<number, readonly number[]> = new Map([
  [tensorFields.dims, [wires.number, wires.bytes]],
  [tensorFields.type, [wires.number]],
  [tensorFields.floats, [wires.bytes, wires.bytes4]],
  [tensorFields.name, [wires.bytes]],
  [tensorFields.raw, [wires.bytes]],
  [tensorFields.doubles, [wires.bytes, wires.bytes8]],
])

function isOfItsWire({ number, wire }: ProtobufField): boolean {
  return wiresOf.get(number)?.includes(wire) ?? false
}

type Found = Readonly<{ tensors: Map<string, Tensor>; parts: Map<string, string> }>

function addInitializer(file: OpenFile, span: Span, { tensors, parts }: Found): void {
  const fields = firstFields(file, span)
  const nameField = fields.find(({ number, wire }) => number === tensorFields.name && wire === wires.bytes)
  const name = nameField === undefined ? '' : utf8Of(readSpan(file, nameField))
  const part = `initializer ${name}`
  if (tensors.has(name) || parts.has(part)) throw new Unreadable(`has the initializer ${quoted(name)} twice`)
  const tensor = fields.length > maxFields ? undefined : tensorOf(file, fields, name)
  if (tensor === undefined) parts.set(part, digestOfSpan(file, span))
  else tensors.set(name, tensor)
}

function firstFields(file: OpenFile, span: Span): readonly ProtobufField[] {
  const found: ProtobufField[] = []
  for (const field of fieldsOf(file, span)) {
    found.push(field)
    if (found.length > maxFields) break
  }
  return found
}

/** Undefined when its numbers do not lie in one piece, as they are in memory. */
function tensorOf(file: OpenFile, fields: readonly ProtobufField[], name: string): Tensor | undefined {
  const all = (number: number): readonly ProtobufField[] => fields.filter((field) => field.number === number)
  const type = Number(all(tensorFields.type)[0]?.value ?? 0n)
  const data = [
    ...all(tensorFields.raw),
    ...(float32.has(type) ? all(tensorFields.floats) : []),
    ...(float64.has(type) ? all(tensorFields.doubles) : []),
  ]
  const dims = all(tensorFields.dims)
  const known = elements[type]
  const [only] = data
  // a field twice is the last one to some readers
  const names = all(tensorFields.name).length
  const isPlain = names < 2 && fields.length === dims.length + names + 2 && fields.every(isOfItsWire)
  if (known === undefined || only === undefined || data.length !== 1 || !isPlain) return undefined
  const shape = dims.flatMap((field) => packedNumbers(file, field)).map(Number)
  const { name: typeName, components = 1, ...element } = known
  const bytes = only.end - only.start
  const size = shape.reduce((product, side) => product * BigInt(side), BigInt(components * element.sizeBytes))
  if (size !== BigInt(bytes))
    throw new Unreadable(`has the initializer ${quoted(name)} in ${bytes} bytes, which is not the size of its shape`)
  const place = { offset: only.start, isBigEndian: false }
  return { type: typeName, shape, element, count: bytes / element.sizeBytes, place }
}

/** SOURCE: `TensorProto.DataType`. */
const elements: Readonly<Record<number, Element & Readonly<{ name: string; components?: 2 }>>> = {
  1: { name: 'FLOAT', kind: 'f32', sizeBytes: 4 },
  2: { name: 'UINT8', kind: 'u8', sizeBytes: 1 },
  3: { name: 'INT8', kind: 'i8', sizeBytes: 1 },
  4: { name: 'UINT16', kind: 'u16', sizeBytes: 2 },
  5: { name: 'INT16', kind: 'i16', sizeBytes: 2 },
  6: { name: 'INT32', kind: 'i32', sizeBytes: 4 },
  7: { name: 'INT64', kind: 'i64', sizeBytes: 8 },
  9: { name: 'BOOL', kind: 'opaque', sizeBytes: 1 },
  10: { name: 'FLOAT16', kind: 'f16', sizeBytes: 2 },
  11: { name: 'DOUBLE', kind: 'f64', sizeBytes: 8 },
  12: { name: 'UINT32', kind: 'u32', sizeBytes: 4 },
  13: { name: 'UINT64', kind: 'u64', sizeBytes: 8 },
  14: { name: 'COMPLEX64', kind: 'f32', sizeBytes: 4, components: 2 },
  15: { name: 'COMPLEX128', kind: 'f64', sizeBytes: 8, components: 2 },
  16: { name: 'BFLOAT16', kind: 'bf16', sizeBytes: 2 },
  17: { name: 'FLOAT8E4M3FN', kind: 'f8_e4m3', sizeBytes: 1 },
  18: { name: 'FLOAT8E4M3FNUZ', kind: 'f8_e4m3fnuz', sizeBytes: 1 },
  19: { name: 'FLOAT8E5M2', kind: 'f8_e5m2', sizeBytes: 1 },
  20: { name: 'FLOAT8E5M2FNUZ', kind: 'f8_e5m2fnuz', sizeBytes: 1 },
  24: { name: 'FLOAT8E8M0', kind: 'f8_e8m0', sizeBytes: 1 },
}
