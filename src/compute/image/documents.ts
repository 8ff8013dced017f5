/**
 * What an image's documents say: index, manifest, configuration. Pure.
 *
 * Trust: each was read by its digest and is as hostile as whoever made the image. One document has one meaning: what is
 * at once an index and a manifest, or says that it is another kind than it looks like, is refused (CVE-2021-41190).
 * SOURCE: OCI Image Format 1.1 (image-index, manifest, config, descriptor); Docker Image Manifest V2 Schema 2.
 */
import { z } from 'zod'
import { DomainError, isSha256, parseStrictJson, type Sha256 } from '../../core/index.ts'

/** LIMIT: 4 MiB a document, as registries have it; 128 layers (Docker: 127); 1,000 images in an index. */
export const maxDocumentBytes = 4 * 1024 * 1024
const maxLayers = 128
const maxImages = 1000
/** LIMIT: 64 GiB a layer, compressed. */
const maxLayerBytes = 64 * 1024 ** 3

export type Compression = 'none' | 'gzip' | 'zstd'
export type Descriptor = Readonly<{ digest: Sha256; sizeBytes: number }>
export type LayerDescriptor = Descriptor & Readonly<{ compression: Compression }>
export type Platform = Readonly<{ os: string; architecture: string }>

export type ImageDocument =
  | Readonly<{ kind: 'index'; images: readonly (Descriptor & Readonly<{ platform?: Platform }>)[] }>
  | Readonly<{ kind: 'manifest'; config: Descriptor; layers: readonly LayerDescriptor[] }>

export type ImageConfig = Readonly<{
  /** Of each layer as it is unpacked, in order. */
  contents: readonly Sha256[]
  /** `NAME=value`, as the image has it. */
  variables: ReadonlyMap<string, string>
}>

const indexTypes = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
]
const manifestTypes = [
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.v2+json',
]
/** What a registry is asked for. */
export const documentTypes: readonly string[] = [...indexTypes, ...manifestTypes]
const configTypes = ['application/vnd.oci.image.config.v1+json', 'application/vnd.docker.container.image.v1+json']
const layerTypes: ReadonlyMap<string, Compression> = new Map([
  ['application/vnd.oci.image.layer.v1.tar', 'none'],
  ['application/vnd.oci.image.layer.v1.tar+gzip', 'gzip'],
  ['application/vnd.oci.image.layer.v1.tar+zstd', 'zstd'],
  ['application/vnd.docker.image.rootfs.diff.tar', 'none'],
  ['application/vnd.docker.image.rootfs.diff.tar.gzip', 'gzip'],
  ['application/vnd.docker.image.rootfs.diff.tar.zstd', 'zstd'],
])

const descriptor = z.object({
  mediaType: z.string().max(256),
  digest: z.custom<Sha256>(isSha256, 'is no sha256 digest'),
  size: z.int().nonnegative(),
  urls: z.array(z.string()).nullish(),
})
const platform = z.object({ os: z.string().max(64), architecture: z.string().max(64) })
const index = z.object({
  schemaVersion: z.literal(2),
  manifests: z.array(descriptor.extend({ platform: platform.nullish() })).max(maxImages),
})
const manifest = z.object({
  schemaVersion: z.literal(2),
  config: descriptor,
  layers: z.array(descriptor).min(1).max(maxLayers),
})
const config = platform.extend({
  config: z.object({ Env: z.array(z.string().max(65_536)).max(1000).nullish() }).nullish(),
  rootfs: z.object({ type: z.literal('layers'), diff_ids: z.array(z.custom<Sha256>(isSha256)).max(maxLayers) }),
})

/** @param name for messages @throws ERR_ENV_IMAGE_REFUSED */
export function parseImageDocument(bytes: Uint8Array, name: string): ImageDocument {
  const document = objectOf(bytes, name)
  const isIndex = 'manifests' in document
  const mediaType = document['mediaType'] ?? (isIndex ? indexTypes : manifestTypes)[0]
  if (isIndex === ('layers' in document || 'config' in document))
    throw refused(name, 'is neither an index nor a manifest, or both at once')
  if (typeof mediaType !== 'string' || !(isIndex ? indexTypes : manifestTypes).includes(mediaType))
    throw refused(name, `says that it is of the type \`${String(mediaType)}\`, which it is not`)
  return isIndex ? indexOf(document, name) : manifestOf(document, name)
}

