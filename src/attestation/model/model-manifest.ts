/**
 * What an OpenSSF Model Signing statement says of a model: which files it has, each by its digest.
 *
 * Pure. The tree is walked and hashed by who asks, in the way that the signed manifest tells (`ManifestTerms`).
 * SOURCE: OpenSSF Model Signing v1.0, sections 5, 6 and 8; the reference implementation (model_signing 0.2 to 1.1)
 * where it differs from the text: a single file is called `.`.
 */
import { hash } from 'node:crypto'
import { z } from 'zod'
import { comparePaths, DomainError, type Json, parseStrictJson } from '../../core/index.ts'
import { type Finding, passed, refused } from '../finding.ts'
import { oldPredicateType } from '../foreign/signature.ts'
import { issueOf, statementType } from '../statement.ts'

export const modelPredicateType = 'https://model_signing/signature/v1.0'

export type ModelHash = 'sha256' | 'blake2b' | 'blake3'

/** How a model is walked and hashed. */
export type ManifestTerms = Readonly<{
  hash: ModelHash
  /** Bytes; undefined when a file is hashed as a whole. */
  shardBytes?: number
  followLinks: boolean
  /** Paths in the model that have no part in it, with all below them. */
  ignored: readonly string[]
}>

/** `name` is the file's path in the model (`.` for a single file), `name:start:end` for a shard; `digest` bare hex. */
export type Resource = Readonly<{ name: string; digest: string }>
export type ModelManifest = Readonly<{ terms: ManifestTerms; resources: readonly Resource[] }>

/** Left out at the top of every model. */
export const alwaysIgnored = ['.git', '.gitattributes', '.github', '.gitignore'] as const

/** LIMIT: as a bundle has bytes; 64 levels. */
const limits = { maxBytes: 64 * 1024 * 1024, maxDepth: 64 }

export function isModelPredicate(predicateType: string): boolean {
  return predicateType === modelPredicateType || predicateType === oldPredicateType
}

/**
 * Reads a payload whose signature was checked before.
 *
 * @throws ERR_STATEMENT_UNSUPPORTED when it is of another type, or names a method or hash that is not known
 * @throws ERR_STATEMENT_MALFORMED when it is of the type, and the rest is not
 * @throws ERR_MODEL_EMPTY, ERR_MANIFEST_INCONSISTENT
 */
export function parseModelManifest(payload: Uint8Array): ModelManifest {
  const json = parseStrictJson(payload, 'statement', limits)
  const type = typeShape.safeParse(json)
  if (!type.success || type.data._type !== statementType)
    throw new DomainError('ERR_STATEMENT_UNSUPPORTED', 'the statement is not of in-toto Statement v1')
  const manifest = type.data.predicateType === oldPredicateType ? oldManifest(json) : newManifest(json)
  if (manifest.resources.length === 0) throw new DomainError('ERR_MODEL_EMPTY', 'the manifest names no files')
  const names = manifest.resources.map(({ name }) => name)
  if (new Set(names).size !== names.length) throw malformed('names a file twice')
  const odd = names.find((name) => !isPlainName(name))
  if (odd !== undefined) throw malformed(`names \`${odd.slice(0, 200)}\`, which is no plain path`)
  return manifest
}

const typeShape = z.object({ _type: z.string(), predicateType: z.string() })
const hexShape = z.string().regex(/^([0-9a-f]{64}|[0-9a-f]{128})$/)
const nameShape = z.string().min(1).max(4096)

const serializationShape = z
  .discriminatedUnion('method', [
    z.object({ method: z.literal('files'), hash_type: z.string(), shard_size: z.never().optional() }),
    z.object({ method: z.literal('shards'), hash_type: z.string(), shard_size: z.int().positive() }),
  ])
  .and(z.object({ allow_symlinks: z.boolean(), ignore_paths: z.array(z.string().max(4096)).max(10_000).default([]) }))

/** The statement's wire shape, for its JSON Schema too; `_type` and `predicateType` are read before. */
export const modelStatementShape = z.object({
  subject: z.tuple([z.object({ name: z.string(), digest: z.object({ sha256: hexShape }) })]),
  predicate: z.object({
    serialization: serializationShape,
    resources: z.array(z.object({ name: nameShape, algorithm: z.string(), digest: hexShape })),
  }),
})

