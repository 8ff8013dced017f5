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

test('keeps what else an entry says, whatever its style', () => {
  const before =
    'data:\n  ./data/a.csv:\n    contract: a.yaml   # kept\n  data/b.csv: {contract: b.yaml}   # b\n  data/c.csv: {source: old} # c\n'
  assert.equal(mapped(before), before.replace('# kept\n', '# kept\n    source: a\n'))
  assert.equal(mapped(before, 'data/b.csv'), before.replace('b.yaml}', 'b.yaml, source: a}'))
  assert.equal(mapped(before, 'data/c.csv'), before.replace('old', 'a'))
  assert.equal(mapInput(before, 'data/b.csv', 'a', 'new.yaml'), before.replace('b.yaml}', 'new.yaml, source: a}'))
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
