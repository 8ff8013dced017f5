/**
 * Published vectors of other projects: what must be accepted is, what must be refused is refused; both are counted, so that
 * neither a verifier that takes everything nor one that takes nothing passes.
 */
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, test } from 'node:test'
import { loadForeign, type ManifestTerms } from '../attestation/index.ts'
import { isDomainError, parseStrictJson } from '../core/index.ts'
import { hashModel } from './hash-model.fs.ts'
import { walkModel } from './model-tree.fs.ts'
import { evidenceShownAt } from './show-bundle.fs.ts'
import { type ForeignOptions, verifyForeign } from './verify-foreign.fs.ts'

const vectors = join(import.meta.dirname, '../../test/vectors')
const scratch = mkdtempSync(join(tmpdir(), 'assay-vectors-'))
after(() => rmSync(scratch, { recursive: true, force: true }))
const caller = {
  workingFolder: vectors,
  environment: {},
  now: () => new Date('2026-11-26T12:00:00Z'),
  version: '0',
}
const foreign = await loadForeign()

/** `accepted`, else the code of the first finding that did not pass, or of what was thrown. */
async function verdictOn(artifact: string, bundle: string, options: ForeignOptions): Promise<string> {
  try {
    const { trusted, findings } = await verifyForeign(caller, { artifact, bundle }, options)
    return trusted ? 'accepted' : (findings.find(({ passed }) => !passed)?.code ?? 'refused')
  } catch (error) {
    if (isDomainError(error)) return error.code
    throw error
  }
}

/** How many of each outcome. */
function tally(outcomes: readonly string[]): Readonly<Record<string, number>> {
  const accepted = outcomes.filter((outcome) => outcome === 'accepted').length
  return { accepted, refused: outcomes.length - accepted }
}

const bar = 'sha256:bc103b4a84971ef6459b294a2b98568a2bfb72cded09d4acd1e16366a401f95b'
const released = 'https://github.com/sigstore/sigstore-js/.github/workflows/release.yml@refs/heads/main'
const actions = 'https://token.actions.githubusercontent.com'
const github = 'https://github.com/login/oauth'
const rootOf = (name: string): string => `sigstore-go/trusted-roots/${name}.json`

type Case = readonly [bundle: string, artifact: string, options: ForeignOptions, outcome: string]
const local = { issuer: 'http://oidc.local:8080', trustedRoot: rootOf('scaffolding') }
const keyed = { key: 'sigstore-go/public-key-validity.pem' }
const stamped = 'sha256:6ae8a75555209fd6c44157c0aed8016e763ff435a19cf186f76863140143ff72'
const attested = 'sha256:732112270d7e59418a8c080b134b24cabd67d250d0d0147a97ed95ba5c280aa4'
const cody = { identity: 'cody@soyland.com', issuer: github }

const sigstoreGo: readonly Case[] = [
  ['othername', bar, { ...local, identity: 'foo!oidc.local' }, 'accepted'],
  ['othername', bar, { ...local, identity: 'foo' }, 'ERR_IDENTITY_MISMATCH'],
  ['othername', stamped, { ...local, identity: 'foo!oidc.local' }, 'ERR_SUBJECT_MISMATCH'],
  [
    'othername',
    bar,
    { ...local, identity: 'foo!oidc.local', trustedRoot: rootOf('public-good') },
    'ERR_CERTIFICATE_UNTRUSTED',
  ],
  ['public-key-validity', stamped, { ...keyed, trustedRoot: rootOf('public-key-validity') }, 'accepted'],
  ['public-key-validity', stamped, keyed, 'accepted'],
  ['public-key-validity', bar, keyed, 'ERR_SUBJECT_MISMATCH'],
  ['public-key-validity', stamped, { ...keyed, trustedRoot: rootOf('scaffolding') }, 'ERR_BUNDLE_TIMESTAMP'],
  ['public-key-validity', stamped, { key: 'slsa/vsa_signing_public_key.pem' }, 'ERR_SIGNER_UNKNOWN'],
  ['cosign-oci-attestation', attested, cody, 'accepted'],
  ['cosign-oci-attestation', attested, { ...cody, issuer: actions }, 'ERR_IDENTITY_MISMATCH'],
  ['cosign-oci-attestation', bar, cody, 'ERR_SUBJECT_MISMATCH'],
  // Its subject has a SHA-512 alone: all but that it names other bytes is asked below.
  [
    'sigstore.js@2.0.0-provenance',
    bar,
    { identity: released, issuer: actions, trustedRoot: rootOf('public-good') },
    'ERR_SUBJECT_MISMATCH',
  ],
  // The certificate of a root has no place in a bundle: sigstore-conformance, bundle-with-root-cert.
  ['dsse', bar, { identity: 'brian@dehamer.com', issuer: github }, 'ERR_BUNDLE_MALFORMED'],
  ['dsse-2sigs', bar, { identity: 'brian@dehamer.com', issuer: github }, 'ERR_BUNDLE_MALFORMED'],
]

