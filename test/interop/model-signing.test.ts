/**
 * The reference implementation of OpenSSF Model Signing, installed by pip at a pinned version, and cosign: each verifies
 * what the other signed, and refuses it changed.
 *
 *     node --test test/interop/model-signing.test.ts
 */
import assert from 'node:assert/strict'
import { execFile, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { promisify } from 'node:util'
import { type SigstoreInstance, sigstoreInstance } from '../support/sigstore-instance.ts'
import { cosignProgram, repository, run, virtualEnvironment } from './environments.ts'
import { flipAt, saysTheSame } from './flips.ts'

const version = '1.1.1'
/** It imports pyOpenSSL, and does not say so. */
const programs = (): string => virtualEnvironment(`model-signing-${version}`, `model-signing==${version}`, 'pyOpenSSL')
const assay = join(repository, 'bin/assay')

const base = mkdtempSync(join(tmpdir(), 'assay-oms-'))
after(() => rmSync(base, { recursive: true, force: true }))
const at = (name: string): string => join(base, name)

type Outcome = Readonly<{ status: number | null; said: string }>
function ask(program: string, ...args: readonly string[]): Outcome {
  const { status, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8', cwd: base })
  return { status, said: `${stdout}${stderr}` }
}
const theirs = (...args: readonly string[]): Outcome => ask(join(programs(), 'model_signing'), ...args)
const ours = (...args: readonly string[]): Outcome => ask(assay, ...args)

function accepted({ status, said }: Outcome): void {
  assert.equal(status, 0, said)
}

/** A root, who it lets issue, and a signer; all of EC keys. */
const pki = `set -eu
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-384 -nodes -keyout ca.key -out ca.pem -subj /CN=root -days 30 -addext keyUsage=critical,keyCertSign
issue() {
  openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$1.key" -out "$1.csr" -subj "/CN=$1"
  printf 'basicConstraints=critical,CA:%s\\nkeyUsage=critical,%s\\n' "$3" "$4" > "$1.ext"
  openssl x509 -req -in "$1.csr" -CA "$2.pem" -CAkey "$2.key" -CAcreateserial -days 10 -extfile "$1.ext" -out "$1.pem"
}
issue issuing ca TRUE keyCertSign
issue leaf issuing FALSE digitalSignature
issue other issuing FALSE keyEncipherment
for curve in P-256 P-384 P-521; do
  openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:$curve -out $curve.pem
  openssl pkey -in $curve.pem -pubout -out $curve.pub
done`

before(() => {
  run('sh', ['-c', pki], { cwd: base })
  mkdirSync(at('model/sub'), { recursive: true })
  for (const name of [
    'weights.bin',
    'config.json',
    'a b.txt',
    '模型.bin',
    'sub/adapter.bin',
    'sub-x',
    'sub.txt',
    'empty',
  ])
    writeFileSync(at(`model/${name}`), name === 'empty' ? '' : `bytes of ${name}`)
  writeFileSync(at('model/ignore-me'), 'not part of it')
})

for (const curve of ['P-256', 'P-384', 'P-521']) {
  test(`model_signing verifies what assay signs by a key on ${curve}, and assay what it signs`, () => {
    const [key, pub] = [`${curve}.pem`, `${curve}.pub`]
    accepted(ours('sign', 'model', '--output', 'ours.sig', '--key', key, '--ignore', 'ignore-me'))
    accepted(theirs('verify', 'key', '--public_key', pub, '--signature', 'ours.sig', 'model'))
    accepted(
      theirs(
        'sign',
        'key',
        '--private_key',
        key,
        '--signature',
        'theirs.sig',
        '--ignore-paths',
        at('model/ignore-me'),
        at('model'),
      ),
    )
    accepted(ours('verify', 'model', '--bundle', 'theirs.sig', '--key', pub))
  })
}

test('both verify what the other signs by a certificate, and both refuse one that is not made for signing', () => {
  const signer = (name: string): readonly string[] => [
    '--key',
    `${name}.key`,
    '--certificate',
    `${name}.pem`,
    '--chain',
    'issuing.pem',
  ]
  accepted(ours('sign', 'model', '--output', 'ours.sig', ...signer('leaf')))
  accepted(theirs('verify', 'certificate', '--certificate_chain', 'ca.pem', '--signature', 'ours.sig', 'model'))
  const args = ['--private_key', 'leaf.key', '--signing_certificate', 'leaf.pem', '--certificate_chain', 'issuing.pem']
  accepted(theirs('sign', 'certificate', ...args, '--signature', 'theirs.sig', 'model'))
  accepted(ours('verify', 'model', '--bundle', 'theirs.sig', '--ca', 'ca.pem'))

  accepted(ours('sign', 'model', '--output', 'other.sig', ...signer('other')))
  assert.notEqual(
    theirs('verify', 'certificate', '--certificate_chain', 'ca.pem', '--signature', 'other.sig', 'model').status,
    0,
  )
  assert.equal(ours('verify', 'model', '--bundle', 'other.sig', '--ca', 'ca.pem').status, 1)
})

test('model_signing verifies what assay signs for an identity, by the root of its own instance, and refuses other names and files', async (context) => {
  const instance = await sigstoreInstance(context)
  const identity = 'https://github.com/o/r/.github/workflows/train.yml@refs/heads/main'
  writeFileSync(at('token.jwt'), instance.token({ sub: identity }))
  writeFileSync(at('root.json'), JSON.stringify(instance.trustedRoot))
  writeFileSync(at('trust.json'), JSON.stringify(clientTrust(instance)))
  const services = ['--fulcio-url', instance.url, '--rekor-url', instance.url, '--timestamp-url', instance.url]
  const words = ['sign', 'model', '--output', 'keyless.sig', '--keyless', '--identity-token', 'token.jwt', ...services]
  // the instance answers in this process: it must not wait here
  await promisify(execFile)(assay, [...words, '--trusted-root', 'root.json'], { cwd: base })

  const by = (who: string, issuer = instance.issuer, model = 'model'): Outcome => {
    const names = ['--identity', who, '--identity_provider', issuer, '--trust_config', 'trust.json']
    return theirs('verify', 'sigstore', '--signature', 'keyless.sig', ...names, model)
  }
  accepted(by(identity))
  assert.notEqual(by(identity.replace('main', 'other')).status, 0)
  assert.notEqual(by(identity, 'https://other.example.org').status, 0)
  const ofUs = ['--identity', identity, '--issuer', instance.issuer, '--trusted-root', 'root.json']
  accepted(ours('verify', 'model', '--bundle', 'keyless.sig', ...ofUs))
  writeFileSync(at('model/config.json'), 'other')
  assert.notEqual(by(identity).status, 0)
  assert.equal(ours('verify', 'model', '--bundle', 'keyless.sig', ...ofUs).status, 1)
  writeFileSync(at('model/config.json'), 'bytes of config.json')
  const other = await sigstoreInstance(context)
  writeFileSync(at('trust.json'), JSON.stringify(clientTrust(other)))
  assert.notEqual(by(identity).status, 0)
})

/** What sigstore-python is told of an instance. SOURCE: protobuf-specs sigstore_trustroot.proto, ClientTrustConfig. */
function clientTrust({ url, trustedRoot }: Pick<SigstoreInstance, 'url' | 'trustedRoot'>): object {
  const service = (majorApiVersion: number): object => ({
    url,
    majorApiVersion,
    validFor: { start: '2026-01-01T00:00:00Z' },
    operator: 'x',
  })
  return {
    mediaType: 'application/vnd.dev.sigstore.clienttrustconfig.v0.1+json',
    trustedRoot,
    signingConfig: {
      mediaType: 'application/vnd.dev.sigstore.signingconfig.v0.2+json',
      caUrls: [service(1)],
      oidcUrls: [service(1)],
      rekorTlogUrls: [service(1)],
      rekorTlogConfig: { selector: 'ANY' },
      tsaUrls: [service(1)],
      tsaConfig: { selector: 'ANY' },
    },
  }
}

test('both take one file for a model', () => {
  accepted(ours('sign', 'model/weights.bin', '--output', 'ours.sig', '--key', 'P-256.pem'))
  accepted(theirs('verify', 'key', '--public_key', 'P-256.pub', '--signature', 'ours.sig', 'model/weights.bin'))
  accepted(theirs('sign', 'key', '--private_key', 'P-256.pem', '--signature', 'theirs.sig', 'model/weights.bin'))
  accepted(ours('verify', 'model/weights.bin', '--bundle', 'theirs.sig', '--key', 'P-256.pub'))
})

/** Its library, for what its command line does not offer. */
function signByLibrary(hashing: string, output: string): void {
  const code = [
    'from model_signing import hashing, signing',
    'from pathlib import Path',
    `config = hashing.Config().${hashing}.set_allow_symlinks(True)`,
    `signing.Config().use_elliptic_key_signer(private_key=Path('P-256.pem')).set_hashing_config(config).sign(Path('linked'), Path('${output}'))`,
  ]
  run(join(programs(), 'python'), ['-c', code.join('\n')], { cwd: base })
}

test('assay verifies shards, other hashes and followed links as model_signing makes them', () => {
  mkdirSync(at('linked'))
  writeFileSync(at('linked/real.bin'), 'x'.repeat(100))
  writeFileSync(at('linked/empty'), '')
  symlinkSync('real.bin', at('linked/link.bin'))
  const ways = [
    'use_shard_serialization(shard_size=30)',
    "use_file_serialization(hashing_algorithm='blake2')",
    "use_file_serialization(hashing_algorithm='blake3')",
    "use_shard_serialization(hashing_algorithm='blake2', shard_size=64)",
  ]
  for (const way of ways) {
    signByLibrary(way, 'way.sig')
    accepted(ours('verify', 'linked', '--bundle', 'way.sig', '--key', 'P-256.pub'))
    writeFileSync(at('linked/real.bin'), 'X'.repeat(100))
    assert.equal(ours('verify', 'linked', '--bundle', 'way.sig', '--key', 'P-256.pub').status, 1, way)
    writeFileSync(at('linked/real.bin'), 'x'.repeat(100))
  }
})

test('both refuse a changed file, one more, one less, another key and a changed signature', () => {
  accepted(ours('sign', 'model', '--output', 'ours.sig', '--key', 'P-256.pem'))
  const refused = (because: string, pub = 'P-256.pub', bundle = 'ours.sig'): void => {
    assert.notEqual(theirs('verify', 'key', '--public_key', pub, '--signature', bundle, 'model').status, 0, because)
    assert.notEqual(ours('verify', 'model', '--bundle', bundle, '--key', pub).status, 0, because)
  }
  refused('another key', 'P-384.pub')
  const bundle = readFileSync(at('ours.sig'), 'utf8')
  const place = bundle.indexOf('"sig":"') + 30
  writeFileSync(
    at('flipped.sig'),
    `${bundle.slice(0, place)}${bundle[place] === 'A' ? 'B' : 'A'}${bundle.slice(place + 1)}`,
  )
  refused('a changed signature', 'P-256.pub', 'flipped.sig')
  writeFileSync(at('model/config.json'), 'other')
  refused('a changed file')
  rmSync(at('model/config.json'))
  refused('a missing file')
  writeFileSync(at('model/config.json'), 'bytes of config.json')
  writeFileSync(at('model/new'), '')
  refused('a new file')
  rmSync(at('model/new'))
  accepted(ours('verify', 'model', '--bundle', 'ours.sig', '--key', 'P-256.pub'))
})

test('model_signing refuses what assay signed with any one bit flipped that means anything', () => {
  accepted(ours('sign', 'model', '--output', 'flipped.sig', '--key', 'P-256.pem', '--ignore', 'ignore-me'))
  const honest = readFileSync(at('flipped.sig'))
  const told = run(
    join(programs(), 'python'),
    [join(repository, 'test/interop/flips.py'), 'model_signing', 'flipped.sig', '13', 'P-256.pub', 'model'],
    { cwd: base },
  )
  const { tried, accepted: passing } = JSON.parse(told) as Readonly<{ tried: number; accepted: readonly number[] }>
  for (const place of passing) assert.ok(saysTheSame(honest, flipAt(honest, place).bytes), `bit ${place} is accepted`)
  assert.ok(tried > 1000 && passing.length < tried / 50, `${passing.length} of ${tried} accepted`)
})

test('cosign verifies a model that assay signed, by the digest of its manifest, and assay what cosign signs', {
  timeout: 3_600_000,
}, () => {
  const cosign = cosignProgram()
  const ask = (args: readonly string[]): Outcome => {
    const environment = { HOME: base, PATH: '/nonexistent', COSIGN_PASSWORD: '', HTTPS_PROXY: 'http://127.0.0.1:9' }
    const { status, stdout, stderr } = spawnSync(cosign, args, { encoding: 'utf8', cwd: base, env: environment })
    return { status, said: `${stdout}${stderr}` }
  }
  const signed = JSON.parse(
    run(assay, ['sign', 'model', '--output', 'ours.sig', '--key', 'P-256.pem', '--json'], { cwd: base }),
  )
  const type = ['--type', 'https://model_signing/signature/v1.0', '--insecure-ignore-tlog=true']
  const digest = (hex: string): readonly string[] => ['--digest', hex, '--digestAlg', 'sha256']
  const byKey = ['verify-blob-attestation', '--key', 'P-256.pub', '--bundle', 'ours.sig', ...type]
  accepted(ask([...byKey, ...digest(signed.digest.slice(7))]))
  assert.notEqual(ask([...byKey, ...digest('0'.repeat(64))]).status, 0)

  accepted(ask(['generate-key-pair']))
  const offline = ['--key', 'cosign.key', '--tlog-upload=false', '--use-signing-config=false', '--yes']
  accepted(ask(['sign-blob', ...offline, '--bundle', 'blob.json', 'model/weights.bin']))
  accepted(ours('verify', 'model/weights.bin', '--bundle', 'blob.json', '--key', 'cosign.pub'))
  assert.equal(ours('verify', 'model/config.json', '--bundle', 'blob.json', '--key', 'cosign.pub').status, 1)
  const hex = run('sha256sum', ['model/weights.bin'], { cwd: base }).slice(0, 64)
  accepted(ours('verify', `sha256:${hex}`, '--bundle', 'blob.json', '--key', 'cosign.pub'))
})
