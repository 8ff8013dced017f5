/**
 * `sources.yaml`: the facts about every source of data. docs/formats/sources.md.
 *
 * It says what a source is, never that it is approved: that follows from signed statements (`source-status.ts`). A
 * revocation stands here beside the signed one, so that a missing file cannot undo it.
 */
import { z } from 'zod'
import {
  type Digest,
  DomainError,
  isDigest,
  isDomainError,
  isInside,
  parseProjectPath,
  printable,
} from '../core/index.ts'
import { isLicenceExpression } from './licence.ts'
import { removeInYaml, setInYaml } from './yaml-edit.ts'
import { parseShape, readYamlFile } from './yaml-file.ts'

/** From least to most secret. */
export const classifications = ['public', 'internal', 'confidential', 'restricted'] as const
export const sourceKinds = ['data', 'model', 'golden'] as const
export type Classification = (typeof classifications)[number]
export type Person = Readonly<{ name: string; email: string }>
/** Instants are RFC 3339, UTC. */
export type Revocation = Readonly<{ at: string; because: string }>

export type Source = Readonly<{
  /** Lower-case words joined by `-`; never used twice. */
  id: string
  /** Project path of the file or folder. */
  path: string
  /** Where it came from: a URI, a path, or words. */
  origin: string
  /** The person who answers for it. */
  owner: Person
  classification: Classification
  /** An SPDX expression; `LicenseRef-...` for what SPDX does not know. */
  licence: string
  /** `golden`: rows whose labels people have verified; no stage reads them. */
  kind: (typeof sourceKinds)[number]
  /** The bytes on record. */
  digest: Digest
  addedAt: string
  /** When assay fetched it from its origin, and what the server said of it. */
  fetched?: Readonly<{ at: string; headers: Readonly<Record<string, string>> }>
  /** `2027-01-31`: the last day of the approval. */
  reviewBy?: string
  /** Project path of a data contract. */
  contract?: string
  /** Names of the only pipelines that may use it. */
  pipelines?: readonly string[]
  revoked?: Revocation
}>

const fileName = 'sources.yaml'
const header = `# The inventory of data sources: facts only. Approved, revoked and expired follow from the signed statements in
# attestations/. Written by assay data add; docs/formats/sources.md.
inventory: 1
`

const line = z
  .string()
  .min(1)
  .max(2000)
  .refine((text) => !/\n/.test(text) && printable(text) === text, 'it must be one line that prints')
const instant = z.string().refine((text) => isInstant(text), 'it must be an instant such as 2026-11-23T10:00:00.000Z')
const projectPath = z
  .string()
  .refine((path) => isPlainPath(path), 'it must be a plain path inside the project, not in .git or .assay')
const facts = z
  .strictObject({
    path: projectPath,
    origin: line.refine((text) => !holdsSecret(text), 'it holds a password, a token or a signature: leave that out'),
    owner: z.string().refine((text) => parsePerson(text) !== undefined, 'it must be a person: `Name <mail>`'),
    classification: z.enum(classifications, `it must be one of ${classifications.join(', ')}`),
    licence: z
      .string()
      .refine(isLicenceExpression, 'it must be an SPDX expression such as CC-BY-4.0, or LicenseRef-Name for another'),
    kind: z.enum(sourceKinds, `it must be one of ${sourceKinds.join(', ')}`).default('data'),
    digest: z.custom<Digest>(isDigest, 'it must be sha256: or dirHash1: and 64 lower-case hex digits'),
    addedAt: instant,
    fetched: z.strictObject({ at: instant, headers: z.record(line, line) }).optional(),
    reviewBy: z.string().refine(isDate, 'it must be a date such as 2027-01-31').optional(),
    contract: projectPath.optional(),
    pipelines: z.array(line).min(1).optional(),
    revoked: z.strictObject({ at: instant, because: line }).optional(),
  })
  // THREAT: of a folder one digest is known, and each of its files alone would be none that is forbidden
  .refine(({ kind, digest }) => kind !== 'golden' || !digest.startsWith('dirHash1:'), 'a golden set must be one file')
/** What a replaced source may have had and the new one has not. */
const optionalKeys = ['fetched', 'reviewBy', 'contract', 'pipelines'] as const
const idPattern = /^[a-z0-9]+(?:-[a-z0-9]+)*$/
const id = z.string().max(64).regex(idPattern, 'an id is lower-case words of letters and digits, joined by `-`')
const inventory = z.strictObject({
  inventory: z.literal(1, 'it must be 1'),
  sources: z.record(id, facts).nullable().optional(),
})

/**
 * Trust: the file is attacker-controlled; nothing in it approves anything.
 *
 * @param text of the whole file; empty for none
 * @throws ERR_SOURCES_INVALID with line and column, ERR_INPUT_TOO_LARGE
 */
export function parseSources(text: string | Uint8Array): readonly Source[] {
  const decoded = typeof text === 'string' ? text : decode(text)
  if (decoded.trim() === '') return []
  const parsed = parseShape(readYamlFile(decoded, fileName, 'ERR_SOURCES_INVALID'), inventory, 'ERR_SOURCES_INVALID')
  return Object.entries(parsed.sources ?? {}).map(([name, { owner, ...rest }]) => {
    const person = parsePerson(owner)
    if (person === undefined) throw new Error('the shape let a person through that is none')
    return withoutUndefined({ id: name, owner: person, ...rest })
  })
}

