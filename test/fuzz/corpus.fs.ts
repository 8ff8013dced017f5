/** Inputs that reach what no honest one does: a folder a target, a file an input, called after its digest. */
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { repository } from './target.ts'

export const corpusFolder = join(repository, 'test/fuzz/corpus')

function folderOf(target: string): string {
  return join(corpusFolder, target.replace(/[^A-Za-z0-9.]+/g, '-').replace(/^-|-$/g, ''))
}

export function loadCorpus(target: string): readonly Buffer[] {
  const folder = folderOf(target)
  if (!existsSync(folder)) return []
  return readdirSync(folder)
    .toSorted()
    .map((name) => readFileSync(join(folder, name)))
}

/** In the place of what was there. */
export function saveCorpus(target: string, inputs: readonly Buffer[]): void {
  const folder = folderOf(target)
  rmSync(folder, { recursive: true, force: true })
  if (inputs.length > 0) mkdirSync(folder, { recursive: true })
  for (const bytes of inputs) {
    const name = createHash('sha256').update(bytes).digest('hex').slice(0, 16)
    writeFileSync(join(folder, name), bytes)
  }
}
