/** Goal: check one bundle against one artifact, without a project. */
import assert from 'node:assert/strict'
import { createHash, generateKeyPairSync } from 'node:crypto'
import { copyFileSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { newPerson, now, output, policyOf, signNow, stageFacts } from '../../src/attestation/fixtures/chain.ts'
import { noteKeyOf, printNoteKey, type TrustPolicy } from '../../src/attestation/index.ts'
import { verifyOneBundle } from '../../src/pipeline/verify-bundle.ts'
import { adopted } from '../support/adopted.ts'
import { words } from '../support/projects.ts'
import { scratch } from '../support/scratch.ts'

test('one bundle decides: yes for its bytes or their digest, no for others, 2 when it is none', async (context) => {
  const project = await adopted(context, words)
  await project.json(0, 'run')
  await project.json(0, 'attest', 'export', 'model/count.txt', '--out', 'evidence')
  await project.json(0, 'key', 'export', '--out', 'ada.pem')
  const elsewhere = scratch(context, { 'other.txt': 'other bytes\n', 'broken.json': '{"mediaType": "x"}\n' })
  const bundle = readdirSync(join(project.root, 'evidence')).find((name) => name.startsWith('count')) ?? ''
  copyFileSync(join(project.root, 'evidence', bundle), join(elsewhere.root, 'count.json'))
  copyFileSync(join(project.root, 'ada.pem'), join(elsewhere.root, 'ada.pem'))
  const model = readFileSync(join(project.root, 'model/count.txt'))
  writeFileSync(join(elsewhere.root, 'count'), model)

  const by = ['--bundle', 'count.json', '--key', 'ada.pem']
  assert.equal((await elsewhere.json(0, 'verify', 'count', ...by)).trusted, true)
  const digest = `sha256:${createHash('sha256').update(model).digest('hex')}`
  assert.equal((await elsewhere.json(0, 'verify', digest, ...by)).trusted, true)

  assert.equal((await elsewhere.json(1, 'verify', 'other.txt', ...by)).trusted, false)
  assert.equal((await elsewhere.json(1, 'verify', `sha256:${'0'.repeat(64)}`, ...by)).trusted, false)
  await elsewhere.json(2, 'verify', 'count', '--bundle', 'broken.json', '--key', 'ada.pem')
  await elsewhere.json(2, 'verify', 'count', '--bundle', 'count.json', '--key', 'missing.pem')
  const unread = await elsewhere.json(2, 'verify', 'count', ...by, '--status', 'ada.pem')
  assert.match(unread.error.message, /--status is about a policy/)
})

test('a certificate that cannot be read keeps its place: its issuer is not shown as the signer', async (context) => {
  const vector = join(import.meta.dirname, '../vectors/model-signing/v1.1.0-certificate/model.sig')
  const bundle = JSON.parse(readFileSync(vector, 'utf8'))
  const { certificates } = bundle.verificationMaterial.x509CertificateChain
  const place = scratch(context, { 'whole.sig': JSON.stringify(bundle) })
  certificates[0].rawBytes = Buffer.from('no certificate').toString('base64')
  place.write({ 'unread.sig': JSON.stringify(bundle) })

  const [whole, unread] = [
    await place.json(0, 'attest', 'show', 'whole.sig'),
    await place.json(0, 'attest', 'show', 'unread.sig'),
  ]
  const [leaf, ...issuers] = whole.signer.certificates
  assert.ok(leaf !== null && issuers.length > 0)
  assert.deepEqual(unread.signer.certificates, [null, ...issuers])
  const rows = async (file: string): Promise<readonly string[]> =>
    (await place.assay('attest', 'show', file)).stdout
      .replace(/ +/g, ' ')
      .split('\n')
      .filter((line) => /^(signed|issued) by/.test(line))
  const [signedBy, ...issuedBy] = await rows('whole.sig')
  assert.match(signedBy ?? '', /^signed by \S.*, certified by /)
  assert.deepEqual(await rows('unread.sig'), ['signed by a certificate that cannot be read', ...issuedBy])
})

test('a model is signed, shown and verified without a project: yes as it was signed, no with a file more', async (context) => {
  const place = scratch(context, { 'model/weights.bin': 'w', 'model/cache/x': 'x' })
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
  place.write({
    'signer.pem': privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    'signer.pub': publicKey.export({ type: 'spki', format: 'pem' }).toString(),
  })
  const signed = await place.json(0, 'sign', 'model', '--output', 'm.sig', '--key', 'signer.pem', '--ignore', 'cache')
  assert.deepEqual([signed.model, signed.files, signed.bytes], ['model', 1, 1])

  const shown = await place.json(0, 'attest', 'show', 'm.sig')
  assert.equal(shown.verified, false)
  assert.equal(shown.content.statement.predicateType, 'https://model_signing/signature/v1.0')
  assert.match((await place.assay('attest', 'show', 'm.sig')).stdout, /nothing of this was verified/)

  const by = ['--bundle', 'm.sig', '--key', 'signer.pub']
  const verdict = await place.json(0, 'verify', 'model', ...by)
  assert.deepEqual([verdict.trusted, verdict.level, verdict.subject.digest], [true, 0, signed.digest])
  place.write({ 'model/more.bin': '' })
  const refused = await place.json(1, 'verify', 'model', ...by)
  const codes = refused.findings.flatMap(({ passed, code }: { passed: boolean; code: string }) =>
    passed ? [] : [code],
  )
  assert.deepEqual(codes, ['ERR_MODEL_EXTRA'])
  await place.json(0, 'verify', 'model', ...by, '--ignore-unsigned')
  await place.json(2, 'verify', 'model', ...by, '--ca', 'signer.pub')
  await place.json(2, 'sign', 'model', '--output', 'm.sig')
})

const ada = newPerson()
const honest = stageFacts({ outputs: [output('model.bin')] })

function refusals(more: Partial<TrustPolicy> = {}, facts = honest): readonly string[] {
  const [subject = output('')] = facts.outputs
  const bytes = signNow({ kind: 'stage', facts }, ada)
  const { trusted, level, findings } = verifyOneBundle(subject, bytes, policyOf(ada, more), now)
  const codes = findings.flatMap(({ passed, code }) => (passed ? [] : [code]))
  assert.deepEqual([trusted, level], [codes.length === 0, 0])
  return codes
}

test('what the policy demands of a stage is demanded of a bundle alone', () => {
  const dirty = stageFacts({ ...honest, source: { ...honest.source, dirty: ['train.py'] } })
  const engines = (engine: 'bubblewrap' | 'gvisor') => new Map([['*', engine]])
  const log = printNoteKey(noteKeyOf('log', 'log', new Uint8Array(32).fill(1)))
  assert.deepEqual(refusals(), [])
  assert.deepEqual(refusals({}, dirty), ['ERR_EVIDENCE_DIRTY'])
  assert.deepEqual(refusals({ minimumLevel: 0 }, dirty), [], 'a policy that asks for no level takes uncommitted work')
  assert.deepEqual(refusals({ engines: engines('bubblewrap') }), [])
  assert.deepEqual(refusals({ engines: engines('gvisor') }), ['ERR_EVIDENCE_ENGINE'])
  assert.deepEqual(refusals({ minimumLevel: 2 }), ['ERR_LEVEL_TOO_LOW'])
  assert.deepEqual(refusals({ logs: [{ key: log, witnesses: [], threshold: 0 }] }), ['ERR_TLOG_ENTRY'])
})
