/**
 * RECORD: the wheel's own list of its files with their digests.
 *
 * SOURCE: "Recording installed projects" and PEP 427: CSV of path, `algorithm=urlsafe-base64-without-padding`, size; the
 * list itself and its signatures stand without. Stricter: every member is listed, and nothing else is.
 */
import { createHash } from 'node:crypto'

export type RecordEntry = Readonly<{ algorithm: 'sha256' | 'sha384' | 'sha512'; hash: string; sizeBytes?: number }>

const linePattern = /^(?:"((?:[^"]|"")*)"|([^",]*)),(?:"([^",]*)"|([^",]*)),(?:"(\d*)"|(\d*))$/
const hashPattern = /^(sha256|sha384|sha512)=([A-Za-z0-9_-]+)={0,2}$/

/**
 * @param folder the `.dist-info` folder
 * @returns path -> what it must hash to, or the reason why the list is refused
 */
export function parseRecord(bytes: Uint8Array, folder: string): ReadonlyMap<string, RecordEntry> | string {
  const unlisted = new Set(['RECORD', 'RECORD.jws', 'RECORD.p7s'].map((name) => `${folder}/${name}`))
  const entries = new Map<string, RecordEntry>()
  for (const line of Buffer.from(bytes).toString('utf8').split(/\r?\n/)) {
    if (line === '') continue
    const match = linePattern.exec(line)
    if (match === null) return `has a RECORD line that is not understood: \`${line.slice(0, 100)}\``
    const path = match[1]?.replaceAll('""', '"') ?? match[2] ?? ''
    if (unlisted.has(path)) continue
    if (entries.has(path)) return `lists \`${path}\` twice in its RECORD`
    const [, algorithm, hash] = hashPattern.exec(match[3] ?? match[4] ?? '') ?? []
    if (algorithm === undefined || hash === undefined) return `has no SHA-2 hash of \`${path}\` in its RECORD`
    const size = match[5] ?? match[6] ?? ''
    entries.set(path, {
      algorithm: algorithm as RecordEntry['algorithm'], // the pattern knows no other
      hash,
      ...(size === '' ? {} : { sizeBytes: Number(size) }),
    })
  }
  return entries
}

/** Why the members and the list are not the same set of files, or undefined. */
export function recordFault(
  entries: ReadonlyMap<string, RecordEntry>,
  members: readonly Readonly<{ path: string; sizeBytes: number }>[],
  folder: string,
): string | undefined {
  const unlisted = new Set(['RECORD', 'RECORD.jws', 'RECORD.p7s'].map((name) => `${folder}/${name}`))
  const present = new Set<string>()
  for (const { path, sizeBytes } of members) {
    present.add(path)
    const entry = entries.get(path)
    if (entry === undefined && !unlisted.has(path)) return `has a file that its RECORD does not list: \`${path}\``
    if (entry?.sizeBytes !== undefined && entry.sizeBytes !== sizeBytes) {
      return `has a file of another size than its RECORD says: \`${path}\``
    }
  }
  const missing = [...entries.keys()].find((path) => !present.has(path))
  return missing === undefined ? undefined : `lacks a file that its RECORD lists: \`${missing}\``
}

/** Takes the bytes of one member; `matches` says whether they are what the list says. */
export function recordHasher(entry: RecordEntry): Readonly<{ update(bytes: Uint8Array): void; matches(): boolean }> {
  const hasher = createHash(entry.algorithm)
  return {
    update: (bytes) => {
      hasher.update(bytes)
    },
    matches: () => hasher.digest('base64url') === entry.hash,
  }
}
