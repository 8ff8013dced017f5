/** Goal: the project that I have runs as it is, in the rarer shapes; test/stories/projects.test.ts has the others. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { adopted, statuses } from '../support/adopted.ts'

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
