/**
 * What is written to a registry, and what is read of one: manifests of models and of evidence, and indexes of referrers. Pure.
 *
 * Trust: what is read is as hostile as whoever may push there. Nothing of it is evidence; it says where evidence is.
 * SOURCE: OCI Image Format 1.1 (manifest, index, descriptor), OCI Distribution 1.1 ("Listing Referrers", "Referrers Tag
 * Schema"); CNCF ModelPack 0.0.7 (model manifest); cosign 3 (`WriteReferrer`: a bundle a manifest). DECISION 0052.
 */
import { z } from 'zod'
import {
  DomainError,
  hexOf,
  isSha256,
  parseProjectPath,
  parseStrictJson,
  type Sha256,
  sha256Of,
} from '../../core/index.ts'
import { remoteFault } from '../../data/index.ts'

export const mediaTypes = {
  manifest: 'application/vnd.oci.image.manifest.v1+json',
  index: 'application/vnd.oci.image.index.v1+json',
  empty: 'application/vnd.oci.empty.v1+json',
  bundle: 'application/vnd.dev.sigstore.bundle.v0.3+json',
  logProofs: 'application/vnd.dev.assay.log-proofs.v1+jsonl',
  model: 'application/vnd.cncf.model.manifest.v1+json',
  modelConfig: 'application/vnd.cncf.model.config.v1+json',
  modelFile: 'application/vnd.cncf.model.weight.v1.raw',
} as const

/** LIMIT: 4 MiB a document, as registries have it; 10,000 files of a model, 10,000 referrers. */
export const maxDocumentBytes = 4 * 1024 * 1024
export const maxDescriptors = 10_000
/** LIMIT: 1 TiB a file. */
const maxFileBytes = 1024 ** 4

export type Descriptor = Readonly<{
  mediaType: string
  digest: Sha256
  size: number
  artifactType?: string | undefined
  annotations?: Readonly<Record<string, string>> | undefined
}>

/** Bytes and what names them. */
export type Document = Readonly<{ bytes: Buffer; descriptor: Descriptor }>

export const emptyBlob = Buffer.from('{}')
const emptyConfig = descriptorOf(mediaTypes.empty, emptyBlob)

/** A file of a model; `path` as it is to be called where it is taken out. */
export type ModelFile = Readonly<{ path: string; digest: Sha256; sizeBytes: number }>

/**
 * The manifest of a model, and its configuration: the same bytes for the same files, so that a second export changes nothing.
 *
 * @throws ERR_INPUT_TOO_LARGE, ERR_USAGE for a folder without files
 */
export function modelDocuments(
  name: string,
  files: readonly ModelFile[],
): Readonly<{ manifest: Document; config: Document }> {
  if (files.length === 0) throw new DomainError('ERR_USAGE', `\`${name}\` has no files that a registry could hold`)
  const diffIds = files.map(({ digest }) => digest)
  const config = document(mediaTypes.modelConfig, {
    descriptor: { name },
    modelfs: { type: 'layers', diffIds },
    config: {},
  })
  const layers = files.map(({ path, digest, sizeBytes }) => ({
    mediaType: mediaTypes.modelFile,
    digest,
    size: sizeBytes,
    annotations: { 'org.cncf.model.filepath': path, 'org.opencontainers.image.title': path },
  }))
  const manifest = document(mediaTypes.manifest, {
    schemaVersion: 2,
    mediaType: mediaTypes.manifest,
    artifactType: mediaTypes.model,
    config: config.descriptor,
    layers,
  })
  if (manifest.bytes.length > maxDocumentBytes || layers.length > maxDescriptors)
    throw new DomainError('ERR_INPUT_TOO_LARGE', `\`${name}\` has ${layers.length} files, too many for one manifest`)
  return { manifest, config }
}

/** A bundle, or lines of proofs, as a referrer of `subject`: as cosign writes it, but for the time. */
export function referrerOf(
  subject: Descriptor,
  type: typeof mediaTypes.bundle | typeof mediaTypes.logProofs,
  { bytes, predicateType }: Readonly<{ bytes: Uint8Array; predicateType?: string | undefined }>,
): Document {
  const annotations = {
    ...(type === mediaTypes.bundle ? { 'dev.sigstore.bundle.content': 'dsse-envelope' } : {}),
    ...(predicateType === undefined ? {} : { 'dev.sigstore.bundle.predicateType': predicateType }),
  }
  const { mediaType, digest, size } = subject
  const made = document(mediaTypes.manifest, {
    schemaVersion: 2,
    mediaType: mediaTypes.manifest,
    artifactType: type,
    config: { ...emptyConfig, artifactType: type },
    layers: [descriptorOf(type, bytes)],
    subject: { mediaType, digest, size },
    annotations,
  })
  return { ...made, descriptor: { ...made.descriptor, artifactType: type, annotations } }
}

