/**
 * What was seen of a file, remembered by its bytes: of a hundred thousand files those that are new are looked at.
 *
 * What is seen follows from the bytes, and from who looks; both are in the key. THREAT: whoever could write here could
 * make a broken image a good one: the facts are under the user's seal (DECISION 0019), and a few are looked at again
 * every time. What did not decode is not remembered: it may have been the time that ran out.
 */
import { digestOfJson, type Sha256 } from '../../core/index.ts'
import type { LookedAt } from './look-at-files.fs.ts'

/** `grey`: base64 of its 32 x 32 levels; there for images that were searched for patterns. */
export type Look = LookedAt & Readonly<{ grey?: string }>

/** Texts under a seal, by their key. */
export type SealedFacts = Readonly<{
  fact(key: string): string | undefined
  recordFact(key: string, value: string): void
}>

export type LookMemory = Readonly<{
  /** What is remembered of a file. @param wants whether greys are of use */
  recall(wants: Readonly<{ greys: boolean }>): (digest: Sha256) => Look | undefined
  record(found: ReadonlyMap<Sha256, Look>): void
  forget(): void
}>

/** Files are kept together by the first two digits of their digest. */
const prefix = 'sha256:'.length
const bucketOf = (digest: Sha256): string => digest.slice(prefix, prefix + 2)
/** LIMIT: so many files a bucket, a million in all; then it is begun anew. */
const maxFiles = 4096

type Bucket = Readonly<Record<Sha256, Look>>

/** @param looker who looks, with what limits: another one remembers nothing of this one */
export function openLookMemory(facts: SealedFacts, looker: string): LookMemory {
  const lookers = digestOfJson({ looker })
  const place = (kind: 'looks' | 'greys', bucket: string): string => `${kind} of ${lookers} in ${bucket}`
  const load = (kind: 'looks' | 'greys', bucket: string): Bucket =>
    JSON.parse(facts.fact(place(kind, bucket)) ?? '{}') as Bucket // under our seal
  return {
    recall: ({ greys }) => {
      const open = new Map<string, Readonly<{ looks: Bucket; pictures: Bucket }>>()
      return (digest) => {
        const bucket = bucketOf(digest)
        let known = open.get(bucket)
        if (known === undefined) {
          known = { looks: load('looks', bucket), pictures: greys ? load('greys', bucket) : {} }
          open.set(bucket, known)
        }
        const [look, picture] = [known.looks[digest], known.pictures[digest]]
        return look === undefined || picture === undefined ? look : { ...look, ...picture }
      }
    },
    record: (found) => {
      for (const [bucket, entries] of Map.groupBy(found, ([digest]) => bucketOf(digest))) {
        const looks = entries.map(([digest, { grey: _, ...look }]) => [digest, look] as const)
        const greys = entries.flatMap(([digest, { grey }]) => (grey === undefined ? [] : [[digest, { grey }] as const]))
        facts.recordFact(place('looks', bucket), JSON.stringify(added(load('looks', bucket), looks)))
        if (greys.length > 0)
          facts.recordFact(place('greys', bucket), JSON.stringify(added(load('greys', bucket), greys)))
      }
    },
    forget: () => {
      for (let at = 0; at < 256; at += 1) {
        const bucket = at.toString(16).padStart(2, '0')
        for (const kind of ['looks', 'greys'] as const) facts.recordFact(place(kind, bucket), '{}')
      }
    },
  }
}

function added(
  known: Bucket,
  entries: readonly (readonly [Sha256, Partial<Look>])[],
): Readonly<Record<string, unknown>> {
  const isFull = Object.keys(known).length + entries.length > maxFiles
  return { ...(isFull ? {} : known), ...Object.fromEntries(entries) }
}

/** The memory, to which what was found is told at the end: files that changed while they were looked at tell nothing. */
export function deferred(looks: LookMemory): LookMemory & Readonly<{ settle(): void }> {
  const found = new Map<Sha256, Look>()
  return {
    ...looks,
    record: (more) => {
      for (const [digest, look] of more) found.set(digest, look)
    },
    settle: () => looks.record(found),
  }
}
