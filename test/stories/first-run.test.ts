import assert from 'node:assert/strict'
import { appendFileSync, existsSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { words } from '../support/projects.ts'
import { scratch } from '../support/scratch.ts'

test('an existing repository is run and trusted after init, with no edit', async (context) => {
  const project = scratch(context, words)
  project.commit('before assay')
  await project.json(0, 'init', '--yes', '--commit')

  const run = await project.json(0, 'run')
  assert.equal(run.status, 'succeeded')
  assert.deepEqual(
    run.stages.map(({ name, status }: { name: string; status: string }) => [name, status]),
    [
      ['sort', 'ran'],
      ['count', 'ran'],
    ],
  )
  assert.equal(project.read('model/count.txt').trim().split('\n').length, 2)

  const verdict = await project.json(0, 'verify', 'model/count.txt')
  assert.equal(verdict.trusted, true)
  assert.equal(verdict.level, 1)
  assert.equal(verdict.properties.isolated, true)
  assert.equal(verdict.properties.locked, false)
  assert.ok(verdict.whyNotHigher.length > 0)
})

test('a run before init says so before it builds an environment', async (context) => {
  const project = scratch(context, {
    ...words,
    'requirements.lock': `absent==1 --hash=sha256:${'0'.repeat(64)}\n`,
    'assay.yaml':
      'assay: 1\nname: words\nenvironments: {locked: {python: {lock: requirements.lock}}}\ndefaults: {environment: locked}\n',
  })
  project.commit()
  assert.equal((await project.json(2, 'run')).error.code, 'ERR_KEY_HOME')
})

test('a second run does nothing, and says so', async (context) => {
  const project = scratch(context, words)
  project.commit()
  await project.json(0, 'init', '--yes', '--commit')
  await project.json(0, 'run')
  const again = await project.json(0, 'run')
  assert.deepEqual(
    again.stages.map(({ status }: { status: string }) => status),
    ['cached', 'cached'],
  )
  await project.json(0, 'status', '--check')
})

test('one flipped byte of an output is refused, and restored by the next run', async (context) => {
  const project = scratch(context, words)
  project.commit()
  await project.json(0, 'init', '--yes', '--commit')
  await project.json(0, 'run')
  const before = project.read('model/count.txt')
  project.write({ 'model/count.txt': before.replace('2', '3') })

  const verdict = await project.json(1, 'verify', 'model/count.txt')
  assert.equal(verdict.trusted, false)
  assert.ok(
    verdict.findings.some(({ passed, code }: { passed: boolean; code: string }) => !passed && code.startsWith('ERR_')),
  )

  await project.json(0, 'run')
  assert.equal(project.read('model/count.txt'), before)
  await project.json(0, 'verify', 'model/count.txt')
})

test('a changed helper that no stage declares makes the stage that opened it out of date', async (context) => {
  const project = scratch(context, words)
  project.commit()
  await project.json(0, 'init', '--yes', '--commit')
  await project.json(0, 'run')
  appendFileSync(join(project.root, 'src/lib.sh'), '# changed\n')
  project.commit()
  const run = await project.json(0, 'run')
  assert.deepEqual(
    run.stages.map(({ name, status }: { name: string; status: string }) => [name, status]),
    [
      ['sort', 'ran'],
      ['count', 'cached'],
    ],
  )
})

test('a new module beside an out makes the stage that looked for it out of date, and nothing else does', async (context) => {
  const project = scratch(context, {
    'dvc.yaml': 'stages: {train: {cmd: python3 train.py, deps: [train.py], outs: [metrics.txt]}}\n',
    'train.py': `try:\n    from helper import value\nexcept ImportError:\n    value = 0\nopen('metrics.txt', 'w').write(str(value))\n`,
    'lib/one.sh': '',
    '.gitignore': '/metrics.txt\n',
  })
  project.commit()
  await project.json(0, 'init', '--yes', '--commit')
  await project.json(0, 'run')
  project.write({ 'lib/two.sh': '' })
  project.commit('the lock, and what no stage looked for')
  assert.equal((await project.json(0, 'run')).stages[0].status, 'cached')
  project.write({ 'helper.py': 'value = 1\n' })
  project.commit()
  assert.equal((await project.json(0, 'run')).stages[0].status, 'ran')
  assert.equal(project.read('metrics.txt'), '1')
})

test('a parameter that is changed and changed back comes from the cache', async (context) => {
  const project = scratch(context, words)
  project.commit()
  await project.json(0, 'init', '--yes', '--commit')
  await project.json(0, 'run')
  const first = project.read('model/count.txt')
  project.write({ 'params.yaml': 'count:\n  field: 2\n' })
  project.commit()
  await project.json(0, 'run')
  assert.notEqual(project.read('model/count.txt'), first)
  project.write({ 'params.yaml': 'count:\n  field: 1\n' })
  project.commit()
  const back = await project.json(0, 'run')
  assert.equal(back.stages[1].status, 'cached')
  assert.equal(project.read('model/count.txt'), first)
  await project.json(0, 'verify', 'model/count.txt')
})

test('a dirty tree runs, says so first, and earns no level until it is committed', async (context) => {
  const project = scratch(context, words)
  project.commit()
  await project.json(0, 'init', '--yes', '--commit')
  project.write({ 'src/count.sh': `${project.read('src/count.sh')}# edited\n` })
  const dirty = await project.json(0, 'run')
  assert.equal(dirty.level, 0)
  const verdict = await project.json(1, 'verify', 'model/count.txt')
  assert.equal(verdict.level, 0)

  project.commit()
  const clean = await project.json(0, 'run')
  assert.equal(clean.level, 1)
  await project.json(0, 'verify', 'model/count.txt')
})

test('a failing stage stops what depends on it, keeps its log, and exits 3', async (context) => {
  const project = scratch(context, { ...words, 'src/sort.sh': 'echo broken tool; exit 9\n' })
  project.commit()
  await project.json(0, 'init', '--yes', '--commit')
  const run = await project.json(3, 'run')
  assert.equal(run.status, 'failed')
  assert.deepEqual(
    run.stages.map(({ name, status, code }: { name: string; status: string; code: string }) => [name, status, code]),
    [
      ['sort', 'failed', 'ERR_STAGE_FAILED'],
      ['count', 'skipped', 'ERR_STAGE_UPSTREAM'],
    ],
  )
  const logs = await project.assay('logs', '--stage', 'sort')
  assert.match(logs.stdout, /broken tool/)
  assert.equal(existsSync(join(project.root, 'assay.lock')), false)
})
