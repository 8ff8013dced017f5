/** Evidence that travelled: a `.jsonl` file with one bundle a line, or a folder with one bundle a file. */
import { mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { type ChainEvidence, statedReproduction, subjectsOfBundle } from '../attestation/index.ts'
import { type Digest, DomainError, type Sha256, sha256Of } from '../core/index.ts'
import { writeDurably } from './evidence.fs.ts'

/** LIMIT: an evidence file is at most 512 MiB, a folder of it 10,000 files. */
const maxFileBytes = 512 * 1024 * 1024
const maxFiles = 10_000

export type NamedBundle = Readonly<{ name: string; bytes: Uint8Array }>

/**
 * Trust: every byte is attacker-controlled; the bundles are indexed by what they *say*, and verified by the chain.
 *
 * @param path absolute
 * @throws ERR_EVIDENCE_MISSING when nothing is there, ERR_INPUT_TOO_LARGE
 */
export function readEvidence(path: string): ChainEvidence {
  const bundles = bundlesAt(path)
  const byDigest = new Map<Sha256, Uint8Array>()
  const bySubject = new Map<Digest, Sha256[]>()
  const reproductions = new Map<Sha256, Sha256[]>()
  for (const { bytes } of bundles) {
    const digest = sha256Of(bytes)
    byDigest.set(digest, bytes)
    for (const subject of subjectsOfBundle(bytes)) addTo(bySubject, subject, digest)
    for (const { original } of statedReproduction(bytes)?.stages ?? []) addTo(reproductions, original, digest)
  }
  return {
    bundle: (attestation) => byDigest.get(attestation),
    bySubject: (subject) => bySubject.get(subject) ?? [],
    reproductionsOf: (attestation) => reproductions.get(attestation) ?? [],
    approvals: bundles.map(({ name, bytes }) => ({ name, bytes, committed: true })),
  }
}

function addTo<Key>(index: Map<Key, Sha256[]>, key: Key, digest: Sha256): void {
  const known = index.get(key)
  if (known === undefined) index.set(key, [digest])
  else known.push(digest)
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
  return linesOf(readBounded(path)).map((bytes, index) => ({ name: `line ${index + 1}`, bytes }))
}

function readBounded(file: string): Uint8Array {
  const { size } = statSync(file)
  if (size > maxFileBytes)
    throw new DomainError('ERR_INPUT_TOO_LARGE', `\`${file}\` has ${size} bytes, the limit is ${maxFileBytes}`)
  return readFileSync(file)
}

function linesOf(bytes: Uint8Array): readonly Uint8Array[] {
  const lines: Uint8Array[] = []
  let start = 0
  for (let end = bytes.indexOf(10); start < bytes.length; end = bytes.indexOf(10, start)) {
    const stop = end < 0 ? bytes.length : end
    if (stop > start) lines.push(bytes.subarray(start, stop))
    start = stop + 1
  }
  return lines
}

/**
 * Writes bundles to `path`: one a line when it ends in `.jsonl`, else one a file in a folder.
 *
 * INVARIANT: a bundle is one line of JSON, so that its digest is the same in both forms.
 */
export function writeEvidence(path: string, bundles: readonly NamedBundle[]): void {
  if (path.endsWith('.jsonl')) {
    writeDurably(path, Buffer.concat(bundles.flatMap(({ bytes }) => [bytes, Buffer.from('\n')])))
    return
  }
  mkdirSync(path, { recursive: true })
  for (const { name, bytes } of bundles) writeDurably(join(path, `${name}.sigstore.json`), bytes)
}
