/** Goal: know whether an artifact may be used, by a policy of my own choice, and why. */
import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { adopted, statuses } from '../support/adopted.ts'
import { words } from '../support/projects.ts'
import type { Document } from '../support/scratch.ts'

const codes = (verdict: Document): readonly string[] =>
  verdict.findings.flatMap(({ passed, code }: { passed: boolean; code: string }) => (passed ? [] : [code]))

test('a chain may span commits: what is up to date keeps its evidence', async (context) => {
  const project = await adopted(context, words)
  await project.json(0, 'run')
  const first = project.git('rev-parse', 'HEAD').trim()
  project.write({ 'params.yaml': 'count:\n  field: 2\n' })
  project.commit()
  assert.deepEqual(statuses(await project.json(0, 'run')), { sort: 'cached', count: 'ran' })
  const verdict = await project.json(0, 'verify', 'model/count.txt')
  assert.equal(verdict.level, 1)
  assert.deepEqual([...verdict.commits].sort(), [first, project.git('rev-parse', 'HEAD').trim()].sort())

  project.write({ 'one.yaml': `${project.read('trust.yaml')}oneCommit: true\n` })
  assert.equal((await project.json(1, 'verify', 'model/count.txt', '--policy', 'one.yaml')).trusted, false)
  await project.json(0, 'run', '--force')
  assert.equal((await project.json(0, 'verify', 'model/count.txt')).trusted, true)
})

test('a policy given, pinned or of the checkout: the first that there is decides', async (context) => {
  const project = await adopted(context, words)
  await project.json(0, 'run')
  assert.equal((await project.json(0, 'verify', 'model/count.txt', '--policy', 'trust.yaml')).trusted, true)
  await project.json(0, 'trust', 'pin')

  const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
  const stranger = String(publicKey.export({ type: 'spki', format: 'pem' }))
  const own = project.read('trust.yaml')
  const pem = /-----BEGIN[^-]*-----[\s\S]*?-----END[^-]*-----/
  assert.match(own, pem)
  const indent = /^( *)-----BEGIN/m.exec(own)?.[1] ?? ''
  const hostile = own.replace(/ *-----BEGIN[\s\S]*?END PUBLIC KEY-----/, stranger.trim().replace(/^/gm, indent))
  project.write({ 'trust.yaml': hostile, 'stranger.pem': stranger })
  assert.equal((await project.json(0, 'verify', 'model/count.txt')).trusted, true, 'the pinned policy decides')
  const judged = codes(await project.json(1, 'verify', 'model/count.txt', '--policy', 'trust.yaml'))
  assert.ok(judged.includes('ERR_SIGNER_UNKNOWN'), judged.join(', '))
})

test('by one key: the right one is enough, a wrong one is refused', async (context) => {
  const project = await adopted(context, words)
  await project.json(0, 'run')
  await project.json(0, 'key', 'export', '--out', 'ada.pem')
  assert.equal((await project.json(0, 'verify', 'model/count.txt', '--key', 'ada.pem')).trusted, true)
  const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
  writeFileSync(join(project.root, 'eve.pem'), publicKey.export({ type: 'spki', format: 'pem' }))
  assert.equal((await project.json(1, 'verify', 'model/count.txt', '--key', 'eve.pem')).trusted, false)
  project.write({ 'none.pem': 'no key\n' })
  assert.ok((await project.json(2, 'verify', 'model/count.txt', '--key', 'none.pem')).error.code)
})

test('an expired policy proves nothing, to verify or to run by', async (context) => {
  const project = await adopted(context, words)
  await project.json(0, 'run')
  project.write({ 'old.yaml': project.read('trust.yaml').replace(/^expires: .*$/m, 'expires: 2020-01-01') })
  const verdict = await project.json(1, 'verify', 'model/count.txt', '--policy', 'old.yaml')
  assert.ok(codes(verdict).includes('ERR_POLICY_EXPIRED'), codes(verdict).join(', '))
  assert.equal((await project.json(0, 'verify', 'model/count.txt', '--policy', 'trust.yaml')).trusted, true)
  project.write({ 'trust.yaml': project.read('old.yaml') })
  project.commit()
  const run = await project.assay('run')
  assert.match(run.stderr, /expired after 2020-01-01/)
  assert.match(run.stdout, /level 0/)
})

test('a policy or an artifact that is not there, or no policy at all, is told apart', async (context) => {
  const project = await adopted(context, words)
  await project.json(0, 'run')
  assert.equal(
    (await project.json(2, 'verify', 'model/count.txt', '--policy', 'none.yaml')).error.code,
    'ERR_INPUT_MALFORMED',
  )
  project.write({ 'bad.yaml': 'trust: 1\nproject: x\nkeys: {}\nroles: {}\nminimumlevel: 0\n' })
  assert.equal(
    (await project.json(2, 'verify', 'model/count.txt', '--policy', 'bad.yaml')).error.code,
    'ERR_POLICY_MALFORMED',
  )
  assert.deepEqual(codes(await project.json(1, 'verify', 'model/none.txt')), ['ERR_ARTIFACT_MISSING'])
  assert.equal((await project.json(1, 'verify', 'src/lib.sh')).trusted, false, 'code is not made by anyone')
})

