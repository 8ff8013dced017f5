/** What was seen of files of this project's data, in the cache beside it, under the user's seal (DECISION 0038). */
import { imageDecoder, type LookMemory, maxPixels, openLookMemory } from '../data/index.ts'
import type { Project } from './project.ts'

/** By whoever would look now; nothing is recalled under `--rehash`. */
export function looksOf({ statCache, hints, version }: Pick<Project, 'statCache' | 'hints' | 'version'>): LookMemory {
  const facts = { fact: (key: string) => statCache?.fact(key), recordFact: hints.recordFact }
  return openLookMemory(
    facts,
    `assay ${version}, ${imageDecoder()}, ${maxPixels} pixels, bombs and lies behind whatever, pixels as trainers read them`,
  )
}
