import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ProjectNames } from '../pipeline/index.ts'
import { complete } from './complete.ts'
import { groups, verbs } from './program.ts'

const names: ProjectNames = {
  stages: ['prepare', 'train@0', 'sub/dvc.yaml:train', '$(touch pwned)', '`id`', '-f', 'a b'],
  outs: ['models/m.bin', 'metrics.json'],
  sources: ['labels', 'images'],
  environments: ['train'],
  runs: ['20261125T181241666Z-4e425f'],
}

async function values(...words: readonly string[]): Promise<readonly string[]> {
  const found = await complete(['assay', ...words], { verbs, groups, names: async () => names })
  return found.map(({ value }) => value)
}

test('verbs come first, then the verbs of a group', async () => {
  assert.deepEqual(await values('st'), ['status'])
  assert.deepEqual(await values('data', 'ap'), ['approve'])
  assert.deepEqual(await values('nothing', ''), [])
})

test('a name from the repository that a shell would read something into is no candidate', async () => {
  assert.deepEqual(await values('run', ''), ['prepare', 'train@0', 'sub/dvc.yaml:train'])
})

test('options of the verb, and the values that an option has', async () => {
  assert.deepEqual(await values('run', '--dr'), ['--dry-run', '--draft'])
  assert.deepEqual(await values('data', 'list', '--'), ['--json', '--help'])
  assert.deepEqual(await values('data', 'add', 'x', 'y', '--classification', 'p'), ['public'])
  assert.deepEqual(await values('logs', '--stage', 'pre'), ['prepare'])
  assert.deepEqual(await values('show', '--hermeticity', 'pre'), ['prepare'])
  assert.deepEqual(await values('show', '--hermeticity', '--al'), ['--all'])
})

test('each argument has its own kind of name; where a file is meant there is no candidate', async () => {
  assert.deepEqual(await values('run', 'prepare', 'tr'), ['train@0'], 'several stages')
  assert.deepEqual(await values('shell', 'prepare', 'tr'), [], 'a command')
  assert.deepEqual(await values('shell', 'prepare', '--', 'tr'), [])
  assert.deepEqual(await values('verify', 'm'), ['models/m.bin', 'metrics.json'])
  assert.deepEqual(await values('data', 'revoke', ''), ['labels', 'images'])
  assert.deepEqual(await values('data', 'add', ''), [], 'a new id')
  assert.deepEqual(await values('data', 'add', 'id', ''), [])
  assert.deepEqual(await values('data', 'diff', ''), [], 'files')
  assert.deepEqual(await values('diff', '2026', ''), names.runs)
  assert.deepEqual(await values('show', '--stage', 'prepare', '2'), names.runs)
  assert.deepEqual(await values('verify', '--policy', ''), [])
  assert.deepEqual(await values('completion', 'b'), ['bash'])
})