test('bundles of sigstore-go and cosign: an OtherName, a key with a timestamp, an attestation of an image', async () => {
  const outcomes: string[] = []
  for (const [name, artifact, options, expected] of sigstoreGo) {
    const outcome = await verdictOn(artifact, `sigstore-go/${name}.sigstore.json`, options)
    assert.equal(outcome, expected, `${name} with ${JSON.stringify(options)}`)
    outcomes.push(outcome)
  }
  assert.deepEqual(tally(outcomes), { accepted: 4, refused: 11 })
})

test('the provenance of sigstore-js on npm: each question about its signer is answered by yes', async () => {
  const bundle = foreign.parseForeignBundle(read('sigstore-go/sigstore.js@2.0.0-provenance.sigstore.json'))
  const { publicGoodRoot } = await foreign.loadTrustedRoots()
  const trust = { kind: 'identity', identity: released, issuer: actions } as const
  const findings = await foreign.judgeSigner({ bundle, trust, root: publicGoodRoot(), now: caller.now() })
  assert.deepEqual(
    findings.filter(({ passed }) => !passed),
    [],
  )
  assert.ok(findings.length > 5)
})

function read(path: string): Buffer {
  return readFileSync(join(vectors, path))
}

const keys = 'model-signing/keys'
/** Whom to trust, and the published model that such bundles are about. */
const ways: readonly (readonly [model: string, trust: ForeignOptions])[] = [
  ['v1.1.0-elliptic-key', { key: `${keys}/signing-key-pub.pem` }],
  ['v1.1.0-elliptic-key', { ca: [`${keys}/ca-cert.pem`] }],
  ['v1.1.0-sigstore', { identity: 'stefanb@us.ibm.com', issuer: 'https://sigstore.verify.ibm.com/oauth2' }],
]

test('bundles of the OpenSSF specification, over the model that they are about: valid ones alone are accepted', async () => {
  const outcomes: string[] = []
  for (const folder of ['valid', 'invalid', 'invalid-payload']) {
    for (const name of readdirSync(join(vectors, 'model-signing/spec', folder))) {
      const file = `model-signing/spec/${folder}/${name}`
      const byKind = await Promise.all(
        ways.map(([model, trust]) => verdictOn(`model-signing/${model}`, file, { ...trust, ...unsigned })),
      )
      const accepted = byKind.filter((outcome) => outcome === 'accepted').length
      assert.equal(accepted, folder === 'valid' ? 1 : 0, `${file}: ${byKind}`)
      outcomes.push(accepted === 1 ? 'accepted' : 'refused')
    }
  }
  assert.deepEqual(tally(outcomes), { accepted: 3, refused: 5 })
})

const unsigned = { ignore: ['ignore-me', 'model.sig'] }

type Envelope = Readonly<{ payload: string }>

