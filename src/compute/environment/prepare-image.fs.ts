/**
 * An environment from an image: pulled by digest, every byte verified, laid out as a tree that is the sandbox's root,
 * verified before each use as any environment is. DECISION 0030.
 *
 * Order: documents first (index, manifest, configuration: each small, each by its digest), so that the environment has its
 * identity before a layer is asked for; layers only when no right tree is there.
 */
import { randomUUID } from 'node:crypto'
import { chmodSync, closeSync, mkdirSync, openSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { DomainError, digestOfJson, hexOf, type Sha256, sha256Of } from '../../core/index.ts'
import type { Environment } from '../environment.ts'
import {
  chooseImage,
  type Descriptor,
  type ImageConfig,
  type ImageReference,
  imageText,
  type LayerDescriptor,
  maxDocumentBytes,
  parseImageConfig,
  parseImageDocument,
  platformOf,
  type Registry,
  refused,
  registryFor,
} from '../image/index.ts'
import {
  imageFacts,
  imagePackages,
  imageVariables,
  imageWarnings,
  pathOfImage,
  refuseShellless,
} from './image-facts.fs.ts'
import { type BuiltTree, buildTree, inspectTree, reuseTree, type TreePlan, watched } from './keep-tree.fs.ts'
import { mapPooled } from './pool.ts'
import type { TreeState } from './prepare-python.fs.ts'
import type { EnvironmentRequest } from './request.ts'
import { openCacheFolder } from './sweep.fs.ts'
import { readPlainFile, type TreeManifest, treeDigest } from './tree.fs.ts'

/** Changes whenever the same image would make another tree, or a stage would see it otherwise. */
const recipe = 'assay-image/1'

export type ImageDefinition = Extract<EnvironmentRequest['definition'], { kind: 'image' }>
export type ImageRequest = EnvironmentRequest & Readonly<{ definition: ImageDefinition }>

/** What the documents say, for this machine. */
export type KnownImage = Readonly<{
  reference: ImageReference
  /** The image of this machine's platform; the reference may name an index of several. */
  manifest: Sha256
  config: Sha256
  layers: readonly LayerDescriptor[]
  meaning: ImageConfig
}>

/**
 * @throws ERR_ENV_FETCH, ERR_ENV_GONE, ERR_ENV_HASH_MISMATCH, ERR_ENV_IMAGE_REFUSED, ERR_ENV_PLATFORM, ERR_ENV_UNSUPPORTED for an image
 * without a shell
 */
export async function prepareImage(request: ImageRequest): Promise<Environment> {
  openCacheFolder(request.cacheFolder)
  await using registry = openOnce(request)
  const image = await readImage(request, registry)
  const plan = treePlan(image, request)
  const built = await reuseTree(plan)
  if (built !== undefined || request.purpose === 'identify') return describe(image, plan, built)
  await acquireLayers(image, request, registry)
  return describe(image, plan, await buildTree(plan, (temporary) => fillTree(temporary, image, plan)))
}

/** Whether what is on disk is what the image makes; nothing is fetched, built or mended. */
export async function inspectImage(request: ImageRequest): Promise<TreeState> {
  const unknown = { requirements: [], facts: [] }
  const image = await readImage(request, undefined)
  if (image === undefined) return { ...unknown, state: 'not built', because: 'the image was not pulled' }
  const plan = treePlan(image, request)
  const { manifest, ...found } = await inspectTree(plan)
  if (manifest === undefined) return { ...unknown, ...found, digest: plan.identity }
  const { packages, facts } = describe(image, plan, { folder: folderOf(plan), manifest })
  const requirements = packages.map((one) => ({ ...one, extras: [], sha256: [], line: 0 }))
  return { ...found, digest: plan.identity, requirements, facts }
}

function treePlan({ manifest }: KnownImage, request: ImageRequest): TreePlan & Readonly<{ request: ImageRequest }> {
  return { request, identity: digestOfJson({ recipe, manifest }), local: { links: new Map() } }
}

function folderOf({ request, identity }: TreePlan): string {
  return join(request.cacheFolder, hexOf(identity))
}

/** Asked only for what is not here; most runs ask nobody. */
type LazyRegistry = AsyncDisposable & Readonly<{ get(): Promise<Registry> }>

function openOnce({ definition, network, caller, signal }: ImageRequest): LazyRegistry {
  let opened: Promise<Registry> | undefined
  const { environment } = caller
  const asker = { settings: network, caller: environment, home: environment['HOME'] ?? homedir(), signal }
  return {
    get: () => {
      opened ??= registryFor(definition.image, asker)
      return opened
    },
    [Symbol.asyncDispose]: async () => (await opened)?.close(),
  }
}

async function readImage(request: ImageRequest, registry: LazyRegistry): Promise<KnownImage>
async function readImage(request: ImageRequest, registry: undefined): Promise<KnownImage | undefined>
/** Undefined when a document is not here and nobody may be asked. */
async function readImage(request: ImageRequest, registry: LazyRegistry | undefined): Promise<KnownImage | undefined> {
  const { image: reference } = request.definition
  const name = `the image \`${imageText(reference)}\``
  const machine = platformOf(process.arch)
  const read = async (
    digest: Sha256,
    kind: 'document' | 'smallBlob',
    sizeBytes?: number,
  ): Promise<Buffer | undefined> => {
    const bytes =
      keptDocument(request, digest) ?? (registry && keep(request, digest, await (await registry.get())[kind](digest)))
    if (bytes !== undefined && sizeBytes !== undefined && bytes.length !== sizeBytes)
      throw refused(name, `names ${digest} with ${sizeBytes} bytes, and it has ${bytes.length}`)
    return bytes
  }
  const first = await read(reference.digest, 'document')
  if (first === undefined) return undefined
  const outer = parseImageDocument(first, name)
  const chosen: Descriptor | undefined = outer.kind === 'index' ? chooseImage(outer, machine, name) : undefined
  const second = chosen === undefined ? first : await read(chosen.digest, 'document', chosen.sizeBytes)
  if (second === undefined) return undefined
  const inner = parseImageDocument(second, name)
  if (inner.kind === 'index') throw refused(name, 'has an index where an image must be')
  const third = await read(inner.config.digest, 'smallBlob', inner.config.sizeBytes)
  if (third === undefined) return undefined
  const meaning = parseImageConfig(third, name, machine)
  if (meaning.contents.length !== inner.layers.length)
    throw refused(name, `has ${inner.layers.length} layers, and its configuration speaks of ${meaning.contents.length}`)
  const manifest = chosen?.digest ?? reference.digest
  return { reference, manifest, config: inner.config.digest, layers: inner.layers, meaning }
}

function documentPath({ cacheFolder }: ImageRequest, digest: Sha256): string {
  return join(cacheFolder, 'documents', hexOf(digest))
}

/** INVARIANT: believed by its digest alone, wherever it comes from. */
function keptDocument(request: ImageRequest, digest: Sha256): Buffer | undefined {
  const bytes = readPlainFile(documentPath(request, digest), maxDocumentBytes)
  return bytes !== undefined && sha256Of(bytes) === digest ? bytes : undefined
}

function keep(request: ImageRequest, digest: Sha256, bytes: Buffer): Buffer {
  const path = documentPath(request, digest)
  const temporary = join(request.cacheFolder, `tmp-${process.pid}-${randomUUID()}.part`)
  mkdirSync(join(request.cacheFolder, 'documents'), { recursive: true })
  writeFileSync(temporary, bytes, { flag: 'wx' })
  renameSync(temporary, path)
  return bytes
}

const parallelFetches = 4

/** Sees that every layer is in the store with its right bytes: what was changed there on disk is fetched again, once. */
async function acquireLayers(image: KnownImage, request: ImageRequest, registry: LazyRegistry): Promise<void> {
  const digests = image.layers.map(({ digest }) => digest)
  await fetchLayers(image, request, registry)
  if ((await request.store.verify(digests)).length === 0) return
  await fetchLayers(image, request, registry)
  const [still] = await request.store.verify(digests)
  if (still !== undefined) throw new DomainError('ERR_ENV_BUILD', `the stored layer ${still.digest} is ${still.fault}`)
}

async function fetchLayers({ layers }: KnownImage, request: ImageRequest, registry: LazyRegistry): Promise<void> {
  const { store, onProgress } = request
  const distinct = [...new Map(layers.map((layer) => [layer.digest, layer])).values()]
  await mapPooled(distinct, parallelFetches, async (layer) => {
    const fileName = `layer ${layers.indexOf(layer) + 1} of ${layers.length}`
    if (store.has(layer.digest)) return onProgress({ kind: 'fetched', fileName, sizeBytes: 0, fromStore: true })
    await fetchLayer(layer, fileName, request, await registry.get())
    onProgress({ kind: 'fetched', fileName, sizeBytes: layer.sizeBytes, fromStore: false })
  })
}

async function fetchLayer(
  layer: LayerDescriptor,
  fileName: string,
  { cacheFolder, store, onProgress, signal }: ImageRequest,
  registry: Registry,
): Promise<void> {
  signal.throwIfAborted()
  const temporary = join(cacheFolder, `tmp-${process.pid}-${randomUUID()}.part`)
  const fd = openSync(temporary, 'wx+', 0o600)
  try {
    await registry.blob(layer, fd, (receivedBytes) =>
      onProgress({ kind: 'downloading', fileName, receivedBytes, totalBytes: layer.sizeBytes }),
    )
    // INVARIANT: bytes enter the store only after they were found to be those that the manifest names.
    const kept = await store.putFile(fd)
    if (kept.digest !== layer.digest) throw new DomainError('ERR_ENV_HASH_MISMATCH', `${fileName} changed on this disk`)
  } finally {
    closeSync(fd)
    rmSync(temporary, { force: true })
  }
}

async function fillTree(
  temporary: string,
  image: KnownImage,
  { request, identity }: TreePlan & Readonly<{ request: ImageRequest }>,
): Promise<TreeManifest> {
  const { store, onProgress, signal } = request
  const { unpackImage } = await import('../image/unpack.fs.ts') // loaded when something is built
  const name = `\`${imageText(image.reference)}\``
  const tree = join(temporary, 'tree')
  chmodSync(tree, 0o755)
  const { layers } = image
  const stored = layers.map((layer, index) => {
    const path = store.pathOf(layer.digest)
    if (statSync(path).size !== layer.sizeBytes)
      throw refused(`the image ${name}`, `lies about the size of ${layer.digest}`)
    return { ...layer, path, content: image.meaning.contents[index] ?? layer.digest }
  })
  const unpacked = await unpackImage({
    name,
    layers: stored,
    tree,
    scratch: join(temporary, 'contents'),
    onLayer: (done) => onProgress({ kind: 'unpacking', fileName: `layer ${done + 1}`, done, total: layers.length }),
    signal,
  })
  const { files, links, folders, replaced } = unpacked
  const manifest: TreeManifest = { identity, files, layout: { links, folders }, warnings: imageWarnings(replaced) }
  refuseShellless(manifest, name)
  return manifest
}

/** Without a tree: only what identifies it, and nothing that could be mounted. */
function describe(
  image: KnownImage,
  { request, identity }: TreePlan & Readonly<{ request: ImageRequest }>,
  built: BuiltTree | undefined,
): Environment {
  const { reference, manifest, config, layers, meaning } = image
  const tree = built === undefined ? undefined : join(built.folder, 'tree')
  const packages = built === undefined || tree === undefined ? [] : imagePackages(tree, built.manifest)
  const digest = built === undefined ? undefined : (treeDigest(built.manifest) as Sha256) // a tree with a layout has this one
  const { variables, left } = imageVariables(meaning.variables)
  return {
    name: request.name,
    kind: 'image',
    digest: identity,
    locked: true,
    mounts: [],
    ...(tree === undefined || digest === undefined ? {} : { root: { folder: tree, digest } }),
    path: pathOfImage(meaning.variables),
    variables,
    packages,
    facts: [
      { name: 'image', value: imageText(reference), tier: 'declared' },
      { name: 'image/platform', value: Object.values(platformOf(process.arch)).join('/'), tier: 'observed' },
      { name: 'image/layers', value: String(layers.length), tier: 'observed' },
      { name: 'recipe', value: recipe, tier: 'observed' },
      ...(digest === undefined ? [] : [{ name: 'tree', value: digest, tier: 'observed' as const }]),
      ...(built === undefined || tree === undefined ? [] : imageFacts(tree, built.manifest, packages)),
    ],
    materials: [
      { name: imageText(reference), digest: reference.digest },
      ...(manifest === reference.digest ? [] : [{ name: 'image manifest', digest: manifest }]),
      { name: 'image configuration', digest: config },
      ...layers.map((layer, index) => ({ name: `layer ${index + 1} of ${layers.length}`, digest: layer.digest })),
    ],
    warnings: [...(built?.manifest.warnings ?? []), ...left],
    ...(built === undefined ? {} : watched(built)),
  }
}
