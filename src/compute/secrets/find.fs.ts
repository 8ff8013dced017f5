/** Secrets and other credentials found in what a stage made: in files, and in what it prints, which comes in pieces. */
import { readSync } from 'node:fs'
import { type Sha256, sha256Of } from '../../core/index.ts'
import { contextBytes, findCredentials, type Looked } from './credentials.ts'
import { maxTokenBytes } from './forms.ts'
import type { Spelling } from './spellings.ts'

/** What must not stand in outs and logs. */
export type Leak = Readonly<{
  /** `the secret NAME`, or a kind of credential: `a private key`. */
  what: string
  /** A secret that was granted to the stage: it is harmless nowhere. */
  granted?: true
  /** Of another credential: SHA-256 of its bytes, by which it may be declared harmless. */
  fingerprint?: Sha256
}>

export type Finder = Readonly<{
  /** What of the bytes may be shown, secrets and other credentials replaced; what may become one waits for the next piece. */
  push(chunk: Buffer): Buffer
  /** What waited. */
  end(): Buffer
  /** Each once, in the order of their words. */
  found(): readonly Leak[]
}>

/** LIMIT: what is told apart of one file, or log. */
const maxLeaks = 100
/** LIMIT: bytes of a file that are looked through at a time. */
const chunkBytes = 1024 * 1024

/** What stands in a short text, such as a name. */
export function findInText(text: string, spellings: readonly Spelling[]): readonly Leak[] {
  const leaks = openLeaks()
  const bytes = Buffer.from(text)
  for (const { name, bytes: spelling } of spellings) if (bytes.includes(spelling)) leaks.addSecret(name)
  leaks.addCredentials(bytes, findCredentials(bytes, { from: 0, isEnd: true }))
  return leaks.all()
}

/** What stands in an open file. @param spellings the longest first */
export function findInFile(fd: number, spellings: readonly Spelling[]): readonly Leak[] {
  const leaks = openLeaks()
  const lookedBack = Math.max(contextBytes, longestOf(spellings) - 1)
  const buffer = takeBuffer()
  for (let [at, before] = [0, 0]; ; ) {
    const length = readFull(fd, buffer, at)
    const bytes = buffer.subarray(0, length)
    const isEnd = length < buffer.length
    for (const { name, bytes: spelling } of spellings) if (bytes.includes(spelling)) leaks.addSecret(name)
    const looked = findCredentials(bytes, { from: before, isEnd })
    leaks.addCredentials(bytes, looked)
    if (isEnd) return leaks.all()
    const decided = Math.max(looked.decided, contextBytes)
    const next = Math.min(decided - contextBytes, length - lookedBack)
    before = decided - next
    at += next
  }
}

/** Fewer bytes than fit are the end: some file systems give a part at a time. */
function readFull(fd: number, buffer: Buffer, from: number): number {
  let length = 0
  while (length < buffer.length) {
    const read = readSync(fd, buffer, length, buffer.length - length, from + length)
    if (read === 0) break
    length += read
  }
  return length
}

// Reused, since allocation costs more than reading a small file; safe because nothing here awaits.
let chunk: Buffer | undefined

function takeBuffer(): Buffer {
  chunk ??= Buffer.allocUnsafe(chunkBytes)
  return chunk
}

/** @param spellings the longest first */
export function openFinder(spellings: readonly Spelling[]): Finder {
  const leaks = openLeaks()
  const lookedBack = Math.max(0, longestOf(spellings) - 1)
  let shown: Buffer = Buffer.alloc(0)
  let waiting: Buffer = Buffer.alloc(0)
  let awaited = 0
  const take = (bytes: Buffer, isEnd: boolean): Buffer => {
    const plain = hideSecrets(bytes, spellings, leaks)
    const whole = Buffer.concat([shown, plain])
    const looked = findCredentials(whole, { from: shown.length, isEnd })
    leaks.addCredentials(whole, looked)
    const ended = looked.found.at(-1)?.end ?? 0
    const until = isEnd
      ? whole.length
      : Math.max(ended, Math.min(looked.decided, whole.length - lookedBack), shown.length)
    const out = hideCredentials(whole.subarray(0, until), shown.length, looked)
    waiting = Buffer.from(whole.subarray(until))
    // a long private key that is printed byte by byte is not read from its beginning at each
    awaited = waiting.length > maxTokenBytes ? waiting.length + Math.floor(waiting.length / 8) : 0
    shown = Buffer.from(whole.subarray(Math.max(0, until - contextBytes), until))
    return out
  }
  return {
    push(piece) {
      const bytes = Buffer.concat([waiting, piece])
      if (bytes.length >= awaited) return take(bytes, false)
      waiting = bytes
      return Buffer.alloc(0)
    },
    end: () => take(waiting, true),
    found: leaks.all,
  }
}

function hideCredentials(bytes: Buffer, from: number, { found }: Looked): Buffer {
  const parts: Buffer[] = []
  let at = from
  for (const { kind, at: begin, end } of found) {
    parts.push(bytes.subarray(at, begin), Buffer.from(`[${kind}]`))
    at = end
  }
  return Buffer.concat([...parts, bytes.subarray(at)])
}

function hideSecrets(bytes: Buffer, spellings: readonly Spelling[], leaks: Leaks): Buffer {
  let out = bytes
  for (const { name, bytes: spelling } of spellings) {
    if (!out.includes(spelling)) continue
    leaks.addSecret(name)
    out = replaced(out, spelling, Buffer.from(`[secret ${name}]`))
  }
  return out
}

function replaced(bytes: Buffer, what: Buffer, by: Buffer): Buffer {
  const parts: Buffer[] = []
  let from = 0
  for (let at = bytes.indexOf(what); at >= 0; at = bytes.indexOf(what, from)) {
    parts.push(bytes.subarray(from, at), by)
    from = at + what.length
  }
  return Buffer.concat([...parts, bytes.subarray(from)])
}

type Leaks = Readonly<{
  addSecret(name: string): void
  addCredentials(bytes: Buffer, looked: Looked): void
  all(): readonly Leak[]
}>

function openLeaks(): Leaks {
  const leaks = new Map<string, Leak>()
  // THREAT: what is not told apart is declared harmless by no fingerprint
  const add = (key: string, leak: Leak): void => {
    if (leaks.size < maxLeaks || leaks.has(key)) leaks.set(key, leak)
    else leaks.set('more', { what: `more than ${maxLeaks} credentials` })
  }
  return {
    addSecret: (name) => add(`secret ${name}`, { what: `the secret ${name}`, granted: true }),
    addCredentials: (bytes, { found }) => {
      for (const { kind, at, end } of found) {
        const fingerprint = sha256Of(bytes.subarray(at, end))
        add(fingerprint, { what: kind, fingerprint })
      }
    },
    all: () => [...leaks.values()].toSorted((left, right) => (left.what < right.what ? -1 : 1)),
  }
}

function longestOf(spellings: readonly Spelling[]): number {
  return spellings[0]?.bytes.length ?? 0
}
