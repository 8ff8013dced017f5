/** Threat: data poisoning. Bytes that nobody approved, or that changed after approval, do not reach a stage. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { words } from '../support/projects.ts'
import { type Scratch, scratch } from '../support/scratch.ts'

async function prepared(project: Scratch): Promise<void> {
  project.commit()
  await project.json(0, 'init', '--yes', '--commit')
  await project.json(0, 'data', 'add', 'words', 'data/words.txt', '--classification', 'public', '--licence', 'CC0-1.0')
  project.commit('register the words')
}

test('an input whose source nobody approved is refused; approved, it runs', async (context) => {
  const project = scratch(context, words)
  await prepared(project)
  const refused = await project.json(1, 'run')
  assert.equal(refused.status, 'refused')
  assert.equal(refused.stages[0].code, 'ERR_SOURCE_UNAPPROVED')

  await project.json(0, 'data', 'approve', 'words', '--because', 'read by hand')
  project.commit('approve the words')
  await project.json(0, 'run')
  const verdict = await project.json(0, 'verify', 'model/count.txt')
  assert.equal(verdict.properties.inputsApproved, true)
})

test('bytes that changed behind an approved source are refused, with their time stamps restored too', async (context) => {
  const project = scratch(context, words)
  await prepared(project)
  await project.json(0, 'data', 'approve', 'words')
  project.commit()
  await project.json(0, 'run')

  project.write({ 'data/words.txt': 'pear 1\napple 2\npeer 3\n' })
  const refused = await project.json(1, 'run')
  assert.equal(refused.stages[0].code, 'ERR_SOURCE_CHANGED')
})

test('the word "approved" written into sources.yaml approves nothing', async (context) => {
  const project = scratch(context, words)
  await prepared(project)
  project.write({
    'sources.yaml': project
      .read('sources.yaml')
      .replace(/^(\s*)classification:/m, '$1status: approved\n$1classification:'),
  })
  project.commit()
  const ran = await project.assay('run', '--json')
  assert.notEqual(ran.code, 0)
})

test('a revoked source is refused, and stays revoked when its revocation is deleted', async (context) => {
  const project = scratch(context, words)
  await prepared(project)
  await project.json(0, 'data', 'approve', 'words')
  project.commit()
  await project.json(0, 'run')
  await project.json(0, 'data', 'revoke', 'words', '--because', 'licence withdrawn')
  project.commit()
  assert.equal((await project.json(1, 'run')).stages[0].code, 'ERR_SOURCE_REVOKED')
  assert.equal((await project.json(1, 'verify', 'model/count.txt')).trusted, false)

  project.git('rm', '-r', '--quiet', '--cached', 'attestations')
  const list = await project.json(0, 'data', 'list')
  assert.equal(list.sources[0].status, 'revoked')
})

test('an approval reaches what was made before it: the stages in between run again, and the model is proven', async (context) => {
  const project = scratch(context, words)
  project.commit()
  await project.json(0, 'init', '--yes', '--commit')
  await project.json(0, 'run')
  assert.equal((await project.json(0, 'verify', 'model/count.txt')).properties.inputsApproved, false)

  await project.json(0, 'data', 'add', 'words', 'data/words.txt', '--classification', 'public', '--licence', 'CC0-1.0')
  await project.json(0, 'data', 'approve', 'words')
  project.commit()
  await project.json(0, 'run')
  assert.equal((await project.json(0, 'verify', 'model/count.txt')).properties.inputsApproved, true)
})
