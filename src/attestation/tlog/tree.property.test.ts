import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { emptyRoot, isConsistent, isIncluded, leafHashOf, nodeHashOf, nodesShown, type TreeHash } from './merkle.ts'
import { parseTile, type TileAt, tilePath, tileWidth, widthOf } from './tile.ts'
import { edgesOf, growTree, proveConsistency, proveInclusion, rootAt, type Tree } from './tree.ts'

const leaf = (index: number): TreeHash => leafHashOf(Buffer.from(String(index)))
const leaves = (from: number, to: number): TreeHash[] => Array.from({ length: to - from }, (_, at) => leaf(from + at))

/** MTH as RFC 6962 writes it down, which knows nothing of tiles. */
function mth(hashes: readonly TreeHash[]): TreeHash {
  const [first = emptyRoot] = hashes
  if (hashes.length <= 1) return first
  let split = 1
  while (split * 2 < hashes.length) split *= 2
  return nodeHashOf(mth(hashes.slice(0, split)), mth(hashes.slice(split)))
}

/** A tree that grew in these steps, with every tile that was ever written. */
function grown(steps: readonly number[]): Tree & Readonly<{ root: TreeHash }> {
  const tiles = new Map<string, Uint8Array>()
  const readTile: Tree['readTile'] = (at) => {
    const bytes = tiles.get(tilePath(at))
    assert.ok(bytes !== undefined, tilePath(at))
    return parseTile(bytes, at)
  }
  let size = 0
  let root = emptyRoot
  for (const step of steps) {
    const growth = growTree(size, leaves(size, size + step), edgesOf({ size, readTile }))
    for (const { at, bytes } of growth.tiles) tiles.set(tilePath(at), bytes)
    size += step
    root = growth.head.root
  }
  return { size, readTile, root }
}

test('what an inclusion proof shows of a tree are its full nodes, each the root of the entries under it', () => {
  for (let size = 1; size <= 33; size += 1) {
    const tree = grown([size])
    for (let index = 0; index < size; index += 1) {
      const proof = proveInclusion(index, size, tree)
      const nodes = nodesShown({ index: BigInt(index), size: BigInt(size), leaf: leaf(index), proof })
      assert.ok(nodes.length > 0)
      for (const { level, index: at, hash } of nodes) {
        const [from, to] = [Number(at) << level, (Number(at) + 1) << level]
        assert.ok(to <= size)
        assert.deepEqual(hash, mth(leaves(from, to)), `${index} of ${size}: ${level} ${at}`)
      }
    }
  }
})

test('however a tree grew, its root is that of RFC 6962, and every proof of it holds', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 0, max: 400 }), { maxLength: 4 }),
      fc.nat(),
      fc.nat(),
      (steps, any, other) => {
        const tree = grown(steps)
        assert.deepEqual(tree.root, mth(leaves(0, tree.size)))
        if (tree.size === 0) return
        const size = (other % tree.size) + 1
        const index = any % size
        const root = rootAt(size, tree)
        const proof = proveInclusion(index, size, tree)
        assert.ok(isIncluded({ index: BigInt(index), size: BigInt(size), leaf: leaf(index), root, proof }))
        const from = { size: BigInt(size), root }
        const to = { size: BigInt(tree.size), root: tree.root }
        assert.ok(isConsistent({ from, to, proof: proveConsistency(size, tree.size, tree) }))
      },
    ),
    { numRuns: 60 },
  )
})

test('a tree of three levels of tiles grows as one of a flat list does', () => {
  const tree = grown([256 * 256 - 3, 2, 1, 5])
  assert.equal(tree.size, 65_541)
  assert.deepEqual(tree.root, mth(leaves(0, tree.size)))
  const proof = proveInclusion(65_537, tree.size, tree)
  const question = { index: 65_537n, size: BigInt(tree.size), leaf: leaf(65_537), root: tree.root }
  assert.ok(isIncluded({ ...question, proof }))
  assert.ok(!isIncluded({ ...question, leaf: leaf(65_536), proof }))
})

test('a proof holds for no other entry, size or root', () => {
  const tree = grown([300])
  const honest = {
    index: 77n,
    size: 300n,
    leaf: leaf(77),
    root: tree.root,
    proof: proveInclusion(77, 300, tree),
  }
  assert.ok(isIncluded(honest))
  const forged = [
    { ...honest, index: 76n },
    { ...honest, size: 200n },
    { ...honest, leaf: leaf(76) },
    { ...honest, root: rootAt(299, tree) },
    { ...honest, proof: honest.proof.slice(1) },
    { ...honest, proof: [...honest.proof, leaf(1)] },
  ]
  assert.deepEqual(
    forged.map(isIncluded),
    forged.map(() => false),
  )
})

test('tiles are called as tlog-tiles calls them', () => {
  assert.equal(tilePath({ level: 0, index: 1_234_067, width: tileWidth }), 'tile/0/x001/x234/067')
  assert.equal(tilePath({ level: 'entries', index: 0, width: 12 }), 'tile/entries/000.p/12')
  const at = (level: number, index: number): TileAt['width'] => widthOf(level, index, 70_000)
  assert.deepEqual([at(0, 272), at(0, 273), at(0, 274), at(1, 0), at(1, 1), at(2, 0)], [256, 112, 0, 256, 17, 1])
})
