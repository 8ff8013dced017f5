import assert from 'node:assert/strict'
import { test } from 'node:test'
import { folderOf, type Sha256 } from '../../core/index.ts'
import type { ViewEntry } from '../sandbox.ts'
import { layoutOf } from './layout.ts'

const digest: Sha256 = `sha256:${'0'.repeat(64)}`
const file = (path: string, why: ViewEntry['why'] = 'tracked'): ViewEntry => ({
  path,
  why,
  content: { kind: 'file', digest, sizeBytes: 1, executable: false },
})
const layout = (view: readonly ViewEntry[], outs: readonly string[], workingDirectory = '.') =>
  layoutOf({ view, outs: outs.map((path) => ({ path })), workingDirectory }, [])

test('makes the folder around an out writable, with its neighbours read-only inside', () => {
  const { folders, scratches } = layout(
    [file('models/old.bin'), file('models/sub/x'), file('src/a.py')],
    ['models/new.bin'],
  )
  assert.deepEqual(folders, ['models', 'src', 'models/sub'])
  assert.deepEqual(scratches, [
    {
      folder: 'models',
      outs: ['models/new.bin'],
      neighbours: [
        { name: 'sub', kind: 'folder', held: 'bind' },
        { name: 'old.bin', kind: 'file', held: 'bind' },
      ],
    },
  ])
})

test('shares one scratch folder among the outs of a folder, shallow ones first', () => {
  const { scratches } = layout([], ['a/b/three', 'one', 'two', 'a/four'])
  assert.deepEqual(
    scratches.map(({ folder, outs, neighbours }) => [folder, outs, neighbours.map(({ name }) => name)]),
    [
      ['.', ['one', 'two'], ['a']],
      ['a', ['a/four'], ['b']],
      ['a/b', ['a/b/three'], []],
    ],
  )
})

test('does not show what an out held before, file or folder', () => {
  const { files, folders, scratches } = layout([file('out/.gitignore'), file('out/sub/x'), file('keep')], ['out'])
  assert.deepEqual(
    files.map(({ path }) => path),
    ['keep'],
  )
  assert.deepEqual(folders, [])
  assert.deepEqual(
    scratches[0]?.neighbours.map(({ name }) => name),
    ['keep'],
  )
})

test('watches folders that hold code, and those above them, but not those of deps alone', () => {
  const images = folderOf([{ path: 'cat/1.png', digest, sizeBytes: 1, executable: false }])
  const view = [
    file('src/lib/a.py'),
    file('params.yaml', 'params'),
    { path: 'images', why: 'dep', content: images } as const,
  ]
  assert.deepEqual(layout(view, []).watched, ['.', 'src', 'src/lib'])
  assert.deepEqual(layout(view, []).folders, ['images', 'src', 'images/cat', 'src/lib'])
})

test('watches what lies above a dep, an out or the working folder, so that each folder is seen to be listed', () => {
  const images = folderOf([{ path: 'cat/1.png', digest, sizeBytes: 1, executable: false }])
  const view = [file('a/b/c.csv', 'dep'), { path: 'd/e/images', why: 'dep', content: images } as const]
  assert.deepEqual(layout(view, ['f/g/out'], 'h/i').watched, ['.', 'a', 'd', 'f', 'h'])
})

test('keeps an empty folder, the working folder, and mount points inside the project', () => {
  const { folders } = layoutOf(
    { view: [{ path: 'empty', why: 'dep', content: folderOf([]) }], outs: [], workingDirectory: 'work/here' },
    [{ source: '/home/ada/p/.venv', target: '/project/.venv' }],
  )
  assert.deepEqual(folders, ['.venv', 'empty', 'work', 'work/here'])
})

test('binds at most 200 neighbours and copies the other files', () => {
  const many = Array.from({ length: 300 }, (_, index) => file(`data/${String(index).padStart(3, '0')}.csv`, 'dep'))
  const [scratch] = layout([...many, file('data/sub/x')], ['data/out.csv']).scratches
  const held = (how: string): number => scratch?.neighbours.filter((neighbour) => neighbour.held === how).length ?? 0
  assert.equal(held('bind'), 200)
  assert.equal(held('copy'), 101)
})
