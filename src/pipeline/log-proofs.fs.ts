/** Proofs out of the project's own log, for evidence that travels and for the project's own verdicts. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  isConsistent,
  isIncluded,
  isSameHash,
  leafHashOf,
  parseCheckpoint,
  printLogProof,
  proveConsistency,
  proveInclusion,
  rootAt,
  type Tree,
  type TrustPolicy,
} from '../attestation/index.ts'
import { DomainError, isDomainError, type Sha256, sha256Of } from '../core/index.ts'
import { entriesOf, logFolderOf, treeOf } from './enter-log.ts'
import { writeDurably } from './evidence.fs.ts'
import { joinProofs, keptProofs, noProofs } from './kept-proofs.fs.ts'
import { type LogFolder, openLogFolder } from './log-folder.fs.ts'
import { entryOf, type LogProofs, loggedBy } from './log-trust.ts'

export type OwnProofs = Readonly<{
  /** The newest checkpoint, as the log signed it. */
  checkpoint: Uint8Array
  size: number
  /** Of the checkpoint that witnesses signed last, where it is of this log. */
  witnessedSize: number | undefined
  /**
   * C2SP tlog-proof of an attestation; undefined when the log does not hold it.
   *
   * @throws ERR_TLOG_FORK when the tiles behind it were changed: a proof that does not hold is not handed out
   */
  inclusionOf(attestation: Sha256): Uint8Array | undefined
  /** Hashes that lead from the tree of `size` entries to the newest. @throws ERR_USAGE for a size that it never had, ERR_TLOG_FORK */
  consistencyFrom(size: number): readonly Uint8Array[]
}>

/** The checkpoint that witnesses signed last; it stays when the log grows on. @param place folder of the log */
export function witnessedFile(place: string): string {
  return join(place, 'witnessed')
}

/** LIMIT: how often a reader begins again when a writer went on meanwhile. */
const maxTries = 8

/**
 * Nothing is verified here but that the proofs lead to what was signed: whoever reads one holds it against a key.
 *
 * @param place absolute folder of the log
 * @returns undefined where there is no log
 * @throws ERR_TLOG_MALFORMED, ERR_TLOG_MISSING
 */
export function openOwnProofs(place: string): OwnProofs | undefined {
  const folder = openLogFolder(place)
  for (let tries = 1; ; tries += 1) {
    const checkpoint = folder.checkpoint()
    if (checkpoint === undefined) return undefined
    try {
      return proofsIn(place, folder, checkpoint)
    } catch (error) {
      const wentOn = Buffer.compare(folder.checkpoint() ?? new Uint8Array(), checkpoint) !== 0
      if (!wentOn || tries >= maxTries || !isDomainError(error)) throw error
    }
  }
}

function proofsIn(place: string, folder: LogFolder, checkpoint: Uint8Array): OwnProofs {
  const { size, root } = parseCheckpoint(checkpoint)
  const tree = treeOf(folder, size)
  const entries = entriesOf(folder, size)
  const witnessed = witnessedOf(place, tree)
  return {
    checkpoint,
    size,
    witnessedSize: witnessed?.size,
    inclusionOf: (attestation) => {
      const index = entries.get(attestation)
      if (index === undefined) return undefined
      const chosen = witnessed !== undefined && index < witnessed.size ? witnessed : { bytes: checkpoint, size, root }
      const path = proveInclusion(index, chosen.size, tree)
      const leaf = leafHashOf(entryOf(attestation))
      const shown = { index: BigInt(index), size: BigInt(chosen.size), leaf, root: chosen.root, proof: path }
      if (!isIncluded(shown)) throw changed()
      return Buffer.from(printLogProof({ index, path, checkpoint: chosen.bytes }))
    },
    consistencyFrom: (from) => {
      if (from > size || from < 0) throw new DomainError('ERR_USAGE', `the log has ${size} entries, not ${from}`)
      if (from === 0) return []
      const proof = proveConsistency(from, size, tree)
      const then = { size: BigInt(from), root: rootAt(from, tree) }
      if (!isConsistent({ from: then, to: { size: BigInt(size), root }, proof })) throw changed()
      return proof
    },
  }
}

function changed(): DomainError {
  return new DomainError('ERR_TLOG_FORK', 'the tiles of the log do not make the root that it signed')
}

type Witnessed = Readonly<{ bytes: Uint8Array; size: number; root: Uint8Array }>

