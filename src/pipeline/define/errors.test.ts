// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the templates are DVC's
/** Where it is wrong, what is wrong, what was meant. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isDomainError } from '../../core/index.ts'
import { definePipeline } from './index.ts'
import { projectOf } from './project.memory.ts'

const fault = (files: Readonly<Record<string, string>>): string => {
  try {
    definePipeline(projectOf(files))
  } catch (error) {
    if (isDomainError(error, 'ERR_DEFINITION_INVALID')) return `${error.message} | ${error.help}`
    throw error
  }
  return 'accepted'
}

const honest = `stages:
  train:
    cmd: python train.py
    deps: [data.csv]
    params: [lr]
    outs:
    - model.pkl:
        cache: false
    plots:
    - roc.csv: {x: fpr, y: tpr}
`

test('the honest twin of every refusal below passes', () => {
  assert.equal(fault({ 'dvc.yaml': honest }), 'accepted')
})

const slips: readonly (readonly [string, string, string, RegExp])[] = [
  [
    'an unknown key of a stage',
    'deps:',
    'dep:',
    /line 4, column 5: `dep` is not a key of the stage `train` \| did you mean `deps`\?/,
  ],
  [
    'an unknown top-level key',
    'stages:',
    'stage:',
    /line 1, column 1: `stage` is not a key of dvc\.yaml \| did you mean `stages`\?/,
  ],
  [
    'an unknown key of an out',
    'cache:',
    'cahce:',
    /line 8, column 9: `cahce` is not a key of `model\.pkl` \| did you mean `cache`\?/,
  ],
  ['an unknown key of a plot', 'y: tpr', 'z: tpr', /line 10, column 25: `z` is not a key of `roc\.csv`/],
  [
    'text where a list belongs',
    'deps: [data.csv]',
    'deps: data.csv',
    /line 4, column 11: `deps` is text, it must be a list/,
  ],
  ['nothing where a list belongs', 'deps: [data.csv]', 'deps:', /line 4, column 10: `deps` is null, it must be a list/],
  [
    'a number where a path belongs',
    '[data.csv]',
    '[7]',
    /line 4, column 12: entry 1 of `deps` is an integer, it must be text/,
  ],
  [
    'text where true or false belongs',
    'cache: false',
    'cache: no',
    /line 8, column 16: `cache` is text, it must be true or false/,
  ],
  [
    'a stage without a command',
    'cmd: python train.py',
    'desc: python train.py',
    /line 3, column 5: the stage `train` has no `cmd`/,
  ],
  [
    'a stage name that is no text',
    '  train:',
    '  1:',
    /line 2, column 3: the key `1` of `stages` is an integer, it must be text \| quote it/,
  ],
  ['a stage name with @', '  train:', '  tr@in:', /line 2, column 3: `tr@in` cannot name a stage/],
  [
    'a DVC file as a dep',
    'data.csv]',
    'data.csv.dvc]',
    /line 4, column 12: the DVC file `data\.csv\.dvc` cannot be a dep/,
  ],
  ['an unknown remote', 'data.csv]', '"remote://r/x"]', /line 4, column 12: the remote `r` is not in \.dvc\/config/],
  ['an unknown store', 'data.csv]', '"weird://h/x"]', /line 4, column 12: `weird:\/\/h\/x` is of no store/],
]
for (const [name, right, wrong, message] of slips) {
  test(`names the place of ${name}`, () => {
    assert.ok(honest.includes(right))
    assert.match(fault({ 'dvc.yaml': honest.replace(right, wrong) }), message)
  })
}

test('names the place in a .dvc file and in dvc.lock', () => {
  assert.match(
    fault({ 'data.csv.dvc': 'outs:\n- path: data.csv\n  md: abc\n' }),
    /`data\.csv\.dvc` line 3, column 3: `md` is not a key of entry 1 of `outs` \| did you mean `md5`\?/,
  )
  assert.match(
    fault({ 'data.csv.dvc': 'cmd: make\nouts:\n- path: data.csv\n' }),
    /line 1, column 1: `cmd` is not a key/,
  )
  assert.match(
    fault({ 'dvc.yaml': honest, 'dvc.lock': "schema: '3.0'\nstages: {}\n" }),
    /`dvc\.lock` line 1, column 9: `schema` is text, it must be '2\.0'/,
  )
  assert.equal(fault({ 'dvc.yaml': honest, 'dvc.lock': "schema: '2.0'\nstages:\n  train: {cmd: x}\n" }), 'accepted')
})

test('reads past a lock of DVC 1 and says so', () => {
  const pipeline = definePipeline(projectOf({ 'dvc.yaml': honest, 'dvc.lock': 'train:\n  cmd: x\n' }))
  assert.deepEqual(pipeline.warnings, ['`dvc.lock` is of DVC 1 and is not used; DVC 3 refuses it'])
})

test('prints no escape sequence of a hostile name', () => {
  const text = fault({ 'dvc.yaml': 'stages:\n  a: {"\\e]0;x\\a": 5}\n' })
  assert.match(text, /\\u\{1b\}/)
  assert.ok(!text.includes('\u001b'))
})

test('lists every file that was read, and no other', () => {
  const files = {
    'dvc.yaml': 'vars: [v.yaml]\nstages:\n  a: {cmd: "x ${v}", params: [p.json: [k]]}\n',
    'v.yaml': 'v: 1\n',
    'params.yaml': 'x: 1\n',
    'p.json': '{}',
    'in.dvc': 'outs: []\n',
    'unused.yaml': 'x: 1\n',
  }
  assert.deepEqual(definePipeline(projectOf(files)).files, ['dvc.yaml', 'in.dvc', 'params.yaml', 'v.yaml'])
})
