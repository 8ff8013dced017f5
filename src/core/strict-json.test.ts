import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { canonicalJson, type Json } from './canonical-json.ts'
import { isDomainError } from './error.ts'
import { parseStrictJson } from './strict-json.ts'

const parse = (text: string | Uint8Array, limits?: { maxBytes: number; maxDepth: number }): Json =>
  parseStrictJson(typeof text === 'string' ? Buffer.from(text) : text, 'x.json', limits)

const refuses = (text: string | Uint8Array, saying: RegExp): void =>
  assert.throws(
    () => parse(text),
    (error) => isDomainError(error, 'ERR_INPUT_MALFORMED') && saying.test(error.message),
    String(text),
  )

test('takes what JSON.parse takes when it has one meaning', () => {
  const text = '{"a": [1, -2.5e3, "\\u00e9", true, null], "b": {"a": 9007199254740991}}'
  assert.deepEqual(parse(text), JSON.parse(text))
})

test('refuses a key that stands twice, however it is spelt', () => {
  refuses('{"a": 1, "a": 2}', /`a` twice, line 1, column 10/)
  refuses('{"a": 1, "\\u0061": 2}', /`a` twice/)
  refuses('[{"x": {"b": 1, "b": 1}}]', /`b` twice/)
  assert.deepEqual(parse('[{"a": 1}, {"a": 2}]'), [{ a: 1 }, { a: 2 }])
})

test('refuses a key that stands twice whatever escapes, texts and values stand around it', () => {
  for (const text of [
    '{"a\\"":1,"a\\"":2}',
    '{"\\\\":"x","\\\\":"y"}',
    '{"a":"\\"","a":"\\\\"}',
    '{"/":1,"\\/":1}',
    '{"a":[],"a":{}}',
    '{"a":"","b":{"c":"","c":""}}',
  ])
    refuses(text, /twice/)
  assert.deepEqual(parse('{"a\\"":"\\\\","b":["\\n","\\/"]}'), { 'a"': '\\', b: ['\n', '/'] })
  assert.throws(() => parse('{"a":"\\\\"","b":1}'))
})

test('refuses numbers that a double cannot hold, lone surrogates and bad UTF-8', () => {
  refuses('{"n": 9007199254740993}', /integer that is not exact/)
  for (const text of ['{"n": 1e400}', '[-1e309]', '1E400', '{"n":1.7976931348623159e308}'])
    refuses(text, /integer that is not exact/)
  assert.deepEqual(parse('[1.5, -0.1e-7, 1e-400]'), [1.5, -0.1e-7, 0])
  refuses('["\\ud800"]', /lone surrogate/)
  refuses('{"\\udfff": 1}', /lone surrogate/)
  refuses(Uint8Array.of(0x22, 0xff, 0x22), /not UTF-8/)
})

test('refuses what JSON does not have: comments, trailing commas, a byte order mark, nothing, two documents', () => {
  for (const text of ['/* c */ 1', '[1,]', '{"a": 1,}', '\ufeff1', '', ' ', '1 2', "{'a': 1}", 'NaN'])
    refuses(text, /./)
})

test('refuses more bytes or levels than the caller reads', () => {
  const limits = { maxBytes: 10, maxDepth: 2 }
  assert.deepEqual(parse('[[1]]', limits), [[1]])
  assert.throws(() => parse('[[[1]]]', limits), /deeper than 2/)
  assert.throws(
    () => parse('"1234567890"', limits),
    (error) => isDomainError(error, 'ERR_INPUT_TOO_LARGE'),
  )
  assert.throws(() => parse('['.repeat(100_000)), /deeper than 64/)
})

test('reads back whatever canonical JSON writes', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 5 }), (value) => {
      const inexact = (member: unknown): boolean =>
        typeof member === 'number' && Number.isInteger(member) && !Number.isSafeInteger(member)
      const text = canonicalJson(value)
      fc.pre(!/__proto__/.test(text) && !hasMember(value, inexact))
      assert.equal(canonicalJson(parse(text)), text)
    }),
  )
})

test('text without white space is judged as the same text with some', () => {
  const outcome = (text: string): unknown => {
    try {
      return canonicalJson(parse(text, { maxBytes: 10_000, maxDepth: 4 }))
    } catch (error) {
      return isDomainError(error) ? error.message.replace(/, line 1.*/, '') : error
    }
  }
  const hostile = [
    '{"a":1,"a":1}',
    '9007199254740992',
    '[1e+21,2]',
    '{"__proto__":{}}',
    '["\\ud800"]',
    '[[[[[1]]]]]',
    '-0',
  ]
  const pieces = fc.oneof(fc.json({ maxDepth: 5 }), fc.constantFrom(...hostile))
  fc.assert(
    fc.property(fc.array(pieces, { minLength: 1, maxLength: 3 }), (parts) => {
      for (const text of [parts.join(), `[${parts.join()}]`, `{"k":${parts.join(',"k":')}}`])
        assert.deepEqual(outcome(text), outcome(` ${text}`), text)
    }),
  )
})

test('any bytes end in a value or a coded refusal', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      try {
        parse(bytes)
      } catch (error) {
        assert.ok(isDomainError(error, 'ERR_INPUT_MALFORMED'), String(error))
      }
    }),
  )
})

function hasMember(value: unknown, holds: (member: unknown) => boolean): boolean {
  if (holds(value)) return true
  return typeof value === 'object' && value !== null && Object.values(value).some((member) => hasMember(member, holds))
}
