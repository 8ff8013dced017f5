import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { chmodSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { builderIds, type ErrorCode, isDomainError, sha256Of } from '../core/index.ts'
import { sourceApproval, stageFacts } from './fixtures/chain.ts'
import { objectPath, putFolder, putObject, putOutput, scratchFolder } from './fixtures/store.fs.ts'
import { generateKey, type KeySource } from './key.ts'
import { type Signer, startSigner } from './signer.exec.ts'
import type { StageFacts } from './stage-facts.ts'
import { policyFromKey } from './trust-policy-shape.ts'
import { verifySourceApproval, verifyStage } from './verify.ts'

const scratch = scratchFolder()
after(() => scratch[Symbol.dispose]())
const store = join(scratch.root, 'objects')
const keys = join(scratch.root, 'keys')
mkdirSync(store)
mkdirSync(keys, { mode: 0o700 })

function keyFile(name: string, pem: string, mode = 0o600): string {
  const path = join(keys, name)
  writeFileSync(path, pem, { mode })
  return path
}
const pair = generateKey(undefined)
const real = { kind: 'file', path: keyFile('key.pem', pair.privatePem) } as const
const policy = policyFromKey(pair.publicPem)

const log = putObject(store, 'log')
/** Facts whose objects are in the store. */
function stored(more: Partial<StageFacts> = {}): StageFacts {
  return stageFacts({
    outputs: [
      putOutput(store, 'model.bin', 'weights'),
      putFolder(store, 'plots', { 'a.json': '{}', 'b/c.json': '[]' }),
    ],
    log: { digest: log, sizeBytes: 3 },
    ...more,
  })
}

const rejects = (promise: Promise<unknown>, code: ErrorCode, text = /./): Promise<void> =>
  assert.rejects(promise, (error) => isDomainError(error, code) && text.test(error.message))

/** One signer for the tests that do not end theirs. */
let shared: Promise<Signer> | undefined
function signer(): Promise<Signer> {
  shared ??= startSigner({ key: real, objectStoreRoot: store })
  return shared
}
after(async () => (await shared)?.close())

test('signs a stage whose objects are in the store; the policy of its key believes it', async () => {
  const { bytes, digest } = await (await signer()).sign({ kind: 'stage', facts: stored() })
  assert.equal(digest, sha256Of(bytes))
  const verdict = verifyStage(bytes, policy)
  assert.ok(verdict.trusted)
  assert.deepEqual(verdict.statement.facts, stored())
})

test('signs an approval', async () => {
  const { bytes } = await (await signer()).sign({ kind: 'source-approval', approval: sourceApproval() })
  assert.equal(verifySourceApproval(bytes, policy).trusted, true)
})

test('answers requests that are asked at once', async () => {
  const open = await signer()
  const signed = await Promise.all([1, 2, 3].map((seed) => open.sign({ kind: 'stage', facts: stored({ seed }) })))
  assert.equal(new Set(signed.map(({ digest }) => digest)).size, 3)
})

test('refuses an out, a file of a folder, a list and a log that the store does not hold as they are said to be', async () => {
  const open = await signer()
  const sign = (facts: StageFacts): Promise<unknown> => open.sign({ kind: 'stage', facts })
  const [file, folder] = stored().outputs
  assert.ok(file !== undefined && folder !== undefined && folder.list !== undefined)
  const absent = sha256Of('absent')

  await rejects(sign(stored({ outputs: [{ ...file, digest: absent }] })), 'ERR_SIGN_REFUSED', /not in the store/)
  await rejects(sign(stored({ outputs: [{ ...file, sizeBytes: 8 }] })), 'ERR_SIGN_REFUSED', /has 7 bytes, not 8/)
  await rejects(sign(stored({ log: { digest: absent, sizeBytes: 3 } })), 'ERR_SIGN_REFUSED', /log/)
  await rejects(sign(stored({ outputs: [{ ...folder, list: absent }] })), 'ERR_SIGN_REFUSED', /not in the store/)
  const other = putFolder(store, 'plots', { 'a.json': '{"x":1}' })
  await rejects(
    sign(stored({ outputs: [{ ...folder, list: other.list ?? absent }] })),
    'ERR_SIGN_REFUSED',
    /another folder/,
  )
  await rejects(sign(stored({ outputs: [{ ...folder, list: log }] })), 'ERR_INPUT_MALFORMED')

  const changed = putFolder(store, 'data', { 'x.csv': 'one', 'y.csv': 'two' })
  await sign(stored({ outputs: [changed] }))
  writeFileSync(objectPath(store, sha256Of('two')), 'TWO')
  await rejects(sign(stored({ outputs: [changed] })), 'ERR_SIGN_REFUSED', /data\/y\.csv/)
})

test('does not follow a link in the store', async () => {
  const digest = sha256Of('linked')
  const path = objectPath(store, digest)
  mkdirSync(join(path, '..'), { recursive: true })
  writeFileSync(join(scratch.root, 'outside'), 'linked')
  symlinkSync(join(scratch.root, 'outside'), path)
  const facts = stored({ outputs: [{ path: 'x', digest, sizeBytes: 6 }] })
  await rejects((await signer()).sign({ kind: 'stage', facts }), 'ERR_SIGN_REFUSED', /not in the store/)
  rmSync(path)
  putObject(store, 'linked')
  await (await signer()).sign({ kind: 'stage', facts })
})

test('the real key signs no draft, nothing unisolated and no other builder', async () => {
  const open = await signer()
  const cases: readonly Partial<StageFacts>[] = [
    { draft: true },
    { builderId: builderIds.unisolated, sandbox: { ...stageFacts().sandbox, engine: 'none' } },
    { builderId: builderIds.unisolated },
    { sandbox: { ...stageFacts().sandbox, engine: 'none' } },
    { builderId: 'https://assay.dev/builder/hosted/separate' },
    { finishedAt: '2020-01-01T00:00:00.000Z' },
  ]
  for (const more of cases) await rejects(open.sign({ kind: 'stage', facts: stored(more) }), 'ERR_SIGN_REFUSED')
})

test('a throw-away key signs drafts, approves nothing, and is another one each time', async () => {
  await using first = await startSigner({ key: { kind: 'ephemeral' }, objectStoreRoot: store })
  await using second = await startSigner({ key: { kind: 'ephemeral' }, objectStoreRoot: store })
  assert.notEqual(first.hint, second.hint)
  const { bytes } = await first.sign({ kind: 'stage', facts: stored({ draft: true }) })
  assert.equal(verifyStage(bytes, policyFromKey(first.publicPem)).trusted, true)
  assert.equal(verifyStage(bytes, policy).trusted, false)
  await rejects(first.sign({ kind: 'source-approval', approval: sourceApproval() }), 'ERR_SIGN_REFUSED')
})

test('facts of another shape end the signer, which signs nothing more', async () => {
  const open = await startSigner({ key: { kind: 'ephemeral' }, objectStoreRoot: store })
  const { seed: _, ...rest } = stored()
  await rejects(open.sign({ kind: 'stage', facts: rest as StageFacts }), 'ERR_SIGNER_FAILED')
  await rejects(open.sign({ kind: 'stage', facts: stored() }), 'ERR_SIGNER_FAILED')
  await open.close()
})

test('opens an encrypted key with its passphrase, and says ERR_KEY_LOCKED without it or with another', async () => {
  const { privatePem, publicPem } = generateKey('open sesame')
  assert.match(privatePem, /ENCRYPTED PRIVATE KEY/)
  const path = keyFile('locked.pem', privatePem)
  await using open = await startSigner({
    key: { kind: 'file', path, passphrase: 'open sesame' },
    objectStoreRoot: store,
  })
  assert.equal(open.publicPem, publicPem)
  const start = (key: KeySource): Promise<unknown> => startSigner({ key, objectStoreRoot: store })
  await rejects(start({ kind: 'file', path }), 'ERR_KEY_LOCKED')
  await rejects(start({ kind: 'file', path, passphrase: 'wrong' }), 'ERR_KEY_LOCKED')
})

test('refuses a key that others can read, one in a folder that others can write, one that is missing or of another kind', async () => {
  const start = (path: string): Promise<unknown> => startSigner({ key: { kind: 'file', path }, objectStoreRoot: store })
  for (const mode of [0o640, 0o604, 0o660]) {
    const path = keyFile(`exposed-${mode}.pem`, pair.privatePem)
    chmodSync(path, mode)
    await rejects(start(path), 'ERR_KEY_EXPOSED')
  }
  const open = join(scratch.root, 'open')
  mkdirSync(open)
  chmodSync(open, 0o777)
  writeFileSync(join(open, 'key.pem'), pair.privatePem, { mode: 0o600 })
  await rejects(start(join(open, 'key.pem')), 'ERR_KEY_EXPOSED')
  await rejects(start(join(keys, 'none.pem')), 'ERR_KEY_HOME')
  await rejects(start(keyFile('text.pem', 'not a key')), 'ERR_KEY_MALFORMED')
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'secp384r1' })
  await rejects(
    start(keyFile('p384.pem', privateKey.export({ type: 'pkcs8', format: 'pem' }).toString())),
    'ERR_KEY_MALFORMED',
  )
  symlinkSync(join(keys, 'key.pem'), join(keys, 'link.pem'))
  await rejects(start(join(keys, 'link.pem')), 'ERR_KEY_HOME')
})

