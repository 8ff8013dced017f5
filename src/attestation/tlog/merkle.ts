/**
 * Merkle trees as RFC 6962 hashes them, and the two proofs: an entry is in a tree, a tree grew out of another.
 *
 * Verification only, over sizes that may be anything up to 2^64: others' logs count so far. Making proofs: `tree.ts`.
 * SOURCE: RFC 6962 section 2.1; RFC 9162 sections 2.1.3.2 and 2.1.4.2; vectors test/vectors/tlog.
 */
import { hash } from 'node:crypto'

/** 32 bytes. */
export type TreeHash = Uint8Array

export const hashBytes = 32

/** The root of a tree without entries. */
export const emptyRoot: TreeHash = hash('sha256', '', 'buffer')

const leafPrefix = Buffer.of(0)
const nodePrefix = Buffer.of(1)

export function leafHashOf(entry: Uint8Array): TreeHash {
  return hash('sha256', Buffer.concat([leafPrefix, entry]), 'buffer')
}

export function nodeHashOf(left: TreeHash, right: TreeHash): TreeHash {
  return hash('sha256', Buffer.concat([nodePrefix, left, right]), 'buffer')
}

export function isSameHash(left: TreeHash, right: TreeHash): boolean {
  return Buffer.compare(left, right) === 0
}

export type Inclusion = Readonly<{
  index: bigint
  size: bigint
  leaf: TreeHash
  root: TreeHash
  proof: readonly TreeHash[]
}>

/** True when the proof shows that `leaf` is entry `index` of the tree. Trust: all of it is hostile. */
export function isIncluded({ index, size, leaf, root, proof }: Inclusion): boolean {
  if (index < 0n || index >= size || !areHashes([leaf, ...proof])) return false
  const climbed = climb(index, size - 1n, leaf, proof)
  return climbed !== undefined && isSameHash(climbed.reached, root)
}

/** A node of the tree: `index` of its level, leaves being level 0. */
export type TreeNode = Readonly<{ level: number; index: bigint; hash: TreeHash }>

/**
 * The full nodes that an inclusion proof says are there, the leaf first: such a node never changes, however long the tree gets.
 *
 * INVARIANT: `isIncluded` held for it.
 */
export function nodesShown({ index, size, leaf, proof }: Omit<Inclusion, 'root'>): readonly TreeNode[] {
  let [level, at, end] = [0, index, size - 1n]
  let reached = leaf
  const nodes: TreeNode[] = [{ level, index, hash: leaf }]
  for (const step of proof) {
    // where the last node has no sibling it stands for the level above too
    while (at === end && !isOdd(at)) [level, at, end] = [level + 1, at >> 1n, end >> 1n]
    nodes.push({ level, index: at ^ 1n, hash: step })
    reached = isOdd(at) ? nodeHashOf(step, reached) : nodeHashOf(reached, step)
    ;[level, at, end] = [level + 1, at >> 1n, end >> 1n]
    nodes.push({ level, index: at, hash: reached })
  }
  return nodes.filter((node) => (node.index + 1n) << BigInt(node.level) <= size)
}

type Climbed = Readonly<{
  /** Of what lies to the left of the node and below it. */
  left: TreeHash
  reached: TreeHash
}>

/**
 * From node `first` of its level up to the root, `last` being the last node of that level; undefined where the proof is
 * longer or shorter than the way. SOURCE: RFC 9162 sections 2.1.3.2 and 2.1.4.2, which walk alike.
 */
function climb(first: bigint, last: bigint, start: TreeHash, steps: readonly TreeHash[]): Climbed | undefined {
  let [at, end] = [first, last]
  let left = start
  let reached = start
  for (const step of steps) {
    if (end === 0n) return undefined
    if (isOdd(at) || at === end) {
      left = nodeHashOf(step, left)
      reached = nodeHashOf(step, reached)
      while (at !== 0n && !isOdd(at)) {
        at >>= 1n
        end >>= 1n
      }
    } else {
      reached = nodeHashOf(reached, step)
    }
    at >>= 1n
    end >>= 1n
  }
  return end === 0n ? { left, reached } : undefined
}

export type Consistency = Readonly<{
  from: Readonly<{ size: bigint; root: TreeHash }>
  to: Readonly<{ size: bigint; root: TreeHash }>
  proof: readonly TreeHash[]
}>

/**
 * True when the proof shows that every entry of `from` is in `to`, at the same place. Trust: all of it is hostile.
 *
 * An empty tree is consistent with every tree, which proves nothing: `false`, as the vectors want it.
 */
export function isConsistent({ from, to, proof }: Consistency): boolean {
  if (from.size <= 0n || from.size > to.size || !areHashes(proof)) return false
  if (from.size === to.size) return proof.length === 0 && isSameHash(from.root, to.root)
  if (proof.length === 0) return false
  let first = from.size - 1n
  let last = to.size - 1n
  while (isOdd(first)) {
    first >>= 1n
    last >>= 1n
  }
  const [start, ...steps] = first === 0n ? [from.root, ...proof] : proof
  if (start === undefined) return false
  const climbed = climb(first, last, start, steps)
  return climbed !== undefined && isSameHash(climbed.left, from.root) && isSameHash(climbed.reached, to.root)
}

function isOdd(value: bigint): boolean {
  return (value & 1n) === 1n
}

function areHashes(values: readonly TreeHash[]): boolean {
  return values.every(({ length }) => length === hashBytes)
}
