/** Goal: who verifies elsewhere is told what was taken back, offline, and cannot be shown an older word. */
import assert from 'node:assert/strict'
import { copyFileSync, existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { adopted, statuses } from '../support/adopted.ts'
import { words } from '../support/projects.ts'
import type { Document } from '../support/scratch.ts'
import { serveAuthority, testAuthority } from '../support/timestamp-authority.ts'
import { ask, codesOf, listAuthority, model } from '../support/timestamped.ts'

test('who verifies elsewhere is told by a status, remembers the newest, and is shown no older one', async (context) => {
  const authority = await testAuthority()
  const ASSAY_TSA_URL = await serveAuthority(context, authority.answer)
  const project = await adopted(context, words)
  listAuthority(project, authority.certificate)
  await ask(project, { ASSAY_TSA_URL }, 'run')
  await project.json(0, 'attest', 'export', model, '--out', 'evidence.jsonl')
  const elsewhere = `${project.keys}-elsewhere`
  const policy = join(project.keys, 'policy.yaml')
  copyFileSync(join(project.root, 'trust.yaml'), policy)
  const verify = async (exit: number, ...more: readonly string[]): Promise<readonly string[]> => {
    const question = ['verify', model, '--evidence', 'evidence.jsonl', '--policy', policy, ...more]
    return codesOf(await ask(project, { exit, keys: elsewhere }, ...question))
  }
  assert.deepEqual(await verify(0), [])

  const status = (...args: readonly string[]): Promise<Document> => project.json(0, 'trust', 'status', ...args)
  const digest = (await project.json(0, 'verify', model)).subject.digest
  await status('status.jsonl', '--renew')
  copyFileSync(join(project.root, 'status.jsonl'), join(project.root, 'first.jsonl'))
  assert.deepEqual(await verify(0, '--status', 'status.jsonl'), [])
  await status('status.jsonl', '--recall', digest, '--because', 'poisoned data')
  assert.equal((await project.json(0, 'trust', 'status', 'status.jsonl')).status.version, 2)
  assert.deepEqual(await verify(1, '--status', 'status.jsonl'), ['ERR_RECALLED'])
  assert.deepEqual(await verify(1), ['ERR_RECALLED'], 'what was seen is remembered')
  assert.ok((await verify(1, '--status', 'first.jsonl')).includes('ERR_STATUS_ROLLBACK'))
  assert.equal(existsSync(join(elsewhere, 'assay/projects')), true)

  // for another reader, who never saw the second: the first alone recalls nothing, and expires
  const required = `${readFileSync(policy, 'utf8')}status: required\n`
  project.write({ 'required.yaml': required })
  const strict = ['verify', model, '--evidence', 'evidence.jsonl', '--policy', 'required.yaml']
  const stranger = { exit: 1, keys: `${project.keys}-stranger` }
  assert.deepEqual(codesOf(await ask(project, stranger, ...strict)), ['ERR_STATUS_MISSING'])
  assert.deepEqual(codesOf(await ask(project, { ...stranger, exit: 0 }, ...strict, '--status', 'first.jsonl')), [])
  await status('short.jsonl', '--renew', '--valid-for', '1s')
  await new Promise((resolve) => setTimeout(resolve, 1100))
  const frozen = { exit: 1, keys: `${project.keys}-frozen` }
  assert.deepEqual(codesOf(await ask(project, frozen, ...strict, '--status', 'short.jsonl')), ['ERR_STATUS_EXPIRED'])
})

test('an authority that does not answer, or is not the one that is listed, stops a run before a stage has cost anything', async (context) => {
  const [authority, other] = [await testAuthority(), await testAuthority()]
  const project = await adopted(context, words)
  const unlisted = await serveAuthority(context, other.answer)
  const refused = async (ASSAY_TSA_URL: string): Promise<string> =>
    (await ask(project, { exit: 1, ASSAY_TSA_URL }, 'run')).error.code
  assert.equal(await refused(unlisted), 'ERR_TIMESTAMP_FAILED', 'none is listed')
  listAuthority(project, authority.certificate)
  assert.equal(await refused(unlisted), 'ERR_TIMESTAMP_FAILED', 'another is listed')
  assert.equal(await refused('nonsense'), 'ERR_TIMESTAMP_FAILED')
  assert.equal(existsSync(join(project.root, model)), false)
  assert.deepEqual(statuses(await project.json(0, 'run')), { sort: 'ran', count: 'ran' }, 'nobody asks for a time')
})
