// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the templates are DVC's
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isDomainError } from '../../core/index.ts'
import { definePipeline } from './index.ts'
import { projectOf } from './project.memory.ts'

type Files = Readonly<Record<string, string>>

const commands = (files: Files): readonly string[] =>
  definePipeline(projectOf(files)).stages.flatMap((stage) => stage.commands)
const names = (files: Files): readonly string[] => definePipeline(projectOf(files)).stages.map((stage) => stage.name)
const command = (cmd: string, params: string): string | undefined =>
  commands({ 'dvc.yaml': `stages:\n  a:\n    cmd: ${cmd}\n`, 'params.yaml': params })[0]
const fault = (files: Files): string => {
  try {
    definePipeline(projectOf(files))
  } catch (error) {
    if (isDomainError(error)) return `${error.code} ${error.message} | ${error.help}`
    throw error
  }
  return 'accepted'
}

test('prints values inside a text as Python does', () => {
  const params = 'a: 1.0\nb: 1e-5\nc: true\nd: null\ne: 12345678901234567890\nf: 0x10\n'
  assert.equal(command('run ${a} ${b} ${c} ${d} ${e} ${f}', params), 'run 1.0 1e-05 true None 12345678901234567890 16')
})

test('leaves the shell its own dollars', () => {
  assert.equal(command("'$x $(date) $$ \\${HOME} ${v}'", 'v: 1\n'), '$x $(date) $$ ${HOME} 1')
})

test('makes flags of a map in a command, quoted for the shell', () => {
  const params = "d: {lr: 0.1, n: {k: 'a b'}, on: true, off: false, l: [1, \"it's\"], none: null, e: []}\n"
  assert.equal(command('run ${d} end', params), `run --lr 0.1 --n.k 'a b' --on --l 1 'it'"'"'s' --none None end`)
})

test('follows [parsing] of .dvc/config, the local one first', () => {
  const files = { 'dvc.yaml': 'stages:\n  a:\n    cmd: run ${d}\n', 'params.yaml': 'd: {f: false, l: [1, 2]}\n' }
  const config = { '.dvc/config': '[parsing]\n    bool = store_true\n    list = append\n' }
  assert.deepEqual(commands({ ...files, ...config }), ['run --l 1 --l 2'])
  const local = { '.dvc/config.local': '[parsing]\n    bool = Boolean_Optional\n' }
  assert.deepEqual(commands({ ...files, ...config, ...local }), ['run --no-f --l 1 --l 2'])
  assert.match(
    fault({ ...files, '.dvc/config': '[parsing]\nbool = maybe\n' }),
    /`parsing\.bool` is `maybe`, it must be `store_true` or/,
  )
})

test('splits a text of several lines and keeps the entries of a list', () => {
  assert.deepEqual(commands({ 'dvc.yaml': 'stages:\n  a:\n    cmd: |\n      one\n      two\n' }), ['one', 'two'])
  assert.deepEqual(commands({ 'dvc.yaml': 'stages:\n  a:\n    cmd:\n    - |\n      one\n      two\n' }), ['one\ntwo\n'])
})

test('names generated stages by what was written, and by Python for what came from a template', () => {
  const params = { 'params.yaml': 'l: [true, 1.0]\n' }
  const loop = (data: string): Files => ({
    'dvc.yaml': `stages:\n  s:\n    foreach: ${data}\n    do: {cmd: 'run \${item}'}\n`,
    ...params,
  })
  assert.deepEqual(names(loop('[true, 1.0]')), ['s@true', 's@1.0'])
  assert.deepEqual(names(loop('${l}')), ['s@True', 's@1.0'])
  assert.deepEqual(names(loop('[{a: 1}, {a: 2}]')), ['s@0', 's@1'])
  assert.deepEqual(names(loop('{x: 1, 2: 3}')), ['s@x', 's@2'])
})

test('turns the last axis of a matrix fastest', () => {
  const matrix = 'stages:\n  s:\n    matrix: {a: [x, y], b: [1, {k: 2}]}\n    cmd: run ${item.a} ${key}\n'
  assert.deepEqual(commands({ 'dvc.yaml': matrix }), ['run x x-1', 'run x x-b1', 'run y y-1', 'run y y-b1'])
})

test('lets a stage add vars of its own and never redefine', () => {
  const file = (vars: string): Files => ({
    'dvc.yaml': `vars: [{v: 1}]\nstages:\n  a: {vars: [${vars}], cmd: 'run \${v} \${w}'}\n  b: {cmd: 'run \${v}'}\n`,
  })
  assert.deepEqual(commands(file('{w: 2}')), ['run 1 2', 'run 1'])
  assert.match(fault(file('{v: 2}')), /`v` of `a\.vars\[0\]` is defined already in `vars\[0\]`/)
})

test('says where a template names nothing, and what was meant', () => {
  const files = (cmd: string): Files => ({
    'dvc.yaml': `stages:\n  train:\n    cmd: ${cmd}\n`,
    'params.yaml': 'learning: {rate: 0.1}\n',
  })
  assert.match(
    fault(files('python train.py ${lerning.rate}')),
    /ERR_DEFINITION_INVALID `dvc\.yaml` line 3, column 10: `\${lerning\.rate}` names nothing that is defined \| did you mean `learning`\?/,
  )
  assert.match(
    fault(files('run ${a..b}')),
    /line 3, column 10: `\${a\.\.b}` is not a template \| write \${name\.key\[0\]}/,
  )
  assert.equal(fault(files('run ${learning.rate}')), 'accepted')
})

test('refuses a list in a text and a map outside a command', () => {
  const files = { 'params.yaml': 'l: [1]\nd: {a: 1}\n' }
  const stage = (body: string): Files => ({ 'dvc.yaml': `stages:\n  a: {${body}}\n`, ...files })
  assert.match(fault(stage("cmd: 'run ${l}'")), /`\${l}` is a list, which has no text/)
  assert.match(fault(stage("cmd: run, outs: ['${d}']")), /line 2, column 24: `\${d}` is a map, which has no text/)
  assert.equal(fault(stage("cmd: 'run ${l[0]} ${d.a}'")), 'accepted')
})

test('stops at a date that a template could see, and not at one elsewhere', () => {
  const dvc = { 'dvc.yaml': 'stages:\n  a: {cmd: run, params: [other.yaml: [d]], meta: {d: 2020-01-01}}\n' }
  assert.match(
    fault({ ...dvc, 'params.yaml': 'd: 2020-01-01\n' }),
    /`params\.yaml` holds a date.*\| quote it: '2020-01-01'/,
  )
  assert.equal(fault({ ...dvc, 'params.yaml': "d: '2020-01-01'\n", 'other.yaml': 'd: 2020-01-01\n' }), 'accepted')
})

test('ends a template that multiplies itself', () => {
  const vars = Array.from({ length: 3 }, (_, index) => `k${index}: ${'x'.repeat(300_000)}\n`).join('')
  const cmd = Array.from({ length: 4 }, () => '${k0}${k1}${k2}').join('')
  assert.match(fault({ 'dvc.yaml': `stages:\n  a:\n    cmd: ${cmd}\n`, 'params.yaml': vars }), /ERR_INPUT_TOO_LARGE/)
})

test('ends a matrix that is larger than any project before making it', () => {
  const axes = Array.from({ length: 9 }, (_, index) => `a${index}: [1, 2, 3, 4, 5, 6, 7, 8, 9]`).join(', ')
  assert.match(fault({ 'dvc.yaml': `stages:\n  s: {matrix: {${axes}}, cmd: x}\n` }), /more than 100000 stages/)
})
