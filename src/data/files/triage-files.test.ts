import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { fileHash, judgedFiles } from './judged-files.ts'
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
