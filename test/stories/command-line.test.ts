/** Goal: mistype a command and be told, by a person's words or a program's JSON, what was meant. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { adopted } from '../support/adopted.ts'
import { words } from '../support/projects.ts'
import { scratch } from '../support/scratch.ts'

test('a mistake is one sentence with its code and the next step, exit 2, and one document with --json', async (context) => {
  const project = scratch(context, { 'README.md': 'nothing here\n' })
  const said = await project.assay('rum')
  assert.deepEqual([said.code, said.stdout], [2, ''])
  assert.match(said.stderr, /^error: unknown command 'rum' \(Did you mean run\?\) \(ERR_USAGE\)\n {2}next: /)

  for (const args of [['rum'], ['run', '--bogus'], ['data', 'add'], ['data']]) {
    const ran = await project.assay(...args, '--json')
    assert.equal(ran.code, 2, args.join(' '))
    assert.equal(JSON.parse(ran.stdout).error.code, 'ERR_USAGE', args.join(' '))
  }
  const help = await project.assay('run', '--help')
  assert.equal(help.code, 0)
  assert.match(help.stdout, /Examples:/)
})

test('outside a project every verb says so', async (context) => {
  const project = scratch(context, { 'README.md': 'nothing here\n' })
  for (const verb of ['run', 'status', 'verify', 'show', 'gc']) {
    assert.equal((await project.json(2, verb)).error.code, 'ERR_PROJECT_MISSING', verb)
  }
})

test('several final outs are one document of the usual shape, with each verdict beside it', async (context) => {
  const project = await adopted(context, {
    ...words,
    'dvc.yaml': `${words['dvc.yaml']}  other:\n    cmd: cp src/lib.sh model/other.txt\n    deps: [src/lib.sh]\n    outs: [model/other.txt]\n`,
  })
  await project.json(0, 'run')
  const both = await project.json(0, 'verify')
  assert.deepEqual([both.trusted, both.level, both.properties.isolated, both.verdicts.length], [true, 1, true, 2])

  project.write({ 'model/other.txt': 'forged\n' })
  const one = await project.json(1, 'verify')
  assert.deepEqual([one.trusted, one.level, one.subject.path], [false, 0, 'model/other.txt'])
})
