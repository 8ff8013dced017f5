/**
 * Files by their content: which of a folder somebody has judged, and what those that nobody judged are called. Pure.
 *
 * A file is hashed as a row of two columns: `digest`, of its bytes, and `label`, the class that it is of. THREAT: an image
 * that was found good as a cat is asked about anew when it is called a dog. Format: docs/formats/data-decisions.md.
 */
import { createHash, createHmac } from 'node:crypto'
import type { JudgedRows, RowColumn, RowVerdict } from '../validate/judged-rows.ts'
import type { LeftBehind } from '../validate/reviewed-columns.ts'

/** LIMIT: so many characters of a label count. */
export const maxLabel = 1000

export type HashedFile = Readonly<{ inner: string; digest: string; label: string | null }>

/** What a review of files states for columns: no table has one of this type. */
export const fileColumns: readonly RowColumn[] = ['digest', 'label'].map((name) => ({ name, type: 'file' }))

/** @param key of the HMAC, 64 hex digits; plain SHA-256 when left out @returns 64 hex digits */
export function fileHash({ digest, label }: Omit<HashedFile, 'inner'>, key?: string): string {
  return hashOf(['digest', digest, 'label', label], key)
}

/** Of a file's bytes, whatever class it is of. */
export function contentHash(digest: string, key?: string): string {
  return hashOf(['digest', digest], key)
}

function hashOf(row: readonly (string | null)[], key: string | undefined): string {
  const hash = key === undefined ? createHash('sha256') : createHmac('sha256', Buffer.from(key, 'hex'))
  return hash.update(JSON.stringify(row)).digest('hex')
}

type Word = JudgedRows['rows'][number] & Readonly<{ order: number }>

/** By hash the newest word on it, of all reviews under one key: each file is hashed once for them. */
function newestWords(judged: readonly JudgedRows[]): readonly (readonly [string | undefined, Map<string, Word>])[] {
  const reviews = judged.map(({ key, rows }, order) => ({ key, words: rows.map((row) => ({ ...row, order })) }))
  return [...Map.groupBy(reviews, ({ key }) => key)].map(([key, same]) => [
    key,
    new Map(same.flatMap(({ words }) => words.map((word) => [word.hash, word]))),
  ])
}

/** @param judged oldest first: the newest word on a file counts @returns by path in the dataset */
export function judgedFiles(
  judged: readonly JudgedRows[],
  files: readonly HashedFile[],
): ReadonlyMap<string, RowVerdict> {
  const found = new Map<string, Word>()
  for (const [key, words] of newestWords(judged)) {
    for (const file of files) {
      const word = words.get(fileHash(file, key))
      if (word !== undefined && word.order >= (found.get(file.inner)?.order ?? 0)) found.set(file.inner, word)
    }
  }
  return new Map([...found].map(([inner, { verdict }]) => [inner, verdict]))
}

/**
 * Files that nobody judged as what they are called now, and whose bytes were judged bad under another class. THREAT: who
 * takes away what says the classes, or names another table of them, makes other rows of all files.
 *
 * @param words `judgedFiles` of the same
 */
export function badElsewhere(
  judged: readonly JudgedRows[],
  files: readonly HashedFile[],
  words: ReadonlyMap<string, RowVerdict>,
): readonly string[] {
  const others = files.filter(({ inner }) => !words.has(inner))
  const found = newestWords(judged).flatMap(([key, known]) => {
    const bad = new Set(
      [...known.values()].flatMap(({ verdict, content }) => (verdict === 'bad' ? (content ?? []) : [])),
    )
    return bad.size === 0 ? [] : others.filter(({ digest }) => bad.has(contentHash(digest, key)))
  })
  return [...new Set(found.map(({ inner }) => inner))]
}

/** LIMIT: of a review that states no columns and holds no bad file it is not known. */
function isOfFiles({ columns, rows }: JudgedRows): boolean {
  if (columns === undefined) return rows.some(({ content }) => content !== undefined)
  return columns.length > 0 && columns.every(({ type }) => type === 'file')
}

/** Reviews of a table that was there, or of who knows what, as long as nobody judged its files. */
export function leftOfTable(judged: readonly JudgedRows[], files: readonly HashedFile[]): readonly LeftBehind[] {
  const known = new Map<string | undefined, ReadonlySet<string>>()
  const hashesUnder = (key: string | undefined): ReadonlySet<string> => {
    const hashes = known.get(key) ?? new Set(files.map((file) => fileHash(file, key)))
    known.set(key, hashes)
    return hashes
  }
  return judged.flatMap((review, index) => {
    const { columns, rows, key } = review
    if (isOfFiles(review) || judged.slice(index + 1).some(isOfFiles)) return []
    const found = columns === undefined ? hashesUnder(key) : new Set()
    // Of who knows what, a file that was excluded is not missed: it was taken out, as was asked.
    const isMissed = (verdict: string): boolean => columns !== undefined || verdict !== 'excluded'
    const words = rows.flatMap(({ hash, verdict }) => (found.has(hash) || !isMissed(verdict) ? [] : [verdict]))
    const because = columns === undefined ? 'the review does not say whether it is of files' : 'it was a table'
    return words.length === 0 ? [] : [{ words, because }]
  })
}
