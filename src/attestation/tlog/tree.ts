/**
 * A log's tree over its tiles: what appending writes, and how proofs are made. Pure; tiles come through a reader.
 *
 * SOURCE: RFC 6962 section 2.1 (PATH, SUBPROOF), C2SP tlog-tiles.md.
 */
import type { TreeHead } from './checkpoint-text.ts'
import { emptyRoot, nodeHashOf, type TreeHash } from './merkle.ts'
import { printEntries, type TileAt, tileWidth, widthOf } from './tile.ts'

/** @returns the first `width` hashes of the tile, or more */
export type ReadTile = (at: TileAt & Readonly<{ level: number }>) => readonly TreeHash[]

export type TileWrite = Readonly<{ at: TileAt; bytes: Uint8Array }>

/** Hashes at the right of each level that fill no tile yet, the lowest level first. */
export type Edges = readonly (readonly TreeHash[])[]

export type Growth = Readonly<{ head: TreeHead; edges: Edges; tiles: readonly TileWrite[] }>

/** The tree with these leaves added, and the tiles that change. */
export function growTree(size: number, leaves: readonly TreeHash[], edges: Edges): Growth {
  const tiles: TileWrite[] = []
  const grown: (readonly TreeHash[])[] = []
  let added = leaves
  for (let level = 0; added.length > 0 || level < edges.length; level += 1) {
    const index = Math.floor(widthUpTo(level, size) / tileWidth)
    const hashes = [...(edges[level] ?? []), ...added]
    const upward: TreeHash[] = []
    for (let start = 0; start < hashes.length && added.length > 0; start += tileWidth) {
      const tile = hashes.slice(start, start + tileWidth)
      tiles.push({ at: { level, index: index + start / tileWidth, width: tile.length }, bytes: Buffer.concat(tile) })
      if (tile.length === tileWidth) upward.push(perfectRoot(tile))
    }
    grown.push(hashes.slice(hashes.length - (hashes.length % tileWidth)))
    added = upward
  }
  return { head: { size: size + leaves.length, root: rootOfEdges(grown) }, edges: grown, tiles }
}

/** What stands at the right of a tree that is there. */
export function edgesOf({ size, readTile }: Tree): Edges {
  const edges: (readonly TreeHash[])[] = []
  for (let level = 0; widthUpTo(level, size) > 0; level += 1) {
    const width = widthUpTo(level, size) % tileWidth
    const index = Math.floor(widthUpTo(level, size) / tileWidth)
    edges.push(width === 0 ? [] : readTile({ level, index, width }).slice(0, width))
  }
  return edges
}

/**
 * The bundles of entries that change.
 *
 * @param pending the entries of the last bundle, when it is not full
 */
export function bundleEntries(
  size: number,
  pending: readonly Uint8Array[],
  entries: readonly Uint8Array[],
): readonly TileWrite[] {
  const all = [...pending, ...entries]
  const first = Math.floor(size / tileWidth)
  const writes: TileWrite[] = []
  for (let start = 0; start < all.length; start += tileWidth) {
    const chunk = all.slice(start, start + tileWidth)
    const at: TileAt = { level: 'entries', index: first + start / tileWidth, width: chunk.length }
    writes.push({ at, bytes: printEntries(chunk) })
  }
  return writes
}

/** Hashes of a level in a log of this size. */
function widthUpTo(level: number, size: number): number {
  return Math.floor(size / tileWidth ** level)
}

/** The root over what fills no tile. */
export function rootOfEdges(edges: Edges): TreeHash {
  const perfect: TreeHash[] = []
  for (const edge of edges.toReversed()) {
    let start = 0
    for (let width = tileWidth / 2; width >= 1; width /= 2) {
      if (edge.length - start < width) continue
      perfect.push(perfectRoot(edge.slice(start, start + width)))
      start += width
    }
  }
  return foldRight(perfect)
}

/** @param hashes a power of two of them */
function perfectRoot(hashes: readonly TreeHash[]): TreeHash {
  let row = hashes
  while (row.length > 1) {
    const next: TreeHash[] = []
    for (let at = 0; at + 1 < row.length; at += 2) next.push(nodeHashOf(row[at] ?? emptyRoot, row[at + 1] ?? emptyRoot))
    row = next
  }
  return row[0] ?? emptyRoot
}

function foldRight(hashes: readonly TreeHash[]): TreeHash {
  return hashes.length === 0 ? emptyRoot : hashes.reduceRight((right, left) => nodeHashOf(left, right))
}

/** The root of the first `size` entries. */
export function rootAt(size: number, tree: Tree): TreeHash {
  return rangeHash(0, size, tree)
}

/** `size` of the whole tree: it says which tiles are full. `known` remembers subtrees, for many proofs of one tree. */
export type Tree = Readonly<{ size: number; readTile: ReadTile; known?: Map<string, TreeHash> }>

/** PATH(index, D[size]). @param size of the tree that the proof is for, at most the tree's own */
export function proveInclusion(index: number, size: number, tree: Tree): readonly TreeHash[] {
  const path: TreeHash[] = []
  let start = 0
  let end = size
  while (end - start > 1) {
    const half = start + splitOf(end - start)
    if (index < half) {
      path.unshift(rangeHash(half, end, tree))
      end = half
    } else {
      path.unshift(rangeHash(start, half, tree))
      start = half
    }
  }
  return path
}

/** PROOF(from, D[to]). @param from at least 1 */
export function proveConsistency(from: number, to: number, tree: Tree): readonly TreeHash[] {
  const path: TreeHash[] = []
  let start = 0
  let end = to
  let isWhole = true
  while (from !== end) {
    const half = start + splitOf(end - start)
    if (from <= half) {
      path.unshift(rangeHash(half, end, tree))
      end = half
    } else {
      path.unshift(rangeHash(start, half, tree))
      start = half
      isWhole = false
    }
  }
  return isWhole ? path : [rangeHash(start, end, tree), ...path]
}

/** The largest power of two below `count`. */
function splitOf(count: number): number {
  let split = 1
  while (split * 2 < count) split *= 2
  return split
}

/** MTH(D[start:end]) for a range that the recursion of RFC 6962 comes to: it falls into perfect subtrees. */
function rangeHash(start: number, end: number, tree: Tree): TreeHash {
  const perfect: TreeHash[] = []
  let at = start
  while (at < end) {
    let height = 0
    while (at % 2 ** (height + 1) === 0 && at + 2 ** (height + 1) <= end) height += 1
    perfect.push(subtreeHash(height, at / 2 ** height, tree))
    at += 2 ** height
  }
  return foldRight(perfect)
}

/** Of 2^height entries, counted from the left. */
function subtreeHash(height: number, position: number, tree: Tree): TreeHash {
  const count = 2 ** (height % 8)
  if (count === 1) return tileHash(height / 8, position, tree)
  const name = `${height}/${position}`
  const known = tree.known?.get(name)
  if (known !== undefined) return known
  const hash = nodeHashOf(subtreeHash(height - 1, position * 2, tree), subtreeHash(height - 1, position * 2 + 1, tree))
  tree.known?.set(name, hash)
  return hash
}

function tileHash(level: number, position: number, { size, readTile }: Tree): TreeHash {
  const index = Math.floor(position / tileWidth)
  const hash = readTile({ level, index, width: widthOf(level, index, size) })[position % tileWidth]
  if (hash === undefined) throw new Error(`the tile ${level}/${index} has no hash ${position % tileWidth}`)
  return hash
}
