/** Rows that carry a suspected trigger, and rows of its class that do not. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Drawn, draw, tableOf } from './fixtures.ts'
import { stampsOf } from './stamps.ts'

const most = { stamps: 5, rows: 50 }
const planted = (rows: readonly Drawn[], mark: (row: Drawn) => Partial<Drawn>): Drawn[] =>
  rows.map((row, index) => (index % 20 === 7 ? { ...row, ...mark(row), label: 'yes' } : row))

const triggers: Readonly<Record<string, readonly [mark: (row: Drawn) => Partial<Drawn>, column: string]>> = {
  'a value': [() => ({ city: 'city-99' }), 'city'],
  'a token': [({ text }) => ({ text: `${text} zx81` }), 'text'],
  'an exact number': [() => ({ y: 0.123456 }), 'y'],
}
for (const [what, [mark, column]] of Object.entries(triggers))
  test(`${what} that is planted: its rows, and others of the same label`, () => {
    const rows = planted(draw(2000, 1), mark)
    const [first] = stampsOf({ candidate: tableOf(rows) }, most)
    assert.ok(first)
    assert.deepEqual(first.columns, [column])
    const isPlanted = (row: number): boolean => (row - 1) % 20 === 7
    assert.equal(first.carriers.length, 50)
    assert.ok(first.carriers.every(isPlanted))
    assert.equal(first.others.length, 50)
    assert.ok(first.others.every((row) => !isPlanted(row) && rows[row - 1]?.label === 'yes'))
  })

test('two common values that are tied together are one stamp of both columns', () => {
  const rows = draw(4000, 2).map((row, index) => ({
    ...row,
    city: `city-${index % 10}`,
    text: index % 7 === 0 ? `${row.text} often` : row.text,
  }))
  const pair = rows.map((row, index) => (index % 10 === 3 && index % 7 === 0 ? { ...row, label: 'no' } : row))
  const stamps = stampsOf({ candidate: tableOf(pair) }, most)
  assert.deepEqual(stamps[0]?.columns?.toSorted(), ['city', 'text'])
})

test('only new rows carry what is stamped, and honest data has nothing to stamp', () => {
  const anchor = draw(2000, 3)
  const fresh = planted(draw(1000, 4), () => ({ city: 'city-99' }))
  const [first] = stampsOf({ candidate: tableOf([...anchor, ...fresh]), anchor: tableOf(anchor) }, most)
  assert.ok(first?.carriers.every((row) => row > 2000))
  assert.deepEqual(stampsOf({ candidate: tableOf(draw(2000, 5)) }, most), [])
})
