/** Goal: know that what ran is what the commit says, also when other commits came after it. */
import assert from 'node:assert/strict'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { startSigner } from '../../src/attestation/index.ts'
import { hexOf } from '../../src/core/index.ts'
import { openProject, readStage } from '../../src/pipeline/index.ts'
import { adopted } from '../support/adopted.ts'
import { words } from '../support/projects.ts'
import { type Document, scratchEnvironment } from '../support/scratch.ts'

const definitions = (verdict: Document): readonly string[] =>
  verdict.findings.flatMap(({ check, subject, code }: Document) =>
    check === 'definition' ? [`${subject} ${code}`] : [],
  )

test('after the lock is committed, and after a change of one stage, each definition is held to its own commit', async (context) => {
  const project = await adopted(context, words)
  await project.json(0, 'run')
  const kept = ['count OK', 'sort OK']
  assert.deepEqual(definitions(await project.json(0, 'verify', 'model/count.txt')).toSorted(), kept)
  project.commit('the lock')
  assert.deepEqual(definitions(await project.json(0, 'verify', 'model/count.txt')).toSorted(), kept)

  project.write({ 'params.yaml': 'count:\n  field: 2\n' })
  project.commit()
  const again = await project.json(0, 'run', '--require-level', '1')
  assert.equal(again.level, 1)
  const verdict = await project.json(0, 'verify', 'model/count.txt')
  assert.equal(verdict.commits.length, 2)
  assert.deepEqual(definitions(verdict).toSorted(), kept)
})

test('a commit that is gone from this clone is a caveat', async (context) => {
  const project = await adopted(context, words)
  await project.json(0, 'run')
  project.git('commit', '--quiet', '--amend', '-m', 'another')
  project.git('reflog', 'expire', '--expire=now', '--all')
  project.git('gc', '--quiet', '--prune=now')
  const verdict = await project.json(0, 'verify', 'model/count.txt')
  assert.deepEqual(definitions(verdict).toSorted(), ['count CAVEAT', 'sort CAVEAT'])
})

test('a builder that names an earlier commit than the one whose definition it ran is refused', async (context) => {
  const project = await adopted(context, words)
  const earlier = project.git('rev-parse', 'HEAD').trim()
  project.write({ 'params.yaml': 'count:\n  field: 2\n' })
  project.commit()
  const run = await project.json(0, 'run')
  assert.equal((await project.json(0, 'verify', 'model/count.txt')).trusted, true)

  const environment = scratchEnvironment(project.keys)
  const opened = await openProject({ workingFolder: project.root, environment, now: () => new Date(), version: '0' })
  const { attestation } = run.stages.find(({ name }: Document) => name === 'count')
  const facts = readStage(opened, attestation)
  await using signer = await startSigner({ key: opened.keySource(), objectStoreRoot: opened.store.root })
  const lying = { ...facts, source: { ...facts.source, commit: earlier } }
  const { bytes } = await signer.sign({ kind: 'stage', facts: lying })
  const forged = opened.evidence.save(bytes, { key: facts.key, subjects: facts.outputs.map(({ digest }) => digest) })
  rmSync(join(project.root, '.assay/attestations', `${hexOf(attestation)}.sigstore.json`))
  project.write({ 'assay.lock': project.read('assay.lock').replace(attestation, forged) })

  const verdict = await project.json(1, 'verify', 'model/count.txt')
  assert.deepEqual(definitions(verdict).toSorted(), ['count ERR_DEFINITION_MISMATCH', 'sort OK'])
})
