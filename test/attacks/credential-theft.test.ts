/** Threat: credential theft. Nothing of the caller reaches a stage that was not given to it. */
import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { words } from '../support/projects.ts'
import { type Document, runAssay, type Scratch, scratch, scratchEnvironment } from '../support/scratch.ts'

test("a stage finds neither the caller's variables nor the signing key; what the definition gives it, it gets", async (context) => {
  const project = scratch(context, {
    ...words,
    'src/sort.sh':
      'env > "$2"; find / -name "*.pem" -path "*assay*" 2>/dev/null >> "$2"; ls -la /home /root 2>/dev/null >> "$2"; true\n',
  })
  project.commit()
  await project.json(0, 'init', '--yes')
  project.write({ 'assay.yaml': `${project.read('assay.yaml')}\nstages:\n  sort:\n    env: {GIVEN: plain}\n` })
  project.commit()
  mkdirSync(join(project.keys, 'assay'), { recursive: true })
  writeFileSync(join(project.keys, 'assay', 'note'), 'x')
  const ran = await runAssay(['run', '--json'], project.root, {
    ...scratchEnvironment(project.keys),
    AWS_SECRET_ACCESS_KEY: 'canary-7f3a',
  })
  assert.equal(ran.code, 0, ran.stderr)
  const seen = project.read('out/sorted.txt')
  assert.match(seen, /GIVEN=plain/)
  assert.doesNotMatch(seen, /canary-7f3a|AWS_SECRET|\.pem/)
  const recorded = spawnSync('grep', ['-r', '-l', 'canary-7f3a', '.assay'], { cwd: project.root, encoding: 'utf8' })
  assert.equal(recorded.status, 1, `the canary is on record: ${recorded.stdout}`)
})

test('a key that others can read is refused', async (context) => {
  const project = scratch(context, words)
  project.commit()
  await project.json(0, 'init', '--yes', '--commit')
  execFileSync('chmod', ['-R', 'a+r', project.keys])
  const refused = await project.assay('run', '--json')
  assert.notEqual(refused.code, 0)
  execFileSync('chmod', ['-R', 'go-rwx', join(project.keys, 'assay')])
  await project.json(0, 'run')
})

test('what a revoked key signed is void: verify, a given policy or key, and the cache stop believing it', async (context) => {
  const project = scratch(context, words)
  project.commit()
  await project.json(0, 'init', '--yes', '--commit')
  await project.json(0, 'run')
  const policy = join(project.keys, 'policy.yaml')
  const publicKey = join(project.keys, 'public.pem')
  copyFileSync(join(project.root, 'trust.yaml'), policy)
  await project.json(0, 'key', 'export', '--out', publicKey)
  const bundle = join(project.root, '.assay/attestations', lockedAttestation(project))
  const asked = [
    ['verify', 'model/count.txt'],
    ['verify', 'model/count.txt', '--policy', policy],
    ['verify', 'model/count.txt', '--key', publicKey],
    ['verify', 'model/count.txt', '--bundle', bundle],
    ['verify', 'model/count.txt', '--evidence', join(project.root, '.assay/attestations'), '--policy', policy],
  ]
  for (const question of asked) assert.equal((await project.json(0, ...question)).trusted, true, question.join(' '))

  await project.json(0, 'key', 'revoke', '--because', 'laptop lost')
  for (const question of asked) {
    const { trusted, findings } = await project.json(1, ...question)
    assert.equal(trusted, false, question.join(' '))
    const codes = findings.map(({ code }: Document) => code)
    assert.ok(codes.includes('ERR_KEY_REVOKED') || codes.includes('ERR_EVIDENCE_MISSING'), question.join(' '))
  }
  const [artifact] = asked
  const { findings } = await project.json(1, ...(artifact ?? []))
  assert.match(JSON.stringify(findings), /a key that was revoked: laptop lost/)

  await project.json(0, 'key', 'new')
  const { publicKey: fresh } = await project.json(0, 'key', 'export')
  project.write({
    'trust.yaml': project
      .read('trust.yaml')
      .replace(/-----BEGIN[\s\S]*?-----END PUBLIC KEY-----/, fresh.trim().replaceAll('\n', '\n      '))
      .replace(/\n {4}revoked:\n {6}because: laptop lost/, ''),
  })
  project.commit('list the new key')
  const again = await project.json(0, 'run')
  assert.deepEqual(
    again.stages.map(({ status }: Document) => status),
    ['ran', 'ran'],
  )
  assert.equal((await project.json(0, 'verify', 'model/count.txt')).trusted, true)
  const kept = await project.json(0, 'run')
  assert.ok(kept.stages.every(({ status }: Document) => status !== 'ran'))
})

/** File of the statement that assay.lock pins for the last stage. */
function lockedAttestation(project: Scratch): string {
  const pinned = [...project.read('assay.lock').matchAll(/sha256:([0-9a-f]{64})/g)].map(([, hex = '']) => hex)
  const files = readdirSync(join(project.root, '.assay/attestations'))
  const count = files.filter((name) => pinned.some((hex) => name.startsWith(hex)))
  const found = count.find((name) =>
    Buffer.from(
      JSON.parse(readFileSync(join(project.root, '.assay/attestations', name), 'utf8')).dsseEnvelope.payload,
      'base64',
    )
      .toString()
      .includes('"name":"model/count.txt"'),
  )
  assert.ok(found !== undefined)
  return found
}
