/**
 * cosign, built from its source at a pinned version, verifies our bundles with nothing but a public key, and refuses a
 * flipped one.
 *
 *     node --test test/interop/cosign.test.ts
 *
 * The first run needs Go and its module proxy, and takes some minutes on two cores; the program is kept below
 * .cache/interop. `COSIGN=/path/to/cosign` takes another one.
 */
import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { sourceApproval, stageFacts } from '../../src/attestation/fixtures/chain.ts'
import { putFolder, putObject, putOutput, scratchFolder } from '../../src/attestation/fixtures/store.fs.ts'
import { startSigner } from '../../src/attestation/index.ts'
import { generateKey, type KeySource } from '../../src/attestation/key.ts'
import { sha256Of } from '../../src/core/index.ts'
import { sigstoreInstance } from '../support/sigstore-instance.ts'
import { cosignProgram, repository } from './environments.ts'
import { assertRefused, flipsOf } from './flips.ts'

const provenance = 'https://slsa.dev/provenance/v1'
const modelType = 'https://model_signing/signature/v1.0'
const approvalType = 'https://assay.dev/attestation/source-approval/v1'
const data = 'apple 2\npear 1\npear 3\n'

const scratch = scratchFolder()
after(() => scratch[Symbol.dispose]())
const path = (name: string): string => join(scratch.root, name)
let cosign: string
let bundle: Uint8Array
let approval: Uint8Array

before(
  async () => {
    cosign = cosignProgram()
    const { privatePem, publicPem } = generateKey(undefined)
    writeFileSync(path('key.pem'), privatePem, { mode: 0o600 })
    writeFileSync(path('pub.pem'), publicPem)
    writeFileSync(path('other.pem'), generateKey(undefined).publicPem)
    writeFileSync(path('sorted.txt'), data)
    writeFileSync(path('forged.txt'), data.replace('1', '2'))
    const store = path('objects')
    const key: KeySource = { kind: 'file', path: path('key.pem') }
    const outputs = [putOutput(store, 'out/sorted.txt', data), putFolder(store, 'out/folder', { 'a.txt': 'a' })]
    await using signer = await startSigner({ key, objectStoreRoot: store })
    const facts = stageFacts({ outputs, log: { digest: putObject(store, 'log'), sizeBytes: 3 } })
    bundle = (await signer.sign({ kind: 'stage', facts })).bytes
    approval = (await signer.sign({ kind: 'source-approval', approval: sourceApproval({ digest: sha256Of(data) }) }))
      .bytes
  },
  { timeout: 3_600_000 },
)

type Asked = Readonly<{ bundle?: Uint8Array; key?: string; file?: string; type?: string; more?: readonly string[] }>

/** `cosign verify-blob-attestation`, offline, with a key: its exit code and what it said. */
function verify(asked: Asked): Readonly<{ status: number | null; said: string }> {
  writeFileSync(path('bundle.json'), asked.bundle ?? bundle)
  const { status, stdout, stderr } = spawnSync(
    cosign,
    [
      'verify-blob-attestation',
      ...['--key', path(asked.key ?? 'pub.pem')],
      ...['--bundle', path('bundle.json')],
      '--insecure-ignore-tlog=true',
      ...['--type', asked.type ?? provenance],
      ...(asked.more ?? [path(asked.file ?? 'sorted.txt')]),
    ],
    { encoding: 'utf8', env: { HOME: scratch.root, PATH: '/nonexistent', HTTPS_PROXY: 'http://127.0.0.1:9' } },
  )
  return { status, said: `${stdout}${stderr}` }
}

const hex = sha256Of(data).slice('sha256:'.length)

test('cosign verifies a stage against its out, with the key alone and no network', () => {
  const { status, said } = verify({})
  assert.equal(status, 0, said)
  assert.match(said, /Verified OK/)
})

test('cosign verifies a stage by digest, as it must for large models', () => {
  const { status, said } = verify({ more: ['--digest', hex, '--digestAlg', 'sha256'] })
  assert.equal(status, 0, said)
})

test('cosign verifies an approval of a source', () => {
  const { status, said } = verify({ bundle: approval, type: approvalType })
  assert.equal(status, 0, said)
})

test('cosign refuses other bytes, another key and another type', () => {
  assert.notEqual(verify({ file: 'forged.txt' }).status, 0)
  assert.notEqual(verify({ key: 'other.pem' }).status, 0)
  assert.notEqual(verify({ type: approvalType }).status, 0)
})