test('a program that is no signer is a failure and not a hang', async () => {
  const entry = join(scratch.root, 'liar.mjs')
  writeFileSync(entry, 'process.stdout.write("hello, this is no frame at all"); setInterval(() => {}, 1000)')
  await rejects(startSigner({ key: { kind: 'ephemeral' }, objectStoreRoot: store, entry }), 'ERR_SIGNER_FAILED')
  writeFileSync(entry, 'process.exit(7)')
  await rejects(
    startSigner({ key: { kind: 'ephemeral' }, objectStoreRoot: store, entry }),
    'ERR_SIGNER_FAILED',
    /code 7/,
  )
  await rejects(
    startSigner({ key: { kind: 'ephemeral' }, objectStoreRoot: store, node: '/nonexistent' }),
    'ERR_SIGNER_FAILED',
  )
})

test('a token whose library hangs is given up, when it is opened and when it signs; one that answers is not', async () => {
  const entry = join(scratch.root, 'hangs.mjs')
  const silent = { key: { kind: 'ephemeral' }, objectStoreRoot: store, entry, silenceMs: 300 } as const
  const hang = 'Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)'
  writeFileSync(entry, hang)
  await rejects(startSigner(silent), 'ERR_SIGNER_UNREACHABLE', /does not answer within/)
  const ready = { kind: 'ready', publicPem: pair.publicPem, hint: 'x', logKey: 'A'.repeat(43) + '=' }
  writeFileSync(
    entry,
    `const ready = Buffer.from(${JSON.stringify(JSON.stringify(ready))})
const header = Buffer.alloc(4)
header.writeUInt32BE(ready.length)
process.stdin.once('data', () => process.stdout.write(Buffer.concat([header, ready]), () => ${hang}))`,
  )
  await using hanging = await startSigner({ ...silent, silenceMs: 10_000 })
  const approving = { kind: 'source-approval', approval: sourceApproval() } as const
  await rejects(hanging.sign(approving), 'ERR_SIGNER_UNREACHABLE')
  await rejects(hanging.sign(approving), 'ERR_SIGNER_FAILED')
  await using honest = await startSigner({ key: real, objectStoreRoot: store, silenceMs: 60_000 })
  assert.ok(verifySourceApproval((await honest.sign(approving)).bytes, policy).trusted)
})

