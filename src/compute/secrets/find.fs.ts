/** Secrets found in bytes that come in pieces, across their borders too. */
import { readSync } from 'node:fs'
import { type Redacted, withoutCredentials } from './credentials.ts'
import type { Spelling } from './spellings.ts'

export type Finder = Readonly<{
  /** What of the bytes may be shown, secrets and other credentials replaced; some wait for the next piece. */
  push(chunk: Buffer): Buffer
  /** What waited. */
  end(): Buffer
  /** Names of the secrets that stood in it, and kinds of other credentials. */
  found(): readonly string[]
}>

/** LIMIT: a credential of a known form is looked for in this many bytes at a time, and not longer than this. */
const maxCredentialBytes = 512

/** LIMIT: bytes of a file that are looked through at a time. */
const chunkBytes = 1024 * 1024

/** What stands in an open file. @param spellings the longest first */
export function findInFile(fd: number, spellings: readonly Spelling[]): readonly string[] {
  const finder = openFinder(spellings)
  const chunk = Buffer.allocUnsafe(chunkBytes)
  for (let at = 0; ; ) {
    const length = readSync(fd, chunk, 0, chunkBytes, at)
    if (length === 0) break
    finder.push(chunk.subarray(0, length))
    at += length
  }
  finder.end()
  return finder.found()
}

/** @param spellings the longest first */
export function openFinder(spellings: readonly Spelling[]): Finder {
  const found = new Set<string>()
  const kept = Math.max(maxCredentialBytes, spellings[0]?.bytes.length ?? 0) - 1
  let waiting = Buffer.alloc(0)
  let isInKey = false
  const redact = (bytes: Buffer, isEnd: boolean): Redacted => {
    let out = bytes
    for (const { name, bytes: spelling } of spellings) {
      if (!out.includes(spelling)) continue
      found.add(`the secret ${name}`)
      out = replaced(out, spelling, Buffer.from(`[secret ${name}]`))
    }
    const redacted = withoutCredentials(out, isEnd, isInKey)
    for (const kind of redacted.kinds) found.add(kind)
    isInKey = redacted.keyGoesOn !== undefined
    return redacted
  }
  return {
    push(chunk) {
      const { bytes: whole, keyGoesOn = kept } = redact(Buffer.concat([waiting, chunk]), false)
      const ready = Math.max(0, whole.length - keyGoesOn)
      waiting = Buffer.from(whole.subarray(ready))
      return whole.subarray(0, ready)
    },
    end() {
      const rest = redact(waiting, true).bytes
      waiting = Buffer.alloc(0)
      return rest
    },
    found: () => [...found].toSorted(),
  }
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
