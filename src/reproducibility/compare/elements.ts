/**
 * Elements of tensors, compared by value where their bits differ. Pure; the inner loop of all comparison of models.
 *
 * SOURCE: IEEE 754; bfloat16 is the upper half of a float32; FP8 after OCP 8-bit Floating Point 1.0 (E5M2, E4M3) and
 * MX 1.0 (E8M0); the FNUZ kinds after Noune et al. 2022 (one zero, one NaN, no infinity, exponent bias one larger).
 */
import { stepsOfWords } from './steps.ts'
import { addIntegers, addOther, addPair, type Tally } from './tally.ts'
import type { Bound } from './tolerance.ts'

type Coded = 'f16' | 'bf16' | 'f8_e5m2' | 'f8_e4m3' | 'f8_e5m2fnuz' | 'f8_e4m3fnuz' | 'f8_e8m0'
type Integers = 'i8' | 'u8' | 'i16' | 'u16' | 'i32' | 'u32' | 'i64' | 'u64'

/** `opaque`: compared by bits alone, such as booleans, texts and records. */
export type Element = Readonly<{ kind: 'f64' | 'f32' | Coded | Integers | 'opaque'; sizeBytes: number }>

export function isFloat({ kind }: Element): boolean {
  return kind === 'f64' || kind === 'f32' || kind in codes
}

/**
 * @param left bytes of whole elements, little-endian, at the beginning of their buffer
 * @param right as many
 * @param first number of the first element
 */
export function addElements(
  tally: Tally,
  element: Element,
  [left, right]: readonly [Buffer, Buffer],
  { first, bound }: Readonly<{ first: number; bound: Bound }>,
): void {
  const count = left.length / element.sizeBytes
  tally.elements += count
  if (left.equals(right)) return
  const range = { first, bound, count }
  const { kind } = element
  if (kind === 'f64') addDoubles(tally, left, right, range)
  else if (kind === 'f32') addSingles(tally, left, right, range)
  else if (kind === 'i64' || kind === 'u64')
    addWide(tally, wideOf(kind, left, count), wideOf(kind, right, count), range)
  else if (kind === 'opaque') addOpaque(tally, left, right, element.sizeBytes)
  else if (isCoded(kind)) addCoded(tally, left, right, range, codeOf(kind))
  else addNarrow(tally, narrowOf(kind, left, count), narrowOf(kind, right, count), range)
}

type Range = Readonly<{ first: number; bound: Bound; count: number }>

// INVARIANT of all loops below: the index is below the length, so that `as number` only drops an undefined

function addSingles(tally: Tally, left: Buffer, right: Buffer, { first, bound, count }: Range): void {
  const [a, b] = [new Int32Array(left.buffer, 0, count), new Int32Array(right.buffer, 0, count)]
  const [x, y] = [new Float32Array(left.buffer, 0, count), new Float32Array(right.buffer, 0, count)]
  for (let at = 0; at < count; at += 1) {
    const [bitsA, bitsB] = [a[at] as number, b[at] as number]
    if (bitsA === bitsB) continue
    const orderA = bitsA < 0 ? -(bitsA & 0x7fffffff) : bitsA
    const orderB = bitsB < 0 ? -(bitsB & 0x7fffffff) : bitsB
    addPair(tally, x[at] as number, y[at] as number, Math.abs(orderA - orderB), first + at, bound)
  }
}

function addDoubles(tally: Tally, left: Buffer, right: Buffer, { first, bound, count }: Range): void {
  const [a, b] = [new Uint32Array(left.buffer, 0, 2 * count), new Uint32Array(right.buffer, 0, 2 * count)]
  const [x, y] = [new Float64Array(left.buffer, 0, count), new Float64Array(right.buffer, 0, count)]
  for (let at = 0; at < count; at += 1) {
    const [lowA, lowB] = [a[2 * at] as number, b[2 * at] as number]
    const [highA, highB] = [a[2 * at + 1] as number, b[2 * at + 1] as number]
    if (lowA === lowB && highA === highB) continue
    const ulp = stepsOfWords(highA, lowA, highB, lowB)
    addPair(tally, x[at] as number, y[at] as number, ulp, first + at, bound)
  }
}

type Code = Readonly<{ values: Float32Array; sign: number; sizeBytes: number }>

function addCoded(tally: Tally, left: Buffer, right: Buffer, { first, bound, count }: Range, code: Code): void {
  const codesOf = ({ buffer }: Buffer): Uint8Array | Uint16Array =>
    code.sizeBytes === 1 ? new Uint8Array(buffer, 0, count) : new Uint16Array(buffer, 0, count)
  const [a, b] = [codesOf(left), codesOf(right)]
  const { values, sign } = code
  for (let at = 0; at < count; at += 1) {
    const [codeA, codeB] = [a[at] as number, b[at] as number]
    if (codeA === codeB) continue
    const orderA = (codeA & sign) === 0 ? codeA : sign - codeA
    const orderB = (codeB & sign) === 0 ? codeB : sign - codeB
    const ulp = Math.abs(orderA - orderB)
    addPair(tally, values[codeA] as number, values[codeB] as number, ulp, first + at, bound)
  }
}

