import assert from 'node:assert/strict'
import test from 'node:test'
import type { Tolerance } from './compared.ts'
import { boundOf, boundsFor, exact } from './tolerance.ts'

const because = 'b'

test('a tolerance that names a tensor, a metric or a column is about that alone', () => {
  const all: readonly Tolerance[] = [
    { path: 'm/*', metric: 'auc', abs: 1, because },
    { path: 'm/*', column: 'p', rel: 0.5, because },
    { path: 'm/*', tensor: 'layer.*', ulp: 4, because },
  ]
  assert.deepEqual(boundsFor(all, 'm/t.csv', 'column'), [{ column: 'p', abs: 0, rel: 0.5, ulp: 0 }])
  assert.deepEqual(boundsFor(all, 'm/i.png', 'pixels'), [])
  assert.deepEqual(boundsFor([...all, { path: '**', abs: 2, because }], 'm/i.png', 'pixels'), [
    { abs: 2, rel: 0, ulp: 0 },
  ])
  assert.deepEqual(boundOf(all, 'm/x', 'metric', 'auc'), { ...exact, abs: 1 })
  assert.deepEqual(boundOf(all, 'm/x', 'tensor', 'auc'), exact)
  assert.deepEqual(boundOf(all, 'm/x', 'tensor', 'layer.0'), { ...exact, ulp: 4 })
  assert.deepEqual(boundOf(all, 'n/x', 'metric', 'auc'), exact, 'another folder')
})

test('the widest of each bound counts, and one that is no number allows nothing', () => {
  const all = [1, 3, 2, Number.POSITIVE_INFINITY, Number.NaN, -1].map((abs) => ({ path: 'a', abs, because }))
  assert.deepEqual(boundOf(all, 'a', 'metric', 'x'), { ...exact, abs: 3 })
})
