// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the templates are DVC's
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isDomainError } from '../../core/index.ts'
import { maxFileBytes } from './limits.ts'
import type { Value } from './value.ts'
import { readYaml } from './yaml.ts'

const read = (text: string): Value => readYaml(Buffer.from(text), 'params.yaml', 'ERR_PARAMS_INVALID').root
const value = (text: string): Value | undefined => {
  const root = read(`- ${text}\n`)
  return Array.isArray(root) ? root[0] : undefined
}
const refusal = (text: string): string => {
  try {
    read(text)
  } catch (error) {
    if (isDomainError(error, 'ERR_PARAMS_INVALID', 'ERR_INPUT_TOO_LARGE')) return error.message
    throw error
  }
  return 'accepted'
}

test('reads plain scalars as ruamel.yaml in its 1.2 mode', () => {
  const cases: readonly (readonly [string, Value])[] = [
    ['yes', 'yes'],
    ['on', 'on'],
    ['True', true],
    ['010', 10n],
    ['0o17', 15n],
    ['0b11', 3n],
    ['0x1F', 31n],
    ['1_000', 1000n],
    ['-0', 0n],
    ['1.', 1],
    ['.5', 0.5],
    ['1e3', 1000],
    ['1e', '1e'],
    ['-.inf', Number.NEGATIVE_INFINITY],
    ['~', null],
    ['', null],
    ['Null', null],
    ['12345678901234567890123', 12345678901234567890123n],
    ['"010"', '010'],
    ['1:30', '1:30'],
    ['1.2.3', '1.2.3'],
    ['!!str 5', '5'],
    ['!!int "7"', 7n],
    ['! 5', 5n],
    ['2020-01-02', { foreign: 'date', text: '2020-01-02' }],
    ['2020-13-02x', '2020-13-02x'],
  ]
  for (const [text, expected] of cases) assert.deepEqual(value(text), expected, text)
})

test('reads the 1.1 words after the directive that asks for it', () => {
  assert.deepEqual(read('%YAML 1.1\n---\n[yes, 010, 1:30, off]\n'), [true, 8n, 90n, false])
})

test('takes a colon before a comma or bracket in a flow list for text, as ruamel does', () => {
  assert.deepEqual(value('[a, other.json:]'), ['a', 'other.json:'])
  assert.deepEqual(value('[a, other.json: ]'), ['a', new Map([['other.json', null]])])
})

test('ends a block text at the end of the file without a line end that is not there', () => {
  assert.deepEqual(read('a: |\n  b\n  c'), new Map([['a', 'b\nc']]))
  assert.deepEqual(read('a: |\n  b\n  c\n'), new Map([['a', 'b\nc\n']]))
})

test('merges maps first and keeps the order of the merged ones', () => {
  const root = read('a: &a {x: 1, y: 2}\nb: {z: 0, <<: *a, x: 3}\n')
  const b = root instanceof Map ? root.get('b') : undefined
  assert.deepEqual([...(b instanceof Map ? b : [])], [['x', 3n], ['y', 2n], ['z', 0n]]) // biome-ignore format: one line
})

test('reads an empty file, a byte order mark and other line ends', () => {
  assert.deepEqual(read(''), new Map())
  assert.deepEqual(read('# nothing\n'), new Map())
  assert.deepEqual(read('\ufeffa: 1\r\nb: |\r\n  c\r\n'), new Map<string, Value>([['a', 1n], ['b', 'c\n']])) // biome-ignore format: one line
})

test('refuses what has two meanings or none, at its place', () => {
  const cases: readonly (readonly [string, RegExp])[] = [
    ['a: 1\na: 2\n', /line 2, column 1: the key `a` stands twice/],
    ['1: a\ntrue: b\n', /line 2, column 1: the key `true` stands twice/],
    ['a: 1\n---\nb: 2\n', /line 2, column 1: not YAML: .*multiple documents/],
    ['a: *b\n', /line 1, column 4: the alias `\*b` has no anchor/],
    ['a: &a [*a]\n', /line 1, column 8: the alias `\*a` stands inside its own anchor/],
    ['a: !foo 1\n', /line 1, column 9: the tag `!foo` is not known/],
    ['a: 2020-02-30\n', /line 1, column 4: `2020-02-30` is not a date/],
    ['a: =\n', /line 1, column 4: `=` has no meaning here/],
    ['{a: [1, 2}\n', /line 1, column \d+: not YAML/],
    ['a: [x, :y]\n', /line 1, column 8: `:y` is read differently/],
    ['a: "\u2028"\n', /line 1, column 5: a control character, line separator/],
    ['a: \u0007\n', /line 1, column 4: a control character/],
    ['\n\ufeffa: 1\n', /line 2, column 1: a control character/],
    ['...\n', /line 1, column 1: it ends before it begins/],
    ['a: !!binary k\n', /line 1, column 13: `k` is not base64/],
    ['{-0.0: a}\n', /line 1, column 2: minus zero cannot be a key/],
    [': a\n', /line 1, column 1: a colon without a key/],
    ['<<: 1\n', /line 1, column 1: `<<` wants a map/],
    [`a: ${'9'.repeat(5000)}\n`, /line 1, column 4: .* is not an integer/],
  ]
  for (const [text, message] of cases) assert.match(refusal(text), message, JSON.stringify(text.slice(0, 40)))
})

test('refuses bytes that are not UTF-8', () => {
  const bytes = Buffer.from([0x61, 0x3a, 0x20, 0xff])
  assert.throws(() => readYaml(bytes, 'dvc.yaml', 'ERR_DEFINITION_INVALID'), /`dvc\.yaml`: it is not UTF-8/)
})

test('refuses an alias bomb before it is followed, and reads honest aliases', () => {
  const levels = Array.from({ length: 30 }, (_, index) => `a${index + 1}: &a${index + 1} [*a${index}, *a${index}]`)
  assert.match(refusal(`a0: &a0 x\n${levels.join('\n')}\n`), /more than \d+ values, aliases followed/)
  assert.equal(refusal('a: &a [1, 2]\nb: [*a, *a, *a]\n'), 'accepted')
})

test('refuses nesting that would exhaust the stack', () => {
  assert.match(refusal('['.repeat(200_000)), /nested deeper than 100 levels/)
  assert.match(refusal(`${'['.repeat(150)}${']'.repeat(150)}`), /nested deeper than 100 levels/)
  assert.equal(refusal(`${'['.repeat(90)}${']'.repeat(90)}`), 'accepted')
})

test('refuses a file over the limit', () => {
  assert.match(refusal('#'.repeat(maxFileBytes + 1)), /it has \d+ bytes, the limit is \d+/)
})
