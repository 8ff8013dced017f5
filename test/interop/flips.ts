/**
 * One bit of a file changed, at a time: what a verifier of others lets pass may mean nothing else than what was signed.
 *
 * Not each bit of a file is signed: readers in Go take names of members in either case, base64 with loose last bits, and
 * do not look at the hint of a key. Such a file has other bytes and the same type, payload and signature. assay's own
 * reader takes none of them.
 */
import assert from 'node:assert/strict'
import { isDeepStrictEqual } from 'node:util'

export type Flip = Readonly<{ at: number; bit: number; bytes: Buffer }>

/** One bit of each of `count` bytes, evenly spread over the file: every bit of each eighth of them. */
export function flipsOf(file: Uint8Array, count: number): readonly Flip[] {
  return Array.from({ length: Math.min(count, file.length) }, (_, index) => {
    const at = Math.floor((index * file.length) / Math.min(count, file.length))
    return flipAt(file, at * 8 + (index % 8))
  })
}

/** @param place of the bit in the file, the lowest of the first byte is 0 */
export function flipAt(file: Uint8Array, place: number): Flip {
  const bytes = Buffer.from(file)
  const at = place >> 3
  bytes[at] = (bytes[at] ?? 0) ^ (1 << (place & 7))
  return { at, bit: place & 7, bytes }
}

/** @returns how many were refused; the others say the same */
export function assertRefused(
  honest: Uint8Array,
  flips: readonly Flip[],
  isAccepted: (bytes: Buffer) => boolean,
): number {
  let refused = 0
  for (const { at, bit, bytes } of flips) {
    if (!isAccepted(bytes)) refused += 1
    else assert.ok(saysTheSame(honest, bytes), `byte ${at}, bit ${bit} is accepted, and says something else`)
  }
  return refused
}

/** Of two bundles or envelopes: the same type, payload and signature, read as leniently as anybody does. */
export function saysTheSame(left: Uint8Array, right: Uint8Array): boolean {
  const [one, other] = [saidBy(left), saidBy(right)]
  return one !== undefined && isDeepStrictEqual(one, other)
}

type Members = Readonly<Record<string, unknown>>

function saidBy(bytes: Uint8Array): readonly unknown[] | undefined {
  const document = parsed(bytes)
  const envelope = membersOf(document?.['dsseenvelope']) ?? document
  const [signature] = Array.isArray(envelope?.['signatures']) ? envelope['signatures'] : []
  const sig = membersOf(signature)?.['sig']
  return [envelope?.['payloadtype'], decoded(envelope?.['payload']), decoded(sig)]
}

function parsed(bytes: Uint8Array): Members | undefined {
  try {
    return membersOf(JSON.parse(Buffer.from(bytes).toString('utf8')))
  } catch {
    return undefined // says nothing
  }
}

function membersOf(value: unknown): Members | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name.toLowerCase(), member]))
}

function decoded(text: unknown): string | undefined {
  return typeof text === 'string' ? Buffer.from(text, 'base64').toString('hex') : undefined
}
