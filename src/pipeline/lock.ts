/**
 * `assay.lock`: per stage the digests of what went in and came out, and of the attestation that proves it.
 *
 * It is a hint and a pin, never evidence: whatever it names is verified before it is believed. Committed by the user,
 * written whole after each stage. docs/formats/assay-lock.md
 */
import { type Document, isMap, parseDocument, stringify } from 'yaml'
import { z } from 'zod'
import { type Digest, DomainError, isDigest, isSha256, repeatedKey, type Sha256, withinStack } from '../core/index.ts'

const digest = z.custom<Digest>(isDigest, 'is not a digest')
const sha256 = z.custom<Sha256>(isSha256, 'is not a sha256 digest')

const entrySchema = z.strictObject({
  attestation: sha256,
  key: sha256,
  deps: z.record(z.string(), digest).default({}),
  params: z.record(z.string(), sha256).default({}),
  outs: z.record(z.string(), digest).default({}),
})
const lockSchema = z.strictObject({
  assay: z.literal(1),
  systems: z.record(z.string(), z.record(sha256, z.string().max(1000))).default({}),
  stages: z.record(z.string(), entrySchema).default({}),
})

export type LockEntry = Readonly<{
  attestation: Sha256
  key: Sha256
  deps: Readonly<Record<string, Digest>>
  /** File -> digest of the values that the stage takes from it. */
  params: Readonly<Record<string, Sha256>>
  outs: Readonly<Record<string, Digest>>
}>
export type Lock = ReadonlyMap<string, LockEntry>
/** Environment -> digest of each system that its stages may stand on -> what it is, in words. */
export type Systems = ReadonlyMap<string, ReadonlyMap<Sha256, string>>
export type LockFile = Readonly<{ stages: Lock; systems: Systems }>

/** LIMIT: 64 MiB, some 100,000 stages. */
export const maxLockBytes = 64 * 1024 * 1024

/** @throws ERR_FORMAT_NEWER for a later version, ERR_LOCK_MALFORMED for anything else but a lock of version 1 */
export function parseLock(bytes: Uint8Array): LockFile {
  return withinStack(
    () => readLock(bytes),
    () => malformed('is nested too deeply'),
  )
}

function readLock(bytes: Uint8Array): LockFile {
  if (bytes.length > maxLockBytes) throw malformed(`has ${bytes.length} bytes, the limit is ${maxLockBytes}`)
  const text = new TextDecoder().decode(bytes)
  if (/^(<{7}|>{7}) /m.test(text)) {
    throw malformed('holds the conflict markers of a merge', 'delete it and run again: assay run makes it anew')
  }
  const document = parseDocument(text, { strict: true, uniqueKeys: false, merge: false, logLevel: 'error' })
  const fault = document.errors[0]
  if (fault !== undefined) throw malformed(`is not YAML: ${fault.message.split('\n')[0]?.slice(0, 200)}`)
  const repeated = repeatedKey(document)
  if (repeated !== undefined) throw malformed(`holds the key \`${repeated.key.slice(0, 100)}\` twice`)
  if (document.contents === null) return { stages: new Map(), systems: new Map() }
  if (!isMap(document.contents)) throw malformed('is not a map')
  refuseNewer(document.get('assay'))
  const parsed = lockSchema.safeParse(plainValue(document))
  if (!parsed.success) {
    const issue = parsed.error.issues[0]
    throw malformed(`at \`${issue?.path.join('.').slice(0, 200)}\`: ${issue?.message.slice(0, 200)}`)
  }
  const { stages, systems } = parsed.data
  return {
    stages: new Map(Object.entries(stages)),
    systems: new Map(Object.entries(systems).map(([name, known]) => [name, systemsIn(known)])),
  }
}

function systemsIn(known: Readonly<Record<string, string>>): ReadonlyMap<Sha256, string> {
  return new Map(Object.entries(known).flatMap(([digest, text]) => (isSha256(digest) ? [[digest, text] as const] : [])))
}

const style = { lineWidth: 0, sortMapEntries: false, aliasDuplicateObjects: false } as const
const printedEntries = new WeakMap<LockEntry, string>()

/** The file's text: names and paths in code-unit order, so that equal locks are equal bytes. */
export function printLock({ stages, systems }: LockFile): string {
  const entries = [...stages].toSorted(byName)
  const text = entries.length === 0 ? 'stages: {}\n' : `stages:\n${entries.map(printEntry).join('')}`
  return `# written by assay run: commit it, do not edit it\nassay: 1\n${printSystems(systems)}${text}`
}

function printSystems(systems: Systems): string {
  const known = [...systems].filter(([, accepted]) => accepted.size > 0).toSorted(byName)
  if (known.length === 0) return ''
  const plain = known.map(([name, accepted]) => [name, Object.fromEntries([...accepted].toSorted(byName))] as const)
  return stringify({ systems: Object.fromEntries(plain) }, style)
}

function byName(left: readonly [string, unknown], right: readonly [string, unknown]): number {
  return left[0] < right[0] ? -1 : 1
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
