/**
 * Files by their content: which of a folder somebody has judged, and what those that nobody judged are called. Pure.
 *
 * A file is hashed as a row of two columns: `digest`, of its bytes, and `label`, the class that it is of. THREAT: an image
 * that was found good as a cat is asked about anew when it is called a dog. Format: docs/formats/data-decisions.md.
 */
import { createHash, createHmac } from 'node:crypto'
import type { JudgedRows, RowVerdict } from '../validate/request.ts'

/** LIMIT: so many characters of a label count. */
export const maxLabel = 1000

export type HashedFile = Readonly<{ inner: string; digest: string; label: string | null }>

/** @param key of the HMAC, 64 hex digits; plain SHA-256 when left out @returns 64 hex digits */
export function fileHash({ digest, label }: Omit<HashedFile, 'inner'>, key?: string): string {
  const row = JSON.stringify(['digest', digest, 'label', label])
  const hash = key === undefined ? createHash('sha256') : createHmac('sha256', Buffer.from(key, 'hex'))
  return hash.update(row).digest('hex')
}

/** @param judged oldest first: the newest word on a file counts @returns by path in the dataset */
export function judgedFiles(
  judged: readonly JudgedRows[],
  files: readonly HashedFile[],
): ReadonlyMap<string, RowVerdict> {
  const found = new Map<string, RowVerdict>()
  for (const { key, rows } of judged) {
    const words = new Map(rows.map(({ hash, verdict }) => [hash, verdict]))
    for (const file of files) {
      const verdict = words.get(fileHash(file, key))
      if (verdict !== undefined) found.set(file.inner, verdict)
    }
  }
  return found
}
