/**
 * From verified layers to a tree on disk.
 *
 * Order: bytes of files are written under numbers of our own while the layers are read; names are applied in memory
 * (`image-tree.ts`); only when the whole image is known to be a tree is it laid out, folders first, and the numbered files
 * are renamed into it. Owners, times, extended attributes, set-uid bits and all modes but "may be run" are left out, so
 * that the tree is the same for every user on every machine.
 *
 * Trust: the bytes of a layer are what the image's configuration says (their digest when unpacked); what they mean is
 * hostile.
 */
import { createHash } from 'node:crypto'
import {
  chmodSync,
  closeSync,
  createReadStream,
  fchmodSync,
  linkSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { type Duplex, PassThrough } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGunzip, createZstdDecompress } from 'node:zlib'
import { extract, type Header } from 'tar-stream'
import { type FileEntry, isDomainError, type Sha256, sha256Of } from '../../core/index.ts'
import type { TreeLink } from '../environment/tree.fs.ts'
import { newArchiveFrame } from './archive-frame.ts'
import { type Compression, refused } from './documents.ts'
import { type FinishedTree, ImageFault, type LayerEntry, newImageTree, noContent } from './image-tree.ts'

export type StoredLayer = Readonly<{
  /** Absolute path of its bytes as they were fetched. */
  path: string
  digest: Sha256
  sizeBytes: number
  compression: Compression
  /** What it must be when it is unpacked. */
  content: Sha256
}>

export type UnpackRequest = Readonly<{
  /** For messages. */
  name: string
  layers: readonly StoredLayer[]
  /** Absolute, empty: the tree. */
  tree: string
  /** Absolute, not there: made and removed, on the file system of the tree. */
  scratch: string
  onLayer(index: number): void
  signal: AbortSignal
}>

export type UnpackedImage = Readonly<{
  files: readonly FileEntry[]
  links: readonly TreeLink[]
  folders: readonly string[]
  replaced: readonly string[]
}>

/** LIMIT: 64 GiB of an image, unpacked; a layer of over 256 MiB may be at most 100 times as large as it was fetched. */
const maxUnpackedBytes = 64 * 1024 ** 3
const freeBytes = 256 * 1024 ** 2
const maxRatio = 100

