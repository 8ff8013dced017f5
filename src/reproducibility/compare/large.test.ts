import assert from 'node:assert/strict'
import { closeSync, ftruncateSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import { defaultLimits } from '../../data/index.ts'
import { compareFiles } from './compare-files.fs.ts'
import type { Compared } from './compared.ts'
import { shortly } from './testing.ts'

const elements = 12_000_000
const tensorBytes = 8 * elements

/** A model of one tensor of float64, all zeros but for these: more than one thread takes up. */
function makeModel(path: string, values: Readonly<Record<number, number>>): void {
  const header = Buffer.from(JSON.stringify({ w: { dtype: 'F64', shape: [elements], data_offsets: [0, tensorBytes] } }))
  const start = Buffer.alloc(8)
  start.writeBigUInt64LE(BigInt(header.length))
  const fd = openSync(path, 'w')
  writeSync(fd, Buffer.concat([start, header]))
  ftruncateSync(fd, 8 + header.length + tensorBytes)
  for (const [at, value] of Object.entries(values))
    writeSync(fd, Buffer.from(Float64Array.of(value).buffer), 0, 8, 8 + header.length + 8 * Number(at))
  closeSync(fd)
}

function models(context: TestContext): (signal: AbortSignal) => Promise<Compared> {
  const folder = mkdtempSync(join(tmpdir(), 'assay-large-'))
  context.after(() => rmSync(folder, { recursive: true, force: true }))
  const [left, right] = [join(folder, 'left'), join(folder, 'right')]
  makeModel(left, { 0: 1, 11999999: 3, 9000000: Number.NaN })
  makeModel(right, { 0: 1.5, 5000000: 0.25, 11999999: 5, 9000000: 1, 9000001: -0 })
  const runBox = (): Promise<never> => Promise.reject(new Error('this test needs no sandbox'))
  const validator = { runBox, scratchRoot: join(folder, 'scratch'), ...defaultLimits }
  return (signal) => compareFiles(left, right, { path: 'm.safetensors', tolerances: [], validator, signal })
}

test('a large tensor is measured as a small one, by several threads', async (context) => {
  const { verdict, measures } = await models(context)(AbortSignal.any([]))
  assert.equal(verdict, 'diverged')
  assert.deepEqual(
    measures.map(({ maxUlp: _, ...measure }) => shortly({ ...measure, maxUlp: null })),
    [
      {
        name: 'w',
        type: 'F64',
        elements,
        differing: 4,
        outside: 4,
        bitsOnly: 1,
        withoutDistance: 1,
        maxAbs: 2,
        maxRel: 1,
        worst: 11_999_999,
      },
    ],
  )
  assert.deepEqual(measures[0]?.histogram, [
    [-2, 1],
    [-1, 1],
    [1, 1],
  ])
})

test('a comparison that is no longer wanted ends with the reason', async (context) => {
  const compare = models(context)
  await assert.rejects(compare(AbortSignal.abort(new Error('enough'))), /enough/)
  const later = new AbortController()
  setTimeout(() => later.abort(new Error('enough')), 5)
  await assert.rejects(compare(later.signal), /enough/)
})
