/** Goal: sign evidence with an Ed25519 key, encrypted at rest, and have all of it believed as what P-256 signs. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { adopted } from '../support/adopted.ts'
import { words } from '../support/projects.ts'
import { driven } from '../support/signing.ts'

test('an Ed25519 key takes the place of the first one; its runs, approvals and summaries are believed, its log is kept', async (context) => {
  const project = await adopted(context, words)
  const assay = driven(project, { ASSAY_KEY_PASSPHRASE: 'open sesame' })
  assert.equal((await assay(2, 'key', 'rotate', '--type', 'rsa')).error.code, 'ERR_USAGE')
  const { path, encrypted, name } = await assay(0, 'key', 'rotate', '--type', 'ed25519')
  assert.equal(encrypted, true)
  assert.match(readFileSync(path, 'utf8'), /^-----BEGIN ENCRYPTED PRIVATE KEY-----/)
  project.commit('another key')
  assert.equal((await project.json(2, 'run')).error.code, 'ERR_KEY_LOCKED')
  const run = await assay(0, 'run')
  assert.deepEqual([run.status, run.level], ['succeeded', 1])

  const { publicKey } = await assay(0, 'key', 'export', '--out', 'ed.pem')
  const shown = execFileSync('openssl', ['pkey', '-pubin', '-noout', '-text', '-in', 'ed.pem'], { cwd: project.root })
  assert.match(`${shown}${publicKey}`, /ED25519 Public-Key/)
  const verdict = await project.json(0, 'verify', 'model/count.txt')
  assert.ok(verdict.findings.some(({ because }: { because: string }) => because.includes(name)))
  await assay(0, 'attest', 'export', 'model/count.txt', '--out', 'count.assay.jsonl')
  await assay(0, 'verify', 'model/count.txt', '--evidence', 'count.assay.jsonl', '--key', 'ed.pem')
  const text = project.read('count.assay.jsonl')
  project.write({
    'other.assay.jsonl': text.replace(/("sig":")(.)/g, (_, start, first) => start + (first === 'A' ? 'B' : 'A')),
  })
  const refused = await assay(1, 'verify', 'model/count.txt', '--evidence', 'other.assay.jsonl', '--key', 'ed.pem')
  assert.ok(refused.findings.some(({ code }: { code: string }) => code === 'ERR_SIGNATURE_INVALID'))

  await assay(0, 'attest', 'vsa', 'model/count.txt', '--out', 'vsa.json')
  const { links } = await assay(0, 'attest', 'export', 'model/count.txt', '--out', 'links', '--in-toto')
  assert.equal(links.length, 2)
})
