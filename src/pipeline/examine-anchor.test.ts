import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Baseline, DataCheck } from '../data/index.ts'
import { missingGolden as check } from './closed-checks.ts'
import { hasSomethingToCompare } from './examine-anchor.ts'

test('an anchor with which no later version can be compared is told from one that has a column, or images of classes', () => {
  const of = (columns: readonly unknown[] | null, names: readonly string[]): boolean => {
    const profile = columns === null ? null : { version: 1, rows: 1, label: null, columns }
    // as: all that is asked of a baseline
    const baseline = { profile } as unknown as Baseline
    const checks = names.map((name): DataCheck => ({ ...check, name }))
    return hasSomethingToCompare(baseline, checks)
  }
  assert.deepEqual([of([], []), of(null, ['files/types'])], [false, false])
  // the last is a secret table, whose rows are compared
  assert.deepEqual([of([{}], []), of(null, ['files/types', 'poison/anchor']), of(null, [])], [true, true, true])
})
