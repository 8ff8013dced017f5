/** Round trips of models: what is signed is what is verified, and what has no place in a model is refused. */
import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, test } from 'node:test'
import { isDomainError } from '../core/index.ts'
import { hashModel } from './hash-model.fs.ts'
import { walkModel } from './model-tree.fs.ts'
import { type SignModelOptions, signModelAt } from './sign-model.fs.ts'
import type { ArtifactVerdict } from './verify.ts'
import { type ForeignOptions, verifyForeign } from './verify-foreign.fs.ts'

const base = mkdtempSync(join(tmpdir(), 'assay-model-'))
after(() => rmSync(base, { recursive: true, force: true }))
const caller = { workingFolder: base, environment: {}, now: () => new Date('2026-11-26T12:00:00Z'), version: '0' }

const curves = { 'P-256': 'prime256v1', 'P-384': 'secp384r1', 'P-521': 'secp521r1' } as const
for (const [curve, namedCurve] of Object.entries(curves)) {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve })
  writeFileSync(join(base, `${curve}.pem`), privateKey.export({ type: 'pkcs8', format: 'pem' }))
  writeFileSync(join(base, `${curve}.pub`), publicKey.export({ type: 'spki', format: 'pem' }))
}

/** A folder with these files; the text is what each holds. */
function model(files: Readonly<Record<string, string>>): string {
  const root = join(mkdtempSync(join(base, 'm-')), 'model')
  mkdirSync(root)
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), text)
  }
  return root
}

async function sign(root: string, more: SignModelOptions = {}): Promise<string> {
  const output = `${root}.sig`
  return (await signModelAt(caller, root, { output, key: 'P-256.pem', ...more })).output
}

function verify(root: string, bundle: string, more: ForeignOptions = { key: 'P-256.pub' }): Promise<ArtifactVerdict> {
  return verifyForeign(caller, { artifact: root, bundle }, more)
}

function namesIn(bundle: string): readonly string[] {
  const { payload } = JSON.parse(readFileSync(bundle, 'utf8')).dsseEnvelope
  return JSON.parse(Buffer.from(payload, 'base64').toString()).predicate.resources.map(
    (each: { name: string }) => each.name,
  )
}

function codesOf({ findings }: ArtifactVerdict): readonly string[] {
  return findings.filter(({ passed }) => !passed).map(({ code }) => code)
}

type Trip = Readonly<{ files: Readonly<Record<string, string>>; names: readonly string[]; ignore?: readonly string[] }>

/** The round trips of the conformance suite of OpenSSF Model Signing. */
const trips: Readonly<Record<string, Trip>> = {
  'two files': { files: { 'signme-2': 'b', 'signme-1': 'a' }, names: ['signme-1', 'signme-2'] },
  'folders, by code points': {
    files: { 'a/b': '1', 'a-b': '2', 'a.txt': '3', Z: '4' },
    names: ['Z', 'a-b', 'a.txt', 'a/b'],
  },
  'an empty file': { files: { 'empty.bin': '', w: 'w' }, names: ['empty.bin', 'w'] },
  'files with a dot': { files: { '.config': '1', '.cache/w': '2', w: '3' }, names: ['.cache/w', '.config', 'w'] },
  'what git keeps at the top, but not below': {
    files: {
      '.git/config': '1',
      '.gitignore': '2',
      '.gitattributes': '3',
      '.github/ci.yml': '4',
      'sub/.gitignore': '5',
      w: '6',
    },
    names: ['sub/.gitignore', 'w'],
  },
  'ignored paths, exactly': {
    files: { 'ignore-me': '1', 'sub/ignore-me': '2', 'cache/x': '3', cached: '4' },
    names: ['cached', 'sub/ignore-me'],
    ignore: ['ignore-me', 'cache/'],
  },
  'names in other alphabets': {
    files: { '模型.bin': '1', '\u{1f600}': '2', '\uff5e': '3' },
    names: ['模型.bin', '\uff5e', '\u{1f600}'],
  },
  'names with blanks': {
    files: { 'file (copy).bin': '1', 'path with spaces/m': '2', 'a:0:1': '3' },
    names: ['a:0:1', 'file (copy).bin', 'path with spaces/m'],
  },
}

for (const [name, { files, names, ignore = [] }] of Object.entries(trips)) {
  test(`signs and verifies a model with ${name}`, async () => {
    const root = model(files)
    const bundle = await sign(root, { ignore })
    assert.deepEqual(namesIn(bundle), names)
    assert.deepEqual(codesOf(await verify(root, bundle)), [])
  })
}

