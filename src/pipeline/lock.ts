/**
 * `assay.lock`: per stage the digests of what went in and came out, and of the attestation that proves it.
 *
 * It is a hint and a pin, never evidence: whatever it names is verified before it is believed. Committed by the user,
 * written whole after each stage. docs/formats/assay-lock.md
 */
import { type Document, isMap, parseDocument, stringify } from 'yaml'
import { z } from 'zod'
import { type Digest, DomainError, isDigest, isSha256, repeatedKey, type Sha256 } from '../core/index.ts'

const digest = z.custom<Digest>(isDigest, 'is not a digest')
const sha256 = z.custom<Sha256>(isSha256, 'is not a sha256 digest')

const entrySchema = z.strictObject({
  attestation: sha256,
  key: sha256,
  deps: z.record(z.string(), digest).default({}),
  params: z.record(z.string(), sha256).default({}),
  outs: z.record(z.string(), digest).default({}),
})
const lockSchema = z.strictObject({ assay: z.literal(1), stages: z.record(z.string(), entrySchema).default({}) })

export type LockEntry = Readonly<{
  attestation: Sha256
  key: Sha256
  deps: Readonly<Record<string, Digest>>
  /** File -> digest of the values that the stage takes from it. */
  params: Readonly<Record<string, Sha256>>
  outs: Readonly<Record<string, Digest>>
}>
export type Lock = ReadonlyMap<string, LockEntry>

/** LIMIT: 64 MiB, some 100,000 stages. */
export const maxLockBytes = 64 * 1024 * 1024

/** @throws ERR_FORMAT_NEWER for a later version, ERR_LOCK_MALFORMED for anything else but a lock of version 1 */
export function parseLock(bytes: Uint8Array): Lock {
  if (bytes.length > maxLockBytes) throw malformed(`has ${bytes.length} bytes, the limit is ${maxLockBytes}`)
  const text = new TextDecoder().decode(bytes)
  if (/^(<{7}|>{7}) /m.test(text)) {
    throw malformed('holds the conflict markers of a merge', 'delete it and run again: assay run makes it anew')
  }
  const document = parseDocument(text, { strict: true, uniqueKeys: false, merge: false })
  const fault = document.errors[0]
  if (fault !== undefined) throw malformed(`is not YAML: ${fault.message.split('\n')[0]?.slice(0, 200)}`)
  const repeated = repeatedKey(document)
  if (repeated !== undefined) throw malformed(`holds the key \`${repeated.key.slice(0, 100)}\` twice`)
  if (document.contents === null) return new Map()
  if (!isMap(document.contents)) throw malformed('is not a map')
  refuseNewer(document.get('assay'))
  const parsed = lockSchema.safeParse(plainValue(document))
  if (!parsed.success) {
    const issue = parsed.error.issues[0]
    throw malformed(`at \`${issue?.path.join('.').slice(0, 200)}\`: ${issue?.message.slice(0, 200)}`)
  }
  return new Map(Object.entries(parsed.data.stages))
}

const style = { lineWidth: 0, sortMapEntries: false, aliasDuplicateObjects: false } as const
const printedEntries = new WeakMap<LockEntry, string>()

/** The file's text: stages and paths in code-unit order, so that equal locks are equal bytes. */
export function printLock(lock: Lock): string {
  const stages = [...lock].toSorted(([left], [right]) => (left < right ? -1 : 1))
  const text = stages.length === 0 ? 'assay: 1\nstages: {}\n' : `assay: 1\nstages:\n${stages.map(printEntry).join('')}`
  return `# written by assay run: commit it, do not edit it\n${text}`
}

/** Printed once: the lock is written after each stage, and only that one changed. */
function printEntry([name, entry]: readonly [string, LockEntry]): string {
  const known = printedEntries.get(entry)
  if (known !== undefined) return known
  const text = stringify({ [name]: entry }, style).replaceAll(/^(?=.)/gm, '  ')
  printedEntries.set(entry, text)
  return text
}

function plainValue(document: Document): unknown {
  try {
    return document.toJS({ maxAliasCount: 0 })
  } catch (cause) {
    // The library has these reasons alone: an alias, where none is taken, and nesting beyond its stack.
    if (cause instanceof ReferenceError) throw malformed('holds an alias (`*name`)')
    if (cause instanceof RangeError) throw malformed('is nested too deep')
    throw cause
  }
}

function malformed(what: string, help?: string): DomainError {
  return new DomainError('ERR_LOCK_MALFORMED', `\`assay.lock\` ${what}`, help === undefined ? {} : { help })
}

function refuseNewer(version: unknown): void {
  if (typeof version !== 'number' || !Number.isInteger(version) || version <= 1) return
  throw new DomainError('ERR_FORMAT_NEWER', `\`assay.lock\` has version ${version}, and this assay knows 1`, {
    help: 'update assay; without its lock the project only has to be run again',
  })
}
