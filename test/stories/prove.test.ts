/** Goal: from a draft, which nobody believes, to evidence: the same, or what was otherwise. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { adopted } from '../support/adopted.ts'
import { words } from '../support/projects.ts'

test('a draft of changes is proven when they are committed', async (context) => {
  const project = await adopted(context, words)
  project.write({ 'src/sort.sh': 'sort -r "$1" > "$2"\n' })
  assert.equal((await project.json(0, 'run', '--draft')).level, 0)

  const early = await project.json(1, 'prove')
  assert.equal(early.error.code, 'ERR_EVIDENCE_DIRTY')
  assert.match(early.error.message, /src\/sort.sh/)

  project.commit('the other way around')
  const proof = await project.json(0, 'prove')
  assert.deepEqual([proof.matched, proof.verdict, proof.run.level], [true, 'identical', 1])
  assert.equal((await project.json(0, 'verify', 'model/count.txt')).trusted, true)
})

test('a draft with another parameter is not what the commit gives, and the parameter is named first', async (context) => {
  const project = await adopted(context, words)
  const draft = await project.json(0, 'run', '--draft', '--set', 'count.field=2')
  const proof = await project.json(1, 'prove', draft.runId)
  assert.deepEqual([proof.draft, proof.matched, proof.verdict], [draft.runId, false, 'diverged'])
  assert.match(proof.differences[0].what, /parameter params.yaml:count.field/)
  assert.equal(proof.run.level, 1)
  const told = await project.assay('prove', draft.runId)
  assert.match(told.stdout, /differs .*\n(.*\n)*likeliest cause first:\n +count +parameter/)
})
