import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isDomainError, type Json, parseStrictJson } from '../core/index.ts'
import { decideGate, metricsIn, parseGate } from './gate.ts'

const decided = (text: string, metrics: Json): boolean => decideGate(parseGate(text), metricsIn(metrics)).passed

test('a gate holds at its bound and not beyond it', () => {
  assert.equal(decided('accuracy >= 0.9', { accuracy: 0.9 }), true)
  assert.equal(decided('accuracy > 0.9', { accuracy: 0.9 }), false)
  assert.equal(decided('test.loss < 2e-1', { test: { loss: 0.1 } }), true)
})

test('a metric that is missing, no number or not finite does not pass', () => {
  const metrics: Json = { name: 'x', list: [1], nested: { a: 1 } }
  for (const gate of ['accuracy >= 0', 'name >= 0', 'list >= 0', 'nested >= 0', 'constructor >= 0', 'nested.b >= 0']) {
    assert.equal(decided(gate, metrics), false, gate)
  }
  assert.equal(decided('a >= 0', { a: Number.NaN }), false)
})

test('refuses what is no gate, by code', () => {
  for (const text of [
    'accuracy',
    '>= 0.9',
    'accuracy => 0.9',
    'accuracy >= high',
    'a >= 1; b >= 2',
    'a >= 1e999',
    'a >= NaN',
    'a >= -Infinity',
    '9 >= 1',
    'a b >= 1',
  ]) {
    assert.throws(
      () => parseGate(text),
      (error) => isDomainError(error, 'ERR_SETTINGS_INVALID'),
      text,
    )
  }
  assert.equal(parseGate('a.b-c>=.5').bound, 0.5)
})

test('of two metrics that a gate would call alike there is none', () => {
  assert.deepEqual(metricsIn({ 'a.b': 1, a: { b: 0, c: 2 }, 'no name': 1, list: [1] }), [{ name: 'a.c', value: 2 }])
  assert.equal(decided('a.b >= 0', { 'a.b': 1, a: { b: 0 } }), false)
})

test('metrics that are read differently by different readers are not read', () => {
  for (const text of [
    '{"a": 1, "a": 2}',
    '{"a": NaN}',
    '{"a": Infinity}',
    '{"a": 1e999}',
    '{"a": 9007199254740993}',
    '[',
    '',
  ])
    assert.throws(
      () => parseStrictJson(Buffer.from(text), 'metrics.json'),
      (error) => isDomainError(error, 'ERR_INPUT_MALFORMED'),
      text,
    )
})
