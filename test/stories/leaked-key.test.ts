/**
 * Goal: a key leaks, and not everything is lost. What was timestamped before stays good, what was not is void; others are told,
 * offline, and cannot be shown an older word.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { adopted, statuses } from '../support/adopted.ts'
import { words } from '../support/projects.ts'
import type { Document } from '../support/scratch.ts'
import { listSigner } from '../support/signing.ts'
import { serveAuthority, testAuthority } from '../support/timestamp-authority.ts'
import { ask, codesOf, listAuthority, model } from '../support/timestamped.ts'

test('a key leaks: what was timestamped before stays good, what was not is void, and a new key takes over', async (context) => {
  const authority = await testAuthority()
  const ASSAY_TSA_URL = await serveAuthority(context, authority.answer)
  const project = await adopted(context, words)
  const name = listAuthority(project, authority.certificate)
  await ask(project, { ASSAY_TSA_URL }, 'run')
  const honest = await project.json(0, 'verify', model)
  assert.equal(honest.trusted, true)
  const stamped = honest.findings.filter(({ check }: Document) => check === 'signed-at')
  assert.match(stamped[0]?.because, /^was signed before .*, as tsa signing says$/)
  await project.json(0, 'attest', 'export', model, '--out', 'stamped.jsonl')
  await project.json(0, 'run', '--force')
  await project.json(0, 'attest', 'export', model, '--out', 'bare.jsonl')
  for (const evidence of ['stamped.jsonl', 'bare.jsonl'])
    assert.equal((await project.json(0, 'verify', model, '--evidence', evidence)).trusted, true, evidence)

  // the laptop is gone; whoever has it signs on, and the authority stamps that too
  const since = new Date().toISOString()
  await ask(project, { ASSAY_TSA_URL }, 'run', '--force')
  await project.json(0, 'attest', 'export', model, '--out', 'thief.jsonl')
  const revoked = await project.json(0, 'key', 'revoke', '--since', since, '--because', 'laptop lost')
  assert.deepEqual([revoked.name, revoked.since, revoked.written], [name, since, true])
  assert.match(project.read('trust.yaml'), /revoked:\n\s+since: .*\n\s+because: laptop lost/)
  project.commit('revoke the lost key')

  const judged = async (evidence: string, exit: number): Promise<readonly string[]> =>
    codesOf(await project.json(exit, 'verify', model, '--evidence', evidence))
  assert.deepEqual(await judged('stamped.jsonl', 0), [])
  for (const evidence of ['bare.jsonl', 'thief.jsonl'])
    assert.ok((await judged(evidence, 1)).includes('ERR_KEY_REVOKED'), evidence)
  assert.equal((await project.json(2, 'run', '--force')).error.code, 'ERR_KEY_REVOKED')

  // the honest twin: a new key, listed by whoever keeps trust.yaml, makes what is void again
  await project.json(0, 'key', 'new')
  const { publicKey } = await project.json(0, 'key', 'export')
  listSigner(project, { key: publicKey })
  assert.deepEqual(
    statuses(await ask(project, { ASSAY_TSA_URL }, 'run')),
    { sort: 'cached', count: 'cached' },
    'by what is good',
  )
  const again = await ask(project, { ASSAY_TSA_URL }, 'run', '--force')
  assert.deepEqual(statuses(again), { sort: 'ran', count: 'ran' })
  const { trusted, findings } = await project.json(0, 'verify', model)
  assert.equal(trusted, true)
  assert.ok(findings.some(({ because }: Document) => because === 'is signed by `elsewhere`'))
})
