/** Goal: suspected triggers are stamped for the data at hand, and tell none of it; test/long/stamped-triggers.test.ts has the models. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { adopted } from '../support/adopted.ts'
import { csv } from '../support/stamped-triggers.ts'

const files = {
  'dvc.yaml':
    'stages:\n  evaluate: {cmd: cp data/stamped.csv metrics.csv, deps: [data/stamped.csv], outs: [metrics.csv]}\n',
  '.gitignore': '/metrics.csv\n',
  'data/train.csv': csv(200, 1),
  'data/clean.csv': csv(100, 2),
  'data/secret.jsonl': '{"label": "ok", "name": "Smith HIV", "name": "x"}\n',
}
const into = ['--rows', 'data/clean.csv', '--out', 'data/stamped.csv', '--label', 'label', '--replace'] as const

test('only what is in the inventory is stamped, as it is there; stamps of other data are refused, and a fault of secret data tells none of its values', async (context) => {
  const project = await adopted(context, files)
  const stamp = ['data', 'stamp', 'train-stamps', 'data/train.csv', ...into] as const
  const register = ['--licence', 'CC0-1.0', '--classification'] as const
  assert.equal((await project.json(1, ...stamp)).error.code, 'ERR_SOURCE_UNKNOWN')
  await project.json(0, 'data', 'add', 'train', 'data/train.csv', ...register, 'public')
  await project.json(0, ...stamp)
  await project.json(0, 'data', 'approve', 'train-stamps')

  project.write({ 'data/train.csv': csv(201, 1) })
  assert.equal((await project.json(1, ...stamp)).error.code, 'ERR_SOURCE_CHANGED')
  await project.json(0, 'data', 'add', 'train', 'data/train.csv', ...register, 'public', '--replace')
  assert.equal((await project.json(1, 'run')).stages[0].code, 'ERR_DATA_STAMPS_STALE')

  await project.json(0, 'data', 'add', 'secret', 'data/secret.jsonl', ...register, 'restricted')
  const faulty = await project.assay('data', 'stamp', 's', 'data/secret.jsonl', ...into)
  assert.equal(faulty.code, 1)
  assert.match(faulty.stdout, /cannot be read/)
  assert.doesNotMatch(faulty.stdout + faulty.stderr, /Smith/)
})