/** The index that a registry without a referrers API keeps under the tag. */
export function referrersIndex(manifests: readonly Descriptor[]): Document {
  return document(mediaTypes.index, { schemaVersion: 2, mediaType: mediaTypes.index, manifests })
}

/** `sha256-<64 hex>`. SOURCE: OCI Distribution 1.1, "Referrers Tag Schema". */
export function referrersTag(subject: Sha256): string {
  return `sha256-${hexOf(subject)}`
}

function document(mediaType: string, content: unknown): Document {
  const bytes = Buffer.from(JSON.stringify(content))
  return { bytes, descriptor: descriptorOf(mediaType, bytes) }
}

export function descriptorOf(mediaType: string, bytes: Uint8Array): Descriptor {
  return { mediaType, digest: sha256Of(bytes), size: bytes.length }
}

const text = z.string().max(4096)
/** Loose: what others wrote into a list that is kept under a tag stays in it. */
const descriptorShape = z.looseObject({
  mediaType: z.string().max(256),
  digest: z.custom<Sha256>(isSha256, 'is no sha256 digest'),
  size: z.int().nonnegative().max(maxFileBytes),
  urls: z.array(z.string()).max(0, 'names addresses of its own for its bytes').nullish(),
  artifactType: z.string().max(256).optional(),
  annotations: z.record(text, text).optional(),
})
const manifestShape = z.object({
  schemaVersion: z.literal(2),
  mediaType: z.literal(mediaTypes.manifest),
  artifactType: z.string().max(256).optional(),
  layers: z.array(descriptorShape).max(maxDescriptors),
  subject: descriptorShape.nullish(),
  manifests: z.never().optional(),
})
const indexShape = z.object({
  schemaVersion: z.literal(2),
  mediaType: z.literal(mediaTypes.index),
  manifests: z.array(descriptorShape).max(maxDescriptors),
  layers: z.never().optional(),
})

export type Manifest = Readonly<{ layers: readonly Descriptor[]; subject?: Sha256 }>

/** @param where for messages @throws ERR_REMOTE_UNSAFE */
export function parseManifest(bytes: Uint8Array, where: string): Manifest {
  const { layers, subject } = shaped(manifestShape, bytes, where)
  return { layers, ...(subject ? { subject: subject.digest } : {}) }
}

/** Descriptors of an index of referrers. @throws ERR_REMOTE_UNSAFE */
export function parseReferrers(bytes: Uint8Array, where: string): readonly Descriptor[] {
  return shaped(indexShape, bytes, where).manifests
}

/**
 * The files that a manifest names, where each layer is one file as it is.
 *
 * @returns undefined where a layer has no path: an image, an archive
 * @throws ERR_REMOTE_UNSAFE for a path that is not plain, or given twice
 */
export function filesOf({ layers }: Manifest, where: string): readonly ModelFile[] | undefined {
  const files = layers.map(({ annotations = {}, mediaType, digest, size }) => {
    const path = annotations['org.cncf.model.filepath'] ?? annotations['org.opencontainers.image.title']
    return path === undefined || isUnpacked(mediaType, annotations)
      ? undefined
      : { path: plainPath(path, where), digest, sizeBytes: size }
  })
  const named = files.filter((file) => file !== undefined)
  if (named.length < files.length || named.length === 0) return undefined
  if (new Set(named.map(({ path }) => path)).size < named.length) throw unsafe(where, 'names one path twice')
  return named
}

/**
 * THREAT: a file that evidence speaks of, called an archive: what a reader of the manifest writes is what is in it.
 * SOURCE: CNCF ModelPack 0.0.7 (`.raw`, `.tar`, `.tar+gzip`, `.tar+zstd`); ORAS, "io.deis.oras.content.unpack".
 */
function isUnpacked(mediaType: string, annotations: Readonly<Record<string, string>>): boolean {
  const isArchive = mediaType.startsWith('application/vnd.cncf.model.') && !mediaType.endsWith('.raw')
  return isArchive || annotations['io.deis.oras.content.unpack'] === 'true'
}

function plainPath(path: string, where: string): string {
  try {
    if (parseProjectPath(path) === path) return path
  } catch (error) {
    throw unsafe(where, `names a path that is not plain`, error)
  }
  throw unsafe(where, `names a path that is not plain`)
}

/** THREAT: one document with two meanings: keys twice, an index that is a manifest as well. */
function shaped<Shape>(shape: z.ZodType<Shape>, bytes: Uint8Array, where: string): Shape {
  let json: unknown
  try {
    json = parseStrictJson(bytes, where, { maxBytes: maxDocumentBytes, maxDepth: 16 })
  } catch (error) {
    throw unsafe(where, 'has no one meaning as JSON', error)
  }
  const parsed = shape.safeParse(json)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  throw unsafe(where, `is not what its format says: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`)
}

function unsafe(where: string, what: string, cause?: unknown): DomainError {
  return remoteFault('ERR_REMOTE_UNSAFE', `${where} ${what}`, cause)
}
