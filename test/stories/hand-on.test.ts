/** Goal: keep a copy of the key, hand the evidence on, adopt with one command; and be told at once what cannot be. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import {
  copyFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { adopted } from '../support/adopted.ts'
import { words } from '../support/projects.ts'
import { scratch } from '../support/scratch.ts'

test('a backup of the key is private, whole, and never written over a file', async (context) => {
  const project = await adopted(context, words)
  const place = join(project.keys, 'key-backup.pem')
  assert.deepEqual(await project.json(0, 'key', 'backup', place), { file: place, encrypted: false })
  assert.equal(statSync(place).mode & 0o777, 0o600)
  assert.match((await project.assay('key', 'backup', join(project.keys, 'second.pem'))).stdout, /NOT encrypted/)
  assert.equal((await project.json(4, 'key', 'backup', place)).error.code, 'ERR_IO')

  const { path } = await project.json(0, 'key', 'show')
  rmSync(path)
  assert.notEqual((await project.assay('run')).code, 0, 'without the key nothing is signed')
  copyFileSync(place, path)
  await project.json(0, 'run')
  assert.equal((await project.json(0, 'verify', 'model/count.txt')).trusted, true)
})

test('exported evidence has one file a stage, called as the stage, one a data verdict, and the proofs of the log', async (context) => {
  const project = await adopted(context, words)
  await project.json(0, 'run')
  await project.json(0, 'attest', 'export', 'model/count.txt', '--out', 'evidence')
  assert.deepEqual(readdirSync(join(project.root, 'evidence')).toSorted(), [
    'count.sigstore.json',
    'data-words.txt.verdict.sigstore.json',
    'log-proofs.jsonl',
    'sort.sigstore.json',
  ])
  const verdict = await project.json(0, 'verify', 'model/count.txt', '--evidence', 'evidence')
  assert.equal(verdict.trusted, true)
})

test('whatever kind of evidence lies in a file, show tells what it says', async (context) => {
  const project = await adopted(context, words)
  await project.json(0, 'run')
  const artifact = 'model/count.txt'
  await project.json(0, 'attest', 'export', artifact, '--out', 'evidence.jsonl')
  await project.json(0, 'attest', 'export', artifact, '--out', 'links', '--in-toto')
  await project.json(0, 'attest', 'vsa', artifact, '--out', 'vsa.json')
  await project.json(0, 'tlog', 'prove', artifact, '--out', 'proof')
  const [link = ''] = readdirSync(join(project.root, 'links')).filter((name) => name.startsWith('count.'))
  for (const [file, told] of [
    ['evidence.jsonl', /stage count[\s\S]*stage sort[\s\S]*is in a log/],
    [`links/${link}`, /_type +link[\s\S]*products\.model\/count\.txt\.sha256/],
    ['links/root.layout', /_type +layout/],
    ['vsa.json', /verificationResult +PASSED/],
    ['proof', /proof that an entry is in a log[\s\S]*entry \d+ of \d+/],
    ['.assay/log/checkpoint', /checkpoint of a log/],
  ] as const) {
    const { stdout, code } = await project.assay('attest', 'show', file)
    assert.equal(code, 0, file)
    assert.match(stdout, /nothing of this was verified/)
    assert.match(stdout, told)
    assert.equal((await project.json(0, 'attest', 'show', file)).verified, false, file)
  }
  const signatures = Array.from({ length: 200_000 }, (_, at) => ({ keyid: `key ${at}`, sig: '' }))
  const many = { payloadType: 'text/plain', payload: Buffer.from('{}').toString('base64'), signatures }
  writeFileSync(join(project.root, 'many.json'), JSON.stringify(many))
  const { stdout, code } = await project.assay('attest', 'show', 'many.json')
  assert.equal(code, 0)
  assert.match(stdout, /the key key 19\n.*199980 more signatures/)
})

test('an approval may be called as a stage: both are exported', async (context) => {
  const project = await adopted(context, words)
  await project.json(0, 'data', 'add', 'words', 'data/words.txt', '--licence', 'CC0-1.0', '--classification', 'public')
  project.commit()
  await project.json(0, 'data', 'approve', 'words')
  const [approval = ''] = readdirSync(join(project.root, 'attestations'))
  renameSync(join(project.root, 'attestations', approval), join(project.root, 'attestations/sort.sigstore.json'))
  project.commit()
  await project.json(0, 'run')
  await project.json(0, 'attest', 'export', 'model/count.txt', '--out', 'evidence')
  const names = readdirSync(join(project.root, 'evidence')).toSorted()
  assert.equal(names.length, 5, 'with the proofs of the log')
  assert.ok(
    names.some((name) => /^sort-[0-9a-f]{12}\.sigstore\.json$/.test(name)),
    names.join(', '),
  )
})

test('init --commit outside git says so before it writes anything', async (context) => {
  const project = scratch(context, words)
  rmSync(join(project.root, '.git'), { recursive: true })
  const { error } = await project.json(2, 'init', '--yes', '--commit')
  assert.deepEqual([error.code, /git init/.test(error.help)], ['ERR_USAGE', true])
  assert.ok(!existsSync(join(project.root, 'assay.yaml')) && !existsSync(join(project.root, 'trust.yaml')))
  const { written, commit } = await project.json(0, 'init', '--yes')
  assert.deepEqual([written, commit], [['assay.yaml', 'trust.yaml'], null])
})

test('a source that is not listed is a wrong name, as a stage or a run is', async (context) => {
  const project = await adopted(context, words)
  for (const args of [
    ['approve', 'unknown'],
    ['revoke', 'unknown', '--because', 'a test'],
    ['show', 'unknown'],
  ]) {
    assert.equal((await project.json(2, 'data', ...args)).error.code, 'ERR_SOURCE_NOT_LISTED')
  }
})

test('a summary is of the policy of the project that signs it, whoever made the artifact', async (context) => {
  const [own, vendor] = [await adopted(context, words), await adopted(context, words)]
  for (const project of [own, vendor]) await project.json(0, 'run')
  const foreign = join(vendor.root, 'model/count.txt')
  const summarize = (exit: number, artifact: string, ...more: string[]) =>
    own.json(exit, 'attest', 'vsa', artifact, '--out', 'vsa.json', ...more)
  const signed = () => {
    const { payload } = JSON.parse(own.read('vsa.json'))
    const { predicate } = JSON.parse(Buffer.from(payload, 'base64').toString('utf8'))
    return [predicate.verificationResult, predicate.policy.digest.sha256]
  }
  const digestOf = ({ root }: typeof own) =>
    createHash('sha256')
      .update(readFileSync(join(root, 'trust.yaml')))
      .digest('hex')

  assert.equal((await summarize(2, foreign)).error.code, 'ERR_USAGE', 'its path means another file here')
  assert.ok(!existsSync(join(own.root, 'vsa.json')))
  const named = ['--resource-uri', 'https://vendor.example/model']
  assert.equal((await summarize(1, foreign, ...named)).trusted, false, 'the vendor is not in the own policy')
  assert.deepEqual(signed(), ['FAILED', digestOf(own)])
  await summarize(0, foreign, ...named, '--policy', join(vendor.root, 'trust.yaml'))
  assert.deepEqual(signed(), ['PASSED', digestOf(vendor)], 'by the policy that the user chose')
  assert.equal((await summarize(0, 'model/count.txt')).trusted, true)
  assert.deepEqual(signed(), ['PASSED', digestOf(own)])
})

test('an in-toto layout holds the artifact that was named: the second out, by a linked folder too', async (context) => {
  const project = await adopted(context, {
    'dvc.yaml': 'stages:\n  train:\n    cmd: sh train.sh\n    deps: [train.sh]\n    outs: [model/a.txt, model/z.txt]\n',
    'train.sh': 'mkdir -p model\necho a > model/a.txt\necho z > model/z.txt\n',
    '.gitignore': '/model\n/links\n/copy.txt\n',
  })
  await project.json(0, 'run')
  const exported = (exit: number, ...artifact: string[]) =>
    project.json(exit, 'attest', 'export', ...artifact, '--out', 'links', '--in-toto')
  const held = () => {
    const { payload } = JSON.parse(project.read('links/root.layout'))
    const { inspect } = JSON.parse(Buffer.from(payload, 'base64').toString('utf8'))
    return inspect.map(({ expected_materials: [required] }: { expected_materials: string[][] }) => required)
  }
  assert.equal((await exported(2)).error.code, 'ERR_USAGE', 'two outs, and none named')
  copyFileSync(join(project.root, 'model/z.txt'), join(project.root, 'copy.txt'))
  assert.equal((await exported(2, 'copy.txt')).error.code, 'ERR_USAGE', 'a copy is no product of the stage')
  assert.ok(!existsSync(join(project.root, 'links')))

  for (const artifact of ['model/z.txt', join(project.keys, 'linked/z.txt'), 'model/a.txt']) {
    if (artifact.includes('linked')) symlinkSync(join(project.root, 'model'), join(project.keys, 'linked'))
    await exported(0, artifact)
    assert.deepEqual(held(), [['REQUIRE', artifact.endsWith('z.txt') ? 'model/z.txt' : 'model/a.txt']])
  }
})
