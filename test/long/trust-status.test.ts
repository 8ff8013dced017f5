/** Goal: who verifies elsewhere is told what was taken back, offline, and cannot be shown an older word. */
import assert from 'node:assert/strict'
import { createHash, generateKeyPairSync, sign } from 'node:crypto'
import { copyFileSync, existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { parseDocument } from 'yaml'
import { adopted, statuses } from '../support/adopted.ts'
import { words } from '../support/projects.ts'
import type { Document } from '../support/scratch.ts'
import { driven, listSigner } from '../support/signing.ts'
import { sigstoreInstance } from '../support/sigstore-instance.ts'
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

test('a statement that was taken back is not believed when somebody spells its bundle anew', async (context) => {
  const project = await adopted(context, words)
  const text = project.read('trust.yaml')
  const name = /keys:\n {2}([\w-]+):/.exec(text)?.[1] ?? ''
  project.write({ 'trust.yaml': text.replace('roles:\n', `roles:\n  root: [${name}]\n`) })
  project.commit('a root')
  await project.json(0, 'run')
  await project.json(0, 'attest', 'export', model, '--out', 'evidence.jsonl')
  const policy = join(project.keys, 'policy.yaml')
  copyFileSync(join(project.root, 'trust.yaml'), policy)
  const lines = project.read('evidence.jsonl').trimEnd().split('\n')
  const own = lines.find(
    (line) => statedIn(line).includes(`"name":"${model}"`) && statedIn(line).includes('provenance'),
  )
  assert.ok(own !== undefined)
  project.write({ 'anew.jsonl': lines.map((line) => `${line === own ? `${line} ` : line}\n`).join('') })
  const revoke = ['trust', 'status', 'status.jsonl', '--because', 'forged', '--revoke-statement']
  const digest = `sha256:${createHash('sha256').update(own).digest('hex')}`
  assert.equal((await project.json(1, ...revoke, `sha256:${'0'.repeat(64)}`)).error.code, 'ERR_EVIDENCE_MISSING')
  await project.json(
    2,
    'trust',
    'status',
    'status.jsonl',
    '--revoke-key',
    name,
    '--since',
    '2099-01-01',
    '--because',
    'x',
  )
  await project.json(0, ...revoke, digest)
  let users = 0
  const verify = async (exit: number, ...more: readonly string[]): Promise<readonly string[]> => {
    users += 1
    const as = { exit, keys: `${project.keys}-${users}` }
    return codesOf(await ask(project, as, 'verify', model, '--policy', policy, ...more))
  }
  for (const evidence of ['evidence.jsonl', 'anew.jsonl']) {
    assert.deepEqual(await verify(0, '--evidence', evidence), [], evidence)
    const codes = await verify(1, '--evidence', evidence, '--status', 'status.jsonl')
    assert.ok(codes.includes('ERR_STATEMENT_REVOKED'), evidence)
  }

  // of others' bundles, which hold a signature and no payload, the file is given
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const messageDigest = { algorithm: 'SHA2_256', digest: createHash('sha256').update('hello').digest('base64') }
  const signature = sign('sha256', Buffer.from('hello'), privateKey).toString('base64')
  const theirs = JSON.stringify({
    mediaType: 'application/vnd.dev.sigstore.bundle.v0.3+json',
    verificationMaterial: { publicKey: { hint: 'theirs' }, tlogEntries: [] },
    messageSignature: { messageDigest, signature },
  })
  const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString()
  project.write({ 'a.bin': 'hello', 'a.pub': pem, 'a.sig': theirs, 'b.sig': `${theirs} ` })
  const { status } = await project.json(0, ...revoke, 'a.sig')
  assert.equal(status.statements.length, 4, 'the bundle, and what it says')
  const byKey = async (exit: number, bundle: string): Promise<readonly string[]> => {
    const as = { exit, keys: `${project.keys}-theirs` }
    return codesOf(await ask(project, as, 'verify', 'a.bin', '--bundle', bundle, '--key', 'a.pub'))
  }
  assert.deepEqual(await byKey(0, 'b.sig'), [], 'before it was seen')
  const seeing = { exit: 1, keys: `${project.keys}-theirs` }
  await ask(project, seeing, 'verify', model, '--policy', policy, '--status', 'status.jsonl')
  for (const bundle of ['a.sig', 'b.sig']) assert.deepEqual(await byKey(1, bundle), ['ERR_STATEMENT_REVOKED'], bundle)
})

const statedIn = (line: string): string =>
  Buffer.from(JSON.parse(line).dsseEnvelope?.payload ?? '', 'base64').toString('utf8')

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

test('an identity that a status takes back is believed no more, and others are: what is run again is good', async (context) => {
  const project = await adopted(context, words)
  const { issuer, trustedRoot, address, token } = await sigstoreInstance(context)
  listSigner(project, { identity, issuer, principal: 'Ada Test <ada@example.org>', trustedRoots: [trustedRoot] })
  await driven(project, { ASSAY_SIGNER: address, ASSAY_IDENTITY_TOKEN: token({ sub: identity }) })(0, 'run')
  await project.json(0, 'attest', 'export', model, '--out', '../theirs.jsonl')
  const rooted = parseDocument(project.read('trust.yaml'))
  rooted.setIn(['roles', 'root'], rooted.getIn(['roles', 'reviewer']))
  project.write({ 'trust.yaml': rooted.toString().replace(/root:\n( +)- (\S+)\n.*elsewhere\n/, 'root:\n$1- $2\n') })
  project.commit('a root')
  project.write({ '../other.yaml': project.read('trust.yaml') })
  const codesOf = async (exit: number, evidence: string, ...more: readonly string[]): Promise<readonly string[]> => {
    const by = ['--policy', '../other.yaml', '--evidence', evidence, ...more]
    const { findings } = await project.json(exit, 'verify', model, ...by)
    return [...new Set<string>(findings.flatMap((one: Document) => (one.passed ? [] : [one.code])))]
  }
  const revoke = ['trust', 'status', 'status.jsonl', '--because', 'taken over', '--revoke-identity']
  assert.equal((await project.json(1, ...revoke, 'nobody')).error.code, 'ERR_SIGNER_UNKNOWN')
  assert.deepEqual(await codesOf(0, '../theirs.jsonl'), [], 'before it')
  const { status } = await project.json(0, ...revoke, 'elsewhere')
  assert.deepEqual(status.identities, [{ identity, issuer, because: 'taken over' }])
  for (const given of [['--status', 'status.jsonl'], []])
    assert.ok((await codesOf(1, '../theirs.jsonl', ...given)).includes('ERR_KEY_REVOKED'), 'also once it was seen')
  const again = await project.json(0, 'run')
  assert.deepEqual(statuses(again), { sort: 'ran', count: 'ran' }, 'nothing of theirs is used')
  await project.json(0, 'attest', 'export', model, '--out', '../own.jsonl')
  assert.deepEqual(await codesOf(0, '../own.jsonl'), [], 'the honest twin')
})

const identity = 'https://github.com/o/r/.github/workflows/train.yml@refs/heads/main'