/**
 * The file with one more source; everything else stays as it was typed.
 *
 * @throws ERR_SOURCE_EXISTS, ERR_SOURCES_INVALID for the file or for the source
 */
export function addSource(text: string, source: Source): string {
  if (parseSources(text).some((known) => known.id === source.id)) {
    throw new DomainError('ERR_SOURCE_EXISTS', `the source \`${source.id}\` is in the inventory already`)
  }
  return written(text, source)
}

/**
 * The file with other facts for a source that is there (or a new one). An approval does not follow to new bytes.
 *
 * @throws ERR_SOURCE_REVOKED: a revocation is not written over
 */
export function replaceSource(text: string, source: Source): string {
  const known = parseSources(text).find((candidate) => candidate.id === source.id)
  if (known?.revoked !== undefined) {
    throw new DomainError('ERR_SOURCE_REVOKED', `the source \`${source.id}\` was revoked: its id is not used again`)
  }
  return written(text, source)
}

/** The file with the revocation in it; the first one stays. @throws ERR_SOURCE_UNKNOWN */
export function markRevoked(text: string, sourceId: string, revocation: Revocation): string {
  const known = parseSources(text).find((candidate) => candidate.id === sourceId)
  if (known === undefined) throw new DomainError('ERR_SOURCE_UNKNOWN', `no source is called \`${sourceId}\``)
  if (known.revoked !== undefined) return text
  return checked(setInYaml(text, ['sources', sourceId, 'revoked'], revocation), sourceId)
}

function written(text: string, source: Source): string {
  const { id: sourceId, path, origin, owner, ...rest } = source
  const members = { path, origin, owner: `${owner.name} <${owner.email}>`, ...rest }
  let next = text.trim() === '' ? `${text}${header}` : text
  for (const [key, value] of Object.entries(members)) {
    if (value !== undefined) next = setInYaml(next, ['sources', sourceId, key], value)
  }
  for (const key of optionalKeys) {
    if (source[key] === undefined) next = removeInYaml(next, ['sources', sourceId, key])
  }
  return checked(next, sourceId)
}

/** What assay writes, assay reads. The place of a fault is told to nobody: it is in no file yet. */
function checked(text: string, sourceId: string): string {
  try {
    if (!parseSources(text).some((source) => source.id === sourceId)) throw new Error('an edit lost its source')
    return text
  } catch (error) {
    if (!isDomainError(error, 'ERR_SOURCES_INVALID')) throw error
    const what = error.message.replace(/^`sources\.yaml` line \d+, column \d+: /, '')
    throw new DomainError('ERR_SOURCES_INVALID', what, { help: 'say it otherwise; nothing was written' })
  }
}

export function parsePerson(text: string): Person | undefined {
  const [, name, email] = /^([^<>]{1,200}?) <([^<>\s@]{1,100}@[^<>\s@]{1,200})>$/.exec(text) ?? []
  return name === undefined || email === undefined || printable(text) !== text ? undefined : { name, email }
}

/** The address without what may be secret in it: its userinfo and fragment, and its query where that is signed. */
export function recordableAddress(address: string): string {
  const url = new URL(address)
  url.username = ''
  url.password = ''
  url.hash = ''
  if (holdsSecret(url.href)) url.search = ''
  return url.href
}

/** Userinfo in an address, or the parameters of a signed one. */
function holdsSecret(origin: string): boolean {
  if (/^[a-z][a-z0-9+.-]*:\/\/[^/?#]*:[^/?#]*@/i.test(origin) || /^https?:\/\/[^/?#]*@/i.test(origin)) return true
  return /[?&#;](?:X-Amz-Signature|X-Amz-Security-Token|X-Goog-Signature|Signature|sig|token|access_token|api_?key|password)=/i.test(
    origin,
  )
}

function isInstant(text: string): boolean {
  return /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z$/.test(text) && !Number.isNaN(Date.parse(text))
}

function isDate(text: string): boolean {
  const at = /^\d{4}-\d\d-\d\d$/.test(text) ? Date.parse(`${text}T00:00:00Z`) : Number.NaN
  return !Number.isNaN(at) && new Date(at).toISOString().startsWith(text)
}

function isPlainPath(path: string): boolean {
  try {
    const masked = ['.git', '.assay'].some((folder) => isInside(path, folder))
    return path !== '.' && parseProjectPath(path) === path && !masked
  } catch (error) {
    if (isDomainError(error)) return false
    throw error
  }
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (cause) {
    throw new DomainError('ERR_SOURCES_INVALID', `\`${fileName}\` is not UTF-8`, { cause })
  }
}

/** zod gives optional members that are absent as absent; its type says they could be undefined. */
function withoutUndefined(source: { [K in keyof Source]: Source[K] | undefined }): Source {
  return source as Source // members without a value are not there: the shape made it
}
