import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { makeRunners } from './runners.fs.ts'
import { runnersIn } from './runners.ts'
import { scratchFolder } from './testing.exec.ts'

test('finds runners where a command begins, and nowhere else', () => {
  const found = (command: string) => runnersIn([command]).map(({ runner, environment }) => [runner, environment])
  assert.deepEqual(found('poetry run python train.py'), [['poetry', undefined]])
  assert.deepEqual(found('X=1 uv run --frozen a.py && pipenv run b | pdm run c'), [
    ['uv', undefined],
    ['pipenv', undefined],
    ['pdm', undefined],
  ])
  assert.deepEqual(found('conda run -n science --no-capture-output python x.py'), [['conda', 'science']])
  assert.deepEqual(found('micromamba run --prefix=/opt/c python x.py'), [['micromamba', '/opt/c']])
  assert.deepEqual(found('python poetry run.py'), [])
  assert.deepEqual(found('poetry install; uv sync; echo uv run'), [])
})

test('a script that stands for a runner starts what follows, and refuses what it cannot do', (context) => {
  const folder = scratchFolder(context)
  const scripts = makeRunners(folder)
  const python = join(folder, 'python')
  writeFileSync(python, '#!/bin/sh\necho python "$@"\n')
  chmodSync(python, 0o755)
  const say = (command: string) => {
    const env = { PATH: `${scripts}:${folder}:/usr/bin:/bin` }
    const { status, stdout, stderr } = spawnSync('/bin/sh', ['-c', command], { env, cwd: folder, encoding: 'utf8' })
    return [status, `${stdout}${stderr}`.trim()]
  }
  assert.deepEqual(say('poetry run echo "a  b" c'), [0, 'a  b c'])
  assert.deepEqual(say('uv run --frozen --extra gpu -- echo -n x'), [0, 'x'])
  assert.deepEqual(say('uv run train.py --n 1'), [0, 'python train.py --n 1'])
  assert.deepEqual(say('uv run -m pkg.train'), [0, 'python -m pkg.train'])
  assert.deepEqual(say('conda run -n science --no-capture-output echo x'), [0, 'x'])
  assert.deepEqual(say('pdm run false'), [1, ''])
  for (const [command, because] of [
    ['uv run --with torch train.py', '`uv run --with` chooses what a stage cannot'],
    ['uv sync', '`uv sync` is not there in a stage'],
    ['pipenv run train', '`pipenv run train` is no program here'],
    ['poetry run', '`poetry run` has no command'],
  ] as const) {
    const [status, said] = say(command)
    assert.equal(status, 127)
    assert.ok(String(said).includes(because), `${command}: ${said}`)
  }
})
