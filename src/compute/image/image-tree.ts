/**
 * The file system that an image's layers make, in memory: pure.
 *
 * THREAT: names of an archive that climb out, or that lead through a link of an earlier layer. No name reaches a disk
 * before all layers are applied here, where a link is a word and nothing else; what comes out is a tree whose folders are
 * folders.
 * SOURCE: OCI Image Format 1.1, "Image Layer Filesystem Changeset": whiteouts, opaque whiteouts, hard links.
 */
import type { TreeLink } from '../environment/tree.fs.ts'

/** One entry of a layer. `content` is the caller's number for bytes that it keeps. */
export type LayerEntry = Readonly<{ path: string }> &
  (
    | Readonly<{ kind: 'folder' }>
    | Readonly<{ kind: 'file'; content: number; executable: boolean }>
    | Readonly<{ kind: 'link' | 'hard-link'; target: string }>
    | Readonly<{ kind: 'other'; what: string }>
  )

/**
 * `layer`: the last one that said anything of it; whiteouts reach only what is of earlier ones. `cleared`: the layer
 * since which nothing of an earlier one is in it, so that no layer goes through a folder twice.
 */
type Folder = { kind: 'folder'; layer: number; cleared: number; readonly children: Map<string, Node> }
type File = Readonly<{ kind: 'file'; layer: number; content: number; executable: boolean }>
type Link = Readonly<{ kind: 'link'; layer: number; target: string }>
type Node = Folder | File | Link

export type ImageTree = Readonly<{
  /** @throws ImageFault */
  add(layer: number, entry: LayerEntry): void
  /** What the layers came to, sandbox places made; parents before what is in them, names in order. */
  finish(): FinishedTree
}>

export type PlacedFile = Readonly<{ path: string; content: number; executable: boolean }>
export type FinishedTree = Readonly<{
  folders: readonly string[]
  files: readonly PlacedFile[]
  links: readonly TreeLink[]
  /** Places that the image holds otherwise than a sandbox needs them. */
  replaced: readonly string[]
}>

/** Why an image is refused, in words that follow its name. */
export class ImageFault extends Error {
  override readonly name = 'ImageFault'
}

/** LIMIT: entries over all layers, with folders made on the way; names on one way, and links, as Linux has it; depth; bytes. */
const maxEntries = 1_000_000
const maxSteps = 10_000
const maxLinks = 40
const maxDepth = 256
const maxPathBytes = 4096
const maxNameBytes = 255

/** The number of a file that has no bytes and stands for none of the image's. */
export const noContent = -1

/** What a sandbox mounts of its own: what an image has there is never seen, and is left out. */
export const hiddenPlaces = ['dev', 'proc', 'sys', 'run', 'tmp', 'var/tmp', 'project'] as const
/** Folders that a read-only root must have, to be mounted upon. */
const neededFolders = [...hiddenPlaces, 'run/secrets', 'home/stage', 'etc']
/** Files likewise. */
export const neededFiles = ['group', 'host.conf', 'hostname', 'hosts', 'nsswitch.conf', 'passwd', 'resolv.conf'].map(
  (name) => `etc/${name}`,
)

/** What is added to. */
type Growing = Readonly<{ root: Folder; count(): void }>

/** @param limit of entries */
export function newImageTree(limit = maxEntries): ImageTree {
  let entries = 0
  const count = (): void => {
    entries += 1
    if (entries > limit) throw new ImageFault(`holds more than ${limit} entries`)
  }
  const growing: Growing = { root: newFolder(0), count }
  return {
    add(layer, entry) {
      count()
      addEntry(growing, layer, entry)
    },
    finish: () => finishTree(growing.root),
  }
}

function newFolder(layer: number): Folder {
  return { kind: 'folder', layer, cleared: layer, children: new Map() }
}

const whiteout = '.wh.'
const opaque = '.wh..wh..opq'

function addEntry(growing: Growing, layer: number, entry: LayerEntry): void {
  const names = namesOf(entry.path)
  const name = names.pop()
  if (name === undefined) {
    if (entry.kind !== 'folder') throw new ImageFault('has something else than a folder for its root')
    return
  }
  if (entry.kind === 'other') {
    if (names[0] === 'dev') return // the sandbox has its own
    throw new ImageFault(`holds ${entry.what} at \`${entry.path}\``)
  }
  const folder = folderAt(growing, names, layer, entry.path)
  const earlier = folder.children.get(name)
  if (name === opaque) removeEarlier(folder, layer)
  else if (name.startsWith(whiteout)) removeNamed(folder, whitedOut(name, entry.path), layer)
  else if (entry.kind !== 'folder') folder.children.set(name, nodeOf(growing, layer, entry))
  else if (earlier?.kind === 'folder') earlier.layer = layer
  else folder.children.set(name, newFolder(layer))
}

/** THREAT: `.wh...` takes away `..`, the folder above the image, where names are paths of a disk. */
function whitedOut(name: string, path: string): string {
  const removed = name.slice(whiteout.length)
  if (['', '.', '..'].includes(removed)) throw new ImageFault(`has a whiteout of no name: \`${path}\``)
  return removed
}

function nodeOf(growing: Growing, layer: number, entry: Exclude<LayerEntry, { kind: 'folder' | 'other' }>): Node {
  if (entry.kind === 'file') return { kind: 'file', layer, content: entry.content, executable: entry.executable }
  if (entry.kind === 'link') return { kind: 'link', layer, target: linkTarget(entry.target, entry.path) }
  const names = namesOf(entry.target)
  const name = names.pop() ?? ''
  const found = folderAt(growing, names, layer, entry.path, 'look').children.get(name)
  if (found === undefined || found.kind === 'folder')
    throw new ImageFault(`has a hard link at \`${entry.path}\` to \`${entry.target}\`, which is no file of it`)
  return { ...found, layer }
}

