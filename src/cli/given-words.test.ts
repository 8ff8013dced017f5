import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isDay, wordsFor } from './given-words.ts'

const suspect = (letter: string, ...rows: readonly string[]) => ({
  hash: letter.repeat(64),
  content: 'f'.repeat(64),
  rows,
  reasons: [],
  values: [],
})
const scans = { path: 'data/scans', kind: 'files' as const }
const judged = (row: string, suspects = [suspect('a', 'x.jpg'), suspect('b', 'data/scans/x.jpg')]) =>
  wordsFor({ ...scans, suspects }, [{ row, verdict: 'good' }]).map(({ hash }) => hash[0])

test('THREAT a folder that holds its own path again: a name of two files is refused, each has one of its own', () => {
  assert.throws(() => judged('data/scans/x.jpg'), { code: 'ERR_USAGE', message: /names two files/ })
  assert.deepEqual(judged('x.jpg'), ['a'])
  assert.deepEqual(judged('data/scans/data/scans/x.jpg'), ['b'])
  assert.deepEqual(judged('data/scans/x.jpg', [suspect('a', 'x.jpg'), suspect('b', 'y.jpg')]), ['a'])
  assert.deepEqual(judged('data/scans/x.jpg', [suspect('a', 'x.jpg', 'data/scans/x.jpg')]), ['a'], 'the same bytes')
})

test('a day is one of the calendar, written in one way', () => {
  assert.deepEqual(['2027-01-31', '2028-02-29'].filter(isDay), ['2027-01-31', '2028-02-29'])
  const others = [
    '2027-02-31',
    '2027-02-29',
    '2027-13-01',
    '12027-01-31',
    '2027-1-31',
    'tomorrow',
    '',
    '2027-01-31T00:00:00Z',
  ]
  assert.deepEqual(others.filter(isDay), [])
})
