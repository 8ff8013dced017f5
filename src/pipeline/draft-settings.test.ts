import assert from 'node:assert/strict'
import { test } from 'node:test'
import { defineSettings } from './define/index.ts'
import type { PipelineDefinition, StageDefinition } from './definition.ts'
import { draftSettings, externalInputs, type Surroundings } from './draft-settings.ts'

const stage = (
  name: string,
  command: string,
  deps: readonly string[],
  outs: readonly string[] = [],
): StageDefinition => ({
  name,
  file: 'dvc.yaml',
  commands: [command],
  workingDirectory: '.',
  deps,
  params: {},
  outs: outs.map((path) => ({ path, cache: true, persist: false, role: 'out' })),
  frozen: false,
  alwaysChanged: false,
})
const pipeline: PipelineDefinition = {
  stages: [
    stage(
      'prepare',
      'python src/prepare.py data/raw',
      ['src/prepare.py', 'data/raw', 'data/names.csv', 'conf.yaml'],
      ['data/ready.csv'],
    ),
    stage('train', './train data/ready.csv', ['train', 'data/ready.csv', 'data/tracked.bin']),
  ],
  tracked: [{ file: 'data/tracked.bin.dvc', path: 'data/tracked.bin', isImport: false }],
  after: new Map(),
  files: [],
  warnings: [],
}
const surroundings: Surroundings = {
  folder: 'my project',
  sizeOf: (path) => (path === 'data/raw' || path === 'train' ? 5e6 : 100),
  filesIn: () => [],
}

test('inputs are what no stage makes, no command runs, and looks like data', () => {
  assert.deepEqual(externalInputs(pipeline, surroundings), ['data/names.csv', 'data/raw'])
})

test('a small folder is data when its files are, and code when one of them is', () => {
  const folders: Readonly<Record<string, readonly string[]>> = {
    'data/images': ['1.png', '2.png', '3.txt', 'README.md', 'data.yaml'],
    'data/unmarked': ['a', 'b', 'c.png'],
    'src/app': ['model.py', 'a.json', 'b.json'],
    'src/empty': [],
  }
  const wanting = { ...pipeline, stages: [stage('see', 'python see.py', Object.keys(folders))] }
  const found = externalInputs(wanting, { ...surroundings, filesIn: (path) => folders[path] ?? [] })
  assert.deepEqual(found, ['data/images'])
})

test('the draft is an assay.yaml, with the inputs and the host environment', () => {
  const text = draftSettings(['data/raw: x', 'data/names.csv'], surroundings)
  const settings = defineSettings(Buffer.from(text), 'assay.yaml', pipeline)
  assert.equal(settings.name, 'my-project')
  assert.deepEqual([...settings.data.keys()].toSorted(), ['data/names.csv', 'data/raw: x'])
  assert.equal(settings.settingsOf('train').environment, 'host')
})

test('a lock with hashes becomes the environment', () => {
  const text = draftSettings([], { ...surroundings, lock: 'requirements.lock' })
  const settings = defineSettings(Buffer.from(text), 'assay.yaml', pipeline)
  assert.deepEqual(settings.environments.get(settings.settingsOf('train').environment), {
    kind: 'python',
    lock: 'requirements.lock',
  })
})
