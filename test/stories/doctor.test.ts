import assert from 'node:assert/strict'
import { test } from 'node:test'
import { words } from '../support/projects.ts'
import { type Document, scratch } from '../support/scratch.ts'

const stateOf = (examination: Document, name: string): string =>
  examination.checks.find((check: { name: string }) => check.name === name)?.state

test('doctor starts a real sandbox and names each gap with its next step', async (context) => {
  const project = scratch(context, words)
  project.commit()
  const before = await project.json(1, 'doctor')
  assert.equal(stateOf(before, 'sandbox'), 'good')
  assert.equal(stateOf(before, 'key'), 'missing')
  assert.equal(before.highestLevel, 0)

  await project.json(0, 'init', '--yes', '--commit')
  assert.equal((await project.json(0, 'doctor')).highestLevel, 1)

  project.write({ 'src/sort.sh': 'exit 0\n' })
  const dirty = await project.json(0, 'doctor')
  assert.equal(stateOf(dirty, 'project'), 'gap')
  assert.ok(
    dirty.checks.every(
      ({ state, help }: { state: string; help?: string }) => (state === 'good') === (help === undefined),
    ),
  )
})
