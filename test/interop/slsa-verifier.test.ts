/**
 * slsa-verifier, built from its source at a pinned version, accepts our verification summaries with nothing but a public
 * key, and refuses what does not hold.
 *
 * The first run needs Go and its module proxy; the program is kept below .cache/interop.
 */
import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { before, test } from 'node:test'
import { generateKey } from '../../src/attestation/key.ts'
import { adopted } from '../support/adopted.ts'
import { words } from '../support/projects.ts'
import { repository } from './environments.ts'
import { assertRefused, flipsOf } from './flips.ts'

const version = 'v2.7.1'
const cache = join(repository, '.cache/interop', `slsa-verifier-${version}`)
const program = join(cache, 'slsa-verifier')
const module = 'github.com/slsa-framework/slsa-verifier/v2'

before(
  () => {
    if (existsSync(program)) return
    mkdirSync(join(cache, 'module'), { recursive: true })
    writeFileSync(join(cache, 'module/go.mod'), `module interop\n\ngo 1.24\n\nrequire ${module} ${version}\n`)
    const build = ['-n', '19', 'go', 'build', '-mod=mod', '-o', program, `${module}/cli/slsa-verifier`]
    execFileSync('nice', build, { cwd: join(cache, 'module'), stdio: 'inherit' })
  },
  { timeout: 3_600_000 },
)

test('slsa-verifier accepts the summary of a trusted model, at its level and no higher', async (context) => {
  const project = await adopted(context, words)
  await project.json(0, 'run')
  const path = (name: string): string => join(project.root, name)
  const { subject, resourceUri, level } = await project.json(0, 'attest', 'vsa', 'model/count.txt', '--out', 'vsa.json')
  await project.json(0, 'key', 'export', '--out', 'pub.pem')
  writeFileSync(path('other.pem'), generateKey(undefined).publicPem)

  const verify = (changed: Readonly<Record<string, string>> = {}, levels = ['SLSA_BUILD_LEVEL_1', 'ASSAY_LEVEL_1']) => {
    const flags = {
      'attestation-path': path('vsa.json'),
      'subject-digest': subject.digest,
      'verifier-id': 'https://assay.dev/verifier',
      'resource-uri': resourceUri,
      'public-key-path': path('pub.pem'),
      ...changed,
    }
    const args = [...Object.entries(flags).flatMap(([name, value]) => [`--${name}`, value])]
    const asked = levels.flatMap((each) => ['--verified-level', each])
    const { status, stderr } = spawnSync(program, ['verify-vsa', ...args, ...asked], { encoding: 'utf8' })
    return { accepted: status === 0 && stderr.includes('PASSED'), said: stderr }
  }
  assert.equal(level, 1)
  const honest = verify()
  assert.ok(honest.accepted, honest.said)
  assert.ok(!verify({}, ['SLSA_BUILD_LEVEL_2']).accepted)
  assert.ok(!verify({}, ['ASSAY_LEVEL_2']).accepted)
  assert.ok(!verify({ 'subject-digest': `sha256:${'0'.repeat(64)}` }).accepted)
  assert.ok(!verify({ 'resource-uri': 'https://example.org/other' }).accepted)
  assert.ok(!verify({ 'verifier-id': 'https://example.org/other' }).accepted)
  assert.ok(!verify({ 'public-key-path': path('other.pem') }).accepted)

  const text = readFileSync(path('vsa.json'), 'utf8')
  const envelope = JSON.parse(text)
  const payload = Buffer.from(envelope.payload, 'base64').toString().replace('ASSAY_LEVEL_1', 'ASSAY_LEVEL_4')
  writeFileSync(path('forged.json'), JSON.stringify({ ...envelope, payload: Buffer.from(payload).toString('base64') }))
  assert.ok(!verify({ 'attestation-path': path('forged.json') }).accepted)

  const vsa = readFileSync(path('vsa.json'))
  const refused = assertRefused(vsa, flipsOf(vsa, 200), (changed) => {
    writeFileSync(path('flipped.json'), changed)
    return verify({ 'attestation-path': path('flipped.json') }).accepted
  })
  assert.ok(refused > 180, `${refused} of 200 flipped bits were refused`)
})

test('the summary of what is not trusted says so, and slsa-verifier refuses it', async (context) => {
  const project = await adopted(context, words)
  await project.json(0, 'run', '--draft')
  const { trusted, level } = await project.json(1, 'attest', 'vsa', 'model/count.txt', '--out', 'vsa.json')
  assert.deepEqual([trusted, level], [false, 0])
  await project.json(0, 'key', 'export', '--out', 'pub.pem')
  const payload = Buffer.from(JSON.parse(readFileSync(join(project.root, 'vsa.json'), 'utf8')).payload, 'base64')
  const { subject, predicate } = JSON.parse(payload.toString())
  assert.deepEqual([predicate.verificationResult, predicate.verifiedLevels], ['FAILED', ['FAILED']])
  const { status } = spawnSync(program, [
    'verify-vsa',
    ...['--attestation-path', join(project.root, 'vsa.json'), '--public-key-path', join(project.root, 'pub.pem')],
    ...['--subject-digest', `sha256:${subject[0].digest.sha256}`, '--resource-uri', predicate.resourceUri],
    ...['--verifier-id', predicate.verifier.id],
  ])
  assert.notEqual(status, 0)
})

test('slsa-verifier accepts a summary that an Ed25519 key signed, and no changed one', async (context) => {
  const project = await adopted(context, words)
  await project.json(0, 'key', 'rotate', '--type', 'ed25519')
  project.commit('another key')
  await project.json(0, 'run')
  const { subject, resourceUri } = await project.json(0, 'attest', 'vsa', 'model/count.txt', '--out', 'vsa.json')
  await project.json(0, 'key', 'export', '--out', 'pub.pem')
  const verify = (file: string) =>
    spawnSync(
      program,
      [
        'verify-vsa',
        ...['--attestation-path', join(project.root, file), '--public-key-path', join(project.root, 'pub.pem')],
        ...['--subject-digest', subject.digest, '--resource-uri', resourceUri],
        ...['--verifier-id', 'https://assay.dev/verifier', '--verified-level', 'SLSA_BUILD_LEVEL_1'],
      ],
      { encoding: 'utf8' },
    )
  const honest = verify('vsa.json')
  assert.equal(honest.status, 0, honest.stderr)
  const envelope = JSON.parse(project.read('vsa.json'))
  const payload = Buffer.from(envelope.payload, 'base64').toString().replace('ASSAY_LEVEL_1', 'ASSAY_LEVEL_4')
  project.write({ 'forged.json': JSON.stringify({ ...envelope, payload: Buffer.from(payload).toString('base64') }) })
  assert.notEqual(verify('forged.json').status, 0)
})
