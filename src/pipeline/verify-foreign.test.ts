/** The vectors of others: all cases of sigstore-conformance, and the models that every version of model_signing signed. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { isDomainError } from '../core/index.ts'
import type { ArtifactVerdict } from './verify.ts'
import { type ForeignOptions, verifyForeign } from './verify-foreign.fs.ts'

const vectors = join(import.meta.dirname, '../../test/vectors')
const scratch = mkdtempSync(join(tmpdir(), 'assay-foreign-'))
after(() => rmSync(scratch, { recursive: true, force: true }))

/** Between the first and the last day of every certificate of the vectors that is judged by the clock. */
const now = new Date('2026-11-26T12:00:00Z')

function verify(artifact: string, bundle: string, options: ForeignOptions): Promise<ArtifactVerdict> {
  return verifyForeign(
    { workingFolder: vectors, environment: {}, now: () => now, version: '0' },
    { artifact, bundle },
    options,
  )
}

function codesOf({ findings }: ArtifactVerdict): readonly string[] {
  return findings.filter(({ passed }) => !passed).map(({ code }) => code)
}

const beacon = {
  identity:
    'https://github.com/sigstore-conformance/extremely-dangerous-public-oidc-beacon/.github/workflows/extremely-dangerous-oidc-beacon.yml@refs/heads/main',
  issuer: 'https://token.actions.githubusercontent.com',
}

type Case = Readonly<{ name: string; artifact: string; bundle: string; options: ForeignOptions }>

function sigstoreCases(): readonly Case[] {
  const folder = join(vectors, 'sigstore')
  const names = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory())
  return names.map(({ name }) => {
    const file = (path: string): string | undefined => {
      const full = join(folder, name, path)
      return existsSync(full) ? full : undefined
    }
    const text = (path: string, other: string): string => {
      const full = file(path)
      return full === undefined ? other : readFileSync(full, 'utf8').trim()
    }
    const [key, trustedRoot] = [file('key.pub'), file('trusted_root.json')]
    const who = { identity: text('identity', beacon.identity), issuer: text('issuer', beacon.issuer) }
    return {
      name,
      artifact: file('artifact') ?? join(folder, 'a.txt'),
      bundle: join(folder, name, 'bundle.sigstore.json'),
      options: { ...(key === undefined ? who : { key }), ...(trustedRoot === undefined ? {} : { trustedRoot }) },
    }
  })
}

test('accepts and refuses what sigstore-conformance says, by file and by digest', async () => {
  const count = { accepted: 0, refused: 0 }
  const wrong: string[] = []
  for (const { name, artifact, bundle, options } of sigstoreCases()) {
    const digest = `sha256:${createHash('sha256').update(readFileSync(artifact)).digest('hex')}`
    for (const given of [artifact, digest]) {
      const trusted = await verify(given, bundle, options).then(
        (verdict) => verdict.trusted,
        (error) => !isDomainError(error, 'ERR_KEY_MALFORMED') || assert.equal(name, 'managed-key-wrong-key_fail'),
      )
      if (trusted === name.endsWith('_fail')) wrong.push(`${name} by ${given === digest ? 'digest' : 'file'}`)
      count[trusted === true ? 'accepted' : 'refused'] += 1
    }
  }
  assert.deepEqual(wrong, [])
  assert.deepEqual(count, { accepted: 42, refused: 98 })
})

const refusals: readonly (readonly [string, string])[] = [
  ['bundle-with-root-cert_fail', 'ERR_BUNDLE_MALFORMED'],
  ['integrated-time-in-future_fail', 'ERR_CERTIFICATE_UNTRUSTED'],
  ['invalid-ct-key_fail', 'ERR_CERTIFICATE_UNTRUSTED'],
  ['inclusion-proof-corrupted-hash_fail', 'ERR_BUNDLE_LOG_ENTRY'],
  ['message-digest-mismatch_fail', 'ERR_SUBJECT_MISMATCH'],
  ['managed-key-no-key_fail', 'ERR_TRUST_KIND'],
  ['rekor2-no-timestamp_fail', 'ERR_BUNDLE_TIMESTAMP'],
  ['rekor2-timestamp-untrusted-tsa-with-embedded-cert_fail', 'ERR_BUNDLE_TIMESTAMP'],
  ['trust-root-tlog-missing-validity-start_fail', 'ERR_BUNDLE_LOG_ENTRY'],
  ['wrong-material_fail', 'ERR_SUBJECT_MISMATCH'],
]

for (const [name, code] of refusals) {
  test(`refuses ${name} for its own cause: ${code}`, async () => {
    const found = sigstoreCases().find((each) => each.name === name)
    assert.ok(found)
    assert.equal(codesOf(await verify(found.artifact, found.bundle, found.options))[0], code)
  })
}

