/** Goal: know before a run what in its code would make the next one differ, mend it or say why it does no harm. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { lintRules, ruleNames } from '../../src/reproducibility/index.ts'
import { type Document, scratch } from '../support/scratch.ts'

const example = join(import.meta.dirname, '../../examples/digits')
const digits = Object.fromEntries(
  [
    'dvc.yaml',
    'assay.yaml',
    'params.yaml',
    ...['evaluate', 'export', 'prepare', 'tables', 'train'].map((name) => `src/${name}.py`),
  ].map((path) => [path, readFileSync(join(example, path), 'utf8')]),
)

test('the example is found free of it; a seed that is taken out is named where it is missed', async (context) => {
  const project = scratch(context, digits)
  const clean = await project.json(0, 'lint')
  assert.deepEqual(clean.findings, [])
  assert.deepEqual(clean.stages[0], { name: 'export', files: ['src/export.py', 'src/tables.py'] })

  const train = project.read('src/train.py')
  project.write({
    'src/train.py': train.replace(', random_state=params["seed"]', ''),
    'src/tables.py': `${project.read('src/tables.py')}\n\nimport time\n\n\ndef stamp():\n    return time.time()\n\n\nWHEN = stamp()\n`,
  })
  const told = await project.assay('lint', 'train')
  assert.equal(told.code, 1)
  const line = train.split('\n').findIndex((text) => text.startsWith('model = LogisticRegression')) + 1
  assert.match(told.stdout, new RegExp(`^src/train\\.py:${line}:9  missing-seed  .*\\(train\\)$`, 'm'))
  assert.match(told.stdout, /^ {4}write: pass it one: random_state=/m)
  assert.match(told.stdout, /^2 likely sources of non-determinism, 2 files of 1 stage read$/m)

  const all = await project.json(1, 'lint')
  const clock = all.findings.find(({ rule }: Document) => rule === 'wall-clock')
  assert.deepEqual(clock.stages, ['export', 'prepare', 'train', 'evaluate'])
})

test('what is declared harmless, with a reason, lets it pass; a rule that is none is refused', async (context) => {
  const pipeline = 'stages:\n  note:\n    cmd: date > note.txt\n    outs: [note.txt]\n'
  const project = scratch(context, { 'dvc.yaml': pipeline })
  const [finding] = (await project.json(1, 'lint')).findings
  assert.deepEqual([finding.file, finding.line, finding.stages], ['dvc.yaml', 3, ['note']])

  const settings = (rule: string): string =>
    `assay: 1\nstages:\n  note:\n    harmless: {dvc.yaml: {${rule}: the note is for people}}\n`
  project.write({ 'assay.yaml': settings('wall-clock') })
  const declared = await project.json(0, 'lint')
  assert.deepEqual(
    [declared.findings, declared.harmless.map(({ harmless }: Document) => harmless)],
    [[], ['the note is for people']],
  )
  assert.match((await project.assay('lint', '--all')).stdout, /wall-clock .*harmless: the note is for people/)

  project.write({ 'assay.yaml': settings('wal-clock') })
  const refused = await project.json(2, 'lint')
  assert.equal(refused.error.code, 'ERR_SETTINGS_INVALID')
  assert.match(refused.error.help, /wall-clock/)
  assert.equal((await project.json(2, 'lint', 'nothing')).error.code, 'ERR_SETTINGS_INVALID')
})

test('the hash seed that assay gives is enough for sets, until a stage changes it', async (context) => {
  const files = {
    'dvc.yaml': 'stages:\n  names:\n    cmd: python names.py\n    outs: [names.txt]\n',
    'names.py':
      'names = {"a", "b"}\nwith open("names.txt", "w") as file:\n    for name in names:\n        file.write(name)\n',
  }
  const project = scratch(context, files)
  const fixed = await project.json(0, 'lint')
  assert.deepEqual(
    fixed.fixed.map(({ rule, line, fixedBy }: Document) => [rule, line, fixedBy]),
    [['set-order', 3, 'PYTHONHASHSEED']],
  )
  project.write({ 'assay.yaml': 'assay: 1\nstages:\n  names:\n    env: {PYTHONHASHSEED: random}\n' })
  assert.equal((await project.json(1, 'lint')).findings[0].rule, 'set-order')
})

test('what cannot be read is said, with its place, and is no pass', async (context) => {
  const pipeline = 'stages:\n  bad:\n    cmd: python bad.py\n    outs: [bad.txt]\n'
  const project = scratch(context, { 'dvc.yaml': pipeline, 'bad.py': 'def f(:\n' })
  const report = await project.json(1, 'lint')
  assert.deepEqual(
    report.findings.map(({ rule, file, line }: Document) => [rule, file, line]),
    [['unread', 'bad.py', 1]],
  )
})

test('the page of the rules has them all, in their words', () => {
  const page = readFileSync(join(import.meta.dirname, '../../docs/reference/lint.md'), 'utf8')
  const rows = [...page.matchAll(/^\| `([a-z-]+)` \| (.*?) \| (.*?) \|$/gm)].map(([, rule, says, instead]) => [
    rule,
    says?.trim(),
    instead?.trim(),
  ])
  const escaped = (text: string): string => text.replaceAll('|', '\\|')
  assert.deepEqual(
    rows,
    ruleNames.map((rule) => [rule, escaped(lintRules[rule].says), escaped(lintRules[rule].instead)]),
  )
})
