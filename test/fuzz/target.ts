/** What is fuzzed: a reader of hostile bytes, honest inputs to start from, and what may never come of others. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { isDomainError } from '../../src/core/index.ts'

export type Target = Readonly<{
  name: string
  seeds: readonly Uint8Array[]
  /** Turns as often as this many others: what decides about trust is tried more. */
  weight?: number
  /** @throws what a reader may throw; `Forged` when it believes what nobody signed */
  read(bytes: Buffer): unknown
}>

/** Something else than what was signed was believed. */
export class Forged extends Error {
  override readonly name = 'Forged'
}

/** A coded refusal in one sentence: the only way in which a reader may say no. */
export function isRefusal(error: unknown): boolean {
  return isDomainError(error) && error.message.length < 5000
}

export const repository = join(import.meta.dirname, '../..')

export function fileAt(path: string): Buffer {
  return readFileSync(join(repository, path))
}

/** Files of a folder and of those below it. */
export function filesIn(path: string): readonly Buffer[] {
  return readdirSync(join(repository, path), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name)))
}