test('an identity and an issuer are compared letter by letter', async () => {
  const bundle = 'sigstore/happy-path-v0.3/bundle.sigstore.json'
  const mismatches = [
    { ...beacon, identity: `${beacon.identity}x` },
    { ...beacon, identity: beacon.identity.slice(0, -1) },
    { ...beacon, identity: '.*' },
    { ...beacon, issuer: 'https://token.actions.githubusercontent.com/' },
    { ...beacon, issuer: 'https://TOKEN.actions.githubusercontent.com' },
  ]
  for (const who of mismatches)
    assert.deepEqual(codesOf(await verify('sigstore/a.txt', bundle, who)), ['ERR_IDENTITY_MISMATCH'])
  assert.equal((await verify('sigstore/a.txt', bundle, beacon)).trusted, true, 'its own is accepted')
})

test('an entry of a log is asked about when a trusted root is given, and said to be unasked when none is', async () => {
  const folder = 'sigstore/managed-key-and-trusted-root'
  const own = { key: join(folder, 'key.pub'), trustedRoot: join(folder, 'trusted_root.json') }
  const verdict = (options: ForeignOptions): Promise<ArtifactVerdict> =>
    verify('sigstore/a.txt', join(folder, 'bundle.sigstore.json'), options)
  const [with_, without] = [await verdict(own), await verdict({ key: own.key })]
  assert.deepEqual(
    [with_, without].map(({ trusted, findings }) => [trusted, findings.find(({ check }) => check === 'log')?.code]),
    [
      [true, 'OK'],
      [true, 'CAVEAT'],
    ],
  )
  const other = { ...own, trustedRoot: 'sigstore/intoto-with-custom-trust-root/trusted_root.json' }
  assert.deepEqual(codesOf(await verdict(other)), ['ERR_BUNDLE_LOG_ENTRY'])
})

/** A copy of a published model that a test may spoil. */
function published(version: string): string {
  const folder = mkdtempSync(join(scratch, 'model-'))
  cpSync(join(vectors, 'model-signing', version), folder, { recursive: true })
  return folder
}

const keys = join(vectors, 'model-signing/keys')
const trusts: Readonly<Record<string, ForeignOptions>> = {
  'elliptic-key': { key: join(keys, 'signing-key-pub.pem') },
  certificate: { ca: [join(keys, 'ca-cert.pem')] },
  sigstore: { identity: 'stefanb@us.ibm.com', issuer: 'https://sigstore.verify.ibm.com/oauth2' },
}
/** In these versions a key signed one file, and what was ignored stands in no manifest. */
const singleFile = new Set(['v0.3.1-elliptic-key', 'v1.0.0-elliptic-key'])

for (const version of readdirSync(join(vectors, 'model-signing')).filter((name) => name.startsWith('v'))) {
  test(`accepts the model that model_signing ${version} signed, and refuses it with one byte changed`, async () => {
    const folder = published(version)
    const trust = trusts[version.replace(/^v[\d.]+-/, '')] ?? {}
    const options = { ...trust, ignore: ['ignore-me'] }
    const model = singleFile.has(version) ? join(folder, 'signme-1') : folder
    const bundle = join(folder, 'model.sig')
    const verdict = await verify(model, bundle, options)
    assert.deepEqual([verdict.trusted, codesOf(verdict)], [true, []])

    writeFileSync(join(folder, 'signme-1'), `${readFileSync(join(folder, 'signme-1'), 'utf8')} `)
    assert.deepEqual(codesOf(await verify(model, bundle, options)), ['ERR_MODEL_CHANGED'])
  })
}

test('the published models are no fewer than they were', () => {
  assert.equal(readdirSync(join(vectors, 'model-signing')).filter((name) => name.startsWith('v')).length, 13)
})

test('a model is judged by the trust that is given: its kind, its key, its authority', async () => {
  const folder = published('v1.1.0-certificate')
  const asked = (options: ForeignOptions): Promise<ArtifactVerdict> =>
    verify(folder, join(folder, 'model.sig'), { ...options, ignore: ['ignore-me'] })
  assert.deepEqual(codesOf(await asked(trusts['elliptic-key'] ?? {})), ['ERR_TRUST_KIND'])
  const leaf = { ca: [join(keys, 'signing-key-cert.pem')] }
  assert.equal((await asked(leaf)).trusted, true, 'the certificate itself may be what is trusted')
  writeFileSync(join(scratch, 'none.pem'), '')
  await assert.rejects(asked({ ca: [join(scratch, 'none.pem')] }), (error) =>
    isDomainError(error, 'ERR_CERTIFICATE_MALFORMED'),
  )
  for (const options of [{}, { ...leaf, ...trusts['elliptic-key'] }, { identity: 'ada' }, { issuer: 'https://x' }])
    await assert.rejects(asked(options), (error) => isDomainError(error, 'ERR_USAGE'))
})