function newManifest(json: Json): ModelManifest {
  const { subject, predicate } = parseShape(modelStatementShape, json)
  const { serialization, resources } = predicate
  const known = hashNames[serialization.hash_type]
  // The reference implementation calls a hash of shards by their size, too.
  const names = [serialization.hash_type, `${serialization.hash_type}-sharded-${serialization.shard_size}`]
  if (known === undefined || resources.some(({ algorithm }) => !names.includes(algorithm)))
    throw new DomainError(
      'ERR_STATEMENT_UNSUPPORTED',
      `the manifest is made by the hash \`${serialization.hash_type.slice(0, 50)}\`, or by several`,
    )
  if (rootOf(resources) !== subject[0].digest.sha256)
    throw new DomainError('ERR_MANIFEST_INCONSISTENT', 'the digest of the model is not that of its files')
  return {
    terms: {
      hash: known,
      ...(serialization.method === 'shards' ? { shardBytes: serialization.shard_size } : {}),
      followLinks: serialization.allow_symlinks,
      ignored: serialization.ignore_paths,
    },
    resources: resources.map(({ name, digest }) => ({ name, digest })),
  }
}

/** Names of the standard, and the one that its reference implementation takes. */
const hashNames: Readonly<Record<string, ModelHash | undefined>> = {
  sha256: 'sha256',
  blake2b: 'blake2b',
  blake2: 'blake2b',
  blake3: 'blake3',
}

const oldShape = z.object({
  subject: z.array(z.object({ name: nameShape, digest: z.object({ sha256: hexShape }) })),
})

/** model_signing 0.2: no digest of the whole, no terms. */
function oldManifest(json: Json): ModelManifest {
  const { subject } = parseShape(oldShape, json)
  return {
    terms: { hash: 'sha256', followLinks: false, ignored: [] },
    resources: subject.map(({ name, digest }) => ({ name, digest: digest.sha256 })),
  }
}

function parseShape<Shape extends z.ZodType>(shape: Shape, json: Json): z.infer<Shape> {
  const parsed = shape.safeParse(json)
  if (!parsed.success) throw malformed(issueOf(parsed.error))
  return parsed.data
}

/** bare hex SHA-256 over the digests, in the order in which they stand; names have no part in it. */
export function rootOf(resources: readonly Pick<Resource, 'digest'>[]): string {
  return hash('sha256', Buffer.from(resources.map(({ digest }) => digest).join(''), 'hex'), 'hex')
}

/** THREAT: a name that leads out of the model, or that a walk would spell otherwise. */
function isPlainName(name: string): boolean {
  return name === '.' || name.split('/').every((part) => part !== '' && part !== '.' && part !== '..')
}

/**
 * Is the model that was found the one that was signed?
 *
 * @param found what lies there by the manifest's own terms; a single file is called `.`
 * @param options.fileName what a single file is called, which the standard calls it by
 * @returns one finding for files that are missing, one for others, one for those that differ; all passed when it is
 */
export function judgeModel(
  { resources }: ModelManifest,
  found: readonly Resource[],
  { ignoreUnsigned = false, fileName }: Readonly<{ ignoreUnsigned?: boolean; fileName?: string }> = {},
): readonly Finding[] {
  const here = new Map(found.map(({ name, digest }) => [name, digest]))
  const signed = new Map(resources.map(({ name, digest }) => [calledByFile(name, fileName), digest]))
  const missing = [...signed.keys()].filter((name) => !here.has(name))
  const unsigned = ignoreUnsigned ? [] : [...here.keys()].filter((name) => !signed.has(name))
  const changed = [...signed].filter(([name, digest]) => here.has(name) && here.get(name) !== digest)
  return [
    missing.length === 0
      ? passed('model-files', `${signed.size} signed files are there`)
      : refused('model-files', 'ERR_MODEL_INCOMPLETE', `not there: ${some(missing)}`),
    unsigned.length === 0
      ? passed(
          'model-extra',
          ignoreUnsigned ? 'files that were not signed were not asked about' : 'no other file is there',
        )
      : refused('model-extra', 'ERR_MODEL_EXTRA', `never signed: ${some(unsigned)}`),
    changed.length === 0
      ? passed('model-digests', 'each has the bytes that were signed')
      : refused('model-digests', 'ERR_MODEL_CHANGED', `other bytes: ${some(changed.map(([name]) => name))}`),
  ]
}

/** `model.bin` and `model.bin:0:100` of a single file `model.bin` are `.` and `.:0:100`. */
function calledByFile(name: string, fileName: string | undefined): string {
  if (fileName === undefined) return name
  const [, path = name, range = ''] = /^(.*?)((?::\d+:\d+)?)$/s.exec(name) ?? []
  return path === fileName ? `.${range}` : name
}

function some(names: readonly string[]): string {
  const shown = names.slice(0, 5).map((name) => `\`${name.slice(0, 200)}\``)
  return `${shown.join(', ')}${names.length > 5 ? ` and ${names.length - 5} more` : ''}`
}

/** Order of code points, which the standard and its conformance suite ask for. */
export function sortedResources(resources: readonly Resource[]): readonly Resource[] {
  return resources.toSorted((left, right) => comparePaths(left.name, right.name))
}

function malformed(what: string): DomainError {
  return new DomainError('ERR_STATEMENT_MALFORMED', `the manifest of the model ${what}`)
}
