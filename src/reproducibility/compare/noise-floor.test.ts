import assert from 'node:assert/strict'
import test from 'node:test'
import { proposeTolerances } from './noise-floor.ts'
import { comparer } from './testing.ts'

test('the largest difference of each key becomes its tolerance, and lets the same runs pass', async (context) => {
  const compare = comparer(context)
  const runs = [
    '{"auc": 0.5, "loss": 1.0, "n": 1}',
    '{"auc": 0.5001, "loss": 1.0, "n": 1}',
    '{"auc": 0.5, "loss": 1.25, "n": 1}',
  ]
  const pairs = [
    [0, 1],
    [0, 2],
    [1, 2],
  ] as const
  const comparisons = await Promise.all(
    pairs.map(async ([a, b]) => [await comparer(context)(runs[a] ?? '', runs[b] ?? '', 'm.json')]),
  )
  const { tolerances, beyond } = proposeTolerances(comparisons, { runs: 3, factor: 2 })
  assert.deepEqual(beyond, [])
  assert.deepEqual(tolerances, [
    // 0.5001 - 0.5 is a little less than 1e-4 as doubles
    {
      path: 'm.json',
      metric: 'auc',
      abs: 0.0002,
      because: '3 runs differed from the first by at most 0.0001, times 2',
    },
    { path: 'm.json', metric: 'loss', abs: 0.5, because: '3 runs differed from the first by at most 0.25, times 2' },
  ])
  for (const [a, b] of pairs) {
    assert.equal((await compare(runs[a] ?? '', runs[b] ?? '', 'm.json', tolerances)).verdict, 'within-tolerance')
  }
})

test('what is proposed for the items of a list lets them pass', async (context) => {
  const runs = ['{"folds": [{"a*c": 1}, {"a*c": 2}]}', '{"folds": [{"a*c": 1}, {"a*c": 3}]}'] as const
  const { tolerances } = proposeTolerances([[await comparer(context)(...runs, 'm.json')]], { runs: 2, factor: 1 })
  assert.deepEqual(
    tolerances.map(({ metric, abs }) => [metric, abs]),
    [['folds[*].a?c', 1]],
  )
  assert.equal((await comparer(context)(...runs, 'm.json', tolerances)).verdict, 'within-tolerance')
})

test('what is proposed is never less than what was seen, however small or large', async (context) => {
  for (const value of [5e-324, 1.1000000000000001e-297, 0.1 + 0.2, 123456789, 1.7e308]) {
    const runs = ['[0]', `[${value}]`] as const
    const { tolerances } = proposeTolerances([[await comparer(context)(...runs, 'm.json')]], { runs: 2, factor: 1 })
    assert.ok((tolerances[0]?.abs ?? 0) >= value, `${value}`)
    assert.equal((await comparer(context)(...runs, 'm.json', tolerances)).verdict, 'within-tolerance', `${value}`)
  }
})

test('what has no distance is named, and gets no tolerance', async (context) => {
  const compare = comparer(context)
  const comparisons = [
    [await compare('{"t": "a", "x": 1}', '{"t": "b", "x": 2}', 'm.json')],
    [await compare('[NaN, 1]', '[1, 1]', 'nan.json')],
    [await compare('a\n', 'b\n', 'log.txt')],
    [await compare('{}', '{"broken', 'broken.json')],
    [await compare('[1]', '[1.0]', 'equal.json')],
    [await compare('x', 'x', 'same.txt')],
  ]
  const { tolerances, beyond } = proposeTolerances(comparisons, { runs: 2, factor: 1 })
  assert.deepEqual(
    tolerances.map(({ path, metric, abs }) => [path, metric, abs]),
    [['m.json', 'x', 1]],
  )
  assert.deepEqual(beyond, ['broken.json', 'log.txt', 'm.json', 'nan.json'])
})
