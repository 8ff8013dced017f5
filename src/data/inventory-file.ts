/**
 * `sources.yaml`, read strictly and edited with its comments kept. Format: docs/formats/sources.md.
 *
 * An unknown key is refused: `status: approved` is no fact of this file, and must not look like one.
 */
import { type Document, isMap, isNode, LineCounter, parseDocument } from 'yaml'
import { z } from 'zod'
import { type Digest, DomainError, isDigest, nearest, parseProjectPath } from '../core/index.ts'
import { classifications, type Source } from './inventory.ts'

/** LIMIT: 4 MiB, 10,000 sources. */
const maxBytes = 4 * 1024 * 1024
const maxSources = 10_000

const personPattern = /^([^<>]{1,200}?) <([^<>\s@]+@[^<>\s@]+)>$/
const digest = z.custom<Digest>(isDigest, 'is not a digest')
const text = z.string().min(1).max(2000)

const sourceShape = z.strictObject({
  path: text,
  origin: text,
  owner: z.string().regex(personPattern, 'is not a person: write Name <mail>'),
  classification: z.enum(classifications),
  licence: z.string().regex(/^[A-Za-z0-9.+() -]{1,200}$/, 'is not an SPDX expression'),
  kind: z.enum(['data', 'model']).default('data'),
  digest,
  added: z.iso.datetime(),
  reviewBy: z.iso.date().optional(),
  contract: text.optional(),
  revoked: z.strictObject({ at: z.iso.datetime(), because: text }).optional(),
})
const fileShape = z.strictObject({
  assay: z.literal(1),
  sources: z.record(
    z.string().regex(/^[a-z0-9][a-z0-9._-]{0,99}$/, 'is not an id: lower-case letters, digits, `.`, `_`, `-`'),
    sourceShape,
  ),
})

/** @throws ERR_SOURCES_INVALID with file, line and column */
export function parseSources(bytes: Uint8Array): readonly Source[] {
  if (bytes.length > maxBytes) throw invalid('sources.yaml', `has ${bytes.length} bytes, the limit is ${maxBytes}`)
  const { document, place } = read(new TextDecoder('utf-8', { fatal: false }).decode(bytes))
  if (document.contents === null) return []
  const parsed = fileShape.safeParse(document.toJS({ maxAliasCount: 0 }))
  if (!parsed.success) throw shapeFault(parsed.error, place)
  const entries = Object.entries(parsed.data.sources)
  if (entries.length > maxSources)
    throw invalid('sources.yaml', `lists ${entries.length} sources, the limit is ${maxSources}`)
  const paths = new Map<string, string>()
  return entries.map(([id, entry]) => {
    const path = parseProjectPath(entry.path)
    const other = paths.get(path)
    if (other !== undefined) throw invalid(place(['sources', id]), `is about \`${path}\`, and so is \`${other}\``)
    paths.set(path, id)
    return sourceOf(id, { ...entry, path })
  })
}

function sourceOf(id: string, { added, owner, ...entry }: z.infer<typeof sourceShape>): Source {
  const [, name = '', email = ''] = personPattern.exec(owner) ?? []
  const { reviewBy, contract, revoked, ...facts } = entry
  return {
    id,
    ...facts,
    owner: { name, email },
    addedAt: added,
    ...(reviewBy === undefined ? {} : { reviewBy }),
    ...(contract === undefined ? {} : { contract }),
    ...(revoked === undefined ? {} : { revoked }),
  }
}

/** The file with one more source. @throws ERR_SOURCE_EXISTS, ERR_SOURCES_INVALID */
export function addSource(before: string, source: Source): string {
  const document = editable(before)
  if (document.hasIn(['sources', source.id])) {
    throw new DomainError('ERR_SOURCE_EXISTS', `a source is called \`${source.id}\` already`, {
      help: 'choose another id, or register new bytes for it with --replace',
    })
  }
  return withSource(document, source)
}

/** New bytes for a source that is there; it is proposed again. A revoked source stays revoked. @throws ERR_SOURCE_UNKNOWN, ERR_SOURCE_REVOKED */
export function replaceSource(before: string, source: Source): string {
  const document = editable(before)
  if (!document.hasIn(['sources', source.id])) throw unknownSource(source.id)
  if (document.hasIn(['sources', source.id, 'revoked'])) {
    throw new DomainError('ERR_SOURCE_REVOKED', `the source \`${source.id}\` was revoked, which is final`, {
      help: 'choose another id',
    })
  }
  return withSource(document, source)
}

export function markRevoked(before: string, id: string, revoked: Readonly<{ at: string; because: string }>): string {
  const document = editable(before)
  if (!document.hasIn(['sources', id])) throw unknownSource(id)
  document.setIn(['sources', id, 'revoked'], { ...revoked })
  return print(document)
}

function withSource(document: Document, source: Source): string {
  const { id, owner, addedAt, revoked: _, ...facts } = source
  document.setIn(
    ['sources', id],
    document.createNode({ ...facts, owner: `${owner.name} <${owner.email}>`, added: addedAt }),
  )
  return print(document)
}

function editable(before: string): Document {
  const header = '# what the data is: docs/formats/sources.md. Whether it is approved is said by attestations/ alone.\n'
  const { document } = read(before === '' ? `${header}assay: 1\nsources: {}\n` : before)
  const sources = document.get('sources')
  if (isMap(sources)) sources.flow = false
  return document
}

type Read = Readonly<{ document: Document; place(path: readonly PropertyKey[]): string }>

function read(source: string): Read {
  const lines = new LineCounter()
  const document = parseDocument(source, {
    lineCounter: lines,
    strict: true,
    uniqueKeys: true,
    merge: false,
    schema: 'core',
  })
  const [fault] = [...document.errors, ...document.warnings]
  if (fault !== undefined) {
    const { line, col } = lines.linePos(fault.pos[0])
    throw invalid(`sources.yaml:${line}:${col}`, `is not YAML: ${fault.message.split('\n')[0]}`)
  }
  const place = (path: readonly PropertyKey[]): string => {
    for (let length = path.length; length > 0; length -= 1) {
      const node = document.getIn(path.slice(0, length), true)
      if (!isNode(node) || node.range === undefined || node.range === null) continue
      const { line, col } = lines.linePos(node.range[0])
      return `sources.yaml:${line}:${col}`
    }
    return 'sources.yaml'
  }
  return { document, place }
}

function shapeFault(error: z.ZodError, place: Read['place']): DomainError {
  const [issue] = error.issues
  if (issue?.code !== 'unrecognized_keys')
    return invalid(place(issue?.path ?? []), issue?.message ?? 'is not an inventory')
  const [key = ''] = issue.keys
  const suggestion = nearest(key, Object.keys(sourceShape.shape))
  const help = key === 'status' ? 'a status is computed from signed statements: assay data approve ID' : undefined
  return invalid(
    place([...issue.path, key]),
    `has the unknown key \`${key}\``,
    help ?? (suggestion === undefined ? undefined : `did you mean \`${suggestion}\`?`),
  )
}

function unknownSource(id: string): DomainError {
  return new DomainError('ERR_SOURCE_UNKNOWN', `no source is called \`${id}\``, { help: 'assay data list shows them' })
}

function invalid(place: string, what: string, help?: string): DomainError {
  return new DomainError('ERR_SOURCES_INVALID', `\`${place}\` ${what}`, help === undefined ? {} : { help })
}

function print(document: Document): string {
  return document.toString({ lineWidth: 0, flowCollectionPadding: false })
}
