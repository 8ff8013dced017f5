/**
 * Where what a project made is kept for others: the port. Adapters: a folder, S3, a folder of another machine over ssh.
 *
 *   assay-remote                               `1` and a line end: the version of the format
 *   objects/<2 hex>/<62 hex>                   contents, by their SHA-256
 *   folders/<2 hex>/<62 hex>                   the list of a folder's files, by the folder's dirHash1
 *   attestations/<64 hex>.sigstore.json        evidence, by its SHA-256
 *   reproductions/<64 hex>-<64 hex>            empty: the second, a bundle, is a reproduction or gate verdict of the first
 *   log-proofs/<64 hex>-<64 hex>               proofs of transparency logs: of an attestation, by the digest of the proof
 *   log-proofs/growth-<64 hex>                 that a log grew
 *   tmp/                                       on its way
 *
 * Trust: a remote is hostile. It may hold other bytes than its names say, links, endless files, names of its own making;
 * whoever takes something compares digests before anything of it has a name here. docs/formats/remote.md
 */
import { type DirHash, DomainError, type ErrorCode, hexOf, type Sha256 } from '../../core/index.ts'

export const remoteMark = 'assay-remote'
export const remoteMarkText = '1\n'

export const objectName = (digest: Sha256): string => `objects/${split(digest)}`
export const folderName = (digest: DirHash): string => `folders/${split(digest)}`
export const bundleName = (attestation: Sha256): string => `attestations/${hexOf(attestation)}.sigstore.json`
export const proofName = (name: string): string => `log-proofs/${name}`
export const reproductionName = (original: Sha256, reproduction: Sha256): string =>
  `reproductions/${hexOf(original)}-${hexOf(reproduction)}`

function split(digest: Sha256 | DirHash): string {
  const hex = hexOf(digest)
  return `${hex.slice(0, 2)}/${hex.slice(2)}`
}

/** What is sent: bytes at hand, or an object of the store at `path`, whose bytes are held to `digest` as they are read. */
export type Outgoing = Readonly<{ name: string; digest: Sha256; sizeBytes: number }> &
  (Readonly<{ bytes: Uint8Array }> | Readonly<{ path: string }>)

export type Remote = Readonly<{
  /** As it may be shown: no credentials are in it. */
  address: string
  /** Size of each of these that is there. @throws ERR_REMOTE_UNSAFE for what is no plain file, ERR_REMOTE_FAILED */
  sizes(names: readonly string[]): Promise<ReadonlyMap<string, number>>
  /** Names of the plain files right in a folder; none where there is no such folder. LIMIT: 1,000,000. */
  list(folder: string): Promise<readonly string[]>
  /** Bytes from `start` to the end, as the remote gives them: whoever reads counts and compares. */
  read(name: string, start: number): AsyncIterable<Uint8Array>
  /**
   * Puts files in place: nobody sees half of one, and each was read back, or checked by the far end, before it has its
   * name. What another has put there meanwhile is replaced by the same.
   *
   * @param onSent called for each file that is in its place
   * @throws ERR_REMOTE_FAILED, ERR_REMOTE_CORRUPT, ERR_DISK_FULL, ERR_STORE_CORRUPT for an object of ours
   */
  put(files: readonly Outgoing[], onSent: (file: Outgoing) => void): Promise<void>
  /** Before the first `put`: refuses a place that holds something else, and sweeps what broken pushes left long ago. */
  prepare(): Promise<void>
  close(): Promise<void>
}>

/** LIMIT: names in one folder of a remote. */
export const maxListed = 1_000_000
/** From this size on a transfer that breaks off is taken up where it was. */
export const largeBytes = 8 * 1024 * 1024
/** What a broken push left behind is removed by a later one after a week. */
export const abandonedMs = 7 * 24 * 3600_000

export function remoteFault(
  code: Extract<ErrorCode, 'ERR_REMOTE_FAILED' | 'ERR_REMOTE_UNSAFE' | 'ERR_REMOTE_CORRUPT' | 'ERR_REMOTE_MISSING'>,
  message: string,
  cause?: unknown,
): DomainError {
  return new DomainError(code, message, cause === undefined ? {} : { cause })
}

/** Ours: an object of the store that is not what its name says. */
export function corruptObject(digest: Sha256): DomainError {
  return new DomainError('ERR_STORE_CORRUPT', `the object \`${digest}\` does not hold the bytes of its name`, {
    details: { digest },
  })
}

/** A place that holds files of somebody else is no remote yet, and is not made one. */
export function occupied(address: string): DomainError {
  return new DomainError('ERR_REMOTE_UNSAFE', `\`${address}\` holds other files, and nothing of assay`, {
    help: 'name a folder of its own, such as an empty or a new one',
  })
}

/** Work on each of many, at most so many at a time; the first fault ends it when what was begun has ended. */
export async function eachBounded<Item>(
  items: readonly Item[],
  most: number,
  work: (item: Item) => Promise<void>,
): Promise<void> {
  let next = 0
  let isBroken = false
  const run = async (): Promise<void> => {
    while (!isBroken && next < items.length) {
      const item = items[next] as Item // the index was just held to the length
      next += 1
      try {
        await work(item)
      } catch (error) {
        isBroken = true
        throw error
      }
    }
  }
  const ended = await Promise.allSettled(Array.from({ length: Math.min(most, items.length) }, run))
  for (const each of ended) if (each.status === 'rejected') throw each.reason
}
