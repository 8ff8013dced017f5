import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import {
  badElsewhere,
  contentHash,
  fileColumns,
  fileHash,
  type HashedFile,
  judgedFiles,
  leftOfTable,
} from './judged-files.ts'
import { triageOfFiles } from './triage-files.ts'

const digest = `sha256:${'a'.repeat(64)}`
const key = '11'.repeat(32)

test('a file is hashed as a row of its digest and its class; with a key, otherwise', () => {
  const text = `["digest","${digest}","label","cats"]`
  const cat = { inner: 'cats/1.png', digest, label: 'cats' }
  assert.equal(fileHash(cat), createHash('sha256').update(text).digest('hex'))
  const hashes = [
    fileHash(cat),
    fileHash(cat, key),
    fileHash({ ...cat, label: 'dogs' }),
    fileHash({ ...cat, label: null }),
  ]
  assert.equal(new Set(hashes).size, 4)
})

test('the newest word on a file counts, under whatever name it has, and not in another class', () => {
  const cat = { inner: 'cats/1.png', digest, label: 'cats' }
  const word = (verdict: 'good' | 'bad', of = key) => ({ key: of, rows: [{ hash: fileHash(cat, of), verdict }] })
  const files = [cat, { ...cat, inner: 'cats/copy.png' }, { ...cat, inner: 'dogs/1.png', label: 'dogs' }]
  assert.deepEqual(
    [...judgedFiles([word('good'), word('bad', '22'.repeat(32))], files)],
    [
      ['cats/1.png', 'bad'],
      ['cats/copy.png', 'bad'],
    ],
  )
})

test('THREAT bytes judged bad are found under another class, until they are judged as that or as good', () => {
  const cat = { inner: 'cats/1.png', digest, label: 'cats' }
  const [moved, other] = [
    { ...cat, label: null },
    { ...cat, inner: '2', digest: `sha256:${'b'.repeat(64)}` },
  ]
  const word = (file: HashedFile, verdict: 'good' | 'bad', of?: string) => ({
    ...(of === undefined ? {} : { key: of }),
    rows: [{ hash: fileHash(file, of), verdict, ...(verdict === 'bad' ? { content: contentHash(digest, of) } : {}) }],
  })
  const found = (judged: readonly ReturnType<typeof word>[], files: readonly HashedFile[] = [moved, other]) =>
    badElsewhere(judged, files, judgedFiles(judged, files))
  for (const under of [undefined, key]) {
    assert.deepEqual(found([word(cat, 'bad', under)]), ['cats/1.png'])
    assert.deepEqual(found([word(cat, 'bad', under)], [cat, other]), [], 'there it is bad, and found as that')
    assert.deepEqual(found([word(cat, 'bad', under), word(moved, 'good', under)]), [], 'right under the other class')
    assert.deepEqual(found([word(cat, 'bad', under), word(cat, 'good', under)]), [], 'never bad, after all')
  }
})

test('THREAT of a table only a review of files replaces the words, and one that says neither is none', () => {
  const cat = { inner: 'cats/1.png', digest, label: 'cats' }
  const word = (verdict: 'good' | 'bad', hash = 'ff'.repeat(32)) => ({ hash, verdict })
  const table = { columns: [{ name: 'x', type: 'text integer' }], rows: [word('bad')] }
  const oldTable = { rows: [word('good')] }
  const files = { columns: fileColumns, rows: [word('good', fileHash(cat))] }
  const oldFiles = { rows: [{ ...word('bad', fileHash(cat)), content: contentHash(digest) }] }
  const left = (...judged: Parameters<typeof leftOfTable>[0]) => leftOfTable(judged, [cat]).map(({ words }) => words)
  assert.deepEqual(left(table), [['bad']])
  assert.deepEqual(left(table, oldTable), [['bad'], ['good']])
  assert.deepEqual(left(table, oldTable, files), [])
  assert.deepEqual(left(table, oldFiles), [])
  assert.deepEqual(left({ rows: [word('bad')] }), [['bad']])
  assert.deepEqual(left({ rows: [word('bad', fileHash(cat))] }), [], 'found among the files')
  assert.deepEqual(left({ rows: [{ ...word('bad'), verdict: 'excluded' }] }), [], 'taken out, as was asked')
  assert.deepEqual(left(table, { columns: [], rows: [] }), [['bad']], 'of no column, of nothing')
})

test('a file is hashed once for all reviews under one key, and the newest word counts whatever its key', () => {
  let looks = 0
  const cat = {
    inner: 'cats/1.png',
    label: 'cats',
    get digest() {
      looks += 1
      return digest
    },
  }
  const word = (verdict: 'good' | 'bad', of?: string) => ({
    ...(of === undefined ? {} : { key: of }),
    rows: [{ hash: fileHash({ digest, label: 'cats' }, of), verdict }],
  })
  const judged = [word('bad'), word('good', key), word('bad', key), word('good')]
  assert.deepEqual([...judgedFiles(judged, [cat])], [['cats/1.png', 'good']])
  assert.equal(looks, 2)
  assert.deepEqual([...judgedFiles(judged.toReversed(), [cat])], [['cats/1.png', 'bad']])
  looks = 0
  assert.deepEqual(leftOfTable(judged, [cat]), [], 'reviews that do not say what they are of')
  assert.equal(looks, 2)
})

const grey = (level: number): Uint8Array => new Uint8Array(1024).fill(level)
const file = (inner: string, level: number) => ({
  inner,
  digest: `sha256:${createHash('sha256').update(inner).digest('hex')}`,
  label: inner.split('/')[0] ?? '',
  grey: grey(level),
})

test('beside a suspect lie the nearest of its class and of others, none of them suspect or judged bad', () => {
  const files = [
    file('cats/suspect', 100),
    ...[1, 2, 3, 4].map((at) => file(`cats/${at}`, 100 + 10 * at)),
    ...[1, 2].map((at) => file(`dogs/${at}`, 100 - at)),
    file('dogs/bad', 100),
    file('dogs/suspect', 100),
  ]
  const pointed = ['cats/suspect', 'dogs/suspect', 'cats/suspect', 'dogs/bad'].map((inner) => ({
    inner,
    check: 'poison/label-flip',
    because: 'it looks like the others',
  }))
  const found = triageOfFiles(
    files,
    { pointed, judged: new Map([['dogs/bad', 'bad']]) },
    { rows: ['cats/2', 7, 'cats/none'] },
  )
  assert.deepEqual(
    found.suspects.map(({ rows, reasons }) => [...rows, reasons.length]),
    [
      ['cats/2', 0],
      ['cats/suspect', 2],
      ['dogs/suspect', 1],
    ],
  )
  assert.deepEqual(
    found.suspects[1]?.nearest?.map(({ file: inner, distance }) => [inner, distance]),
    [
      ['cats/1', 10],
      ['cats/2', 20],
      ['cats/3', 30],
      ['dogs/1', 1],
      ['dogs/2', 2],
    ],
  )
})
