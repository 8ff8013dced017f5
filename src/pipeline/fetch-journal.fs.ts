/**
 * Which objects of a folder have arrived already, so that a fetch that was killed does not begin anew.
 *
 * A hint: an entry counts only while the list still says the same of the object and the store holds its bytes.
 */
import { appendFileSync, existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { isSha256, type Sha256 } from '../core/index.ts'
import { ioFault } from '../data/index.ts'

export type Arrived = Readonly<{ path: string; etag: string; sizeBytes: number; digest: Sha256 }>

export type FetchJournal = Readonly<{
  find(object: Omit<Arrived, 'digest'>, isHere: (digest: Sha256) => boolean): Sha256 | undefined
  add(arrived: readonly Arrived[]): void
}>

const lineShape = z.strictObject({ path: z.string(), etag: z.string(), sizeBytes: z.int(), digest: z.string() })

export function openJournal(folder: string): FetchJournal {
  const file = join(folder, 'journal.jsonl')
  const known = new Map(existsSync(file) ? readLines(readFileSync(file, 'utf8')).map((one) => [one.path, one]) : [])
  return {
    find: ({ path, etag, sizeBytes }, isHere) => {
      const found = known.get(path)
      const isSame = found !== undefined && etag !== '' && found.etag === etag && found.sizeBytes === sizeBytes
      return isSame && isHere(found.digest) ? found.digest : undefined
    },
    add: (arrived) => {
      try {
        appendFileSync(file, arrived.map((one) => `${JSON.stringify(one)}\n`).join(''))
      } catch (error) {
        throw ioFault(error, file)
      }
    },
  }
}

/** INVARIANT: a line that a crash cut off, or that says something else, only costs a download. */
function readLines(text: string): readonly Arrived[] {
  return text.split('\n').flatMap((line) => {
    try {
      const parsed = lineShape.safeParse(JSON.parse(line))
      const digest = parsed.data?.digest
      return parsed.success && digest !== undefined && isSha256(digest) ? [{ ...parsed.data, digest }] : []
    } catch {
      return []
    }
  })
}
