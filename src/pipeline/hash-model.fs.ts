/**
 * The files of a model by content: SHA-256 of whole files by the workers that data has, everything else here, in pieces.
 * LIMIT: 1 MiB of a file in memory at a time.
 */
import { createHash } from 'node:crypto'
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs'
import type { ManifestTerms, Resource } from '../attestation/index.ts'
import { DomainError, oneLine } from '../core/index.ts'
import { hashFiles, ioFault } from '../data/index.ts'
import type { ModelFile } from './model-tree.fs.ts'

type Terms = Pick<ManifestTerms, 'hash' | 'shardBytes'>

/** One entry a file, or one a shard; an empty file has no shards. @throws ERR_DATA_CHANGED, ERR_IO */
export async function hashModel(files: readonly ModelFile[], terms: Terms): Promise<readonly Resource[]> {
  if (terms.hash !== 'sha256' || terms.shardBytes !== undefined) {
    const pieces = { make: await makerOf(terms.hash), shardBytes: terms.shardBytes }
    return files.flatMap((file) => withFile(file, (fd) => hashPieces(fd, file, pieces)))
  }
  const sizes = files.map(({ sizeBytes }) => sizeBytes)
  const outcomes = await hashFiles(
    files.map(({ path }) => path),
    { scheme: 'sha256', sizes },
  )
  return files.map(({ name }, index) => {
    const outcome = outcomes[index]
    if (outcome?.kind !== 'hashed') throw changed(name)
    return { name, digest: outcome.digest.slice('sha256:'.length) }
  })
}

/** bare hex of one file, by each of several hashes, read once. @throws ERR_DATA_CHANGED, ERR_IO */
export function hashFileBy<Name extends string>(path: string, names: readonly Name[]): Readonly<Record<Name, string>> {
  return withFile({ name: path, path }, (fd) => {
    const hashers = names.map((name) => [name, createHash(name)] as const)
    eachPiece(fd, { from: 0, to: Number.POSITIVE_INFINITY }, (piece) => {
      for (const [, hasher] of hashers) hasher.update(piece)
    })
    // `as`: one entry a name
    return Object.fromEntries(hashers.map(([name, hasher]) => [name, hasher.digest('hex')])) as Record<Name, string>
  })
}

type Pieces = Readonly<{ make: () => Hasher; shardBytes: number | undefined }>

function hashPieces(fd: number, { name, sizeBytes }: ModelFile, { make, shardBytes }: Pieces): readonly Resource[] {
  if (shardBytes === undefined) return [{ name, digest: hashRange(fd, { from: 0, to: sizeBytes }, make(), name) }]
  const shards = Math.ceil(sizeBytes / shardBytes)
  if (shards > maxShards)
    throw new DomainError('ERR_INPUT_TOO_LARGE', `\`${oneLine(name)}\` has more than ${maxShards} shards`)
  return Array.from({ length: shards }, (_, index) => {
    const from = index * shardBytes
    const to = Math.min(from + shardBytes, sizeBytes)
    return { name: `${name}:${from}:${to}`, digest: hashRange(fd, { from, to }, make(), name) }
  })
}

/** LIMIT: 1,000,000 shards a file. */
const maxShards = 1_000_000

type Range = Readonly<{ from: number; to: number }>

function hashRange(fd: number, range: Range, hasher: Hasher, name: string): string {
  const bytes = eachPiece(fd, range, (piece) => void hasher.update(piece))
  if (bytes !== range.to - range.from) throw changed(name)
  return Buffer.from(hasher.digest()).toString('hex')
}

type Hasher = Readonly<{ update(bytes: Uint8Array): unknown; digest(): Uint8Array }>

/** SOURCE: BLAKE2b with 64 bytes (RFC 7693), BLAKE3 with 32; Node has no BLAKE3. */
async function makerOf(hash: Terms['hash']): Promise<() => Hasher> {
  if (hash !== 'blake3') return () => createHash(hash === 'blake2b' ? 'blake2b512' : 'sha256')
  const { blake3 } = await import('@noble/hashes/blake3.js')
  return () => blake3.create()
}

const pieceBytes = 1024 * 1024

/** @returns bytes that were read */
function eachPiece(fd: number, { from, to }: Range, take: (piece: Uint8Array) => void): number {
  const buffer = Buffer.allocUnsafe(pieceBytes)
  let position = from
  while (position < to) {
    const length = readSync(fd, buffer, 0, Math.min(pieceBytes, to - position), position)
    if (length === 0) break
    take(buffer.subarray(0, length))
    position += length
  }
  return position - from
}

/** THREAT: a file that changes while it is read: what was hashed would be no file that ever was. */
function withFile<T>({ name, path }: Pick<ModelFile, 'name' | 'path'>, read: (fd: number) => T): T {
  try {
    const fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
    try {
      const before = fstatSync(fd, { bigint: true })
      if (!before.isFile()) throw changed(name)
      const found = read(fd)
      const after = fstatSync(fd, { bigint: true })
      if (before.size !== after.size || before.mtimeNs !== after.mtimeNs || before.ctimeNs !== after.ctimeNs)
        throw changed(name)
      return found
    } finally {
      closeSync(fd)
    }
  } catch (error) {
    throw ioFault(error, path)
  }
}

function changed(name: string): DomainError {
  return new DomainError('ERR_DATA_CHANGED', `\`${oneLine(name).slice(0, 500)}\` changed while it was being read`)
}
