import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isDomainError, type Json } from '../core/index.ts'
import { decideGate, parseGate } from './gates.ts'

const decided = (text: string, metrics: Json): boolean => decideGate(parseGate(text), metrics).passed

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
  assert.equal(decideGate(parseGate('a >= 0'), { a: Number.NaN }).passed, false)
})

test('refuses what is no gate, by code', () => {
  for (const text of ['accuracy', '>= 0.9', 'accuracy => 0.9', 'accuracy >= high', 'a >= 1; b >= 2']) {
    assert.throws(
      () => parseGate(text),
      (error) => isDomainError(error, 'ERR_SETTINGS_INVALID'),
      text,
    )
  }
  assert.equal(parseGate('a.b-c>=.5').bound, 0.5)
})