test('cosign refuses our bundles with any one bit flipped that means anything', () => {
  const refused = [bundle, approval].map((honest, index) => {
    const type = index === 0 ? provenance : approvalType
    assert.equal(verify({ bundle: honest, type }).status, 0, 'unchanged it passes')
    return assertRefused(honest, flipsOf(honest, 160), (changed) => verify({ bundle: changed, type }).status === 0)
  })
  // some of the bytes are the hint of the key, at which it does not look
  assert.ok(
    refused.every((count) => count > 120),
    `${refused}`,
  )
})

test('cosign verifies an approval and a model that an Ed25519 key signed, and refuses other bytes and a flipped signature', async () => {
  const { privatePem, publicPem } = generateKey('open sesame', 'ed25519')
  writeFileSync(path('ed.pem'), privatePem, { mode: 0o600 })
  writeFileSync(path('ed.pub'), publicPem)
  const key: KeySource = { kind: 'file', path: path('ed.pem'), passphrase: 'open sesame' }
  await using signer = await startSigner({ key, objectStoreRoot: path('objects') })
  const { bytes } = await signer.sign({
    kind: 'source-approval',
    approval: sourceApproval({ digest: sha256Of(data) }),
  })
  const asked = { bundle: bytes, key: 'ed.pub', type: approvalType }
  const honest = verify(asked)
  assert.equal(honest.status, 0, honest.said)
  assert.notEqual(verify({ ...asked, file: 'forged.txt' }).status, 0)
  assert.notEqual(verify({ ...asked, key: 'pub.pem' }).status, 0)
  const refused = assertRefused(bytes, flipsOf(bytes, 80), (bundle) => verify({ ...asked, bundle }).status === 0)
  assert.ok(refused > 60, `${refused} of 80 flipped bits were refused`)

  const assay = join(repository, 'bin/assay')
  const env = { ...process.env, ASSAY_KEY_PASSPHRASE: 'open sesame' }
  const words = ['sign', 'sorted.txt', '--output', 'model.sig', '--key', 'ed.pem', '--json']
  const { digest } = JSON.parse(execFileSync(assay, words, { cwd: scratch.root, env, encoding: 'utf8' }))
  const more = (hex: string) => ['--digest', hex, '--digestAlg', 'sha256']
  const model = { bundle: readFileSync(path('model.sig')), key: 'ed.pub', type: modelType }
  assert.equal(verify({ ...model, more: more(digest.slice('sha256:'.length)) }).status, 0)
  assert.notEqual(verify({ ...model, more: more('0'.repeat(64)) }).status, 0)
})

test('cosign believes a statement that was signed for an identity, by its own root and names, and no other', async (context) => {
  const instance = await sigstoreInstance(context)
  const sub = 'https://github.com/o/r/.github/workflows/train.yml@refs/heads/main'
  const settings = { ASSAY_IDENTITY_TOKEN: instance.token({ sub }) }
  const key: KeySource = { kind: 'held', address: instance.address, settings, proxies: {}, authorities: [] }
  await using signer = await startSigner({ key, objectStoreRoot: path('objects') })
  const signed = await signer.sign({ kind: 'source-approval', approval: sourceApproval({ digest: sha256Of(data) }) })
  writeFileSync(path('identity.json'), signed.bytes)
  writeFileSync(path('root.json'), JSON.stringify(instance.trustedRoot))
  const ask = (identity: string, file = 'sorted.txt'): Readonly<{ status: number | null; stderr: string }> => {
    const words = [
      'verify-blob-attestation',
      ...['--bundle', path('identity.json'), '--trusted-root', path('root.json'), '--type', approvalType],
      ...['--certificate-identity', identity, '--certificate-oidc-issuer', instance.issuer],
      path(file),
    ]
    const env = { HOME: scratch.root, PATH: '/nonexistent', HTTPS_PROXY: 'http://127.0.0.1:9' }
    return spawnSync(cosign, words, { encoding: 'utf8', env })
  }
  const honest = ask(sub)
  assert.equal(honest.status, 0, honest.stderr)
  assert.notEqual(ask(sub.replace('main', 'other')).status, 0)
  assert.notEqual(ask(sub, 'forged.txt').status, 0)
  const refused = assertRefused(signed.bytes, flipsOf(signed.bytes, 80), (changed) => {
    writeFileSync(path('identity.json'), changed)
    return ask(sub).status === 0
  })
  assert.ok(refused > 60, `${refused} of 80 flipped bits were refused`)
})