test('a link, a layout and a summary of others are shown as what they say, in either base64', async () => {
  const folder = mkdtempSync(join(scratch, 'envelopes-'))
  const said = async (path: string): Promise<unknown> => {
    const [shown, ...more] = (await evidenceShownAt({ ...caller, workingFolder: folder }, path)) ?? []
    assert.ok(shown?.kind === 'envelope' && more.length === 0, path)
    return shown.payload
  }
  const files = ['in-toto/package.2f89b927.link', 'in-toto/write-code.776a00e2.link', 'in-toto/demo.layout.template']
  const types: unknown[] = []
  for (const file of [...files, 'slsa/gke-gce-pre.bcid-vsa.jsonl']) {
    const envelope = JSON.parse(read(file).toString()) as Envelope
    const payload = envelope.payload.replaceAll('+', '-').replaceAll('/', '_')
    writeFileSync(join(folder, 'spelt.json'), JSON.stringify({ ...envelope, payload }))
    const shown = await said(join(vectors, file))
    assert.deepEqual(shown, parseStrictJson(Buffer.from(payload, 'base64url'), 'payload'))
    assert.deepEqual(await said('spelt.json'), shown)
    types.push((shown as Readonly<{ _type: unknown }>)._type)
  }
  assert.deepEqual(types, ['link', 'link', 'layout', 'https://in-toto.io/Statement/v1'])
})

type Model = Readonly<Record<string, string>>

const inDepth = (count: number): Model =>
  Object.fromEntries(Array.from({ length: count }, (_, file) => [`d0/d1/d2/d3/d4/f${file}`, `This is file f${file}.`]))

const models: Readonly<Record<string, Model | string>> = {
  sample_model_file: 'This is a simple model',
  empty_model_file: '',
  sample_model_folder: {
    ...Object.fromEntries(
      [0, 1].flatMap((i) => [0, 1, 2].map((j) => [`d${i}/f${i}${j}`, `This is file f${i}${j} in d${i}.`])),
    ),
    ...Object.fromEntries([0, 1, 2, 3].map((i) => [`f${i}`, `This is file f${i} in root.`])),
  },
  deep_model_folder: inDepth(4),
  model_folder_with_empty_file: { empty_file: '' },
  empty_model_folder: {},
}

function made(model: Model | string): string {
  const root = join(mkdtempSync(join(scratch, 'model-')), 'model')
  if (typeof model === 'string') writeFileSync(root, model)
  else {
    mkdirSync(root)
    for (const [path, text] of Object.entries(model)) {
      mkdirSync(dirname(join(root, path)), { recursive: true })
      writeFileSync(join(root, path), text)
    }
  }
  return root
}

test('models are walked and hashed as the reference implementation does it, whole and in shards; a link is refused', async () => {
  const golden = JSON.parse(read('model-signing/serialization.json').toString())
  const outcomes: string[] = []
  for (const [kind, lists] of Object.entries<Record<string, readonly string[]>>(golden)) {
    for (const [name, lines] of Object.entries(lists)) {
      const model = models[name.replace(/_small_shards$/, '')]
      const size = name.endsWith('_small_shards') ? 8 : 1_000_000_000
      const terms = { hash: 'sha256', followLinks: true, ignored: [], ...(kind === 'file' ? {} : { shardBytes: size }) }
      const root = made(model ?? {})
      if (model === undefined) symlinkSync(made('This is a simple model'), join(root, 'symlink_file'))
      outcomes.push(await hashed(root, terms as ManifestTerms, lines))
    }
  }
  assert.deepEqual(tally(outcomes), { accepted: 18, refused: 3 })
})

async function hashed(root: string, terms: ManifestTerms, lines: readonly string[]): Promise<string> {
  try {
    const found = await hashModel(walkModel(root, terms), terms)
    assert.deepEqual(found.map(({ name, digest }) => `${name}:${digest}`).toSorted(), lines.toSorted())
    return 'accepted'
  } catch (error) {
    assert.ok(isDomainError(error, 'ERR_MODEL_NOT_PLAIN'), String(error))
    return error.code
  }
}
