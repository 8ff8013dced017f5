// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the templates are DVC's
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isDomainError, type Json } from '../../core/index.ts'
import { definePipeline, paramValues, parseOverrides, readParams } from './index.ts'
import { projectOf } from './project.memory.ts'

const values = (file: string, text: string, keys: readonly string[]): Record<string, Json> =>
  paramValues(readParams(Buffer.from(text), file), keys)
const fault = (run: () => unknown): string => {
  try {
    run()
  } catch (error) {
    if (isDomainError(error, 'ERR_PARAMS_INVALID', 'ERR_USAGE')) return `${error.code} ${error.message} | ${error.help}`
    throw error
  }
  return 'accepted'
}

test('reads YAML, and anything with an unknown suffix as YAML', () => {
  const text = 'train:\n  lr: 0.20\n  layers: [{units: 8}]\n1: one\n'
  assert.deepEqual(values('params.yaml', text, ['train.lr', 'train.layers.0.units', '1']), {
    'train.lr': 0.2,
    'train.layers.0.units': 8,
    '1': 'one',
  })
  assert.deepEqual(values('settings.conf', 'a: 1\n', []), { a: 1 })
})

test('reads JSON with exact integers, and refuses equal keys', () => {
  assert.deepEqual(values('p.json', '{"a": {"b": [1, 2.5]}, "big": 123456789012345678901}', ['a.b.1', 'big']), {
    'a.b.1': 2.5,
    big: '123456789012345678901',
  })
  assert.match(
    fault(() => values('p.json', '{"a": 1,\n "a": 2}', [])),
    /`p\.json` line 2, column 2: the key `a` stands twice/,
  )
  assert.match(
    fault(() => values('p.json', '{"a": NaN}', [])),
    /not JSON/,
  )
  assert.match(
    fault(() => values('p.json', '{"a": 1', [])),
    /not JSON/,
  )
})

test('reads TOML', () => {
  const text = 'seed = 1_0\n[train]\nlr = 1e-3\nwhen = 2020-01-01\n'
  assert.deepEqual(values('p.toml', text, []), { seed: 10, train: { lr: 0.001, when: '2020-01-01' } })
  assert.match(
    fault(() => values('p.toml', 'a = 1\nb = = 2\n', [])),
    /`p\.toml` line 2, column \d+: not TOML/,
  )
})

test('reads literals of a Python file and executes nothing', () => {
  const text = `
"""Parameters."""
import os
LR = 1e-3  # a comment
SIZE: int = 0x_10
NAMES = ("a", 'b' "c", r"\\n", "\\x41\\u00e9")
NEGATIVE, OTHER = -1, 2
DOT = 5.
BELOW = --1
LATER = os.environ["HOME"]
BOTH = AGAIN = 3
FLAGS = {"on": True, "none": None, **os.environ}
PLAIN = {"on": True, 1: [1, -2.5]}
PAIR = 1, 2
if True:
    HIDDEN = 1

class Train(Base):
    EPOCHS = 3
    class Inner: DEPTH = 1_0
    def __init__(self):
        self.momentum = 0.9
        local = 1
    def other(self):
        self.unseen = 1
`
  assert.deepEqual(values('src/params.py', text, []), {
    LR: 0.001,
    SIZE: 16,
    NAMES: ['a', 'bc', '\\n', 'Aé'],
    DOT: 5,
    PLAIN: { '1': [1, -2.5], on: true },
    PAIR: [1, 2],
    Train: { EPOCHS: 3, Inner: { DEPTH: 10 }, momentum: 0.9 },
  })
  assert.deepEqual(values('p.py', text, ['Train.momentum', 'NAMES.1']), { 'Train.momentum': 0.9, 'NAMES.1': 'bc' })
  assert.match(
    fault(() => values('p.py', 'A = 1\nB = = 2\n', [])),
    /`p\.py` line 2, column \d+: not Python/,
  )
})

