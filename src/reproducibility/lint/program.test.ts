/** Programs of several files: what is read, which seed counts where, and where a finding stands. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openLinter } from './index.ts'
import { type Files, lintFiles, stageOf, told } from './testing.ts'

const draws = 'import random\ndef draw(x):\n  random.shuffle(x)\n'

const placed = (files: Files, ...commands: readonly string[]): readonly string[] =>
  lintFiles(files, { commands: stageOf(...commands).commands }).map(
    ({ rule, file, cell, line }) => `${file}:${cell === undefined ? '' : `${cell}:`}${line} ${rule}`,
  )

test('a module of the project is read where a script imports it, and a seed of the script counts there', () => {
  const use = 'from lib.draws import draw\ndraw(x)\n'
  assert.deepEqual(placed({ 'src/a.py': use, 'src/lib/draws.py': draws }, 'python src/a.py'), [
    'src/lib/draws.py:3 unseeded-random',
  ])
  const seeded = `import random\nrandom.seed(1)\n${use}`
  assert.deepEqual(placed({ 'src/a.py': seeded, 'src/lib/draws.py': draws }, 'python src/a.py'), [])
})

test('a function that seeds counts when it is called, and from there on', () => {
  const seeds = 'import random\ndef fix(seed):\n  random.seed(seed)\n'
  const after = 'import random\nfrom seeds import fix\nfix(1)\nx = random.random()\n'
  const before = 'import random\nfrom seeds import fix\nx = random.random()\nfix(1)\n'
  const never = 'import random\nfrom seeds import fix\nx = random.random()\n'
  assert.deepEqual(placed({ 'a.py': after, 'seeds.py': seeds }, 'python a.py'), [])
  assert.deepEqual(placed({ 'a.py': before, 'seeds.py': seeds }, 'python a.py'), ['a.py:3 unseeded-random'])
  assert.deepEqual(placed({ 'a.py': never, 'seeds.py': seeds }, 'python a.py'), ['a.py:3 unseeded-random'])
})

test('names are told apart by scope', () => {
  const shadowed = 'import random\ndef f(random):\n  random.shuffle(x)\nf(y)\n'
  const local = 'def f():\n  import random as r\n  r.shuffle(x)\nr.shuffle(y)\nf()\n'
  const inClass = 'import random\nclass A:\n  random = 3\n  def f(self):\n    random.shuffle(x)\nA().f()\n'
  assert.deepEqual(told(lintFiles({ 'train.py': shadowed })), [])
  assert.deepEqual(told(lintFiles({ 'train.py': local })), ['unseeded-random:3'])
  assert.deepEqual(told(lintFiles({ 'train.py': inClass })), ['unseeded-random:5'])
})

test('one missing seed is one finding, with the other lines beside it', () => {
  const [finding, ...rest] = lintFiles({ 'train.py': 'import random\na = random.random()\nb = random.random()\n' })
  assert.deepEqual([finding?.line, finding?.column, finding?.also, rest], [2, 5, [3], []])
})

test('what never runs is not told: functions without a caller, the main part of an imported module', () => {
  const main = `${draws}if __name__ == "__main__":\n  draw([1])\n  random.shuffle(y)\n`
  assert.deepEqual(placed({ 'a.py': draws }, 'python a.py'), [])
  assert.deepEqual(placed({ 'a.py': main }, 'python a.py'), ['a.py:3 unseeded-random'])
  assert.deepEqual(placed({ 'a.py': 'import b\n', 'b.py': main.replace('  draw([1])\n', '') }, 'python a.py'), [])
})

test('commands are read as a shell reads them', () => {
  const files = {
    'src/a.py': 'import random\nrandom.random()\n',
    'pkg/__main__.py': 'import uuid\nsave(uuid.uuid4())\n',
  }
  const seen = ['src/a.py:2 unseeded-random']
  assert.deepEqual(placed(files, 'cd src && python3 -u a.py --x 1 > out.txt'), seen)
  assert.deepEqual(placed(files, 'OMP_NUM_THREADS=1 uv run src/a.py'), seen)
  assert.deepEqual(placed(files, "bash -c 'python src/a.py'"), seen)
  assert.deepEqual(placed(files, 'python -m pkg'), ['pkg/__main__.py:2 random-id'])
  assert.deepEqual(placed(files, 'python -c "import os; f(os.urandom(3))"'), ['dvc.yaml:1 os-entropy'])
  assert.deepEqual(placed(files, "python - <<'END'\nimport os\nf(os.urandom(3))\nEND"), ['dvc.yaml:1 os-entropy'])
  assert.deepEqual(placed({ 'run.sh': 'set -e\npython src/a.py\ndate > d.txt\n', ...files }, 'sh run.sh'), [
    'run.sh:3 wall-clock',
    ...seen,
  ])
  assert.deepEqual(placed({ tool: '#!/usr/bin/env python3\nimport random\nrandom.random()\n' }, './tool'), [
    'tool:3 unseeded-random',
  ])
})

const notebook = (...cells: readonly object[]): string => JSON.stringify({ cells, metadata: {}, nbformat: 4 })
const code = (source: string | readonly string[]): object => ({ cell_type: 'code', source, outputs: [] })

test('a notebook is read by cells, without what IPython adds to Python', () => {
  const text = notebook(
    { cell_type: 'markdown', source: 'random.random()' },
    code(['import random\n', '%matplotlib inline\n', 'x = random.random()\n', '!uuidgen > id-{x}.txt']),
    code('%%bash\ndate > now.txt'),
    code('%%html\n<random.random()>'),
    code('files = !ls\nif x:\n    !shuf data.txt > y.txt\n'),
  )
  assert.deepEqual(placed({ 'a.ipynb': text, 'out.ipynb': text }, 'papermill a.ipynb out.ipynb'), [
    'a.ipynb:2:3 unseeded-random',
    'a.ipynb:2:4 random-id',
    'a.ipynb:3:2 wall-clock',
    'a.ipynb:5:3 shell-random',
  ])
  const seeded = notebook(code('import random\nrandom.seed(1)'), code('x = random.random()'))
  assert.deepEqual(placed({ 'a.ipynb': seeded }, 'jupyter nbconvert --execute a.ipynb'), [])
  assert.deepEqual(
    placed({ 'a.ipynb': '{"metadata": {"kernelspec": {"language": "R"}}, "cells": []}' }, 'papermill a.ipynb'),
    ['a.ipynb:1 unread'],
  )
})

test('a finding is declared harmless by a comment or a setting, with its reason, and by nothing less', () => {
  const declared = (comment: string): readonly unknown[] =>
    lintFiles({ 'train.py': `import os\n${comment}\nuse(os.urandom(3))\n` }).map(({ rule, harmless }) => [
      rule,
      harmless,
    ])
  const reason = 'it salts the log alone'
  assert.deepEqual(declared(`# assay: harmless os-entropy because ${reason}`), [['os-entropy', reason]])
  assert.deepEqual(declared('# assay: harmless wall-clock because of something else'), [['os-entropy', undefined]])
  assert.deepEqual(declared('# assay: harmless os-entropy'), [
    ['unread', undefined],
    ['os-entropy', undefined],
  ])
  assert.deepEqual(declared('text = "# assay: harmless os-entropy because it is no comment"'), [
    ['os-entropy', undefined],
  ])
  const behind = 'import os\nuse(os.urandom(3))  # assay: harmless os-entropy because tested\nuse(os.urandom(3))\n'
  assert.deepEqual(
    lintFiles({ 'train.py': behind }).map(({ harmless }) => harmless),
    ['tested', undefined],
  )
  const harmless = new Map([['train.py', new Map([['os-entropy', reason]])]])
  const [found] = lintFiles({ 'train.py': 'import os\nuse(os.urandom(3))\n' }, { harmless })
  assert.equal(found?.harmless, reason)
})

test('what the settings of assay fix is told as such, and only while they hold', () => {
  const files = { 'train.py': 'bucket = hash(name)\nuse(bucket)\n' }
  assert.equal(lintFiles(files, { hasHashSeed: true })[0]?.fixedBy, 'PYTHONHASHSEED')
  assert.equal(lintFiles(files, { hasHashSeed: false })[0]?.fixedBy, undefined)
  const fixed = (command: string): unknown =>
    lintFiles(files, { hasHashSeed: true, commands: stageOf(command).commands })[0]?.fixedBy
  assert.equal(fixed('python -u train.py -E'), 'PYTHONHASHSEED')
  for (const command of ['python -I train.py', 'env -i python train.py', 'PYTHONHASHSEED=random python train.py']) {
    assert.equal(fixed(command), undefined, command)
  }
})

test('an out that is code is not what a stage runs; a download is told only where there is a network, a GPU where there is one', () => {
  const files = { 'out.py': 'import random\nrandom.random()\n' }
  const { commands } = stageOf('generate out.py && curl -O https://example.org/x')
  assert.deepEqual(told(lintFiles(files, { commands, outs: ['out.py'], has: new Set() })), [])
  assert.deepEqual(told(lintFiles(files, { commands })), ['network-input:1', 'unseeded-random:2'])
  const fast = { 'train.py': 'import torch\ntorch.backends.cudnn.benchmark = True\n' }
  assert.deepEqual(told(lintFiles(fast, { has: new Set() })), [])
  assert.deepEqual(told(lintFiles(fast)), ['gpu-determinism:2'])
})

test('a file that several stages run is read once', () => {
  const read: string[] = []
  const linter = openLinter({
    has: (path) => path === 'train.py',
    read: (path) => {
      read.push(path)
      return Buffer.from('x = 1\n')
    },
  })
  for (const stage of ['a', 'b']) linter.lint({ ...stageOf('python train.py'), stage })
  assert.deepEqual(read, ['train.py'])
})

test('what is started is read, wherever and however it is called', () => {
  const draw = 'import random\nrandom.random()\n'
  const files = { 'src/a.py': draw, script: draw, 'run.sh': draw, run: 'uuidgen > x\n', 'a.py': draw }
  const tool = { tool: `#!/usr/bin/python3 -u\n${draw}`, other: `#!/usr/bin/env -S A=b python3 -u\n${draw}` }
  for (const [command, ...seen] of [
    ['python /project/src/a.py', 'src/a.py:2 unseeded-random'],
    ['cd /project/src; python a.py', 'src/a.py:2 unseeded-random'],
    ['python script', 'script:2 unseeded-random'],
    ['python -W ignore -u script', 'script:2 unseeded-random'],
    ['python < a.py', 'a.py:2 unseeded-random'],
    ['sh -e run', 'run:1 random-id'],
    ['bash -euo pipefail run', 'run:1 random-id'],
    ["bash -ec 'uuidgen > x'", 'dvc.yaml:1 random-id'],
    ["python -uc 'import os; f(os.urandom(3))'", 'dvc.yaml:1 os-entropy'],
    ["bash <<< 'uuidgen > x'", 'dvc.yaml:1 random-id'],
    ['. run', 'run:1 random-id'],
    ['(cd data && ls); python a.py', 'a.py:2 unseeded-random'],
    ['{ cd data; ls; } | cat; python a.py', 'a.py:2 unseeded-random'],
    ["python - x <<'E'\nimport os\nf(os.urandom(3))\nE", 'dvc.yaml:1 os-entropy'],
    ['cd src; (cd x; ls) | cat; n=$(cd y; ls); python a.py', 'src/a.py:2 unseeded-random'],
    ['./tool', 'tool:3 unseeded-random'],
    ['./other', 'other:3 unseeded-random'],
  ] as const) {
    assert.deepEqual(placed({ ...files, ...tool }, command), seen, command)
  }
})

test('what is started and cannot be told is unread, and what starts nothing is not', () => {
  const files = { 'a.R': 'x <- runif(3)\n', 'a.py': 'x = 1\n' }
  for (const command of [
    'python "$S"',
    'python missing.py',
    'python /opt/x.py',
    'cat a.py | python',
    'sh -e "$S"',
    './a.R',
    '. x',
  ])
    assert.deepEqual(placed(files, command), [command === './a.R' ? 'a.R:1 unread' : 'dvc.yaml:1 unread'], command)
  for (const command of [
    'python --version',
    'echo python x',
    'which python',
    'cat a.R',
    'python -m pytest',
    'python a.py "$S"',
  ])
    assert.deepEqual(placed(files, command), [], command)
})

test('shells deeper than is read are unread, those that are read are not', () => {
  const chain = (length: number): Readonly<Record<string, string>> =>
    Object.fromEntries(
      Array.from({ length }, (_, at) => [`s${at}.sh`, at + 1 < length ? `sh s${at + 1}.sh\n` : 'uuidgen > x\n']),
    )
  assert.deepEqual(placed(chain(8), 'sh s0.sh'), ['s7.sh:1 random-id'])
  assert.deepEqual(placed(chain(12), 'sh s0.sh'), ['s8.sh:1 unread'])
})

test('what IPython runs in a notebook is read or unread', () => {
  const seen = (...cells: readonly string[]): readonly string[] =>
    placed(
      { 'a.ipynb': notebook(...cells.map((cell) => code(cell))), 'b.py': 'import random\nrandom.random()\n' },
      'papermill a.ipynb',
    )
  assert.deepEqual(seen('import random\n%time x = random.random()'), ['a.ipynb:1:2 unseeded-random'])
  assert.deepEqual(seen('import random\n%timeit -n 3 random.random()'), ['a.ipynb:1:2 unseeded-random'])
  assert.deepEqual(seen('%run b.py'), ['b.py:2 unseeded-random'])
  assert.deepEqual(seen('%%script bash\nuuidgen > x'), ['a.ipynb:1:2 random-id'])
  assert.deepEqual(seen('%%script perl\nprint rand()'), ['a.ipynb:1:1 unread'])
  assert.deepEqual(seen('x = 1', '%%R\nrunif(3)'), ['a.ipynb:2:1 unread'])
  assert.deepEqual(seen('%cython x'), ['a.ipynb:1:1 unread'])
  assert.deepEqual(seen('import random\n%pwd\nrandom.random() # is it?'), ['a.ipynb:1:3 unseeded-random'])
  assert.deepEqual(seen('import random\nrandom.random?\n?random\n%matplotlib inline', '%%html\n<b>'), [])
})

test('one place that is declared harmless, or settled, covers no other', () => {
  const text =
    'import random\nx = random.random()  # assay: harmless unseeded-random because salt\ny = random.random()\nz = random.random()\n'
  assert.deepEqual(
    lintFiles({ 'train.py': text }).map(({ line, also, harmless }) => [line, also, harmless]),
    [
      [2, [], 'salt'],
      [3, [4], undefined],
    ],
  )
  const { commands } = stageOf('python train.py; PYTHONHASHSEED=random python train.py')
  const found = lintFiles({ 'train.py': 'use(hash(name))\n' }, { hasHashSeed: true, commands })
  assert.deepEqual(
    found.map(({ fixedBy }) => fixedBy),
    ['PYTHONHASHSEED', undefined],
  )
})

test('a hash seed that the shell sets for what follows is not the one of assay', () => {
  const fixed = (command: string): unknown =>
    lintFiles({ 'n.py': 'use(hash(name))\n' }, { hasHashSeed: true, commands: stageOf(command).commands })[0]?.fixedBy
  for (const command of [
    'export PYTHONHASHSEED=random; python n.py',
    'PYTHONHASHSEED=random; python n.py',
    'unset PYTHONHASHSEED; python n.py',
    'env PYTHONHASHSEED=random python n.py',
    'env -u PYTHONHASHSEED python n.py',
    "export PYTHONHASHSEED=3; sh -c 'python n.py'",
  ])
    assert.equal(fixed(command), undefined, command)
  for (const command of [
    'export OTHER=1; python n.py',
    '(export PYTHONHASHSEED=1); python n.py',
    'env A=1 python n.py',
  ])
    assert.equal(fixed(command), 'PYTHONHASHSEED', command)
})

test('a name that a loop leaves behind holds what came last', () => {
  const loop = 'import os\nfor f in os.listdir(d):\n  latest = f\n'
  assert.deepEqual(placed({ 'a.py': `${loop}use(latest)\n` }, 'python a.py'), ['a.py:2 listing-order'])
  assert.deepEqual(placed({ 'a.py': `${loop}  print(latest)\n` }, 'python a.py'), [])
  assert.deepEqual(
    placed({ 'a.py': `${loop.replace('os.listdir(d)', 'sorted(os.listdir(d))')}use(latest)\n` }, 'python a.py'),
    [],
  )
})
