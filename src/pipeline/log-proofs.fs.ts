/** Proofs out of the project's own log, for evidence that travels and for the project's own verdicts. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  isSameHash,
  parseCheckpoint,
  printLogProof,
  proveConsistency,
  proveInclusion,
  rootAt,
  type Tree,
} from '../attestation/index.ts'
import { DomainError, type Sha256, sha256Of } from '../core/index.ts'
import { entriesOf, logFolderOf, treeOf } from './enter-log.ts'
import { writeDurably } from './evidence.fs.ts'
import { openLogFolder } from './log-folder.fs.ts'
import { printProofLine } from './log-trust.ts'

export type OwnProofs = Readonly<{
  /** The newest checkpoint, as the log signed it. */
  checkpoint: Uint8Array
  size: number
  /** C2SP tlog-proof of an attestation; undefined when the log does not hold it. */
  inclusionOf(attestation: Sha256): Uint8Array | undefined
  /** Hashes that lead from the tree of `size` entries to the newest. @throws ERR_USAGE for a size that it never had */
  consistencyFrom(size: number): readonly Uint8Array[]
}>

/** The checkpoint that witnesses signed last; it stays when the log grows on. */
export function witnessedFile(root: string): string {
  return join(logFolderOf(root), 'witnessed')
}

/**
 * Nothing is verified here: whoever reads a proof holds it against a key.
 *
 * @returns undefined where the project has no log
 * @throws ERR_TLOG_MALFORMED, ERR_TLOG_MISSING
 */
export function openOwnProofs(root: string): OwnProofs | undefined {
  const folder = openLogFolder(logFolderOf(root))
  const checkpoint = folder.checkpoint()
  if (checkpoint === undefined) return undefined
  const { size } = parseCheckpoint(checkpoint)
  const tree = treeOf(folder, size)
  const entries = entriesOf(folder, size)
  const witnessed = witnessedOf(root, tree)
  return {
    checkpoint,
    size,
    inclusionOf: (attestation) => {
      const index = entries.get(attestation)
      if (index === undefined) return undefined
      const chosen = witnessed !== undefined && index < witnessed.size ? witnessed : { bytes: checkpoint, size }
      const path = proveInclusion(index, chosen.size, tree)
      return Buffer.from(printLogProof({ index, path, checkpoint: chosen.bytes }))
    },
    consistencyFrom: (from) => {
      if (from > size || from < 0) throw new DomainError('ERR_USAGE', `the log has ${size} entries, not ${from}`)
      return from === 0 ? [] : proveConsistency(from, size, tree)
    },
  }
}

/** What witnesses signed, when it is of this tree. */
function witnessedOf(root: string, tree: Tree): Readonly<{ bytes: Uint8Array; size: number }> | undefined {
  const file = witnessedFile(root)
  if (!existsSync(file)) return undefined
  const bytes = readFileSync(file)
  const { size, root: signed } = parseCheckpoint(bytes)
  return size > 0 && size <= tree.size && isSameHash(rootAt(size, tree), signed) ? { bytes, size } : undefined
}

/** A line for each bundle that the project's log holds, for evidence that travels. */
export function proofLines(
  { root }: Readonly<{ root: string }>,
  bundles: readonly Readonly<{ bytes: Uint8Array }>[],
): readonly string[] {
  const own = openOwnProofs(root)
  return bundles.flatMap(({ bytes }) => {
    const attestation = sha256Of(bytes)
    const proof = own?.inclusionOf(attestation)
    return proof === undefined ? [] : [printProofLine(attestation, proof)]
  })
}

export function keepWitnessed(root: string, checkpoint: Uint8Array): void {
  writeDurably(witnessedFile(root), checkpoint)
}
