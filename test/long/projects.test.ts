/** Goal: the project that I have runs as it is, in the rarer shapes; test/stories/projects.test.ts has the others. */
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { adopted, statuses } from '../support/adopted.ts'
import { words } from '../support/projects.ts'
import { runAssay, scratchEnvironment } from '../support/scratch.ts'

test('a persisted out grows when its stage runs, and only then', async (context) => {
  const project = await adopted(context, {
    'dvc.yaml': `stages:
  log:
    cmd: cat data/in.txt >> log.txt
    deps: [data/in.txt]
    outs:
      - log.txt: {persist: true}
`,
    'data/in.txt': 'one\n',
    '.gitignore': '/log.txt\n',
  })
  await project.json(0, 'run')
  assert.deepEqual(statuses(await project.json(0, 'run')), { log: 'cached' })
  await project.json(0, 'status', '--check')
  assert.equal(project.read('log.txt'), 'one\n')
  project.write({ 'data/in.txt': 'two\n' })
  project.commit()
  await project.json(0, 'run')
  assert.equal(project.read('log.txt'), 'one\ntwo\n')
  assert.equal((await project.json(0, 'verify', 'log.txt')).trusted, true)
})

test('names may hold spaces and letters of any script', async (context) => {
  const project = await adopted(context, {
    'dvc.yaml': `stages:
  größe:
    cmd: wc -l < "data/täglich 数据.txt" > "out/ein ergebnis.txt"
    deps: ["data/täglich 数据.txt"]
    outs: ["out/ein ergebnis.txt"]
`,
    'data/täglich 数据.txt': 'a\nb\n',
    '.gitignore': '/out\n',
  })
  assert.equal((await project.json(0, 'run')).level, 1)
  assert.equal(project.read('out/ein ergebnis.txt'), '2\n')
  assert.deepEqual(statuses(await project.json(0, 'run')), { größe: 'cached' })
  assert.equal((await project.json(0, 'verify', 'out/ein ergebnis.txt')).trusted, true)
})

test('several dvc.yaml files make one pipeline', async (context) => {
  const project = await adopted(context, {
    'dvc.yaml': 'stages:\n  last:\n    cmd: cp a/made.txt last.txt\n    deps: [a/made.txt]\n    outs: [last.txt]\n',
    'a/dvc.yaml': 'stages:\n  first:\n    cmd: cp in.txt made.txt\n    deps: [in.txt]\n    outs: [made.txt]\n',
    'a/in.txt': 'in\n',
    '.gitignore': '/last.txt\n/a/made.txt\n',
  })
  assert.deepEqual(statuses(await project.json(0, 'run')), { 'a/dvc.yaml:first': 'ran', last: 'ran' })
  assert.equal((await project.json(0, 'verify', 'last.txt')).level, 1)
})

test('run from a folder below, targets and artifacts are found as they are named', async (context) => {
  const project = await adopted(context, words)
  const below = join(project.root, 'src')
  const environment = scratchEnvironment(project.keys)
  assert.equal((await runAssay(['run', 'sort'], below, environment)).code, 0)
  assert.equal(existsSync(join(project.root, 'out/sorted.txt')), true)
  assert.equal((await runAssay(['verify', '../out/sorted.txt'], below, environment)).code, 0)
})
