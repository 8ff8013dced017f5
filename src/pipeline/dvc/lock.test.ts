import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import fc from 'fast-check'
import { readYaml, type Value, type ValueMap } from '../define/index.ts'
import { dvcLockText, noDvcLock, parseDvcLock } from './lock-text.ts'
import { mapText } from './yaml-text.ts'

type Tagged =
  | null
  | boolean
  | string
  | Readonly<{ i: string } | { f: string } | { l: Tagged[] } | { m: [string, Tagged][] }>

function untagged(value: Tagged): Value {
  if (typeof value !== 'object' || value === null) return value
  if ('i' in value) return BigInt(value.i)
  if ('f' in value) return { inf: Infinity, '-inf': -Infinity, nan: Number.NaN }[value.f] ?? Number(value.f)
  if ('l' in value) return value.l.map(untagged)
  return new Map(value.m.map(([key, item]) => [key, untagged(item)] as const))
}

function mapOf(value: Value): ValueMap {
  assert.ok(value instanceof Map)
  return value
}

const vectors = new URL('../../../test/vectors/dvc/', import.meta.url)
const bytes = (text: string): Uint8Array => Buffer.from(text)
const parsed = (text: string): Exclude<ReturnType<typeof parseDvcLock>, undefined> => {
  const lock = parseDvcLock(bytes(text), 'dvc.lock')
  assert.ok(lock !== undefined)
  return lock
}

test('values are written byte for byte as DVC writes them', () => {
  const lines = readFileSync(new URL('lock-texts.jsonl', vectors), 'utf8').trim().split('\n')
  assert.equal(lines.length, 60)
  for (const line of lines) {
    const { value, text } = JSON.parse(line) as { value: Tagged; text: string }
    assert.equal(mapText(mapOf(untagged(value)), 0), text)
  }
})

test('what is written reads back as it was, whatever its texts hold', () => {
  const scalar = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 200 }).filter((text) => text.isWellFormed()),
    fc.stringMatching(/^[ a-z'":#\n\\-]{0,120}$/),
    fc.bigInt(),
    fc.double({ noNaN: true }),
    fc.boolean(),
    fc.constant(null),
  )
  const { value } = fc.letrec<{ value: Value }>((tie) => ({
    value: fc.oneof({ depthSize: 'small' }, scalar, fc.array(tie('value'), { maxLength: 4 }), map(tie('value'))),
  }))
  fc.assert(
    fc.property(map(value), (written) => {
      const text = mapText(mapOf(written), 0)
      const { root } = readYaml(bytes(text), 'x.yaml', 'ERR_LOCK_MALFORMED')
      assert.deepEqual(root, written)
    }),
    { numRuns: 100 },
  )

  function map(values: fc.Arbitrary<Value>): fc.Arbitrary<Value> {
    const key = fc.stringMatching(/^[ a-zA-Z0-9.:#'-]{0,40}$/).filter((text) => text !== '<<')
    return fc.dictionary(key, values, { maxKeys: 5, noNullPrototype: true }).map((one) => new Map(Object.entries(one)))
  }
})

const written = `schema: '2.0'
stages:
  first:
    cmd: a
  # a word about the second
  second:
    cmd:   b   # kept as it is
  third:
    cmd: c
datasets:
- name: d
`

test('only the lines of stages that changed are written anew, and new stages go to the end', () => {
  const changed = new Map([
    ['third', new Map<string, Value>([['cmd', 'C']])],
    ['fourth', new Map<string, Value>([['cmd', 'd']])],
    ['first', new Map<string, Value>([['cmd', ['a', 'aa']]])],
  ])
  assert.equal(
    dvcLockText(parsed(written), changed),
    `schema: '2.0'
stages:
  first:
    cmd:
    - a
    - aa
  second:
    cmd:   b   # kept as it is
  third:
    cmd: C
  fourth:
    cmd: d
datasets:
- name: d
`,
  )
  assert.equal(dvcLockText(parsed(written), new Map()), written)
})

test('a lock that is not laid out as DVC does it is written whole, and says the same', () => {
  const changed = new Map([['b', new Map<string, Value>([['cmd', 'B']])]])
  const expected = "schema: '2.0'\nstages:\n  a:\n    cmd: x\n  b:\n    cmd: B\n"
  for (const text of [
    "schema: '2.0'\nstages: {a: {cmd: x}, b: {cmd: y}}\n",
    "schema: '2.0'\r\nstages:\r\n  a:\r\n    cmd: x\r\n",
    "schema: '2.0'\nstages:\n    a:\n        cmd: x\n",
    "schema: '2.0'\nstages:\n  a: &id\n    cmd: x\n  b: *id\n",
    "schema: '2.0'\nstages:\n  a:\n    cmd: x",
  ]) {
    assert.equal(dvcLockText(parsed(text), changed), expected)
  }
  assert.equal(dvcLockText(noDvcLock('dvc.lock'), changed), "schema: '2.0'\nstages:\n  b:\n    cmd: B\n")
  assert.equal(dvcLockText(parsed("schema: '2.0'\n"), changed), "schema: '2.0'\nstages:\n  b:\n    cmd: B\n")
})

test('a lock of DVC 1 is told from one that is broken', () => {
  assert.equal(parseDvcLock(bytes('first:\n  cmd: a\n'), 'dvc.lock'), undefined)
  assert.deepEqual([...parsed('').stages], [])
  for (const text of [
    '<<<<<<< HEAD\nschema: "2.0"\n',
    '- a\n',
    "schema: '3.0'\nstages: {}\n",
    "schema: '2.0'\nstages: []\n",
    "schema: '2.0'\nstages: {a: 1}\n",
    "schema: '2.0'\nstages: {a: {}, a: {}}\n",
    "schema: '2.0'\nstages: \t{\n",
  ]) {
    assert.throws(() => parseDvcLock(bytes(text), 'dvc.lock'), { code: 'ERR_LOCK_MALFORMED' }, text)
  }
})
