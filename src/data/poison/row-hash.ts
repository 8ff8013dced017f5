/**
 * Rows by their content: which are the same, and which of a table another has not.
 *
 * Two 32-bit hashes together, 53 bits. Not for identity (that is sha256 of bytes): an attacker who makes two rows
 * collide hides one of them from the checks of repetition, hence the seed.
 */
import type { Column, Columns } from '../table/columns.ts'

const bits = new DataView(new ArrayBuffer(8))

/** One number a row, equal for rows that are equal in these columns, whatever the dictionaries. */
export function rowHashes(rows: number, columns: readonly Column[], seed: number): Float64Array {
  const first = new Int32Array(rows).fill(0x811c9dc5 ^ seed)
  const second = new Int32Array(rows).fill(0x01234567 ^ seed)
  for (const column of columns.toSorted((left, right) => (left.name < right.name ? -1 : 1))) {
    if (column.kind === 'numeric') mixNumbers(column.values, first, second)
    else mixCodes(column.codes, column.dictionary.map(hashPair), first, second)
  }
  const hashes = new Float64Array(rows)
  for (let row = 0; row < rows; row += 1) {
    const high = finish(first[row] ?? 0) & 0x1fffff
    hashes[row] = high * 4294967296 + (finish(second[row] ?? 0) >>> 0)
  }
  return hashes
}

function mixNumbers(values: Float64Array, first: Int32Array, second: Int32Array): void {
  for (let row = 0; row < values.length; row += 1) {
    const value = values[row] ?? Number.NaN
    // One zero, one null.
    bits.setFloat64(0, value === 0 ? 0 : Number.isNaN(value) ? Number.NaN : value)
    const [high, low] = [bits.getInt32(0), bits.getInt32(4)]
    first[row] = step(step(first[row] ?? 0, high), low)
    second[row] = step(step(second[row] ?? 0, low ^ 0x5bd1e995), high)
  }
}

type Pair = readonly [number, number]

function mixCodes(codes: Int32Array, pairs: readonly Pair[], first: Int32Array, second: Int32Array): void {
  const none: Pair = [0x7fffffff, 0x3fffffff]
  for (let row = 0; row < codes.length; row += 1) {
    const [a, b] = pairs[codes[row] ?? -1] ?? none
    first[row] = step(first[row] ?? 0, a)
    second[row] = step(second[row] ?? 0, b)
  }
}

function hashPair(text: string): Pair {
  let first = 0x811c9dc5
  let second = 0x2545f491
  for (let index = 0; index < text.length; index += 1) {
    first = step(first, text.charCodeAt(index))
    second = step(second, text.charCodeAt(index) ^ 0x55aa)
  }
  return [finish(first) | 0, finish(second) | 0]
}

/** Source: MurmurHash3 (A. Appleby, public domain), body and finaliser of the 32-bit variant. */
function step(hash: number, word: number): number {
  let mixed = Math.imul(word, 0xcc9e2d51)
  mixed = Math.imul((mixed << 15) | (mixed >>> 17), 0x1b873593)
  const turned = hash ^ mixed
  return (Math.imul((turned << 13) | (turned >>> 19), 5) + 0xe6546b64) | 0
}

function finish(hash: number): number {
  let mixed = hash ^ (hash >>> 16)
  mixed = Math.imul(mixed, 0x85ebca6b)
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35)
  return mixed ^ (mixed >>> 16)
}

/** Rows of the candidate that the anchor has not, or has not so often: added, changed and relabelled ones. Ascending. */
export function deltaRows(candidate: Columns, anchor: Columns, seed: number): Int32Array {
  const names = new Set(anchor.columns.map(({ name }) => name))
  const shared = new Set(candidate.columns.map(({ name }) => name).filter((name) => names.has(name)))
  const hashesOf = ({ rows, columns }: Columns): Float64Array =>
    rowHashes(
      rows,
      columns.filter(({ name }) => shared.has(name)),
      seed,
    )
  const before = hashesOf(anchor).sort()
  const now = hashesOf(candidate)
  const order = Int32Array.from(now.keys()).sort((left, right) => (now[left] ?? 0) - (now[right] ?? 0) || left - right)
  const added: number[] = []
  let at = 0
  for (const row of order) {
    const hash = now[row] ?? 0
    while (at < before.length && (before[at] ?? 0) < hash) at += 1
    if (at < before.length && before[at] === hash) at += 1
    else added.push(row)
  }
  return Int32Array.from(added).sort()
}
