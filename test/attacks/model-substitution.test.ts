/** Threat: model substitution. Bytes that no attested run made are not the model, wherever they came from. */
import assert from 'node:assert/strict'
import { copyFileSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { words } from '../support/projects.ts'
import { type Scratch, scratch } from '../support/scratch.ts'

async function trained(project: Scratch): Promise<void> {
  project.commit()
  await project.json(0, 'init', '--yes', '--commit')
  await project.json(0, 'run')
}

test('a model of another project is refused here', async (context) => {
  const project = scratch(context, words)
  await trained(project)
  const other = scratch(context, { ...words, 'data/words.txt': 'plum 4\n' })
  await trained(other)
  copyFileSync(join(other.root, 'model/count.txt'), join(project.root, 'model/count.txt'))
  assert.equal((await project.json(1, 'verify', 'model/count.txt')).trusted, false)
})

test('evidence of another project, copied beside its model, is refused: another key signed it', async (context) => {
  const project = scratch(context, words)
  await trained(project)
  const other = scratch(context, { ...words, 'data/words.txt': 'plum 4\n' })
  await trained(other)
  copyFileSync(join(other.root, 'model/count.txt'), join(project.root, 'model/count.txt'))
  for (const kind of ['.assay/attestations']) {
    for (const name of readdirSync(join(other.root, kind))) {
      copyFileSync(join(other.root, kind, name), join(project.root, kind, name))
    }
  }
  copyFileSync(join(other.root, 'assay.lock'), join(project.root, 'assay.lock'))
  const verdict = await project.json(1, 'verify', 'model/count.txt')
  assert.equal(verdict.trusted, false)
  assert.equal((await other.json(0, 'verify', 'model/count.txt')).trusted, true)
})

test('exported evidence travels: the model is trusted elsewhere under its policy, and refused with one byte changed', async (context) => {
  const project = scratch(context, words)
  await trained(project)
  await project.json(0, 'attest', 'export', 'model/count.txt', '--out', 'count.assay.jsonl')
  const elsewhere = scratch(context, { 'README.md': 'no project here\n' })
  for (const name of ['count.assay.jsonl', 'trust.yaml'])
    copyFileSync(join(project.root, name), join(elsewhere.root, name))
  copyFileSync(join(project.root, 'model/count.txt'), join(elsewhere.root, 'count'))
  const args = ['verify', 'count', '--evidence', 'count.assay.jsonl', '--policy', 'trust.yaml'] as const
  assert.equal((await elsewhere.json(0, ...args)).trusted, true)
  elsewhere.write({ count: 'forged\n' })
  assert.equal((await elsewhere.json(1, ...args)).trusted, false)
})

test('without its evidence a model is refused', async (context) => {
  const project = scratch(context, words)
  await trained(project)
  rmSync(join(project.root, '.assay/attestations'), { recursive: true })
  const verdict = await project.json(1, 'verify', 'model/count.txt')
  assert.equal(verdict.trusted, false)
})
