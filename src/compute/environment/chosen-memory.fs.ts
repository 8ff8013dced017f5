/** Which files were taken for a lock: a hint, so that an unchanged one needs no network. Whoever reads it checks it. */
import { randomUUID } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import type { Sha256 } from '../../core/index.ts'

const memoryShape = z.array(
  z.strictObject({ fileName: z.string().max(300), digest: z.string().max(100), source: z.string().max(4000) }),
)

/** `source` is an address without credentials, or empty. */
export type Chosen = z.infer<typeof memoryShape>[number]

/** @param cacheFolder absolute */
export function readChosen(cacheFolder: string, key: Sha256): readonly Chosen[] | undefined {
  const path = pathOf(cacheFolder, key)
  if (!existsSync(path)) return undefined
  try {
    return memoryShape.parse(JSON.parse(readFileSync(path, 'utf8')))
  } catch {
    return undefined // INVARIANT: a broken memory is the same as none: the indexes are asked.
  }
}

export function writeChosen(cacheFolder: string, key: Sha256, chosen: readonly Chosen[]): void {
  const path = pathOf(cacheFolder, key)
  mkdirSync(join(path, '..'), { recursive: true })
  const temporary = `${path}.tmp-${process.pid}-${randomUUID()}`
  writeFileSync(temporary, `${JSON.stringify(chosen)}\n`)
  renameSync(temporary, path)
}

function pathOf(cacheFolder: string, key: Sha256): string {
  return join(cacheFolder, 'chosen', `${key.slice('sha256:'.length)}.json`)
}
