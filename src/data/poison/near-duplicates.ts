/**
 * Texts that are nearly the same: MinHash signatures of their shingles, and bands of them as buckets.
 *
 * Source: Broder (1997), On the resemblance and containment of documents; one permutation hashing with densification,
 * Li, Owen and Zhang (2012) and Shrivastava (2017); banding, Leskovec et al., Mining of Massive Datasets, section 3.4.
 */
import type { Column } from '../table/columns.ts'
import { hashOf } from './encode.ts'

/** 32 minima in 8 bands of 4: two texts whose shingles agree to 80 % share a band with 99 %, to 40 % with 19 %. */
const minima = 32
const bands = 8
const perBand = minima / bands
/** Two texts of one bucket are nearly the same when so many of their minima agree. */
const leastAgreement = 0.75
/** LIMIT: of longer texts, the beginning. */
const maxCharacters = 20_000
/** A text with fewer tokens says too little to be nearly another. */
const fewestTokens = 4

type Text = Extract<Column, { kind: 'text' }>

/** @returns one group a row, -1 for a row that is like no other; exact copies are in one group too */
export function nearDuplicateGroups({ codes, dictionary }: Text, seed: number): Int32Array {
  const signatures = new Uint32Array(dictionary.length * minima)
  const usable = new Uint8Array(dictionary.length)
  for (const [entry, text] of dictionary.entries()) {
    usable[entry] = sign(text, signatures.subarray(entry * minima, (entry + 1) * minima), seed) ? 1 : 0
  }
  const parents = Int32Array.from({ length: dictionary.length }, (_, entry) => entry)
  for (let band = 0; band < bands; band += 1) joinBand(signatures, usable, { band, parents })
  return groupRows(codes, parents)
}

/** Fills the signature; false when the text is too short. */
function sign(text: string, signature: Uint32Array, seed: number): boolean {
  const tokens =
    text
      .slice(0, maxCharacters)
      .toLowerCase()
      .match(/[\p{L}\p{N}]+/gu) ?? []
  if (tokens.length < fewestTokens) return false
  signature.fill(0xffffffff)
  for (let at = 0; at + 1 < tokens.length; at += 1) {
    const hash = mix(hashOf(`${tokens[at]} ${tokens[at + 1]}`) ^ seed)
    const bin = hash % minima
    const value = mix(hash ^ 0x9e3779b9)
    if (value < (signature[bin] ?? 0)) signature[bin] = value
  }
  densify(signature)
  return true
}

/** An empty bin borrows from another, chosen by its number alone, so that equal sets stay equal. */
function densify(signature: Uint32Array): void {
  const sparse = signature.slice()
  for (let bin = 0; bin < minima; bin += 1) {
    for (let attempt = 1; (signature[bin] ?? 0) === 0xffffffff && attempt < 1000; attempt += 1) {
      const lender = mix(bin * 1009 + attempt) % minima
      if ((sparse[lender] ?? 0) !== 0xffffffff) signature[bin] = mix((sparse[lender] ?? 0) ^ bin)
    }
  }
}

function mix(value: number): number {
  let mixed = Math.imul(value ^ (value >>> 16), 0x7feb352d)
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x846ca68b)
  return (mixed ^ (mixed >>> 16)) >>> 0
}

/** Joins each entry of a bucket with the bucket's first, when their signatures agree enough. */
function joinBand(
  signatures: Uint32Array,
  usable: Uint8Array,
  { band, parents }: Readonly<{ band: number; parents: Int32Array }>,
): void {
  const firstOf = new Map<number, number>()
  for (let entry = 0; entry < usable.length; entry += 1) {
    if (usable[entry] !== 1) continue
    let high = band
    let low = 0
    for (let at = 0; at < perBand; at += 1) {
      const value = signatures[entry * minima + band * perBand + at] ?? 0
      high = mix(high ^ value)
      low = mix(low + value)
    }
    const key = (high & 0x1fffff) * 4294967296 + low
    const first = firstOf.get(key)
    if (first === undefined) firstOf.set(key, entry)
    else if (agreement(signatures, first, entry) >= leastAgreement) union(parents, first, entry)
  }
}

function agreement(signatures: Uint32Array, left: number, right: number): number {
  let equal = 0
  for (let at = 0; at < minima; at += 1)
    if (signatures[left * minima + at] === signatures[right * minima + at]) equal += 1
  return equal / minima
}

function rootOf(parents: Int32Array, entry: number): number {
  let root = entry
  while ((parents[root] ?? root) !== root) {
    parents[root] = parents[parents[root] ?? root] ?? root
    root = parents[root] ?? root
  }
  return root
}

function union(parents: Int32Array, left: number, right: number): void {
  const [a, b] = [rootOf(parents, left), rootOf(parents, right)]
  parents[Math.max(a, b)] = Math.min(a, b)
}

function groupRows(codes: Int32Array, parents: Int32Array): Int32Array {
  const rowsOf = new Int32Array(parents.length)
  for (const code of codes) {
    if (code < 0) continue
    const root = rootOf(parents, code)
    rowsOf[root] = (rowsOf[root] ?? 0) + 1
  }
  const groupOf = new Int32Array(parents.length).fill(-1)
  let groups = 0
  for (let entry = 0; entry < parents.length; entry += 1) if ((rowsOf[entry] ?? 0) > 1) groupOf[entry] = groups++
  return codes.map((code) => (code < 0 ? -1 : (groupOf[rootOf(parents, code)] ?? -1)))
}