/** What witnesses signed, when it is of this tree. */
function witnessedOf(place: string, tree: Tree): Witnessed | undefined {
  const file = witnessedFile(place)
  if (!existsSync(file)) return undefined
  const bytes = readFileSync(file)
  const { size, root } = parseCheckpoint(bytes)
  return size > 0 && size <= tree.size && isSameHash(rootAt(size, tree), root) ? { bytes, size, root } : undefined
}

/** That the newest checkpoint grew out of the tree with `old` entries: what a witness is sent. */
export function growthFrom(own: OwnProofs, old: number): string {
  const hashes = own.consistencyFrom(old).map((hash) => `${Buffer.from(hash).toString('base64')}\n`)
  return `old ${old}\n${hashes.join('')}\n${Buffer.from(own.checkpoint).toString('utf8')}`
}

/**
 * What there is to show for attestations: of the project's own log, and of others' as it came.
 *
 * With it that the own log grew out of each checkpoint that was handed out before, so that whoever has one can hold the log
 * to it; the newest is remembered as handed out.
 *
 * @param places folders of logs that the project keeps
 */
export function proofsToShow(
  root: string,
  attestations: ReadonlySet<Sha256>,
  places: readonly string[] = [logFolderOf(root)],
): LogProofs {
  let shown = keptProofs(root, attestations)
  for (const place of places) {
    const own = openOwnProofs(place)
    if (own === undefined) continue
    const before = handedOut(place, own)
    const inclusions = new Map<Sha256, readonly Uint8Array[]>()
    for (const attestation of attestations) {
      const proof = own.inclusionOf(attestation)
      if (proof !== undefined) inclusions.set(attestation, [proof])
    }
    const growths = before.map((size) => Buffer.from(growthFrom(own, size)))
    shown = joinProofs({ inclusions, growths }, shown)
    if (inclusions.size > 0) rememberHandedOut(place, [...before, own.size])
  }
  return shown
}

/** LIMIT: that a log grew is shown from so many earlier checkpoints. */
const maxHandedOut = 32

const handedOutFile = (place: string): string => join(place, 'handed-out')

/** Sizes of checkpoints that others have, below the newest. */
function handedOut(place: string, { size, witnessedSize }: OwnProofs): readonly number[] {
  const file = handedOutFile(place)
  const lines = existsSync(file) ? readFileSync(file, 'utf8').split('\n') : []
  const sizes = [...lines.map(Number), witnessedSize ?? 0].filter((each) => Number.isSafeInteger(each))
  return [...new Set(sizes)].filter((each) => each > 0 && each < size).toSorted((left, right) => left - right)
}

function rememberHandedOut(place: string, sizes: readonly number[]): void {
  writeDurably(handedOutFile(place), Buffer.from(`${sizes.slice(-maxHandedOut).join('\n')}\n`))
}

/** Each proof at hand for an attestation: of the own log, and kept ones. Nothing is read before one is asked for. */
export function proofsAtHand(root: string): (attestation: Sha256) => readonly Uint8Array[] {
  let read: Readonly<{ own: OwnProofs | undefined; kept: LogProofs }> | undefined
  return (attestation) => {
    read ??= { own: openOwnProofs(logFolderOf(root)), kept: keptProofs(root) }
    const proof = read.own?.inclusionOf(attestation)
    return [...(proof === undefined ? [] : [proof]), ...(read.kept.inclusions.get(attestation) ?? [])]
  }
}

/** Whether proofs at hand, and those that came, show an attestation to be in a log that the policy names. */
export function loggedAtHand(
  { root, trust }: Readonly<{ root: string; trust: TrustPolicy }>,
  came: LogProofs = noProofs,
): (attestation: Sha256) => boolean {
  const atHand = proofsAtHand(root)
  const { loggedAt } = loggedBy(trust, (attestation) => [
    ...atHand(attestation),
    ...(came.inclusions.get(attestation) ?? []),
  ])
  return (attestation) => loggedAt?.(attestation)?.passed === true
}

export function keepWitnessed(place: string, checkpoint: Uint8Array): void {
  writeDurably(witnessedFile(place), checkpoint)
}

/** Attestations that the bundles are. */
export function attestationsIn(bundles: readonly Readonly<{ bytes: Uint8Array }>[]): ReadonlySet<Sha256> {
  return new Set(bundles.map(({ bytes }) => sha256Of(bytes)))
}
