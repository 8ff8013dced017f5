import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Content, folderOf, sha256Of } from '../core/index.ts'
import { missingPart, partOf, viewOf } from './view.ts'

const entry = (path: string) => ({ path, digest: sha256Of(path), sizeBytes: path.length, executable: false })
const file = (text: string): Content => ({
  kind: 'file',
  digest: sha256Of(text),
  sizeBytes: text.length,
  executable: false,
})
const folder = folderOf([entry('a.csv'), entry('deep/b.csv'), entry('deeper.csv')])

test('a part of a folder is the file or the folder below it, and nothing where there is nothing', () => {
  assert.equal(partOf(folder, 'data', 'data'), folder)
  assert.equal(partOf(folder, 'data', 'data/a.csv')?.digest, sha256Of('a.csv'))
  assert.deepEqual(partOf(folder, 'data', 'data/deep'), folderOf([{ ...entry('deep/b.csv'), path: 'b.csv' }]))
  assert.equal(partOf(folder, 'data', 'data/dee'), undefined)
  assert.equal(partOf(file('x'), 'data', 'data/x'), undefined)
})

test('a view shows the parts asked for, and deps before tracked files', () => {
  const ref = { path: 'data', shows: ['data/a.csv'], role: 'dep', origin: { kind: 'external', path: 'data' } } as const
  const view = viewOf(
    [{ ref, content: folder }],
    new Map([
      ['data/a.csv', file('old')],
      ['src/x.py', file('code')],
    ]),
    ['data'],
  )
  assert.deepEqual(
    view.map(({ path, why, content }) => [path, why, content.digest]),
    [
      ['data/a.csv', 'dep', sha256Of('a.csv')],
      ['src/x.py', 'tracked', sha256Of('code')],
    ],
  )
})

test('names the part that an input does not hold', () => {
  const ref = { path: 'data', shows: ['data/a.csv', 'data/z.csv'], role: 'dep', origin: { kind: 'code' } } as const
  assert.equal(missingPart([{ ref, content: folder }]), 'data/z.csv')
  assert.equal(missingPart([{ ref: { ...ref, shows: ['data/a.csv'] }, content: folder }]), undefined)
})

test('a tracked file that is a dep by its own name is code; one of a folder that is a dep is not watched one by one', () => {
  const ref = (path: string) => ({ path, shows: [path], role: 'dep', origin: { kind: 'code' } }) as const
  const paths = ['src/named.py', 'lib/of-folder.py']
  const view = viewOf(
    paths.map((path) => ({ ref: ref(path), content: file(path) })),
    new Map(paths.map((path) => [path, file(path)])),
    ['src/named.py', 'lib'],
  )
  assert.deepEqual(
    view.map(({ path, why }) => [path, why]),
    [
      ['src/named.py', 'tracked'],
      ['lib/of-folder.py', 'dep'],
    ],
  )
})