test('a gate is about the bytes of the model at hand, not of one that was measured before', async (context) => {
  const project = await adopted(context, {
    'dvc.yaml': `stages:
  train:
    cmd: cp data/in.txt model.txt
    deps: [data/in.txt]
    outs: [model.txt]
  evaluate:
    cmd: printf '{"lines":%s}' "$(wc -l < model.txt)" > metrics.json
    deps: [model.txt]
    metrics: [metrics.json]
`,
    'assay.yaml':
      'assay: 1\nname: gates\ndata: {data/in.txt: {}}\nmodel: {name: m, path: model.txt, metrics: metrics.json, gates: ["lines >= 2"]}\n',
    'data/in.txt': 'a\nb\n',
    '.gitignore': '/model.txt\n/metrics.json\n',
  })
  await project.json(0, 'run')
  assert.equal((await project.json(0, 'verify')).trusted, true)

  // what was signed of them travels: a policy asks for more, where there is no project
  const policy = join(project.keys, 'policy.yaml')
  const evidence = join(project.keys, 'model.jsonl')
  writeFileSync(policy, `${project.read('trust.yaml')}gates: [lines < 3]\nrequire: [gates]\n`)
  await project.json(0, 'attest', 'export', 'model.txt', '--out', evidence)
  const copy = join(project.keys, 'model.txt')
  copyFileSync(join(project.root, 'model.txt'), copy)
  const elsewhere = ['verify', copy, '--policy', policy, '--evidence']
  const gates = ({ findings }: Document): readonly string[] =>
    findings.flatMap((one: Document) => (one.check === 'gates' ? [`${one.code} ${one.because}`] : []))
  assert.deepEqual(gates(await project.json(0, ...elsewhere, evidence)), [
    'OK lines >= 2: it is 2',
    'OK lines < 3: it is 2',
  ])
  const lines = readFileSync(evidence, 'utf8').trimEnd().split('\n')
  const judged = (line: string): boolean =>
    Buffer.from(JSON.parse(line).dsseEnvelope?.payload ?? '', 'base64').includes('lines >= 2')
  writeFileSync(`${evidence}.less.jsonl`, lines.filter((line) => !judged(line)).join('\n'))
  assert.deepEqual(codes(await project.json(1, ...elsewhere, `${evidence}.less.jsonl`)), [
    'ERR_GATE_FAILED',
    'ERR_POLICY_DEMAND',
    'ERR_LEVEL_TOO_LOW',
  ])

  // gates that are changed and changed back: the last word is the newest
  const settings = project.read('assay.yaml')
  const runBy = async (text: string): Promise<string> => {
    project.write({ 'assay.yaml': text })
    project.commit()
    return (await project.json(0, 'run')).gates[0].result
  }
  assert.equal(await runBy(settings.replace('>= 2', '>= 3')), 'FAILED')
  assert.equal(await runBy(settings), 'PASSED')
  await project.json(0, 'attest', 'export', 'model.txt', '--out', evidence)
  await project.json(0, ...elsewhere, evidence)

  project.write({ 'data/in.txt': 'a\n' })
  project.commit()
  await project.json(0, 'run', 'train')
  assert.equal((await project.json(1, 'verify')).trusted, false, 'nobody measured this model')
  const failed: Document = await project.json(0, 'run')
  assert.deepEqual(failed.gates[0].gates, [{ gate: 'lines >= 2', value: 1, passed: false }])
  assert.ok(codes(await project.json(1, 'verify')).includes('ERR_GATE_FAILED'))
  await project.json(0, 'attest', 'export', 'model.txt', '--out', evidence)
  copyFileSync(join(project.root, 'model.txt'), copy)
  const own = ['verify', copy, '--policy', join(project.root, 'trust.yaml'), '--evidence', evidence]
  assert.ok(
    codes(await project.json(1, ...own)).includes('ERR_GATE_FAILED'),
    'its own gates, where there is no project',
  )
})

test('a checkout that cannot be written is verified as any other', async (context) => {
  const project = await adopted(context, words)
  await project.json(0, 'run')
  const lock = readFileSync(join(project.root, 'assay.lock'))
  assert.equal((await project.json(0, 'verify', 'model/count.txt', '--rehash')).trusted, true)
  assert.deepEqual(readFileSync(join(project.root, 'assay.lock')), lock)
})