type Numbers = Int8Array | Uint8Array | Int16Array | Uint16Array | Int32Array | Uint32Array

function narrowOf(kind: Exclude<Integers, 'i64' | 'u64'>, { buffer }: Buffer, count: number): Numbers {
  switch (kind) {
    case 'i8':
      return new Int8Array(buffer, 0, count)
    case 'u8':
      return new Uint8Array(buffer, 0, count)
    case 'i16':
      return new Int16Array(buffer, 0, count)
    case 'u16':
      return new Uint16Array(buffer, 0, count)
    case 'i32':
      return new Int32Array(buffer, 0, count)
    case 'u32':
      return new Uint32Array(buffer, 0, count)
  }
}

function addNarrow(tally: Tally, a: Numbers, b: Numbers, { first, bound, count }: Range): void {
  for (let at = 0; at < count; at += 1) {
    const [x, y] = [a[at] as number, b[at] as number]
    if (x !== y) addIntegers(tally, Math.abs(x - y), Math.max(Math.abs(x), Math.abs(y)), first + at, bound)
  }
}

function wideOf(kind: 'i64' | 'u64', { buffer }: Buffer, count: number): BigInt64Array | BigUint64Array {
  return kind === 'i64' ? new BigInt64Array(buffer, 0, count) : new BigUint64Array(buffer, 0, count)
}

/** Slow for elements that differ, since a `bigint` is made of each. */
function addWide(
  tally: Tally,
  x: BigInt64Array | BigUint64Array,
  y: BigInt64Array | BigUint64Array,
  { first, bound, count }: Range,
): void {
  const [a, b] = [new Int32Array(x.buffer, 0, 2 * count), new Int32Array(y.buffer, 0, 2 * count)]
  for (let at = 0; at < count; at += 1) {
    if (a[2 * at] === b[2 * at] && a[2 * at + 1] === b[2 * at + 1]) continue
    const [one, other] = [x[at] as bigint, y[at] as bigint]
    const magnitude = Math.max(Math.abs(Number(one)), Math.abs(Number(other)))
    addIntegers(tally, Number(one > other ? one - other : other - one), magnitude, first + at, bound)
  }
}

function addOpaque(tally: Tally, left: Buffer, right: Buffer, sizeBytes: number): void {
  for (let at = 0; at < left.length; at += sizeBytes) {
    if (left.compare(right, at, at + sizeBytes, at, at + sizeBytes) !== 0) addOther(tally)
  }
}

type Layout = Readonly<{ exponentBits: number; fractionBits: number; bias: number; special: 'ieee' | 'fn' | 'fnuz' }>

const codes: Readonly<Record<Coded, Layout>> = {
  f16: { exponentBits: 5, fractionBits: 10, bias: 15, special: 'ieee' },
  bf16: { exponentBits: 8, fractionBits: 7, bias: 127, special: 'ieee' },
  f8_e5m2: { exponentBits: 5, fractionBits: 2, bias: 15, special: 'ieee' },
  f8_e4m3: { exponentBits: 4, fractionBits: 3, bias: 7, special: 'fn' },
  f8_e5m2fnuz: { exponentBits: 5, fractionBits: 2, bias: 16, special: 'fnuz' },
  f8_e4m3fnuz: { exponentBits: 4, fractionBits: 3, bias: 8, special: 'fnuz' },
  f8_e8m0: { exponentBits: 8, fractionBits: 0, bias: 127, special: 'fn' },
}

function isCoded(kind: Element['kind']): kind is Coded {
  return kind in codes
}

const made = new Map<Coded, Code>()

/** The value of every code there is, made when it is asked for first. */
export function codeOf(kind: Coded): Code {
  const code = made.get(kind) ?? makeCode(kind)
  made.set(kind, code)
  return code
}

function makeCode(kind: Coded): Code {
  const layout = codes[kind]
  if (kind === 'f8_e8m0') {
    const powers = Float32Array.from({ length: 256 }, (_, code) => (code === 255 ? Number.NaN : 2 ** (code - 127)))
    return { values: powers, sign: 0, sizeBytes: 1 }
  }
  const bits = 1 + layout.exponentBits + layout.fractionBits
  const sign = 2 ** (bits - 1)
  const values = Float32Array.from({ length: 2 ** bits }, (_, code) => numberOf(code, sign, layout))
  return { values, sign, sizeBytes: bits / 8 }
}

function numberOf(code: number, sign: number, { exponentBits, fractionBits, bias, special }: Layout): number {
  const magnitude = code % sign
  const isNegative = code >= sign
  const fraction = magnitude % 2 ** fractionBits
  const exponent = Math.floor(magnitude / 2 ** fractionBits)
  const largest = 2 ** exponentBits - 1
  if (special === 'fnuz' && isNegative && magnitude === 0) return Number.NaN
  if (special === 'fn' && magnitude === sign - 1) return Number.NaN
  if (special === 'ieee' && exponent === largest) return fraction > 0 ? Number.NaN : isNegative ? -Infinity : Infinity
  const value =
    exponent === 0
      ? (fraction / 2 ** fractionBits) * 2 ** (1 - bias)
      : (1 + fraction / 2 ** fractionBits) * 2 ** (exponent - bias)
  return isNegative ? -value : value
}
