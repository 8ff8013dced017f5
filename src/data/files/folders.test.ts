import assert from 'node:assert/strict'
import { test } from 'node:test'
import { classByFolder, folderChecks, hasTwoClasses } from './folders.ts'

const labelled = (...paths: readonly string[]): string => paths.map(classByFolder(paths)).join()
const said = (images: readonly string[], approved?: readonly string[]): readonly string[] =>
  folderChecks(images, approved).map(({ name, verdict, code, rows }) => [name, verdict, code, ...rows].join(' '))

test('classes are folders of the first level that has two names, below splits and above shards', () => {
  assert.equal(labelled('cat/1', 'dog/2'), 'cat,dog')
  assert.equal(labelled('cat/000/1', 'cat/001/2', 'dog/000/3'), 'cat,cat,dog')
  assert.equal(labelled('images/cat/1', 'images/dog/2', 'cover'), 'cat,dog,')
  assert.equal(labelled('train/cat/1', 'Test/dog/2', 'val/cat/000/3', 'notes/4'), 'cat,dog,cat,')
  assert.equal(labelled('train/1', 'test/2'), 'train,test', 'nothing else tells them apart')
  assert.equal(labelled('car/1', 'train/2'), 'car,train', 'one such name is a class')
  assert.deepEqual([labelled('1', '2'), labelled('a/b/1', 'a/b/2'), labelled('a/1', 'a/b/2')], [',', 'b,b', 'a,a'])
  assert.deepEqual([['a/1', 'b/2'], ['x/a/1', 'x/a/2'], ['1'], []].map(hasTwoClasses), [true, false, false, false])
})

test('THREAT a class inside another class fails, and classes of another level than the approved ones; shards do not', () => {
  const anchor = ['zero/1', 'one/2']
  const shards = ['zero/000/1', 'zero/001/3', 'one/000/2']
  assert.deepEqual([said(anchor, anchor), said(shards, anchor), said(shards), said(['1', '2'])], [[], [], [], []])
  const refused = 'files/folders fail ERR_DATA_UNREADABLE'
  assert.deepEqual(said([...anchor, 'one/zero/4', 'one/000/Zero/5']), [`${refused} one/zero/4 one/000/Zero/5`])
  assert.deepEqual(said(['all/zero/1', 'all/one/2'], anchor), [refused])
  assert.deepEqual(said(['zero/1', 'one/2', 'train/3', 'test/000/4', 'test/001/5'], anchor), [refused])
  const split = ['train/zero/1', 'test/one/2', 'test/zero/3']
  assert.deepEqual(said(split, ['train/zero/1', 'test/one/2']), [])
})