function linkTarget(target: string, path: string): string {
  const isLong = Buffer.byteLength(target) > maxPathBytes
  if (target === '' || isLong || !isReadable(target)) throw new ImageFault(`has a link at \`${path}\` to no path`)
  return target
}

/** Normal form, without the root's `/` and `.`. */
function namesOf(path: string): string[] {
  if (Buffer.byteLength(path) > maxPathBytes) throw new ImageFault(`has a path longer than ${maxPathBytes} bytes`)
  const names = path.split('/').filter((name) => name !== '' && name !== '.')
  for (const name of names) {
    if (name === '..') throw new ImageFault(`has a path that climbs: \`${path}\``)
    if (!isReadable(name) || Buffer.byteLength(name) > maxNameBytes)
      throw new ImageFault(`has a name that is too long, or not plain UTF-8: \`${path}\``)
  }
  return names
}

/** No control character, and none that stands for bytes that are no UTF-8. */
function isReadable(text: string): boolean {
  return text.isWellFormed() && !/[\u0000-\u001f\u007f\ufffd]/.test(text)
}

/**
 * The folder at a path, made where it is missing. A link on the way is followed inside of the image, as runtimes do: its
 * `/` is the image's own root, and `..` ends there.
 */
function folderAt(
  { root, count }: Growing,
  names: readonly string[],
  layer: number,
  path: string,
  missing: 'make' | 'look' = 'make',
): Folder {
  const way: Folder[] = [root]
  const open = names.toReversed()
  let links = 0
  let steps = 0
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    steps += 1
    if (steps > maxSteps) throw new ImageFault(`has more than ${maxSteps} names on the way to \`${path}\``)
    if (name === '..') {
      if (way.length > 1) way.pop()
      continue
    }
    if (way.length > maxDepth) throw new ImageFault(`has more than ${maxDepth} folders within each other`)
    const folder = way.at(-1) ?? root
    const child = folder.children.get(name)
    if (child?.kind === 'folder') way.push(child)
    else if (child?.kind === 'link') {
      links += 1
      if (links > maxLinks) throw new ImageFault(`has a circle of links on the way to \`${path}\``)
      if (child.target.startsWith('/')) way.length = 1
      open.push(...partsOf(child.target).toReversed())
    } else if (child === undefined && missing === 'make') {
      count()
      const made = newFolder(layer)
      folder.children.set(name, made)
      way.push(made)
    } else throw new ImageFault(`has no folder on the way to \`${path}\``)
  }
  return way.at(-1) ?? root
}

function partsOf(target: string): readonly string[] {
  return target.split('/').filter((name) => name !== '' && name !== '.')
}

function removeNamed(folder: Folder, name: string, layer: number): void {
  const found = folder.children.get(name)
  const holds = found?.kind === 'folder' && removeEarlier(found, layer)
  if (found !== undefined && found.layer !== layer && !holds) folder.children.delete(name)
}

/** @returns whether something of this layer is left in it */
function removeEarlier(folder: Folder, layer: number): boolean {
  if (folder.cleared === layer) return folder.children.size > 0
  folder.cleared = layer
  for (const [name, child] of folder.children) {
    const holds = child.kind === 'folder' && removeEarlier(child, layer)
    if (child.layer !== layer && !holds) folder.children.delete(name)
  }
  return folder.children.size > 0
}

function finishTree(root: Folder): FinishedTree {
  const replaced: string[] = []
  for (const place of hiddenPlaces) parentOf(root, place)?.children.delete(nameOf(place))
  for (const path of neededFolders) needFolder(root, path, replaced)
  for (const path of neededFiles) needFile(root, path, replaced)
  const folders: string[] = []
  const files: PlacedFile[] = []
  const links: TreeLink[] = []
  const open: (readonly [path: string, folder: Folder])[] = [['', root]]
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const [above, folder] = next
    for (const [name, node] of folder.children) {
      const path = above === '' ? name : `${above}/${name}`
      if (Buffer.byteLength(path) > maxPathBytes) throw new ImageFault(`has a path longer than ${maxPathBytes} bytes`)
      if (node.kind === 'link') links.push({ path, target: node.target })
      else if (node.kind === 'file') files.push({ path, content: node.content, executable: node.executable })
      else {
        folders.push(path)
        open.push([path, node])
      }
    }
  }
  return { folders: folders.sort(), files: files.sort(byPath), links: links.sort(byPath), replaced }
}

/** By code units, so that a folder comes before what is in it. */
function byPath(left: Readonly<{ path: string }>, right: Readonly<{ path: string }>): number {
  return left.path < right.path ? -1 : 1
}

/** Undefined when a folder on the way is missing, or is none. */
function parentOf(root: Folder, path: string): Folder | undefined {
  let folder = root
  for (const name of path.split('/').slice(0, -1)) {
    const child = folder.children.get(name)
    if (child?.kind !== 'folder') return undefined
    folder = child
  }
  return folder
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}

function needFolder(root: Folder, path: string, replaced: string[]): void {
  let folder = root
  for (const [index, name] of path.split('/').entries()) {
    const child = folder.children.get(name)
    const made = child?.kind === 'folder' ? child : newFolder(0)
    if (child !== undefined && child !== made)
      replaced.push(
        path
          .split('/')
          .slice(0, index + 1)
          .join('/'),
      )
    folder.children.set(name, made)
    folder = made
  }
}

function needFile(root: Folder, path: string, replaced: string[]): void {
  const children = parentOf(root, path)?.children
  const found = children?.get(nameOf(path))
  if (found?.kind === 'file') return
  if (found !== undefined) replaced.push(path)
  children?.set(nameOf(path), { kind: 'file', layer: 0, content: noContent, executable: false })
}
