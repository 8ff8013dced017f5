/** Threat: data poisoning. Bytes that nobody approved, or that changed after approval, do not reach a stage. */
import assert from 'node:assert/strict'
import { copyFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { words } from '../support/projects.ts'
import { type Document, type Scratch, scratch } from '../support/scratch.ts'

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
  copyFileSync(join(project.root, 'trust.yaml'), `${project.keys}/policy.yaml`)
  await project.json(0, 'attest', 'export', 'model/count.txt', '--out', 'before.jsonl')
  const byPolicy = [
    'verify',
    'model/count.txt',
    '--evidence',
    'before.jsonl',
    '--policy',
    `${project.keys}/policy.yaml`,
  ]
  assert.equal((await project.json(0, ...byPolicy)).trusted, true)
  await project.json(0, 'data', 'revoke', 'words', '--because', 'licence withdrawn')
  project.commit()
  const stale: Document = await project.json(1, ...byPolicy)
  assert.ok(
    stale.findings.some(({ code }: Document) => code === 'ERR_SOURCE_REVOKED'),
    'evidence from before the revocation, by a policy from elsewhere',
  )
  copyFileSync(join(project.root, 'model/count.txt'), `${project.keys}/count.txt`)
  const copied: Document = await project.json(1, ...byPolicy.with(1, `${project.keys}/count.txt`))
  assert.ok(
    copied.findings.some(({ code }: Document) => code === 'ERR_SOURCE_REVOKED'),
    'a copy that lies elsewhere, asked about from inside the checkout',
  )
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

test('revoked bytes do not come back as an input that nobody listed, nor by evidence from before they were listed', async (context) => {
  const project = scratch(context, words)
  project.commit()
  await project.json(0, 'init', '--yes', '--commit')
  const unlisted = project.read('assay.yaml')
  await project.json(0, 'run')
  assert.equal((await project.json(0, 'verify', 'model/count.txt')).trusted, true)

  await project.json(0, 'data', 'add', 'words', 'data/words.txt', '--classification', 'public', '--licence', 'CC0-1.0')
  await project.json(0, 'data', 'approve', 'words')
  project.commit()
  await project.json(0, 'run')
  await project.json(0, 'data', 'revoke', 'words', '--because', 'poisoned')
  project.commit()
  const verdict = await project.json(1, 'verify', 'model/count.txt')
  assert.equal(verdict.trusted, false)
  assert.ok(verdict.findings.some(({ code }: Document) => code === 'ERR_SOURCE_REVOKED'))

  const evasions: readonly (readonly [string, string])[] = [
    ['without its source', unlisted],
    ['as a file that git tracks', unlisted.replace(/^data:[\s\S]*?(?=^\S|(?![\s\S]))/m, 'data: {}\n')],
  ]
  for (const [name, settings] of evasions) {
    assert.doesNotMatch(settings, /source:/)
    project.write({ 'assay.yaml': settings })
    project.commit(name)
    const refused = await project.json(1, 'run')
    assert.equal(refused.stages[0].code, 'ERR_SOURCE_REVOKED', name)
  }
  // Only the signed revocation is left: the inventory forgets the source, and its evidence does not.
  project.write({ 'assay.yaml': unlisted, 'sources.yaml': 'inventory: 1\nsources: {}\n' })
  project.commit('forget the source')
  assert.equal((await project.json(1, 'run')).stages[0].code, 'ERR_SOURCE_REVOKED')
  assert.equal((await project.json(1, 'verify', 'model/count.txt')).trusted, false)

  project.write({ 'data/words.txt': 'plum 1\nfig 2\n' })
  project.commit('other words')
  await project.json(0, 'run')
  assert.equal((await project.json(0, 'verify', 'model/count.txt')).trusted, true)
})

test('a statement names the approval that the run relied on; another one in its place is said', async (context) => {
  const project = scratch(context, words)
  await prepared(project)
  await project.json(0, 'data', 'approve', 'words', '--because', 'read by hand')
  project.commit()
  const first = project.git('ls-files', 'attestations').trim()
  await project.json(0, 'run')
  const pinned = async (): Promise<readonly Document[]> =>
    (await project.json(0, 'verify', 'model/count.txt')).findings.filter(
      ({ check }: Document) => check === 'approval-pinned',
    )
  await project.json(0, 'data', 'approve', 'words', '--because', 'read again')
  project.commit()
  assert.deepEqual(await pinned(), [])

  project.git('rm', '--quiet', first)
  project.commit('take the first approval away')
  const [finding] = await pinned()
  assert.equal(finding?.code, 'CAVEAT')
})