/** @throws ERR_ENV_IMAGE_REFUSED, ERR_ENV_HASH_MISMATCH; errors of the file system */
export async function unpackImage(request: UnpackRequest): Promise<UnpackedImage> {
  const { scratch, layers, name } = request
  mkdirSync(scratch, { mode: 0o700 })
  const tree = newImageTree()
  const contents: Content[] = []
  const budget = { leftBytes: maxUnpackedBytes }
  try {
    for (const [index, layer] of layers.entries()) {
      request.onLayer(index)
      await readLayer(layer, { ...request, contents, budget, add: (entry) => tree.add(index + 1, entry) })
    }
    return layOut(tree.finish(), contents, request)
  } catch (error) {
    throw error instanceof ImageFault ? refused(`the image ${name}`, error.message) : error
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
}

type Content = Readonly<{ digest: Sha256; sizeBytes: number }>

type Reading = UnpackRequest &
  Readonly<{ contents: Content[]; budget: { leftBytes: number }; add(entry: LayerEntry): void }>

async function readLayer(layer: StoredLayer, reading: Reading): Promise<void> {
  const archive = extract()
  const hasher = createHash('sha256')
  const feeding = pipeline(
    createReadStream(layer.path),
    decompressor(layer.compression),
    (pieces: AsyncIterable<Buffer>) => counted(pieces, layer, reading.budget, hasher),
    archive as unknown as NodeJS.WritableStream, // streamx keeps to Node's interface, its types do not say so
    { signal: reading.signal },
  )
  feeding.catch(() => undefined) // told below, after what the entries say
  try {
    for await (const entry of archive) await takeEntry(entry.header, entry as AsyncIterable<Buffer>, reading)
    await feeding
  } catch (error) {
    await feeding.catch(() => undefined)
    reading.signal.throwIfAborted()
    if (error instanceof ImageFault || isDomainError(error) || isSystemError(error)) throw error
    throw new ImageFault(`has a layer that cannot be unpacked (${layer.digest}): ${messageOf(error)}`)
  }
  // INVARIANT: nothing of an image is used before every layer was found to be what its configuration says.
  const content = `sha256:${hasher.digest('hex')}`
  if (content !== layer.content)
    throw new ImageFault(`has a layer ${layer.digest} that unpacks to other bytes than its configuration says`)
}

function decompressor(compression: Compression): Duplex {
  if (compression === 'gzip') return createGunzip()
  return compression === 'zstd' ? createZstdDecompress() : new PassThrough()
}

async function* counted(
  pieces: AsyncIterable<Buffer>,
  { digest, sizeBytes }: StoredLayer,
  budget: { leftBytes: number },
  hasher: ReturnType<typeof createHash>,
): AsyncGenerator<Buffer> {
  const mostBytes = Math.max(freeBytes, maxRatio * sizeBytes)
  const frame = newArchiveFrame({
    refuse: (what) => new ImageFault(`has a layer ${digest} with ${what}`),
    globalHeaders: 'refused',
  })
  let readBytes = 0
  for await (const piece of pieces) {
    readBytes += piece.length
    budget.leftBytes -= piece.length
    if (readBytes > mostBytes || budget.leftBytes < 0)
      throw new ImageFault(`has a layer ${digest} of ${sizeBytes} bytes that unpacks to more than it may`)
    frame.add(piece)
    hasher.update(piece)
    yield piece
  }
}

async function takeEntry(header: Header, bytes: AsyncIterable<Buffer>, reading: Reading): Promise<void> {
  const { name: path, type, linkname = '', mode } = header
  // THREAT: the parser takes such a size for links and folders too, and reads on behind bytes that others read as entries.
  if (hasSparsePieces(header)) throw new ImageFault(`has pieces, or a size, beside the header of \`${path}\``)
  const isFile = type === 'file' || type === 'contiguous-file'
  if (!isFile && (header.size ?? 0) > 0) throw new ImageFault(`has a link or folder that has bytes: \`${path}\``)
  if (isFile && !path.endsWith('/')) {
    const content = await keepBytes(bytes, (mode & 0o111) !== 0, reading)
    return reading.add({ kind: 'file', path, content, executable: (mode & 0o111) !== 0 })
  }
  for await (const _ of bytes); // to the next entry
  if (type === 'directory' || isFile) return reading.add({ kind: 'folder', path })
  if (type === 'symlink') return reading.add({ kind: 'link', path, target: linkname })
  if (type === 'link') return reading.add({ kind: 'hard-link', path, target: linkname })
  reading.add({ kind: 'other', path, what: `a ${type ?? 'thing of unknown type'}` })
}

/** GNU's way of leaving out holes, where the bytes are not those of the file; and a size beside the header's own. */
function hasSparsePieces({ pax }: Header): boolean {
  return Object.keys(pax ?? {}).some((key) => key.startsWith('GNU.sparse') || key === 'size')
}

async function keepBytes(bytes: AsyncIterable<Buffer>, executable: boolean, reading: Reading): Promise<number> {
  const { contents, scratch } = reading
  const hasher = createHash('sha256')
  let sizeBytes = 0
  const fd = openSync(join(scratch, `${contents.length}`), 'wx', 0o600)
  try {
    for await (const piece of bytes) {
      hasher.update(piece)
      for (let done = 0; done < piece.length; ) done += writeSync(fd, piece, done, piece.length - done)
      sizeBytes += piece.length
    }
    fchmodSync(fd, executable ? 0o555 : 0o444)
  } finally {
    closeSync(fd)
  }
  contents.push({ digest: `sha256:${hasher.digest('hex')}`, sizeBytes })
  return contents.length - 1
}

/** INVARIANT: parents come first and are folders that were made here, so that no name leads out of the tree. */
function layOut(finished: FinishedTree, contents: readonly Content[], { tree, scratch }: UnpackRequest): UnpackedImage {
  for (const path of finished.folders) {
    mkdirSync(join(tree, path))
    chmodSync(join(tree, path), 0o755) // whatever the caller's umask is: a stage runs as another user
  }
  const placed = new Map<number, string>()
  const files = finished.files.map(({ path, content, executable }): FileEntry => {
    const target = join(tree, path)
    const known = contents[content]
    const earlier = placed.get(content)
    if (content === noContent || known === undefined) writeEmpty(target)
    else if (earlier === undefined) renameSync(join(scratch, `${content}`), target)
    else linkSync(earlier, target)
    if (content !== noContent) placed.set(content, target)
    return { path, digest: known?.digest ?? emptyDigest, sizeBytes: known?.sizeBytes ?? 0, executable }
  })
  for (const { path, target } of finished.links) symlinkSync(target, join(tree, path))
  return { files, links: finished.links, folders: finished.folders, replaced: finished.replaced }
}

function writeEmpty(path: string): void {
  writeFileSync(path, '', { flag: 'wx' })
  chmodSync(path, 0o444)
}

const emptyDigest = sha256Of('')

function isSystemError(error: unknown): boolean {
  return error instanceof Error && 'syscall' in error
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
