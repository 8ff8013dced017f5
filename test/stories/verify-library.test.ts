/** Goal: a registry or a web page verifies evidence itself: `import { verify } from 'assay/verify'`, the same answer as the tool's. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { parse } from 'yaml'
import { parseBundle, printBundle } from '../../src/attestation/bundle.ts'
import { signEnvelope, statementPayloadType } from '../../src/attestation/dsse.ts'
import {
  digestNamed,
  newPerson,
  output,
  policyText,
  signStage,
  stageFacts,
} from '../../src/attestation/fixtures/chain.ts'
import { bundlesInLines, travelledEvidence, verifyChain } from '../../src/attestation/index.ts'
import type { Question } from '../../src/attestation/library/types.ts'
import { trustPolicyOf } from '../../src/attestation/trust-policy-shape.ts'
import { isDomainError, sha256Of } from '../../src/core/index.ts'
import { mutateJson } from '../fuzz/mutate-json.ts'
import { randomFrom } from '../fuzz/random.ts'
import { scratch } from '../support/scratch.ts'

const root = join(import.meta.dirname, '../..')
const built = join(root, 'dist/verify.js')
const { verify }: typeof import('../../src/attestation/library/index.ts') = await import(built)

const folder = join(root, 'test/artifacts/0.1.0')
const evidence = readFileSync(join(folder, 'count.assay.jsonl'))
const policy: object = parse(readFileSync(join(folder, 'trust.yaml'), 'utf8'))
const digest = `sha256:${createHash('sha256')
  .update(readFileSync(join(folder, 'count.txt')))
  .digest('hex')}`
const question: Question = { evidence, digest, policy }

test('the answer is that of the tool, finding by finding', async (context) => {
  const project = scratch(context, {})
  const by = ['--evidence', join(folder, 'count.assay.jsonl'), '--policy', join(folder, 'trust.yaml')]
  const told = await project.json(0, 'verify', join(folder, 'count.txt'), ...by)
  const answer = await verify(question)
  assert.equal(answer.trusted, true)
  for (const member of ['trusted', 'level', 'whyNotHigher', 'subject', 'findings', 'properties', 'commits'] as const)
    assert.deepEqual(answer[member], told[member], member)
})

test('other bytes, changed evidence, another signer and an expired policy are answers, and each is no', async () => {
  const refusals = async (change: Partial<Question>): Promise<readonly string[]> => {
    const answer = await verify({ ...question, ...change })
    assert.equal(answer.trusted, false)
    return answer.findings.flatMap(({ passed, code }) => (passed ? [] : [code]))
  }
  assert.deepEqual(await refusals({ digest: `sha256:${'0'.repeat(64)}` }), [
    'ERR_EVIDENCE_MISSING',
    'ERR_LEVEL_TOO_LOW',
  ])
  assert.ok((await refusals({ evidence: new Uint8Array() })).length > 0)
  assert.ok((await refusals({ evidence: Buffer.from('{}\n\0\n[[[[') })).length > 0)
  for (const at of [200, 2000, evidence.length - 40]) {
    const changed = Uint8Array.from(evidence)
    changed[at] = (changed[at] ?? 0) ^ 1
    assert.ok((await refusals({ evidence: changed })).length > 0, `byte ${at}`)
  }
  assert.ok((await refusals({ policy: { ...policy, expires: '2026-01-01' } })).includes('ERR_POLICY_EXPIRED'))
  assert.ok((await refusals({ policy: { ...policy, status: 'required' } })).includes('ERR_STATUS_MISSING'))
  assert.ok((await refusals({ policy: { ...policy, gates: ['lines >= 1'] } })).includes('ERR_GATE_FAILED'))
  const stranger =
    '-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEaxfR8uEsQkf4vOblY6RA8ncDfYEt\n6zOg9KE5RdiYwpZP40Li/hp/m47n60p8D54WK84zV2sxXs7LtkBoN79R9Q==\n-----END PUBLIC KEY-----\n'
  assert.ok((await refusals({ policy: stranger })).includes('ERR_SIGNER_UNKNOWN'))
})

test('the program of the guide runs', (context) => {
  const guide = readFileSync(join(root, 'docs/guides/verify-in-your-own-program.md'), 'utf8')
  const program = /```js\n([\s\S]*?)```/.exec(guide)?.[1] ?? ''
  const place = mkdtempSync(join(tmpdir(), 'assay-test-'))
  context.after(() => rmSync(place, { recursive: true, force: true }))
  for (const name of ['count.txt', 'count.assay.jsonl']) copyFileSync(join(folder, name), join(place, name))
  writeFileSync(join(place, 'policy.json'), JSON.stringify(policy))
  writeFileSync(join(place, 'ask.mjs'), program.replace("'assay/verify'", JSON.stringify(built)))
  assert.equal(execFileSync(process.execPath, ['ask.mjs'], { cwd: place, encoding: 'utf8' }), 'true 1\n')
})

test('what the caller gives wrong is an exception with its code', async () => {
  const code = (expected: string) => (error: unknown) =>
    error instanceof Error && Reflect.get(error, 'code') === expected
  await assert.rejects(verify({ ...question, policy: {} }), code('ERR_POLICY_MALFORMED'))
  await assert.rejects(verify({ ...question, policy: 'no key' }), code('ERR_KEY_MALFORMED'))
  await assert.rejects(verify({ ...question, digest: 'md5:0' }), code('ERR_INPUT_MALFORMED'))
})

const random = randomFrom(53)
const changedJson = (text: string): string =>
  mutateJson(text, text, { random, within: (part) => Buffer.concat([part.subarray(1), part.subarray(0, 1)]) }) ?? text

test('what is wrong with a policy is said in the words of the tool', async () => {
  const person = newPerson()
  const honest = JSON.stringify(parse(policyText(person)))
  let refused = 0
  for (let tried = 0; tried < 300; tried += 1) {
    const text = changedJson(honest)
    const changed: object = JSON.parse(text)
    const said = messageOf(() => trustPolicyOf(changed, 'file'))
    const inLibrary = await verify({ ...question, policy: changed }).then(() => undefined, String)
    if (said !== undefined) refused += 1
    assert.equal(inLibrary, said, text.slice(0, 500))
  }
  assert.ok(refused > 150, `${refused} of 300 policies were refused`)
})

function messageOf(attempt: () => unknown): string | undefined {
  try {
    attempt()
    return undefined
  } catch (error) {
    if (isDomainError(error)) return String(error)
    throw error
  }
}

test('what a listed signer states badly is refused in the words of the tool', async () => {
  const person = newPerson()
  const policyOfAda: object = parse(policyText(person))
  const said = Buffer.from(parseBundle(signStage(person, stageFacts())).envelope.payload).toString()
  const [path, now] = ['model.bin', new Date('2026-11-24T12:00:00Z')]
  const train = { kind: 'stage', stage: 'prepare' } as const
  const asked = { subject: { path, digest: digestNamed(path) }, entries: [], surroundings: { now, revokedSources: [] } }
  const codes = new Set<string>()
  for (let tried = 0; tried < 150; tried += 1) {
    const envelope = signEnvelope(Buffer.from(changedJson(said)), statementPayloadType, person.key)
    const before = printBundle({ hint: person.hint, envelope })
    const origin = { ...train, attestation: sha256Of(before) }
    const dep = { path: 'data/train.csv', digest: digestNamed('data/train.csv'), role: 'dep', origin } as const
    const last = signStage(person, stageFacts({ stage: 'train', dependencies: [dep], outputs: [output(path)] }))
    const lines = Buffer.concat([before, Buffer.from('\n'), last])
    const evidenceOfTwo = travelledEvidence(bundlesInLines(lines))
    const told = verifyChain({ ...asked, evidence: evidenceOfTwo, policy: trustPolicyOf(policyOfAda, 'file') })
    const answer = await verify({ evidence: lines, digest: digestNamed(path), policy: policyOfAda, now })
    assert.deepEqual(answer.findings, told.findings)
    for (const { code } of answer.findings) codes.add(code)
  }
  assert.ok(codes.has('ERR_STATEMENT_MALFORMED') && codes.has('ERR_STATEMENT_UNSUPPORTED'), [...codes].join())
})

test('what an Ed25519 key signed is believed as by the tool, and not when its signature is respelt', async () => {
  const person = newPerson('ed25519')
  const trusted: object = parse(policyText(person))
  const asked = { digest: digestNamed('model.bin'), policy: trusted, now: new Date('2026-11-24T12:00:00Z') }
  const bundle = signStage(person, stageFacts({ outputs: [output('model.bin')] }))
  const evidenceOf = (bytes: Uint8Array) => travelledEvidence(bundlesInLines(bytes))
  const answers = async (bytes: Uint8Array) => {
    const answer = await verify({ ...asked, evidence: bytes })
    const surroundings = { now: asked.now, revokedSources: [] }
    const policyOfTool = trustPolicyOf(trusted, 'file')
    const told = verifyChain({
      subject: { path: answer.subject.path, digest: asked.digest },
      entries: [],
      surroundings,
      evidence: evidenceOf(bytes),
      policy: policyOfTool,
    })
    assert.deepEqual(answer.findings, told.findings)
    return answer.findings.flatMap(({ code, check }) =>
      check === 'signature' || code === 'ERR_SIGNATURE_INVALID' ? [code] : [],
    )
  }
  assert.deepEqual(await answers(bundle), ['OK'])
  const parts = parseBundle(bundle)
  const respelt = { ...parts.envelope, signature: plusOrder(parts.envelope.signature) }
  assert.deepEqual(await answers(printBundle({ ...parts, envelope: respelt })), ['ERR_SIGNATURE_INVALID'])
  const anybodys =
    '-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAAQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n-----END PUBLIC KEY-----\n'
  await assert.rejects(verify({ ...asked, evidence: bundle, policy: anybodys }), /only its owner can sign for/)
})

/** The same numbers to who does not ask that S is below the order: RFC 8032, 5.1.7. */
function plusOrder(signature: Uint8Array): Uint8Array {
  const order = 2n ** 252n + 27742317777372353535851937790883648493n
  const s = BigInt(`0x${Buffer.from(signature.subarray(32)).reverse().toString('hex')}`) + order
  return Buffer.concat([signature.subarray(0, 32), Buffer.from(s.toString(16).padStart(64, '0'), 'hex').reverse()])
}

test('it needs nothing of Node, and its declarations compile alone', (context) => {
  const text = readFileSync(built, 'utf8')
  assert.doesNotMatch(text, /\bfrom\s*["'`]|\brequire\(|\bprocess\.|\bBuffer\.(from|alloc|concat)/)
  assert.ok(text.length < 150_000, `${text.length} bytes`)
  const place = mkdtempSync(join(tmpdir(), 'assay-test-'))
  context.after(() => rmSync(place, { recursive: true, force: true }))
  writeFileSync(join(place, 'verify.d.ts'), readFileSync(join(root, 'dist/verify.d.ts')))
  const use = `import { verify, type Answer } from './verify.js'\nexport const ask = (evidence: Uint8Array): Promise<Answer> => verify({ evidence, digest: 'sha256:0', policy: {} })\n`
  writeFileSync(join(place, 'use.ts'), use)
  const compiler = [
    '--noEmit',
    '--strict',
    '--target',
    'es2022',
    '--module',
    'nodenext',
    '--lib',
    'es2022',
    '--types',
    '',
  ]
  execFileSync(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), ...compiler, 'use.ts'], { cwd: place })
})
