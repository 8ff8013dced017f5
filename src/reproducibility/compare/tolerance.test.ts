import assert from 'node:assert/strict'
import test from 'node:test'
import type { Tolerance } from './compared.ts'
import { comparer } from './testing.ts'
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

/** Two tensors of one float64 each, `v` and `w`. */
function model(v: number, w: number): Buffer {
  const [dtype, shape] = ['F64', [1]]
  const header = { v: { dtype, shape, data_offsets: [0, 8] }, w: { dtype, shape, data_offsets: [8, 16] } }
  const text = Buffer.from(JSON.stringify(header))
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(BigInt(text.length))
  const data = Buffer.alloc(16)
  data.writeDoubleLE(v, 0)
  data.writeDoubleLE(w, 8)
  return Buffer.concat([length, text, data])
}

test('of a model the tensor that a tolerance names may differ, and no other', async (context) => {
  const compare = comparer(context)
  const verdict = async (right: Buffer, named: object): Promise<string> =>
    (await compare(model(1, 2), right, 'm.safetensors', [{ path: '*.safetensors', abs: 0.125, because, ...named }]))
      .verdict
  const other = model(1, 2.125)
  assert.equal(await verdict(other, { tensor: 'w' }), 'within-tolerance')
  assert.equal(await verdict(other, { tensor: 'v' }), 'diverged')
  assert.equal(await verdict(other, { metric: 'w' }), 'diverged', 'a metric is no tensor')
  assert.equal(await verdict(model(1, 2.25), { tensor: 'w' }), 'diverged', 'beyond it')
  assert.equal(await verdict(model(1.125, 2.125), { tensor: 'w' }), 'diverged', 'the other one differs too')
})
