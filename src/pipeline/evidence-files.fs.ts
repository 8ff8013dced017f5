/** Evidence that travelled: a `.jsonl` file with one bundle a line, or a folder with one bundle a file. */
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { bundlesInLines, type ChainEvidence, type NamedBundle, travelledEvidence } from '../attestation/index.ts'
import { DomainError } from '../core/index.ts'
import { writeDurably } from './evidence.fs.ts'
import type { TravelledEvidence } from './import-evidence.ts'
import { noProofs } from './kept-proofs.fs.ts'
import { type LogProofs, parseProofLines, printProofs } from './log-trust.ts'

/** LIMIT: an evidence file is at most 512 MiB, a folder of it 10,000 files. */
const maxFileBytes = 512 * 1024 * 1024
const maxFiles = 10_000

/** Trust: every byte is attacker-controlled. @param path absolute @throws ERR_EVIDENCE_MISSING, ERR_INPUT_TOO_LARGE */
export function evidenceAt(path: string): TravelledEvidence {
  return { bundles: bundlesAt(path), proofs: logProofsAt(path) }
}

/**
 * Trust: every byte is attacker-controlled; the bundles are indexed by what they *say*, and verified by the chain.
 *
 * @param path absolute
 * @throws ERR_EVIDENCE_MISSING when nothing is there, ERR_INPUT_TOO_LARGE
 */
export function readEvidence(path: string): ChainEvidence {
  return travelledEvidence(bundlesAt(path))
}

/** @throws ERR_EVIDENCE_MISSING, ERR_INPUT_TOO_LARGE */
export function bundlesAt(path: string): readonly NamedBundle[] {
  const status = statSync(path, { throwIfNoEntry: false })
  if (status?.isDirectory() === true) {
    const names = readdirSync(path)
      .filter((name) => name.endsWith('.sigstore.json'))
      .toSorted()
    if (names.length > maxFiles)
      throw new DomainError('ERR_INPUT_TOO_LARGE', `\`${path}\` holds more than ${maxFiles} files`)
    return names.map((name) => ({ name, bytes: readBounded(join(path, name)) }))
  }
  if (status?.isFile() !== true) throw new DomainError('ERR_EVIDENCE_MISSING', `there is no evidence at \`${path}\``)
  return bundlesInLines(readBounded(path))
}

/** Proofs of a transparency log that travelled with the evidence: hostile, by attestation. @throws as `bundlesAt` */
export function logProofsAt(path: string): LogProofs {
  const isFolder = statSync(path, { throwIfNoEntry: false })?.isDirectory() === true
  const file = isFolder ? join(path, proofsName) : path
  if (!existsSync(file)) return noProofs
  return parseProofLines(bundlesInLines(readBounded(file)).map(({ bytes }) => bytes))
}

/** In a folder of evidence: its proofs, one a line. */
const proofsName = 'log-proofs.jsonl'

function readBounded(file: string): Uint8Array {
  const { size } = statSync(file)
  if (size > maxFileBytes)
    throw new DomainError('ERR_INPUT_TOO_LARGE', `\`${file}\` has ${size} bytes, the limit is ${maxFileBytes}`)
  return readFileSync(file)
}

/**
 * Writes bundles to `path`: one a line when it ends in `.jsonl`, else one a file in a folder.
 *
 * INVARIANT: a bundle is one line of JSON, so that its digest is the same in both forms.
 */
export function writeEvidence(path: string, { bundles, proofs }: TravelledEvidence): void {
  const printed = printProofs(proofs)
  const lines = Buffer.from(printed.map((line) => `${line}\n`).join(''))
  if (path.endsWith('.jsonl')) {
    writeDurably(path, Buffer.concat([...bundles.flatMap(({ bytes }) => [bytes, Buffer.from('\n')]), lines]))
    return
  }
  mkdirSync(path, { recursive: true })
  for (const { name, bytes } of bundles) writeDurably(join(path, `${name}.sigstore.json`), bytes)
  if (printed.length > 0) writeDurably(join(path, proofsName), lines)
}
