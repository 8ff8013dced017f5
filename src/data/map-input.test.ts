import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isDomainError } from '../core/index.ts'
import { mapInput } from './map-input.ts'

const mapped = (before: string, path = 'data/a.csv'): string => mapInput(before, path, 'a')

test('gives an input its source and leaves every other byte as it is', () => {
  const before = '# mine\nassay: 1\ndata:\n  data/a.csv: {}   # raw\n  data/b.csv: { source: b }\nname: x\n'
  assert.equal(mapped(before), before.replace('data/a.csv: {}', 'data/a.csv: {source: a}'))
  assert.equal(mapped(mapped(before)), mapped(before))
})

test('adds an input before the others, with their indentation', () => {
  assert.equal(
    mapped('data:\n    # first\n    z: {}\n'),
    'data:\n    # first\n    data/a.csv: {source: a}\n    z: {}\n',
  )
})

test('makes the block where there is none, an empty one, or no file', () => {
  assert.equal(mapped('assay: 1\nname: x'), 'assay: 1\nname: x\n\ndata:\n  data/a.csv: {source: a}\n')
  assert.equal(mapped('data:\nname: x\n'), 'data:\n  data/a.csv: {source: a}\nname: x\n')
  assert.equal(mapped('data: {}\nname: x\n'), 'data:\n  data/a.csv: {source: a}\nname: x\n')
  assert.equal(mapped(''), 'assay: 1\n\ndata:\n  data/a.csv: {source: a}\n')
})

test('fills an entry without a value, and quotes a path that needs it', () => {
  assert.equal(mapped('data:\n  data/a.csv:\n'), 'data:\n  data/a.csv: {source: a}\n')
  assert.equal(mapInput('data:\n  z: {}\n', 'a: b.csv', 'a'), 'data:\n  "a: b.csv": {source: a}\n  z: {}\n')
})

test('refuses a text that has no place for it', () => {
  for (const text of ['- a\n', 'data: {z: {}}\n', 'a: [\n']) {
    assert.throws(
      () => mapped(text),
      (error) => isDomainError(error, 'ERR_SETTINGS_INVALID'),
      text,
    )
  }
})
