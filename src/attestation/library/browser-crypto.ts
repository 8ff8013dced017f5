/**
 * What the verifier asks of `node:crypto`, for a browser, where it stands in its place: SHA-256, keys of ECDSA on P-256 and
 * of Ed25519, and their signatures. The primitives are those of WebCrypto, and @noble's where the answer cannot be waited for.
 *
 * WebCrypto answers later and the chain asks now, so signatures are checked before the chain is asked: `checkSignature`.
 * INVARIANT: a signature that was not checked signs nothing. It is stricter than Node: a key must be spelt as RFC 5480
 * section 2 has it, with a named curve and an uncompressed point.
 */
import { _SHA256 } from '@noble/hashes/sha2.js'
import { bytesToHex } from '@noble/hashes/utils.js'
import { readDer, tags } from '../time/der.ts'
import { fromBase64, toBase64 } from './browser-base64.ts'

type Encoding = 'hex' | 'base64'
type Bytes = Uint8Array<ArrayBuffer>

/** SubjectPublicKeyInfo of id-ecPublicKey with secp256r1 and of Ed25519, up to the point. SOURCE: RFC 5480, 2.1.1; RFC 8410, 4. */
const headers = [
  ['3059301306072a8648ce3d020106082a8648ce3d030107034200', 91, 'ec'],
  ['302a300506032b6570032100', 44, 'ed25519'],
] as const
const pem = /^-----BEGIN PUBLIC KEY-----\r?\n([A-Za-z0-9+/=\r\n]+)\r?\n-----END PUBLIC KEY-----\s*$/

/** As much of a `KeyObject` as is asked for. */
type PublicKey = Readonly<{
  asymmetricKeyType: 'ec' | 'ed25519'
  /** Of an EC key. */
  asymmetricKeyDetails: Readonly<{ namedCurve: 'prime256v1' }>
  /** SPKI DER. */
  export(): Bytes
}>

/** What was checked of each key: digests of data and signature. It goes when the key does. */
const checked = new WeakMap<object, Set<string>>()

/** The class, since the function around it weighs a thousand bytes. */
function sha256(data: Uint8Array): Uint8Array {
  return new _SHA256().update(data).digest()
}

const encoder = new TextEncoder()

function bytesOf(data: Uint8Array | string): Uint8Array {
  return typeof data === 'string' ? encoder.encode(data) : data
}

function encoded(digest: Uint8Array, encoding: Encoding): string {
  return encoding === 'hex' ? bytesToHex(digest) : toBase64(digest)
}

export function hash(_algorithm: string, data: Uint8Array | string, encoding: Encoding): string {
  return encoded(sha256(bytesOf(data)), encoding)
}

export function createHash(_algorithm: string) {
  const hasher = new _SHA256()
  return {
    update: (data: Uint8Array | string): void => void hasher.update(bytesOf(data)),
    digest: (encoding: Encoding): string => encoded(hasher.digest(), encoding),
  }
}

/** @throws Error when it is no such key */
export function createPublicKey({ key }: Readonly<{ key: string }>): PublicKey {
  const der = fromBase64((pem.exec(key)?.[1] ?? '').replace(/[\r\n]/g, ''))
  const spki = Uint8Array.from(der ?? [])
  const kind = headers.find(([header, bytes]) => spki.length === bytes && bytesToHex(spki).startsWith(header))
  if (kind === undefined) throw new Error('no key of a known kind')
  return { asymmetricKeyType: kind[2], asymmetricKeyDetails: { namedCurve: 'prime256v1' }, export: () => spki }
}

function nameOf(data: Uint8Array, signature: Uint8Array): string {
  return `${bytesToHex(sha256(data))} ${bytesToHex(sha256(signature))}`
}

/** Lets `verify` answer yes for these bytes, when they are signed: ECDSA with SHA-256, DER; or Ed25519. */
export async function checkSignature(key: PublicKey, data: Uint8Array, signature: Uint8Array): Promise<void> {
  try {
    const isCurve = key.asymmetricKeyType === 'ec'
    const flat = isCurve ? numbersOf(signature) : Uint8Array.from(signature)
    const algorithm = isCurve ? { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } : 'Ed25519'
    const { subtle } = globalThis.crypto
    const imported = await subtle.importKey('spki', key.export(), algorithm, false, ['verify'])
    if (!(await subtle.verify(algorithm, imported, flat, Uint8Array.from(data)))) return
  } catch {
    return // INVARIANT: bytes that are no signature, or are of a key that is none, sign nothing
  }
  const known = checked.get(key) ?? new Set()
  checked.set(key, known.add(nameOf(data, signature)))
}

/** The two numbers of a signature, 32 bytes each, big endian. SOURCE: RFC 3279, 2.2.3. @throws RangeError for another spelling */
function numbersOf(signature: Uint8Array): Bytes {
  const [sequence, ...more] = readDer(signature)
  const numbers = sequence?.tag === tags.sequence ? readDer(sequence.content) : []
  if (more.length > 0 || numbers.length !== 2) throw new RangeError()
  const flat = new Uint8Array(64)
  for (const [index, { tag, content }] of numbers.entries()) {
    const [first = 0x80, second = 0x80] = content
    const digits = first === 0 ? content.subarray(1) : content
    // A number is not negative, has a zero before it only where it would be negative without, and at most 256 bits.
    const isSpeltOnce = first < 0x80 && (first > 0 || content.length === 1 || second >= 0x80)
    if (tag !== tags.integer || !isSpeltOnce || digits.length > 32) throw new RangeError()
    flat.set(digits, 32 * (index + 1) - digits.length)
  }
  return flat
}

export function verify(_algorithm: string | null, data: Uint8Array, key: PublicKey, signature: Uint8Array): boolean {
  return checked.get(key)?.has(nameOf(data, signature)) === true
}

function notHere(): never {
  throw new Error()
}
export const sign = notHere
export const generateKeyPairSync = notHere
