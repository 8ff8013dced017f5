/**
 * The project's evidence: `.assay/attestations/<sha256>.sigstore.json`, one bundle a file, and the committed approvals
 * in `attestations/`.
 *
 * Nothing here is believed: files are found by name and by an index that can be thrown away, and verified by whoever
 * reads them. The index (`.assay/index/{key,subject}/<digest>/<attestation>`, `.assay/index/folder/<digest>/<list>`) holds empty files, so that concurrent
 * writers cannot lose each other's entries.
 */
import {
  closeSync,
  existsSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { type Digest, type DirHash, hexOf, isSha256, type Sha256, sha256Of } from '../core/index.ts'
import { ioFault } from '../data/index.ts'

/** `isTaken`: a commit took it away, and it speaks against data. */
export type StoredApproval = Readonly<{ name: string; bytes: Uint8Array; isTaken?: true }>

export type EvidenceStore = Readonly<{
  save(bytes: Uint8Array, index: Readonly<{ key: Sha256; subjects: readonly Digest[] }>): Sha256
  /** The bundle's bytes when they hash to their name, else undefined. */
  bundle(attestation: Sha256): Uint8Array | undefined
  /** Newest first. */
  byKey(key: Sha256): readonly Sha256[]
  bySubject(subject: Digest): readonly Sha256[]
  /** Where the list of a folder's files is, so that its objects can be found again: a hint, as the rest of the index. */
  saveFolder(folder: DirHash, list: Sha256): void
  folderList(folder: DirHash): Sha256 | undefined
  saveApproval(name: string, bytes: Uint8Array): string
  approvals(): readonly StoredApproval[]
  attestations(): readonly Sha256[]
}>

/** LIMIT: a bundle is at most 16 MiB. */
const maxBundleBytes = 16 * 1024 * 1024

/** @param root absolute folder of the project */
export function openEvidence(root: string): EvidenceStore {
  const folder = join(root, '.assay', 'attestations')
  const index = join(root, '.assay', 'index')
  const committed = join(root, 'attestations')

  const bundle = (attestation: Sha256): Uint8Array | undefined => {
    const bytes = readBounded(join(folder, `${hexOf(attestation)}.sigstore.json`))
    return bytes !== undefined && sha256Of(bytes) === attestation ? bytes : undefined
  }
  const indexed = (kind: 'key' | 'subject' | 'folder', name: string): readonly Sha256[] => {
    const place = join(index, kind, name.replace(':', '-'))
    const found = namesIn(place).flatMap((hex) => {
      const digest = `sha256:${hex}`
      const at = lstatSync(join(place, hex), { throwIfNoEntry: false })?.mtimeMs ?? 0
      return isSha256(digest) ? [{ digest, at }] : []
    })
    return found.toSorted((left, right) => right.at - left.at).map(({ digest }) => digest)
  }
  return {
    save: (bytes, { key, subjects }) => {
      const attestation = sha256Of(bytes)
      writeDurably(join(folder, `${hexOf(attestation)}.sigstore.json`), bytes, join(root, '.assay', 'tmp'))
      for (const place of [`key/${key}`, ...subjects.map((subject) => `subject/${subject}`)]) {
        mark(join(index, place.replace(':', '-')), hexOf(attestation))
      }
      return attestation
    },
    bundle,
    byKey: (key) => indexed('key', key),
    bySubject: (subject) => indexed('subject', subject),
    saveFolder: (digest, list) => mark(join(index, `folder/${digest}`.replace(':', '-')), hexOf(list)),
    folderList: (digest) => indexed('folder', digest)[0],
    saveApproval: (name, bytes) => {
      const file = join(committed, `${name}.sigstore.json`)
      writeDurably(file, bytes)
      return file
    },
    approvals: () =>
      namesIn(committed)
        .filter((name) => name.endsWith('.sigstore.json'))
        .toSorted()
        .map((name) => ({
          name: `attestations/${name}`,
          bytes: readBounded(join(committed, name)) ?? new Uint8Array(),
        })),
    attestations: () =>
      namesIn(folder).flatMap((name) => {
        const digest = `sha256:${name.replace(/\.sigstore\.json$/, '')}`
        return isSha256(digest) ? [digest] : []
      }),
  }
}

/** An empty file; one that a crash loses costs a look-up, nothing else. @throws ERR_IO, ERR_DISK_FULL */
function mark(folder: string, name: string): void {
  try {
    mkdirSync(folder, { recursive: true })
    closeSync(openSync(join(folder, name), 'a', 0o644))
  } catch (error) {
    throw ioFault(error, join(folder, name))
  }
}

/**
 * Writes aside, fsyncs, renames, fsyncs the folder: a reader sees the old bytes or the new ones.
 *
 * @param aside folder of the same file system, swept by whoever owns it; the file's own when left out
 * @throws ERR_IO, ERR_DISK_FULL
 */
export function writeDurably(file: string, bytes: Uint8Array, aside = dirname(file)): void {
  const temporary = join(aside, `${basename(file)}.${process.pid}.${Math.random().toString(36).slice(2)}.tmp`)
  try {
    mkdirSync(dirname(file), { recursive: true })
    mkdirSync(aside, { recursive: true })
    const fd = openSync(temporary, 'wx', 0o644)
    try {
      for (let written = 0; written < bytes.length; ) written += writeSync(fd, bytes, written)
      fsyncSync(fd)
    } finally {
      closeSync(fd)
    }
    renameSync(temporary, file)
    const parent = openSync(dirname(file), 'r')
    try {
      fsyncSync(parent)
    } finally {
      closeSync(parent)
    }
  } catch (error) {
    rmSync(temporary, { force: true })
    throw ioFault(error, file)
  }
}

function readBounded(file: string): Uint8Array | undefined {
  if (!existsSync(file)) return undefined
  const status = statSync(file)
  if (!status.isFile() || status.size > maxBundleBytes) return undefined
  return readFileSync(file)
}

function namesIn(folder: string): readonly string[] {
  return statSync(folder, { throwIfNoEntry: false })?.isDirectory() === true ? readdirSync(folder) : []
}
