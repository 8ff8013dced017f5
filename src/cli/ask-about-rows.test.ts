import assert from 'node:assert/strict'
import { test } from 'node:test'
import { tellSuspect } from './ask-about-rows.ts'

const columns = ['a', 'b', 'c', 'd', 'label']
const suspect = {
  ...{ rows: [7], hash: '0'.repeat(64), content: '1'.repeat(64), values: ['1', '2', null, '4', 'cat'] },
  reasons: [{ check: 'poison/label-flip', column: 'label', because: 'looks like dog' }],
}

function told(most: number): readonly string[] {
  const lines: string[] = []
  tellSuspect((line) => lines.push(line), { columns, kind: 'rows', path: 'data/t.csv' }, suspect, most)
  return lines
}

test('of a row that is listed those values are told that a check speaks of, then the first others; of one that is asked about, all', () => {
  const head = ['row 7  000000000000', '  poison/label-flip  label: looks like dog']
  const values = ['    a: 1', '    b: 2', '    c: (null)', '    d: 4', '    label: cat']
  assert.deepEqual(told(5), [...head, ...values])
  assert.deepEqual(told(2), [...head, '    a: 1', '    label: cat', '    ... and 3 more columns (--json has them)'])
  assert.deepEqual(told(0), head, 'of secret data none')
})