for (const curve of Object.keys(curves)) {
  test(`signs by a key on ${curve}, which no other key verifies`, async () => {
    const root = model({ w: 'w' })
    const bundle = await sign(root, { key: `${curve}.pem` })
    assert.equal((await verify(root, bundle, { key: `${curve}.pub` })).trusted, true)
    const other = curve === 'P-256' ? 'P-384' : 'P-256'
    assert.deepEqual(codesOf(await verify(root, bundle, { key: `${other}.pub` })), ['ERR_SIGNER_UNKNOWN'])
  })
}

test('one file is a model of its own, whatever it is called', async () => {
  const root = model({ 'w.bin': 'w' })
  const bundle = await sign(join(root, 'w.bin'), { output: `${root}.sig` })
  assert.deepEqual(namesIn(bundle), ['.'])
  assert.deepEqual(codesOf(await verify(join(root, 'w.bin'), bundle)), [])
  assert.deepEqual(codesOf(await verify(root, bundle)), ['ERR_MODEL_INCOMPLETE', 'ERR_MODEL_EXTRA'])
})

test('a signature inside of the model has no part in it, and signing twice gives the same manifest', async () => {
  const root = model({ w: 'w' })
  const output = join(root, 'model.sig')
  const first = namesIn(await sign(root, { output }))
  assert.deepEqual([first, namesIn(await sign(root, { output }))], [['w'], ['w']])
  assert.equal((await verify(root, output)).trusted, true)
})

test('a model is the same one by a link that leads to it', async () => {
  const root = model({ w: 'w' })
  symlinkSync(root, `${root}-link`)
  const bundle = await sign(`${root}-link`, { output: `${root}-link/model.sig` })
  assert.deepEqual(codesOf(await verify(root, bundle)), [])
  assert.deepEqual(codesOf(await verify(`${root}-link`, `${root}-link/model.sig`)), [])
})

test('refuses a model that was changed, by what was done to it; the honest one passes', async () => {
  const files = { 'a/w': 'w', c: 'c' }
  const spoils: readonly (readonly [string, (root: string) => void])[] = [
    ['ERR_MODEL_CHANGED', (root) => writeFileSync(join(root, 'c'), 'C')],
    ['ERR_MODEL_INCOMPLETE', (root) => rmSync(join(root, 'a/w'))],
    ['ERR_MODEL_EXTRA', (root) => writeFileSync(join(root, 'a/x'), '')],
    ['ERR_MODEL_NOT_PLAIN', (root) => symlinkSync('c', join(root, 'link'))],
  ]
  for (const [code, spoil] of spoils) {
    const root = model(files)
    const bundle = await sign(root)
    assert.deepEqual(codesOf(await verify(root, bundle)), [])
    spoil(root)
    assert.deepEqual(codesOf(await verify(root, bundle)), [code])
  }
})

test('files that were never signed may be left unasked; those that were are asked all the same', async () => {
  const root = model({ 'a/w': 'w' })
  const bundle = await sign(root)
  const options = { key: 'P-256.pub', ignoreUnsigned: true }
  writeFileSync(join(root, 'new'), 'new')
  symlinkSync('/etc/passwd', join(root, 'link'))
  assert.deepEqual(codesOf(await verify(root, bundle, options)), [])
  // THREAT: the folder of a signed file becomes a link to another place
  rmSync(join(root, 'a'), { recursive: true })
  symlinkSync(model({ w: 'w' }), join(root, 'a'))
  assert.deepEqual(codesOf(await verify(root, bundle, options)), ['ERR_MODEL_NOT_PLAIN'])
})

test('a digest says nothing of a model', async () => {
  const root = model({ w: 'w' })
  const verdict = await verify(`sha256:${'0'.repeat(64)}`, await sign(root))
  assert.deepEqual(codesOf(verdict), ['ERR_SUBJECT_MISMATCH'])
})

const unsignable: readonly (readonly [string, string, (root: string) => void])[] = [
  ['no files', 'ERR_MODEL_EMPTY', (root) => rmSync(join(root, 'w'))],
  ['a link', 'ERR_MODEL_NOT_PLAIN', (root) => symlinkSync('w', join(root, 'link'))],
  ['a link that leaves it', 'ERR_MODEL_NOT_PLAIN', (root) => symlinkSync('/nowhere', join(root, 'link'))],
  ['a link round in a circle', 'ERR_MODEL_NOT_PLAIN', (root) => symlinkSync('.', join(root, 'link'))],
  [
    'a name that is not UTF-8',
    'ERR_MODEL_NOT_PLAIN',
    (root) => writeFileSync(Buffer.concat([Buffer.from(`${root}/`), Buffer.from([0xff])]), ''),
  ],
]
for (const [name, code, spoil] of unsignable) {
  test(`does not sign a model with ${name}`, async () => {
    const root = model({ w: 'w' })
    spoil(root)
    await assert.rejects(sign(root), (error) => isDomainError(error) && error.code === code)
  })
}