test("the signer sees neither the caller's environment nor files beside key and store", async () => {
  const entry = join(scratch.root, 'spy.mjs')
  const outside = join(scratch.root, 'secret.txt')
  writeFileSync(outside, 'secret')
  // The spy lies in the folder of the program, which is readable; /etc is not.
  writeFileSync(
    entry,
    `import { readFileSync } from 'node:fs'
const attempt = (act) => { try { act(); return 'allowed' } catch (error) { return error.code } }
const seen = [Object.keys(process.env).length, attempt(() => readFileSync('/etc/hostname')), attempt(() => readFileSync('${outside}'))]
process.stderr.write(seen.join(' '))
process.exit(3)`,
  )
  process.env['ASSAY_TEST_CANARY'] = 'x'
  await rejects(
    startSigner({ key: { kind: 'ephemeral' }, objectStoreRoot: store, entry }),
    'ERR_SIGNER_FAILED',
    /: 0 ERR_ACCESS_DENIED allowed$/,
  )
})

test('a signer that asks over the network reads the key of the log, and no signing key that lies beside it', async () => {
  const program = join(scratch.root, 'program')
  mkdirSync(program)
  const entry = join(program, 'spy.mjs')
  const logKeyPath = keyFile('log-key.pem', 'log')
  writeFileSync(
    entry,
    `import { readFileSync } from 'node:fs'
const attempt = (path) => { try { readFileSync(path); return 'allowed' } catch (error) { return error.code } }
process.stderr.write([attempt('${logKeyPath}'), attempt('${real.path}')].join(' '))
process.exit(3)`,
  )
  const held = { kind: 'held', address: 'hashivault://digits', settings: {}, proxies: {}, authorities: [] } as const
  await rejects(
    startSigner({ key: { ...held, logKeyPath }, objectStoreRoot: store, entry }),
    'ERR_SIGNER_FAILED',
    /: allowed ERR_ACCESS_DENIED$/,
  )
})
