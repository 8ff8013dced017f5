/** Files to compare, written where a test may. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { defaultLimits, type ValidatorOptions } from '../../data/index.ts'
import { compareFiles } from './compare-files.fs.ts'
import type { Compared, Measure, Tolerance } from './compared.ts'

export type Bytes = string | Uint8Array

/** Compares two contents that are called `path`. */
export type Compare = (left: Bytes, right: Bytes, path: string, tolerances?: readonly Tolerance[]) => Promise<Compared>

export function comparer(context: TestContext): Compare {
  const folder = mkdtempSync(join(tmpdir(), 'assay-compare-'))
  context.after(() => rmSync(folder, { recursive: true, force: true }))
  const [left, right] = [join(folder, 'left'), join(folder, 'right')]
  return async (one, other, path, tolerances = []) => {
    writeFileSync(left, one)
    writeFileSync(right, other)
    const validator = noSandbox(join(folder, 'scratch'))
    const found = await compareFiles(left, right, { path, tolerances, validator, signal: AbortSignal.any([]) })
    assert.equal(found.path, path)
    return found
  }
}

/** For what needs no sandbox. */
function noSandbox(scratchRoot: string): ValidatorOptions {
  const runBox = (): Promise<never> => Promise.reject(new Error('this test needs no sandbox'))
  return { runBox, scratchRoot, ...defaultLimits }
}

/** What a measure says, without the histogram and what is zero. */
export function shortly(measure: Measure): Partial<Measure> {
  const { histogram: _, ...rest } = measure
  return Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== 0 && value !== null))
}
