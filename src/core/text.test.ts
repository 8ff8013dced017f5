import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { nearest } from './nearest.ts'
import { oneLine, printable, printableJson } from './text.ts'

test('no control, escape or bidi character gets through; tabs, line ends and other scripts do', () => {
  assert.equal(printable('a\tb\r\nc'), 'a\tb\nc')
  assert.equal(printable('\u001b]0;title\u0007x'), '\\u{1b}]0;title\\u{7}x')
  assert.equal(printable('safe\u202egnp.exe'), 'safe\\u{202e}gnp.exe')
  assert.equal(printable('größe 大 🙂'), 'größe 大 🙂')
})

test('whatever comes in, what comes out prints, and stays as it is a second time', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 60 }), (text) => {
      const shown = printable(text)
      assert.ok(shown.isWellFormed())
      assert.doesNotMatch(shown, /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/)
      assert.equal(printable(shown), shown)
    }),
  )
})

test('JSON is made printable without another meaning', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 60 }), (text) => {
      const json = printableJson(JSON.stringify({ [text]: text }, undefined, 2))
      assert.doesNotMatch(json, /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/)
      assert.deepEqual(JSON.parse(json), { [text]: text })
    }),
  )
  assert.equal(printableJson('"\u009b31m"'), '"\\u009b31m"')
})

test('a name in a sentence stays one line, whatever it holds', () => {
  assert.equal(oneLine('a\nlevel 4\tb\u001b[31m\r\nc'), 'a\\nlevel 4\\tb\\u{1b}[31m\\nc')
})

test('suggests the word that was meant, and none when nothing is near', () => {
  assert.equal(nearest('trian', ['prepare', 'train', 'evaluate']), 'train')
  assert.equal(nearest('deploy', ['prepare', 'train']), undefined)
})
