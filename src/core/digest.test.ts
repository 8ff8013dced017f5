import assert from 'node:assert/strict'
import { test } from 'node:test'
import { folderOf, fromDigestSet, isDigest, parseDigest, sha256Of } from './digest.ts'
import { isDomainError } from './error.ts'

const entry = (path: string, text: string) => ({
  path,
  digest: sha256Of(text),
  sizeBytes: text.length,
  executable: false,
})

test('names bytes by SHA-256', () => {
  // FIPS 180-2, appendix B.1: "abc".
  assert.equal(sha256Of('abc'), 'sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad')
})

test('names a folder by dirHash1, whatever the order its files come in', () => {
  // printf foo > foo; printf bar > bar; find . -type f | cut -c3- | LC_ALL=C sort | xargs sha256sum | sha256sum
  const lines = `${sha256Of('bar').slice(7)}  bar\n${sha256Of('foo').slice(7)}  foo\n`
  const expected = `dirHash1:${sha256Of(lines).slice(7)}`
  const folder = folderOf([entry('foo', 'foo'), entry('bar', 'bar')])
  assert.equal(folder.digest, expected)
  assert.equal(folder.sizeBytes, 6)
  assert.equal(folderOf([]).digest, `dirHash1:${sha256Of('').slice(7)}`)
})

test('a digest carries its algorithm and is lower case, or it is none', () => {
  const hex = 'a'.repeat(64)
  assert.ok(isDigest(`sha256:${hex}`) && isDigest(`dirHash1:${hex}`))
  for (const text of [hex, `sha256:${hex.toUpperCase()}`, `sha256:${hex}0`, `md5:${hex}`, `sha256:${hex}\n`]) {
    assert.throws(
      () => parseDigest(text),
      (error) => isDomainError(error, 'ERR_INPUT_MALFORMED'),
      text,
    )
  }
})

test('a digest set means one digest or nothing; algorithms that are not known are ignored', () => {
  const hex = 'b'.repeat(64)
  assert.equal(fromDigestSet({ sha256: hex, blake3: 'x' }), `sha256:${hex}`)
  assert.equal(fromDigestSet({ sha256: hex, dirHash1: hex }), undefined)
  assert.equal(fromDigestSet({ sha256: 'short' }), undefined)
  assert.equal(fromDigestSet(undefined), undefined)
})
