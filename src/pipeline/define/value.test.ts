import assert from 'node:assert/strict'
import { test } from 'node:test'
import { floatText, keyIdentity, pythonText, templateText, toJson } from './value.ts'

test('prints floats as Python does', () => {
  // repr() of each in CPython 3.11
  const cases: readonly (readonly [number, string])[] = [
    [1, '1.0'],
    [-0, '-0.0'],
    [0.1, '0.1'],
    [1e-4, '0.0001'],
    [1e-5, '1e-05'],
    [1.234e-5, '1.234e-05'],
    [123456.789, '123456.789'],
    [1e15, '1000000000000000.0'],
    [1e16, '1e+16'],
    [1.5e300, '1.5e+300'],
    [5e-324, '5e-324'],
    [Number.POSITIVE_INFINITY, 'inf'],
    [Number.NEGATIVE_INFINITY, '-inf'],
    [Number.NaN, 'nan'],
  ]
  for (const [value, text] of cases) assert.equal(floatText(value), text)
})

test('prints booleans in the words of YAML inside a template and of Python elsewhere', () => {
  assert.equal(templateText(true), 'true')
  assert.equal(pythonText(true), 'True')
  assert.equal(pythonText([1n, "it's", 'q', true, 1, null]), `[1, "it's", 'q', True, 1.0, None]`)
})

test('keeps an integer that a double cannot hold as its digits', () => {
  assert.equal(toJson(12345678901234567890n), '12345678901234567890')
  assert.equal(toJson(2n ** 53n - 1n), 9007199254740991)
  assert.equal(toJson(Number.NaN), 'nan')
})

test('takes 1, 1.0 and true for one key, as Python does', () => {
  assert.equal(new Set([keyIdentity(1n), keyIdentity(1), keyIdentity(true)]).size, 1)
  assert.equal(new Set([keyIdentity(1n), keyIdentity('1'), keyIdentity(1.5)]).size, 3)
})
