/** Thresholds and budgets of data in assay.yaml: what may be said, and what is refused. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isDomainError } from '../../core/index.ts'
import type { DataRules } from '../definition.ts'
import { definePipeline, defineSettings } from './index.ts'
import { projectOf } from './project.memory.ts'

const pipeline = definePipeline(projectOf({ 'dvc.yaml': 'stages:\n  train: {cmd: a, deps: [t.csv], outs: [u.csv]}\n' }))

function rulesOf(entry: string): DataRules | undefined {
  return defineSettings(Buffer.from(`assay: 1\ndata:\n  t.csv: {${entry}}\n`), 'assay.yaml', pipeline).data.get('t.csv')
}

test('bounds are one list, whatever their order, each beside what assay lets through itself', () => {
  const thresholds = 'thresholds: {drift/psi: 0.05, columns: {age: {drift/mean: 1}}}'
  const budgets =
    'budgets: {poison/history: {rows: 7}, drift/history: {times: 2}, poison/label-flip: {share: 0.01, rows: 9}}'
  const expected = [
    { check: 'drift/history', of: 'times', value: 2, own: 1 },
    { check: 'drift/mean', column: 'age', of: 'threshold', value: 1, own: 0.25 },
    { check: 'drift/psi', of: 'threshold', value: 0.05, own: 0.1 },
    { check: 'poison/history', of: 'rows', value: 7 },
    { check: 'poison/label-flip', of: 'rows', value: 9, own: 250 },
    { check: 'poison/label-flip', of: 'share', value: 0.01, own: 0.005 },
  ]
  assert.deepEqual(rulesOf(`baseline: b.json, ${thresholds}, ${budgets}`)?.bounds, expected)
  assert.deepEqual(rulesOf(`${budgets}, ${thresholds}, baseline: b.json`)?.bounds, expected)
  const settings = `assay: 1\nstages:\n  train:\n    outs: {u.csv: {baseline: b.json, thresholds: {drift/ks: 1}}}\n`
  const { outs } = defineSettings(Buffer.from(settings), 'assay.yaml', pipeline).settingsOf('train')
  assert.deepEqual(outs?.['u.csv']?.bounds, [{ check: 'drift/ks', of: 'threshold', value: 1, own: 0.1 }])
})

const nonsense: Readonly<Record<string, string>> = {
  'a negative threshold': 'thresholds: {drift/psi: -0.1}',
  'a threshold of nothing, which no data keeps': 'thresholds: {drift/psi: 0}',
  'no number': 'thresholds: {drift/ks: .nan}',
  'no end': 'thresholds: {drift/psi: .inf}',
  'a share of more than all': 'thresholds: {drift/l-infinity: 1.5}',
  'a budget of more than all': 'budgets: {poison/outliers: {share: 1.01}}',
  'fewer rows than none': 'budgets: {poison/outliers: {rows: -1}}',
  'half a row': 'budgets: {poison/outliers: {rows: 0.5}}',
  'a number in quotes': 'thresholds: {drift/psi: "0.1"}',
  'a statistic that there is not': 'thresholds: {drift/psy: 0.1}',
  'a check that has no budget': 'budgets: {schema/range: {rows: 3}}',
  'a word that there is not': 'budgets: {poison/outliers: {row: 3}}',
  'a threshold of a column without its statistic': 'thresholds: {columns: {age: 0.1}}',
  'a budget that has no effect alone': 'budgets: {poison/trigger: {rows: 3}}',
}
for (const [name, entry] of Object.entries(nonsense)) {
  test(`refuses ${name}`, () => {
    assert.throws(
      () => rulesOf(`baseline: b.json, ${entry}`),
      (error) => isDomainError(error, 'ERR_SETTINGS_INVALID') && /line 3, column \d+/.test(error.message),
    )
  })
}

test('refuses bounds of data that has no baseline to differ from', () => {
  for (const entry of ['thresholds: {drift/psi: 0.1}', 'label: y, budgets: {poison/trigger: {rows: 0}}'])
    assert.throws(
      () => rulesOf(entry),
      (error) => isDomainError(error, 'ERR_SETTINGS_INVALID') && error.message.includes('have no effect'),
    )
})

test('refuses a golden set beside which no label is named', () => {
  assert.equal(rulesOf('golden: g, label: y')?.golden, 'g')
  assert.throws(
    () => rulesOf('golden: g, baseline: b.json'),
    (error) => isDomainError(error, 'ERR_SETTINGS_INVALID') && error.message.includes('no `label` beside it'),
  )
})
