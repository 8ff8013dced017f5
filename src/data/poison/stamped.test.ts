import assert from 'node:assert/strict'
import { test } from 'node:test'
import { surpriseOf } from './association.ts'
import { pooled } from './stamped.ts'

test('a class that all who were asked vote for is expected of thousands; one that none votes for is news of ten', () => {
  const zOf = (votes: number, rows: number): number => {
    const { share, variance } = pooled(Array<number>(40).fill(votes), rows, 0.5)
    return surpriseOf({ rows, hits: rows }, share, { value: 0, variance }).z
  }
  for (const rows of [100, 4000, 20_000]) assert.ok(zOf(1, rows) < 4, `${rows}: ${zOf(1, rows)}`)
  assert.ok(zOf(0, 10) > 6, 'the attacked twin')
})
