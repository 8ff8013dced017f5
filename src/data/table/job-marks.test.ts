import assert from 'node:assert/strict'
import { test } from 'node:test'
import { filesOfTable, isTable, marksTold } from './job-marks.ts'

const marksOf = (sizes: Readonly<Record<string, number>>): readonly string[] | undefined =>
  filesOfTable(Object.keys(sizes), (name) => sizes[name] ?? 0)?.marks

test('what a job leaves beside the files of a table does not make a folder of files of it', () => {
  const sums = { '.a.parquet.crc': 8 + 8, '._SUCCESS.crc': 8, 'y=1/.b.parquet.crc': 12 }
  assert.deepEqual(marksOf({ 'a.parquet': 1000, 'y=1/b.parquet': 9, _SUCCESS: 0, ...sums }), [
    '_SUCCESS',
    ...Object.keys(sums),
  ])
  assert.deepEqual(marksOf({ 'a.csv': 9 }), [])
  assert.equal(isTable([{ path: 'a.csv', sizeBytes: 9 }]), true)
})

test('THREAT what could hold data, or say which rows are read, is no such mark', () => {
  const others: readonly Readonly<Record<string, number>>[] = [
    { _SUCCESS: 1 },
    { 'y=1/_SUCCESS': 0 },
    { _success: 0 },
    { '.a.parquet.crc': 17 },
    { '.b.parquet.crc': 8 },
    { 'y=1/.a.parquet.crc': 8 },
    { 'a.parquet.crc': 8 },
    { '.notes.crc': 8, notes: 1 },
    { '..a.parquet.crc.crc': 8, '.a.parquet.crc': 8 },
    { _metadata: 0 },
    { _common_metadata: 0 },
    { _committed_1: 0 },
    { _started_1: 0 },
  ]
  for (const more of others) assert.equal(marksOf({ 'a.parquet': 1000, ...more }), undefined, JSON.stringify(more))
  assert.equal(marksOf({ _SUCCESS: 0 }), undefined, 'no table at all')
})

test('a verdict says that they were there, and names no partition', () => {
  assert.deepEqual(marksTold([]), [])
  assert.deepEqual(marksTold(['_SUCCESS', 'y=1/.b.parquet.crc']), [
    'what a job left beside the files of the table: `_SUCCESS`, which is empty, and 1 checksum file (.NAME.crc)',
  ])
})
