import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { isDomainError } from './error.ts'
import { isInside, nameFault, parseProjectPath } from './project-path.ts'

test('spells a path in one way, from the folder it starts in', () => {
  assert.equal(parseProjectPath('./a//b/'), 'a/b')
  assert.equal(parseProjectPath('../b.csv', 'sub/deep'), 'sub/b.csv')
  assert.equal(parseProjectPath('..', 'sub'), '.')
  assert.equal(parseProjectPath('données/ü.csv'), 'données/ü.csv')
})

test('refuses a path that leaves the project, is absolute, or whose name is not plain', () => {
  const hostile = [
    '/etc/passwd',
    '..',
    'a/../../b',
    'a\u0000b',
    'a\nb',
    'a\u202eb',
    'a\u200bb',
    'u\u0308.csv',
    'a\\b',
    'x'.repeat(256),
    'x/'.repeat(600),
  ]
  for (const path of hostile) {
    assert.throws(
      () => parseProjectPath(path),
      (error) => isDomainError(error, 'ERR_PATH_UNSAFE'),
      JSON.stringify(path),
    )
  }
})

test('parsing is idempotent, and its result is inside the project', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 40 }), (text) => {
      let path: string
      try {
        path = parseProjectPath(text)
      } catch (error) {
        assert.ok(isDomainError(error, 'ERR_PATH_UNSAFE'))
        return
      }
      assert.equal(parseProjectPath(path), path)
      assert.ok(isInside(path, '.') && !path.startsWith('/') && !path.split('/').includes('..'))
    }),
  )
})

test('inside is at or below, not merely beginning alike', () => {
  assert.ok(isInside('data', 'data') && isInside('data/x', 'data') && isInside('x', '.'))
  assert.ok(!isInside('database', 'data') && !isInside('data', 'data/x'))
})

test('a name is plain or says why not', () => {
  assert.equal(nameFault('train@0.1.csv'), undefined)
  assert.match(nameFault('..') ?? '', /not a name/)
  assert.match(nameFault('a/b') ?? '', /separator/)
})
