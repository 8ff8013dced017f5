import assert from 'node:assert/strict'
import { test } from 'node:test'
import { undeclaredReads } from './undeclared.ts'

const hidden = ['data/labels.csv', 'src/helper.py', 'notes.txt', 'a/b.csv']

test('names the hidden file that a Python program did not find', () => {
  const lines = [
    'Traceback (most recent call last):',
    "FileNotFoundError: [Errno 2] No such file or directory: 'data/labels.csv'",
  ]
  assert.deepEqual(undeclaredReads(lines, hidden, '.'), ['data/labels.csv'])
})

test('understands names that are relative to the working folder, absolute, or start with a dot', () => {
  assert.deepEqual(undeclaredReads(["cat: '../data/labels.csv': No such file or directory"], hidden, 'src'), [
    'data/labels.csv',
  ])
  assert.deepEqual(undeclaredReads(['cannot open /project/notes.txt'], hidden, 'src'), ['notes.txt'])
  assert.deepEqual(undeclaredReads(['sh: 1: ./notes.txt: not found'], hidden, '.'), ['notes.txt'])
})

test('names the module that could not be imported', () => {
  assert.deepEqual(undeclaredReads(["ModuleNotFoundError: No module named 'helper'"], hidden, '.'), ['src/helper.py'])
  assert.deepEqual(undeclaredReads(["ModuleNotFoundError: No module named 'numpy'"], hidden, '.'), [])
})

test('does not take a path that is only mentioned, or part of a longer one, for a read', () => {
  assert.deepEqual(undeclaredReads(['wrote notes.txt', '', '', 'ValueError: bad'], hidden, '.'), [])
  assert.deepEqual(undeclaredReads(["No such file: 'my-notes.txt'"], hidden, '.'), [])
  assert.deepEqual(undeclaredReads(["No such file: 'notes.txt.gz'"], hidden, '.'), [])
  assert.deepEqual(undeclaredReads(["No such file: 'x/a/b.csv'"], hidden, '.'), [])
})
