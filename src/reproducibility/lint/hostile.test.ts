/** Code that is made to hurt its reader: each is read in bounded time and memory, or said not to be read. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Files, lintCommand, lintFiles, told } from './testing.ts'

const unread = (content: string | Uint8Array, path = 'train.py'): readonly string[] =>
  lintFiles({ [path]: content }, { commands: [{ text: `python ${path}`, line: 1 }] })
    .filter(({ rule }) => rule === 'unread')
    .map(({ because }) => because)

const cases: readonly (readonly [name: string, content: string | Uint8Array, because: RegExp, path?: string])[] = [
  ['brackets in brackets', `x = ${'('.repeat(50_000)}1${')'.repeat(50_000)}\n`, /nested deeper/],
  ['a list that never ends', '['.repeat(100_000), /nested deeper/],
  ['ten megabytes', `x = 1\n${'# a comment\n'.repeat(900_000)}`, /more than 524288/],
  ['bytes that are no text', Buffer.from([0x78, 0x3d, 0xff, 0xfe, 0x0a]), /not UTF-8/],
  ['a merge that was not finished', '<<<<<<< HEAD\nx = 1\n=======\nx = 2\n>>>>>>> b\n', /no Python/],
  ['a file that cannot be read', 'unreadable', /is a fifo/],
  ['a notebook that is no JSON', '{"cells": [', /not JSON/, 'a.ipynb'],
  ['a notebook that is deep', `{"cells": ${'['.repeat(5000)}${']'.repeat(5000)}}`, /a\.ipynb/, 'a.ipynb'],
  ['a notebook with two meanings', '{"cells": [], "cells": [1]}', /a\.ipynb/, 'a.ipynb'],
]

for (const [name, content, because, path] of cases) {
  test(`says that it does not read ${name}`, () => {
    const [first = '', ...rest] = unread(content, path)
    assert.match(first, because)
    assert.deepEqual(rest, [])
  })
}

test('a notebook of odd shapes is no crash', () => {
  const odd = { cells: [null, 3, { cell_type: 'code' }, { cell_type: 'code', source: [1, 'x = 1'] }], metadata: [] }
  assert.deepEqual(unread(JSON.stringify(odd), 'a.ipynb'), [])
  assert.deepEqual(unread('[]', 'a.ipynb'), [])
})

/** Something to be found behind all that is above it: what ends with it was read to its end. */
const end = "import uuid\nopen('name.txt', 'w').write(str(uuid.uuid4()))\n"

test('what is just within a limit is read', () => {
  const start = 'x = 1\n'
  const full = `${start}#${'.'.repeat(524_288 - start.length - end.length - 2)}\n${end}`
  assert.equal(full.length, 524_288)
  const deep = `x = ${'('.repeat(990)}1${')'.repeat(990)}\n${end}`
  for (const text of [full, deep]) assert.deepEqual(ruleNames({ 'train.py': text }, 'python train.py'), ['random-id'])
  const metadata = JSON.parse(`${'['.repeat(250)}${']'.repeat(250)}`)
  const notebook = JSON.stringify({ cells: [{ cell_type: 'code', source: [end], metadata }], metadata: {} })
  assert.deepEqual(ruleNames({ 'a.ipynb': notebook }, 'python a.ipynb'), ['random-id'])
  assert.deepEqual(lintCommand(`${'$('.repeat(20)}${')'.repeat(20)}\nuuidgen > x`), ['random-id:1'])
})

function ruleNames(files: Files, command: string): readonly string[] {
  return lintFiles(files, { commands: [{ text: command, line: 1 }] }).map(({ rule }) => rule)
}

// that it is quick is not asserted, since no test measures time: that nothing overflows, and what is told of it
test('what is long and nested in every way is read to its end', () => {
  const many = (line: string, count = 3_000): string => line.repeat(count)
  const texts: readonly (readonly [text: string, ...rules: readonly string[]])[] = [
    [`import time\nx = []\n${many('x.append(time.time())\n')}print(x)\n`, 'wall-clock'],
    [`import random\n${many('random.random()\n')}${many('random.seed(1)\n')}`, 'unseeded-random'],
    [`import time\na = time.time()\n${many('a = a + a\n')}print(a)\n`, 'wall-clock'],
    [`x = [1 ${many('for x in y ', 400)}]\n`],
    [`x = [1 ${many('for x in y ')}]\n`, 'unread'], // the grammar gives up in the line, and goes on behind it
    [`from ${many('.')}a import b\n`],
    [many('def f(): f()\n')],
    [`x = ${many('1 + ', 400)}1\n`],
    [`x = ${many('1 + ', 900)}1\n`, 'unread'],
    [`x = a${many('.b', 900)}\n`],
    [many('self.x = self.x\n')],
  ]
  for (const [text, ...rules] of texts) {
    const found = ruleNames({ 'train.py': text + end }, 'python train.py')
    assert.deepEqual(found.toSorted(), ['random-id', ...rules].toSorted(), text.slice(0, 60))
  }
  assert.deepEqual(unread(`x = a${many('.b')}\n${end}`), ['is nested deeper than 1000 levels'])
  assert.deepEqual(lintCommand(`${many('a | ', 5000)}b`), [])
  assert.deepEqual(lintCommand(`${many('a | ', 5000)}b; uuidgen > x`), ['random-id:1'])
  assert.deepEqual(told(lintFiles({}, { commands: [{ text: `${'$('.repeat(2000)}${')'.repeat(2000)}`, line: 1 }] })), [
    'unread:1',
  ])
})

test('scripts that run each other, and modules that import each other, are read once', () => {
  const files = {
    'a.sh': 'sh b.sh\nuuidgen > x\n',
    'b.sh': 'sh a.sh\n',
    'train.py': 'import b\n',
    'b.py': 'import train\n',
  }
  assert.deepEqual(told(lintFiles(files, { commands: [{ text: 'sh a.sh; python train.py', line: 1 }] })), [
    'random-id:2',
  ])
})
