/**
 * Which built trees were verified, known again by what `lstat` says of every entry, so that a tree is mounted without
 * being read. DECISION 0025.
 *
 * THREAT: a tree that was altered has other times of change, which no user can set back; who rules the clock can, and is
 * left to the spot checks and to `--rehash`. A memory that somebody else wrote has not the user's seal, and is not there.
 */
import { randomInt } from 'node:crypto'
import { digestOfJson, type FileEntry } from '../../core/index.ts'
import type { StatCache } from '../../data/index.ts'
import { bytesFault, type LocalParts, type TreeManifest, treeDigest } from './tree.fs.ts'
import type { TreeStamp } from './tree-stamp.exec.ts'

export type TreeMemory = Readonly<{
  /** Whether the tree with this stamp was verified, and a few of its files still hold what they should. */
  knows(stamp: TreeStamp): Promise<boolean>
  /** @param verifiedFromMs when the reading began, or the writing ended: what is younger could still change unseen */
  remember(stamp: TreeStamp, verifiedFromMs: number): void
}>

/** Files that are read all the same, each of so many bytes on average at most: a few milliseconds. */
const spotChecks = 8
const spotCheckBytes = 2 * 1024 * 1024

/** LIMIT: the clock of a file system moves in steps of up to 10 ms. */
export const clockStepMs = 20

/** @param tree absolute */
export function treeMemory(
  memory: StatCache | undefined,
  tree: string,
  manifest: TreeManifest,
  { configuration, links }: LocalParts,
): TreeMemory {
  if (memory === undefined) return { knows: () => Promise.resolve(false), remember: () => undefined }
  const local = { ...(configuration === undefined ? {} : { configuration }), links: [...links] }
  const { identity, warnings } = manifest
  const key = `verified-tree:${digestOfJson({ tree, identity, digest: treeDigest(manifest), warnings, local })}`
  return {
    async knows(stamp) {
      if (memory.fact(key) !== stamp.digest) return false
      const fault = await bytesFault(tree, drawSpots(manifest.files))
      if (fault !== undefined) memory.clear() // times do not tell the truth here: nothing that rests on them is believed
      return fault === undefined
    },
    remember(stamp, verifiedFromMs) {
      if (stamp.newestMs() < verifiedFromMs - clockStepMs) memory.recordFact(key, stamp.digest)
    },
  }
}

/** A library of 30 MiB is drawn as rarely as keeps the average low. */
function drawSpots(files: readonly FileEntry[]): readonly FileEntry[] {
  const drawn = Array.from({ length: files.length === 0 ? 0 : spotChecks }, () => files[randomInt(files.length)])
  return drawn.flatMap((file) => (file !== undefined && randomInt(oddsOf(file)) === 0 ? [file] : []))
}

function oddsOf({ sizeBytes }: FileEntry): number {
  return Math.max(1, Math.ceil(sizeBytes / spotCheckBytes))
}
