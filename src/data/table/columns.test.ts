import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  type Columns,
  categoryOf,
  codedColumn,
  featuresOf,
  labelOf,
  numericColumn,
  rowNumberOf,
  selectRows,
  sourceOf,
} from './columns.ts'

const table: Columns = {
  rows: 4,
  columns: [
    numericColumn('age', [30, null, 30, 41.5]),
    codedColumn('text', 'note', ['b', 'a', null, 'b']),
    codedColumn('category', 'class', ['yes', 'no', 'no', null]),
    numericColumn('batch', [7, 8, 7, 7]),
  ],
  label: 'class',
  source: 'batch',
}

test('codes strings in the order of first sight, null as -1', () => {
  assert.deepEqual(codedColumn('category', 'class', ['yes', null, 'no', 'yes', '']), {
    kind: 'category',
    name: 'class',
    codes: Int32Array.of(0, -1, 1, 0, 2),
    dictionary: ['yes', 'no', ''],
  })
})

test('reads numbers and instants as categories', () => {
  assert.deepEqual(categoryOf(numericColumn('level', [0.1, null, 3, 0.1])), {
    kind: 'category',
    name: 'level',
    codes: Int32Array.of(0, -1, 1, 0),
    dictionary: ['0.1', '3'],
  })
  const day = numericColumn('day', [0, 1e18], 'epoch-ms')
  assert.deepEqual(categoryOf(day).dictionary, ['1970-01-01T00:00:00.000Z', '1000000000000000000'])
})

test('keeps label and source apart from what a model may learn from', () => {
  assert.deepEqual(
    featuresOf(table).map(({ name }) => name),
    ['age', 'note'],
  )
  assert.deepEqual(labelOf(table)?.dictionary, ['yes', 'no'])
  assert.deepEqual(sourceOf(table)?.dictionary, ['7', '8'])
  assert.equal(labelOf({ rows: 4, columns: table.columns }), undefined)
})

test('selected rows keep the numbers that reports call them by', () => {
  const once = selectRows(table, Int32Array.of(3, 1))
  assert.deepEqual(once.columns[0], numericColumn('age', [41.5, null]))
  assert.deepEqual(once.columns[1], { ...table.columns[1], codes: Int32Array.of(0, 1) })
  const twice = selectRows(once, Int32Array.of(1))
  assert.deepEqual([rowNumberOf(table, 0), rowNumberOf(once, 0), rowNumberOf(twice, 0)], [1, 4, 2])
})