function indexOf(document: unknown, name: string): ImageDocument {
  const { manifests } = shaped(index, document, name)
  const images = manifests
    .filter(({ mediaType }) => manifestTypes.includes(mediaType)) // an index in an index is not looked into
    .map((one) => ({ ...plain(one, name, maxDocumentBytes), ...(one.platform ? { platform: one.platform } : {}) }))
  return { kind: 'index', images }
}

function manifestOf(document: unknown, name: string): ImageDocument {
  const { config: given, layers } = shaped(manifest, document, name)
  if (!configTypes.includes(given.mediaType))
    throw refused(name, `is no image: its configuration is of the type \`${given.mediaType}\``)
  return {
    kind: 'manifest',
    config: plain(given, name, maxDocumentBytes),
    layers: layers.map((layer) => {
      const compression = layerTypes.get(layer.mediaType)
      if (compression === undefined) throw refused(name, `has a layer of the type \`${layer.mediaType}\``)
      return { ...plain(layer, name, maxLayerBytes), compression }
    }),
  }
}

/** THREAT: a layer that is to be fetched from an address of the image's own choice. */
function plain({ digest, size, urls }: z.infer<typeof descriptor>, name: string, maxBytes: number): Descriptor {
  if (urls && urls.length > 0) throw refused(name, 'names addresses of its own for its bytes (a foreign layer)')
  if (size > maxBytes) throw refused(name, `names ${digest} with ${size} bytes, the limit is ${maxBytes}`)
  return { digest, sizeBytes: size }
}

/**
 * The image of an index for this machine: the first that fits, as the format asks.
 *
 * @throws ERR_ENV_PLATFORM
 */
export function chooseImage(
  { images }: Extract<ImageDocument, { kind: 'index' }>,
  machine: Platform,
  name: string,
): Descriptor {
  const found = images.find(({ platform: made }) => made !== undefined && isFor(made, machine))
  if (found !== undefined) return { digest: found.digest, sizeBytes: found.sizeBytes }
  throw wrongPlatform(
    name,
    machine,
    images.flatMap(({ platform: made }) => (made === undefined ? [] : [made])),
  )
}

/** @throws ERR_ENV_IMAGE_REFUSED, ERR_ENV_PLATFORM */
export function parseImageConfig(bytes: Uint8Array, name: string, machine: Platform): ImageConfig {
  const { rootfs, config: given, ...made } = shaped(config, objectOf(bytes, name), name)
  if (!isFor(made, machine)) throw wrongPlatform(name, machine, [made])
  const variables = (given?.Env ?? []).flatMap((line) => {
    const [, key, value = ''] = /^([A-Za-z_][A-Za-z0-9_]{0,254})=([^\0]*)$/.exec(line) ?? []
    return key === undefined ? [] : [[key, value] as const]
  })
  return { contents: rootfs.diff_ids, variables: new Map(variables) }
}

/** As images name what Node calls `x64` and `arm64`. */
export function platformOf(architecture: string): Platform {
  const names: Readonly<Record<string, string>> = { x64: 'amd64', ia32: '386' }
  return { os: 'linux', architecture: names[architecture] ?? architecture }
}

function isFor(made: Platform, machine: Platform): boolean {
  return made.os === machine.os && made.architecture === machine.architecture
}

function wrongPlatform(name: string, machine: Platform, made: readonly Platform[]): DomainError {
  const word = ({ os, architecture }: Platform): string => `${os}/${architecture}`
  const others = [...new Set(made.map(word))].filter((each) => each !== 'unknown/unknown')
  const what = others.length === 0 ? 'no platform' : others.slice(0, 10).join(', ')
  return new DomainError('ERR_ENV_PLATFORM', `${name} is made for ${what}, and this machine is ${word(machine)}`)
}

function objectOf(bytes: Uint8Array, name: string): Readonly<Record<string, unknown>> {
  const document = strictJson(bytes, name)
  if (typeof document === 'object' && document !== null && !Array.isArray(document))
    return document as Readonly<Record<string, unknown>> // an object of JSON has no other keys
  throw refused(name, 'is no document of an image')
}

function strictJson(bytes: Uint8Array, name: string): unknown {
  try {
    return parseStrictJson(bytes, name, { maxBytes: maxDocumentBytes, maxDepth: 32 })
  } catch (error) {
    throw refused(name, 'has no one meaning as JSON', error)
  }
}

function shaped<Shape>(shape: z.ZodType<Shape>, document: unknown, name: string): Shape {
  const parsed = shape.safeParse(document)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  throw refused(name, `is not what its format says: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`)
}

export function refused(name: string, because: string, cause?: unknown): DomainError {
  return new DomainError('ERR_ENV_IMAGE_REFUSED', `${name} ${because}`, { cause })
}
