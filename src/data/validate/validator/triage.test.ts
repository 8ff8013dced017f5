import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type Bench, openBench, openRelation } from './testing.fs.ts'
import { triageOf } from './triage.ts'

let bench: Bench
before(async () => {
  bench = await openBench()
})
after(() => bench[Symbol.dispose]())

test('of a wide table the label and what a check speaks of are shown, though they stand last', async () => {
  const names = Array.from({ length: 80 }, (_, index) => `c${index}`)
  const csv = `${names.join(',')}\n${names.map((_, index) => index).join(',')}\n`
  const table = await openRelation(bench, 'wide.csv', csv)
  const pointed = [{ row: 1, check: 'poison/x', column: 'c70', because: 'odd' }]
  const ask = (label?: string) =>
    triageOf(bench.engine, table, { pointed, judged: new Set(), whole: [], label }, { rows: [] })
  const shown = [...names.slice(0, 62), 'c70', 'c79']
  const found = await ask('c79')
  assert.deepEqual(found?.columns, shown)
  assert.deepEqual(
    found?.suspects[0]?.values,
    shown.map((name) => name.slice(1)),
  )
  assert.deepEqual((await ask())?.columns, [...names.slice(0, 63), 'c70'], 'TWIN no label')
})
