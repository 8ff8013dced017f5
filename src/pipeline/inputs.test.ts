import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { StageDefinition } from './definition.ts'
import { type Anchor, anchorsOf, inputsOf, surroundingsOf, unlistedInputs, visibleFiles } from './inputs.ts'

const stage = (deps: readonly string[], params: Record<string, string[]> = {}): StageDefinition => ({
  name: 'train',
  file: 'dvc.yaml',
  commands: ['true'],
  workingDirectory: '.',
  deps,
  params,
  outs: [],
  frozen: false,
  alwaysChanged: false,
})
const out: Anchor = { kind: 'out', path: 'data/prepared', stage: 'prepare', frozen: false }
const raw: Anchor = { kind: 'external', path: 'data/raw', source: 'digits' }
const tracked = ['src/train.py', 'src/model.py', 'data/README', 'params.yaml', 'src/__pycache__/train.pyc']

test('a dep inside an out records the whole out and shows the part', () => {
  assert.deepEqual(inputsOf(stage(['data/prepared/train.csv']), surroundingsOf([out, raw], tracked)), [
    { path: 'data/prepared', shows: ['data/prepared/train.csv'], role: 'dep', origin: out },
  ])
})

test('two deps inside one out are one input that shows both', () => {
  const [only] = inputsOf(stage(['data/prepared/a', 'data/prepared/b']), surroundingsOf([out], tracked))
  assert.deepEqual(only?.shows, ['data/prepared/a', 'data/prepared/b'])
})

test('a dep above outs and inputs stands for each of them and for the tracked files between', () => {
  assert.deepEqual(
    inputsOf(stage(['data']), surroundingsOf([out, raw], tracked)).map(({ path, origin }) => [path, origin.kind]),
    [
      ['data/prepared', 'out'],
      ['data/raw', 'external'],
      ['data/README', 'code'],
    ],
  )
})

test('a tracked dep is code, an untracked one an external input that nobody listed', () => {
  assert.deepEqual(
    inputsOf(stage(['src/train.py', 'downloads/x.bin'], { 'params.yaml': [] }), surroundingsOf([], tracked)).map(
      ({ path, role, origin }) => [path, role, origin.kind],
    ),
    [
      ['src/train.py', 'dep', 'code'],
      ['downloads/x.bin', 'dep', 'external'],
      ['params.yaml', 'params', 'code'],
    ],
  )
})

test('what no source stands for is told, by whatever name it comes in', () => {
  const pinned: Anchor = { kind: 'external', path: 'data/pinned.csv', file: 'data/pinned.csv.dvc' }
  const known = (deps: readonly string[]) => ({
    pipeline: { stages: [stage(deps)], tracked: [], after: new Map(), files: [], warnings: [] },
    settings: {
      data: new Map([
        ['data/raw', { source: 'digits' }],
        ['data/named.csv', {}],
      ]),
    },
    surroundings: surroundingsOf([out, raw, pinned], tracked),
  })
  assert.deepEqual(unlistedInputs(known(['data/pinned.csv', 'data/raw', 'data/prepared', 'downloads/x.bin'])), [
    'data/named.csv',
    'data/pinned.csv',
    'downloads/x.bin',
  ])
  assert.deepEqual(unlistedInputs(known(['data/raw', 'src/train.py'])), ['data/named.csv'])
})

test('a stage sees tracked code and no data, outs, other inputs or bytecode', () => {
  assert.deepEqual(visibleFiles([out, raw], [...tracked, 'data/raw/x.csv']), [
    'src/train.py',
    'src/model.py',
    'data/README',
    'params.yaml',
  ])
})

test('THREAT the out of a frozen stage at, around or within what `data:` names is the data, not the out', () => {
  const made = (frozen: boolean, path: string): readonly Anchor[] => {
    const stages = [
      { ...stage([]), name: 'import', frozen, outs: [{ path, cache: true, persist: false, role: 'out' as const }] },
    ]
    const pipeline = { stages, tracked: [], after: new Map(), files: [], warnings: [] }
    return anchorsOf(pipeline, { data: new Map([['data/train.csv', { source: 'train' }]]) })
  }
  const given: Anchor = { kind: 'external', path: 'data/train.csv', source: 'train' }
  for (const path of ['data/train.csv', 'data', 'data/train.csv/part']) assert.deepEqual(made(true, path), [given])
  const elsewhere: Anchor = { kind: 'out', path: 'data/other.csv', stage: 'import', frozen: true }
  assert.deepEqual(made(true, 'data/other.csv'), [given, elsewhere])
  const notFrozen: Anchor = { kind: 'out', path: 'data', stage: 'import', frozen: false }
  assert.deepEqual(made(false, 'data'), [given, notFrozen])
})