test('follows links when the signed terms say so, inside of the model alone and never in circles', () => {
  const terms = { followLinks: true, ignored: [] }
  const root = model({ 'real/w': 'w' })
  symlinkSync('real/w', join(root, 'to-file'))
  symlinkSync('real', join(root, 'to-folder'))
  assert.deepEqual(
    walkModel(root, terms)
      .map(({ name }) => name)
      .toSorted(),
    ['real/w', 'to-file', 'to-folder/w'],
  )
  for (const target of ['/etc/passwd', '..', '.', 'nowhere', 'bad']) {
    const bad = model({ w: 'w' })
    symlinkSync(target, join(bad, 'bad'))
    assert.throws(
      () => walkModel(bad, terms),
      (error) => isDomainError(error, 'ERR_MODEL_NOT_PLAIN'),
      target,
    )
  }
})

test('hashes shards and other hashes as the reference implementation does', async () => {
  const root = model({ w: 'abcdefghij', empty: '' })
  const files = walkModel(root, { followLinks: false, ignored: [] })
  const shards = await hashModel(files, { hash: 'sha256', shardBytes: 4 })
  assert.deepEqual(
    shards.map(({ name }) => name),
    ['w:0:4', 'w:4:8', 'w:8:10'],
  )
  // printf abcd | sha256sum
  assert.equal(shards[0]?.digest, '88d4266fd4e6338d13b845fcf289579d209c897823b9217da3e161936f031589')
  const only = files.filter(({ name }) => name === 'empty')
  // b2sum and b3sum of no bytes
  const blake2b = await hashModel(only, { hash: 'blake2b' })
  assert.equal(blake2b[0]?.digest.slice(0, 32), '786a02f742015903c6c6fd852552d272')
  const blake3 = await hashModel(only, { hash: 'blake3' })
  assert.equal(blake3[0]?.digest, 'af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262')
})

test('what cannot be a model or its signer is wrong input', async () => {
  const root = model({ w: 'w' })
  const asked: readonly (readonly [string, SignModelOptions])[] = [
    ['ERR_USAGE', { ignore: ['../w'] }],
    ['ERR_USAGE', { chain: ['P-256.pub'] }],
    ['ERR_KEY_MALFORMED', { key: 'P-256.pub' }],
    ['ERR_INPUT_MALFORMED', { key: 'missing.pem' }],
    ['ERR_CERTIFICATE_MALFORMED', { certificate: 'P-256.pub' }],
  ]
  for (const [code, options] of asked)
    await assert.rejects(sign(root, options), (error) => isDomainError(error) && error.code === code, code)
  await assert.rejects(signModelAt(caller, root, { output: 'x' }), (error) => isDomainError(error, 'ERR_USAGE'))
})

test('one changed bit anywhere in a bundle refuses it', async () => {
  const root = model({ w: 'w' })
  const bundle = await sign(root)
  const bytes = readFileSync(bundle)
  // Each byte once, another bit from one to the next; all 13,432 bits of a published bundle were tried by hand.
  for (let place = 0; place < bytes.length; place += 1) {
    const flipped = Uint8Array.from(bytes)
    flipped[place] = (flipped[place] ?? 0) ^ (1 << (place % 8))
    writeFileSync(bundle, flipped)
    assert.equal((await verify(root, bundle)).trusted, false, `byte ${place}`)
  }
})

test('signing writes over a bundle and over nothing else: no model, no file of one', async () => {
  const root = model({ 'a.bin': 'weights', w: 'w' })
  const file = join(root, 'a.bin')
  for (const [signed, output] of [
    [file, file],
    [root, file],
    [root, 'P-256.pub'],
    [root, root],
  ] as const) {
    await assert.rejects(sign(signed, { output }), (error) => isDomainError(error, 'ERR_USAGE'))
  }
  assert.equal(readFileSync(file, 'utf8'), 'weights')

  for (const output of [`${root}.sig`, join(root, 'model.sig')]) {
    const bundle = await sign(root, { output })
    assert.deepEqual(codesOf(await verify(root, bundle)), [])
    writeFileSync(file, 'trained again')
    assert.deepEqual(codesOf(await verify(root, await sign(root, { output }))), [], 'signed anew')
    rmSync(bundle)
  }
  const bundle = await sign(file)
  const before = readFileSync(bundle, 'utf8')
  await assert.rejects(sign(bundle, { output: bundle }), (error) => isDomainError(error, 'ERR_USAGE'))
  assert.equal(readFileSync(bundle, 'utf8'), before, 'a bundle that is itself what is signed')
})
