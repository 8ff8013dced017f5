/**
 * What was seen of a file, remembered by its bytes: of a hundred thousand files those that are new are looked at.
 *
 * What is seen follows from the bytes, and from who looks; both are in the key. THREAT: whoever could write here could
 * make a broken image a good one: the facts are under the user's seal (DECISION 0019), and a few are looked at again
 * every time. What did not decode is not remembered: it may have been the time that ran out.
 */
import { randomUUID } from 'node:crypto'
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
  /**
   * What is remembered of a file. @param wants.greys whether they are of use @param wants.scope a dataset: asked in the
   * order in which it was arranged, its files are found one behind the other
   */
  recall(wants: Readonly<{ greys: boolean; scope: string }>): (digest: Sha256) => Look | undefined
  record(found: ReadonlyMap<Sha256, Look>): void
  /** Keeps what is known of a whole dataset in the order of its files; beside `record`, only to be faster. */
  arrange(scope: string, files: Arranged): void
  forget(): void
}>
/** Side by side; what has no digest is left out, and what did not decode. */
export type Arranged = Readonly<{
  files: readonly (Readonly<{ digest: Sha256 }> | undefined)[]
  looks: readonly (Look | undefined)[]
}>

/** Files are kept together by the first two digits of their digest. */
const prefix = 'sha256:'.length
const bucketOf = (digest: Sha256): string => digest.slice(prefix, prefix + 2)
/** LIMIT: so many files a bucket, a million in all; then it is begun anew. */
const maxFiles = 4096
/** LIMIT: a larger dataset is not arranged. */
const maxArranged = 500_000
/** Where so few are missed, writing the rest anew costs more than looking them up. */
const fewMissed = 32

type Bucket = Readonly<Record<Sha256, Look>>

/** @param looker who looks, with what limits: another one remembers nothing of this one */
export function openLookMemory(facts: SealedFacts, looker: string): LookMemory {
  const lookers = digestOfJson({ looker })
  const place = (kind: 'looks' | 'greys', bucket: string): string => `${kind} of ${lookers} in ${bucket}`
  const load = (kind: 'looks' | 'greys', bucket: string): Bucket =>
    JSON.parse(facts.fact(place(kind, bucket)) ?? '{}') as Bucket // under our seal
  const arrangement = (scope: string): string => `looks of ${lookers} arranged for ${scope}`
  // THREAT: forgetting has to reach arrangements of every dataset: each names the era that it was made in
  const eraPlace = `era of ${lookers}`
  const era = (): string => facts.fact(eraPlace) ?? ''
  const byDigest = (greys: boolean): ((digest: Sha256) => Look | undefined) => {
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
  }
  /** Files of a dataset that were not where its arrangement has them. */
  const missed = new Map<string, number>()
  return {
    recall: ({ greys, scope }) => {
      const others = byDigest(greys)
      const arranged = recallArranged(facts.fact(arrangement(scope)) ?? '', era())
      missed.set(scope, 0)
      return (digest) => {
        const look = arranged(digest)
        if (look === undefined) missed.set(scope, (missed.get(scope) ?? 0) + 1)
        return look === undefined || (greys && look.look !== undefined) ? others(digest) : look
      }
    },
    arrange: (scope, files) => {
      const isInOrder = (missed.get(scope) ?? Number.POSITIVE_INFINITY) <= fewMissed
      if (isInOrder || files.files.length > maxArranged) return
      facts.recordFact(arrangement(scope), printArranged(files, era()))
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
      facts.recordFact(eraPlace, randomUUID())
      for (let at = 0; at < 256; at += 1) {
        const bucket = at.toString(16).padStart(2, '0')
        for (const kind of ['looks', 'greys'] as const) facts.recordFact(place(kind, bucket), '{}')
      }
    },
  }
}

/** A line each: digest, and what is known as JSON; the era stands in the first. */
function printArranged({ files, looks }: Arranged, era: string): string {
  const texts = new Map<Look, string>()
  let text = `${era}\n`
  for (const [place, look] of looks.entries()) {
    const digest = files[place]?.digest
    if (digest === undefined || look === undefined || look.fault !== undefined) continue
    let json = texts.get(look)
    if (json === undefined) {
      const { grey: _, ...rest } = look
      json = JSON.stringify(rest)
      texts.set(look, json)
    }
    text += `${digest}${json}\n`
  }
  return text
}

/** Lines that are passed over: of files that are gone, or others by now. */
const passedOver = 8

/** Files that look the same share what is known of them. */
function recallArranged(text: string, era: string): (digest: Sha256) => Look | undefined {
  if (!text.startsWith(`${era}\n`)) return () => undefined
  const looks = new Map<string, Look>()
  let at = era.length + 1
  let last: Readonly<{ line: string; look: Look }> | undefined
  return (digest) => {
    let start = at
    for (let passed = 0; !text.startsWith(digest, start); passed += 1) {
      const end = text.indexOf('\n', start)
      if (end < 0 || passed === passedOver) return undefined
      start = end + 1
    }
    start += digest.length
    if (last === undefined || !text.startsWith(last.line, start)) {
      const line = text.slice(start, text.indexOf('\n', start) + 1)
      const look = looks.get(line) ?? (JSON.parse(line) as Look) // under our seal
      looks.set(line, look)
      last = { line, look }
    }
    at = start + last.line.length
    return last.look
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
  const datasets = new Map<string, Arranged>()
  return {
    ...looks,
    record: (more) => {
      for (const [digest, look] of more) found.set(digest, look)
    },
    arrange: (scope, files) => {
      datasets.set(scope, files)
    },
    settle: () => {
      looks.record(found)
      for (const [scope, files] of datasets) looks.arrange(scope, files)
    },
  }
}