test('reads past what the grammar does not know, and keeps values exact', () => {
  const text =
    'def gen():\n    yield\n    x = (yield)\n\f\nA = {(1, 2): "x", (1, 3): b"\\x90"}\nB = "yield\\n5."\nC = 1.e3\n'
  assert.deepEqual(values('p.py', text, []), { A: { '(1, 2)': 'x', '(1, 3)': "b'\\x90'" }, B: 'yield\n5.', C: 1000 })
})

test('names the key that is missing, its place, and the one that was meant', () => {
  const text = 'train:\n  epochs: 3\n'
  assert.match(
    fault(() => values('params.yaml', text, ['train.epoch'])),
    /ERR_PARAMS_INVALID `params\.yaml` line 1, column 1: the parameter `train\.epoch` is not there \| did you mean `epochs`\?/,
  )
  assert.match(
    fault(() => values('params.yaml', 'a.b: 3\n', ['a.b'])),
    /the parameter `a\.b` is not there/,
  )
  assert.match(
    fault(() => values('params.yaml', '- a\n', [])),
    /holds no map of parameters/,
  )
})

test('changes a parameter for templates and for values alike', () => {
  const overrides = parseOverrides(['train.lr=0.5', 'conf/m.json:layers.0=[1, two]', 'name='])
  const params = 'train: {lr: 0.1}\nname: x\n'
  const files = {
    'dvc.yaml': 'stages:\n  a: {cmd: "run ${train.lr}", params: [train.lr, conf/m.json: [layers]]}\n',
    'params.yaml': params,
    'conf/m.json': '{"layers": [3]}',
  }
  assert.deepEqual(definePipeline(projectOf(files), { overrides }).stages[0]?.commands, ['run 0.5'])
  const tree = readParams(Buffer.from(params), 'params.yaml', overrides)
  assert.deepEqual(paramValues(tree, []), { train: { lr: 0.5 }, name: '' })
  const json = readParams(Buffer.from(files['conf/m.json']), 'conf/m.json', overrides)
  assert.deepEqual(paramValues(json, ['layers']), { layers: [[1, 'two']] })
})

test('refuses a change that changes nothing', () => {
  const define = (change: string) => () =>
    definePipeline(projectOf({ 'dvc.yaml': 'stages:\n  a: {cmd: x}\n', 'params.yaml': 'rate: 1\n' }), {
      overrides: parseOverrides([change]),
    })
  assert.equal(fault(define('rate=2')), 'accepted')
  assert.match(fault(define('rat=2')), /the parameter `rat` is not there \| did you mean `rate`\?/)
  assert.match(fault(define('other.yaml:rate=2')), /`other\.yaml`: no stage and no template reads this params file/)
  assert.match(fault(define('rate=[')), /`--set rate`.*not YAML/)
  assert.match(
    fault(() => parseOverrides(['rate'])),
    /ERR_USAGE `rate` changes no parameter/,
  )
})

/** In a reader that looks ahead to the end from each name, these take hours. */
test('reads a file of a megabyte of Python in one pass, wherever it says something else', () => {
  const lines = 150_000
  assert.deepEqual(values('p.py', `${'a = 1\n'.repeat(lines)}lr = 2  # é\n`, ['lr']), { lr: 2 })
  assert.deepEqual(values('p.py', `${'a = 1;'.repeat(lines)}\nlr = "é"\n`, ['lr']), { lr: 'é' })
  assert.deepEqual(values('p.py', `class A:\n${'  a = 1\n'.repeat(lines)}lr = 3\n`, ['lr']), { lr: 3 })
  assert.deepEqual(values('p.py', `x = [a ${'for a in b '.repeat(500)}]\nlr = 4\n`, ['lr']), { lr: 4 })
  assert.match(
    fault(() => values('p.py', `${'a = 1\n'.repeat(lines)}lr = \u00a02\n`, ['lr'])),
    /line 150001, column 6: /,
  )
})

test('reads a megabyte of YAML directives and padding in one pass', () => {
  assert.match(
    fault(() => values('p.yaml', `a: !!binary "${'='.repeat(1024 * 1024)}A"\n`, ['a'])),
    /is not base64/,
  )
  assert.deepEqual(values('p.yaml', `${'%a b\n'.repeat(60_000)}---\nlr: 2\n`, ['lr']), { lr: 2 })
})
