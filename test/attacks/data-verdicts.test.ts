/** Threat: data poisoning. A stage starts only on data with a signed verdict that did not fail, for these very bytes. */
import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { adopted, statuses } from '../support/adopted.ts'
import { type Document, runAssay, type Scratch, scratchEnvironment } from '../support/scratch.ts'

const clean = 'id,age,label\n1,30,yes\n2,41,no\n3,52,yes\n'

const contract = (maximum: number): string => `apiVersion: v3.1.0
kind: DataContract
id: people
version: 1.0.0
status: active
schema:
  - name: people
    properties:
      - {name: id, logicalType: integer, required: true, unique: true}
      - {name: age, logicalType: integer, logicalTypeOptions: {minimum: 0, maximum: ${maximum}}}
      - {name: label, logicalType: string, required: true}
`

const people: Readonly<Record<string, string>> = {
  'dvc.yaml': `stages:
  count:
    cmd: wc -l < data/people.csv > count.txt
    deps: [data/people.csv]
    outs: [count.txt]
  again:
    cmd: cat count.txt data/people.csv > again.txt
    deps: [count.txt, data/people.csv]
    outs: [again.txt]
`,
  '.gitignore': '/count.txt\n/again.txt\n',
  'data/people.csv': clean,
  'contracts/people.yaml': contract(100),
}

async function held(context: TestContext, data = clean): Promise<Scratch> {
  const project = await adopted(context, { ...people, 'data/people.csv': data })
  const settings = project.read('assay.yaml')
  project.write({
    'assay.yaml': settings.replace('data/people.csv: {}', 'data/people.csv: {contract: contracts/people.yaml}'),
  })
  project.commit('hold the data to a contract')
  return project
}

function findingsOf(verdict: Document, check: string): readonly Document[] {
  return verdict.findings.filter((finding: Document) => finding.check === check)
}

test('data that keeps its contract is validated, signed for, and its verdict is part of the chain', async (context) => {
  const project = await held(context)
  await project.json(0, 'run')
  const verdict = await project.json(0, 'verify', 'again.txt')
  assert.equal(verdict.properties.validated, true)
  assert.deepEqual(
    findingsOf(verdict, 'data-verdict')
      .map(({ code, subject }) => `${code} ${subject}`)
      .toSorted(),
    ['OK again: data/people.csv', 'OK count: data/people.csv'],
  )
  const again = await project.json(0, 'run')
  assert.deepEqual(statuses(again), { count: 'cached', again: 'cached' })
})

test('data that breaks its contract stops every stage that reads it, before it starts', async (context) => {
  const project = await held(context, `${clean}4,130,no\n`)
  const report = await project.json(1, 'run')
  assert.equal(report.stages[0].code, 'ERR_DATA_VALIDATION_FAILED')
  assert.equal(existsSync(join(project.root, 'count.txt')), false)
  const validated = await project.json(1, 'data', 'validate', 'data/people.csv', '--contract', 'contracts/people.yaml')
  const [check] = validated.checks.filter(({ verdict }: Document) => verdict === 'fail')
  assert.deepEqual([check.column, check.rows], ['age', [4]])
})

test('a contract that got stricter asks for a new verdict; the old one does not count for it', async (context) => {
  const project = await held(context)
  await project.json(0, 'run')
  project.write({ 'contracts/people.yaml': contract(50) })
  project.commit('stricter')
  const report = await project.json(1, 'run')
  assert.equal(report.stages[0].code, 'ERR_DATA_VALIDATION_FAILED')
  project.write({ 'contracts/people.yaml': contract(100) })
  project.commit('as before')
  await project.json(0, 'run')
})

test('a contract that is not committed makes the tree dirty: it judges, and earns no level', async (context) => {
  const project = await held(context)
  project.write({ 'contracts/people.yaml': contract(99) })
  await project.json(0, 'run')
  const verdict = await project.json(1, 'verify', 'count.txt')
  assert.ok(findingsOf(verdict, 'commit').some(({ code }) => code === 'ERR_EVIDENCE_DIRTY'))
})

test('a reviewer waives a check for these bytes: it runs, and every verdict says so; other bytes are refused', async (context) => {
  const project = await held(context, `${clean}4,130,no\n`)
  await project.json(1, 'run')
  const waiver = ['--of', 'data/people.csv', '--until', '2099-01-31', '--because', 'she is that old']
  const { error } = await project.json(1, 'data', 'waive', 'schema/rnge', '--column', 'age', ...waiver)
  assert.equal(error.code, 'ERR_DATA_WAIVER_MISMATCH')
  assert.match(error.help, /can be waived: schema\/range --column age$/)
  await project.json(0, 'data', 'waive', 'schema/range', '--column', 'age', ...waiver)
  project.commit('waive')
  const looked = await project.json(0, 'data', 'validate', 'data/people.csv')
  assert.equal(looked.verdict, 'warn', 'a look says what the gate says')
  assert.match(looked.checks.find(({ name }: Document) => name === 'schema/range').because, /waived until 2099-01-31/)
  await project.json(0, 'run')
  const verdict = await project.json(0, 'verify', 'count.txt')
  assert.match(findingsOf(verdict, 'data-waiver')[0].because, /she is that old/)

  project.write({ 'data/people.csv': `${clean}4,130,no\n5,131,no\n` })
  project.commit('another row')
  const report = await project.json(1, 'run')
  assert.equal(report.stages[0].code, 'ERR_DATA_VALIDATION_FAILED')
})

test('a waiver of one row covers no other that fails the same check', async (context) => {
  const project = await held(context, `${clean}4,130,no\n5,99,no\n`)
  const waive = (exit: number, ...more: readonly string[]): Promise<Document> =>
    project.json(exit, 'data', 'waive', 'schema/range', '--column', 'age', '--of', 'data/people.csv', ...more)
  const until = ['--until', '2099-01-31', '--because', 'she is that old'] as const
  assert.equal((await waive(1, '--rows', '3', ...until)).error.code, 'ERR_DATA_WAIVER_MISMATCH')
  await waive(0, '--rows', '4', ...until)
  project.commit('waive a row')
  await project.json(0, 'run')
  assert.match(
    findingsOf(await project.json(0, 'verify', 'count.txt'), 'data-waiver')[0].because,
    /is waived for 4 until/,
  )
  // the same bytes, a stricter contract: row 5 fails too now, and nobody waived it
  project.write({ 'contracts/people.yaml': contract(98) })
  project.commit('stricter')
  assert.equal((await project.json(1, 'run')).stages[0].code, 'ERR_DATA_VALIDATION_FAILED')
  assert.match((await waive(1, '--rows', '4', ...until)).error.message, /fails .* for more than `--rows` names: 5 too$/)
  await waive(0, '--rows', '4,5', '--until', '2099-01-31', '--because', 'both are that old')
  project.commit('waive both')
  await project.json(0, 'run')
})

test('a waiver that is deleted takes the evidence that relied on it with it', async (context) => {
  const project = await held(context, `${clean}4,130,no\n`)
  const waiver = ['--of', 'data/people.csv', '--until', '2099-01-31', '--because', 'she is that old']
  const { file } = await project.json(0, 'data', 'waive', 'schema/range', '--column', 'age', ...waiver)
  project.commit('waive')
  await project.json(0, 'run')
  rmSync(join(project.root, file))
  project.commit('no waiver')
  const verdict = await project.json(1, 'verify', 'count.txt')
  assert.ok(findingsOf(verdict, 'data-waiver').some(({ code }) => code === 'ERR_EVIDENCE_MISSING'))
  const report = await project.json(1, 'run')
  assert.equal(report.stages[0].code, 'ERR_DATA_VALIDATION_FAILED')
})

test('a verdict that is withheld makes what was built on it untrusted', async (context) => {
  const project = await held(context)
  await project.json(0, 'run')
  const folder = join(project.root, '.assay/attestations')
  for (const name of readdirSync(folder)) {
    if (readPayload(join(folder, name)).includes('test-result')) rmSync(join(folder, name))
  }
  const verdict = await project.json(1, 'verify', 'count.txt')
  assert.ok(findingsOf(verdict, 'data-verdict').some(({ code }) => code === 'ERR_EVIDENCE_MISSING'))
  // The honest way back: validated and run again.
  await project.json(0, 'run')
  await project.json(0, 'verify', 'count.txt')
})

function readPayload(bundle: string): string {
  const { dsseEnvelope } = JSON.parse(readFileSync(bundle, 'utf8')) as { dsseEnvelope: { payload: string } }
  return Buffer.from(dsseEnvelope.payload, 'base64').toString()
}

test('evidence that travels takes its data verdicts along', async (context) => {
  const project = await held(context)
  await project.json(0, 'run')
  const exported = await project.json(0, 'attest', 'export', 'again.txt', '--out', 'again.assay.jsonl')
  assert.deepEqual([exported.stages, exported.verdicts], [2, 1])
  const elsewhere = scratchEnvironment(project.keys)
  const { code, stdout } = await runAssay(
    [
      'verify',
      join(project.root, 'again.txt'),
      '--evidence',
      join(project.root, 'again.assay.jsonl'),
      '--policy',
      join(project.root, 'trust.yaml'),
      '--json',
    ],
    '/',
    elsewhere,
  )
  assert.equal(code, 0, stdout)
  assert.equal(JSON.parse(stdout).properties.validated, true)
})

test('no value of restricted data enters its verdict, an answer or a report', async (context) => {
  const project = await held(context, `${clean}4,137,no\n`)
  await project.json(0, 'data', 'add', 'people', 'data/people.csv', '--classification', 'restricted')
  project.commit()
  await project.json(0, 'data', 'approve', 'people')
  project.commit()
  const report = await project.json(1, 'run')
  assert.equal(report.stages[0].code, 'ERR_DATA_VALIDATION_FAILED')
  const folder = join(project.root, '.assay/attestations')
  const verdicts = readdirSync(folder).map((name) => readPayload(join(folder, name)))
  assert.ok(verdicts.length > 0)
  for (const payload of verdicts) assert.doesNotMatch(payload, /"observed"|"expected"|\b137\b/)

  const byContract = ['--contract', 'contracts/people.yaml']
  const approved = 'approved/before.csv'
  project.write({ [approved]: clean })
  // nor the report and the answer of a look at it, whatever it is held to
  for (const held of [[], byContract, [...byContract, '--label', 'label'], [...byContract, '--baseline', approved]]) {
    const looked = await project.assay('data', 'validate', 'data/people.csv', '--json', '--report', 'r.html', ...held)
    assert.equal(looked.code, 1, looked.stderr)
    for (const told of [looked.stdout, project.read('r.html')]) {
      assert.match(told, /schema\/range/)
      assert.doesNotMatch(told, /\b137\b/)
    }
    const { checks } = JSON.parse(looked.stdout)
    assert.ok(checks.every(({ observed, expected }: Document) => observed === null && expected === null))
  }
  await project.json(0, 'data', 'add', 'people', 'data/people.csv', '--classification', 'internal', '--replace')
  const told = await project.assay('data', 'validate', 'data/people.csv', '--report', 'r.html')
  assert.equal(told.code, 1, told.stderr)
  assert.match(project.read('r.html'), /\b137\b/)
})

test('data is as secret as it is, from wherever it is named, and so is what it is compared with or made of', async (context) => {
  const people = 'id,age,label\n1,30,yes\n2,41,no\n3,52,yes\n4,137,no\n'
  const project = await adopted(context, {
    'data/people.csv': people,
    'dvc.yaml':
      'stages:\n  copy:\n    cmd: cp data/people.csv made.csv\n    deps: [data/people.csv]\n    outs: [made.csv]\n',
    '.gitignore': '/made.csv\n/d\n/new\n/r.html\n',
    'made.csv': people,
    'new/people.csv': clean,
  })
  const classify = (classification: string, ...more: readonly string[]): Promise<Document> =>
    project.json(0, 'data', 'add', 'people', 'data/people.csv', '--classification', classification, ...more)
  const report = join(project.root, 'r.html')
  const looked = async (cwd: string, ...asked: readonly string[]): Promise<Document> => {
    const argv = ['data', 'validate', ...asked, '--json', '--report', report]
    const { code, stdout } = await runAssay(argv, cwd, scratchEnvironment(project.keys))
    assert.ok(code === 0 || code === 1, stdout)
    return JSON.parse(stdout)
  }
  const looks: Readonly<Record<string, () => Promise<Document>>> = {
    'by its name': () => looked(project.root, 'data/people.csv'),
    'from outside': () => looked('/', join(project.root, 'data/people.csv')),
    'through a link': () => looked(project.root, 'd/people.csv'),
    'as the baseline': () => looked(project.root, 'new/people.csv', '--baseline', 'data/people.csv'),
    'as the baseline, from outside': () =>
      looked('/', join(project.root, 'new/people.csv'), '--baseline', join(project.root, 'd/people.csv')),
    'as what a stage may have made of it': () => looked(project.root, 'made.csv'),
  }
  const isHidden = ({ unseen }: Document): boolean => unseen.some((each: string) => each.includes('not told of'))
  await classify('restricted')
  assert.equal(isHidden(await looked(project.root, '.')), true)
  symlinkSync('data', join(project.root, 'd'))
  for (const [how, look] of Object.entries(looks)) {
    assert.equal(isHidden(await look()), true, how)
    assert.doesNotMatch(project.read('r.html'), /\b137\b/, how)
  }
  await classify('internal', '--replace')
  for (const [how, look] of Object.entries(looks)) {
    assert.equal(isHidden(await look()), false, how)
    assert.match(project.read('r.html'), /\b137\b/, how)
  }
})

test('no value of restricted data is told by a comparison, a profile, a contract drafted from it, or its anchor', async (context) => {
  const rows = (from: number): string =>
    Array.from(
      { length: 300 },
      (_, at) => `${at},${from + (at % 50)},${at % 2 ? 'zanzibar' : 'quito'},${at % 3 ? 'yes' : 'no'}`,
    ).join('\n')
  const table = (from: number): string => `id,age,city,label\n${rows(from)}\n`
  const project = await adopted(context, {
    ...people,
    '.gitignore': '/count.txt\n/again.txt\n/after.csv\n',
    'data/people.csv': table(7000101),
    'after.csv': table(7000102),
  })
  await project.json(0, 'data', 'add', 'people', 'data/people.csv', '--classification', 'restricted')
  const values = /zanzibar|quito|70001\d\d/
  const silent = async (exit: number, ...argv: readonly string[]): Promise<string> => {
    const { code, stdout, stderr } = await project.assay(...argv)
    assert.equal(code, exit, stderr)
    assert.doesNotMatch(`${stdout}${stderr}`, values, argv.join(' '))
    return stdout
  }
  const key = ['--key', 'age', '--json']
  assert.match(await silent(0, 'data', 'diff', 'data/people.csv', 'after.csv'), /age\n.*not told of restricted/s)
  assert.match(await silent(0, 'data', 'diff', 'after.csv', 'data/people.csv', ...key), /not told of/)
  assert.match(await silent(0, 'data', 'profile', 'data/people.csv', '--label', 'label', '--json'), /not told of/)
  assert.match(await silent(0, 'data', 'contract', '--from', 'data/people.csv'), /not told of/)
  await silent(0, 'data', 'profile', 'data/people.csv', '--label', 'label', '--out', 'baselines/people.json')
  await silent(0, 'data', 'contract', '--from', 'data/people.csv', '--out', 'contracts/people-draft.yaml')
  for (const written of ['baselines/people.json', 'contracts/people-draft.yaml'])
    assert.doesNotMatch(project.read(written), values, written)

  // the rows in the owner's store judge in its place; where they are not, nothing does
  const held = ['--baseline', 'baselines/people.json', '--label', 'label']
  assert.match(await silent(1, 'data', 'validate', 'data/people.csv', ...held), /format\/baseline/)
  const settings = project.read('assay.yaml')
  project.write({
    'assay.yaml': settings.replace(
      '{source: people}',
      '{source: people, baseline: baselines/people.json, label: label}',
    ),
  })
  project.commit('hold it to a baseline')
  await project.json(0, 'data', 'approve', 'people')
  await project.json(0, 'data', 'anchor', 'baselines/people.json', '--of', 'data/people.csv', '--because', 'read')
  project.commit('approve and anchor it')
  await silent(0, 'run', 'count')
  await silent(0, 'verify', 'count.txt', '--json')
  const objects = join(project.root, '.assay/objects')
  const bytesIn = (place: string): string =>
    readdirSync(place, { recursive: true, encoding: 'utf8' })
      .filter((name) => /[0-9a-f]{62}$/.test(name))
      .map((name) => readFileSync(join(place, name), 'latin1'))
      .join('\n')
  // all that holds a value of it, and what was made of it, lies apart; the collector and the cache find it there
  assert.match(bytesIn(join(objects, 'closed/restricted')), values)
  assert.match(bytesIn(join(objects, 'closed/restricted')), /^301$/m)
  renameSync(join(objects, 'closed'), join(project.root, '.assay/closed'))
  assert.doesNotMatch(bytesIn(objects), values)
  renameSync(join(project.root, '.assay/closed'), join(objects, 'closed'))
  await project.json(0, 'gc')
  rmSync(join(project.root, 'count.txt'))
  assert.deepEqual(statuses(await project.json(0, 'run', 'count')), { count: 'cached' })
  project.write({ 'data/people.csv': table(7000140) })
  assert.match(await silent(1, 'data', 'validate', 'data/people.csv', '--json'), /drift\/ks/)
  for (const name of readdirSync(join(project.root, '.assay/attestations')))
    assert.doesNotMatch(readPayload(join(project.root, '.assay/attestations', name)), values)
})

test('data that is no table runs with a warning, and not where assay.yaml asks for more', async (context) => {
  const project = await adopted(context, { ...people, 'data/people.csv': '\u0000\u0001 no table' })
  await project.json(0, 'run')
  const verdict = await project.json(0, 'verify', 'count.txt')
  assert.ok(findingsOf(verdict, 'data-verdict').every(({ code }) => code === 'CAVEAT'))
  project.write({ 'assay.yaml': `${project.read('assay.yaml')}require: [passed-data]\n` })
  project.commit()
  const report = await project.json(1, 'run', '--force')
  assert.equal(report.stages[0].code, 'ERR_DATA_NOT_PASSED')
})

test('an anchor that a reviewer fixed comes into the evidence with the next run, and one that is gone does not stay in it', async (context) => {
  const project = await held(context)
  await project.json(0, 'data', 'profile', 'data/people.csv', '--out', 'baselines/people.json')
  const settings = project.read('assay.yaml')
  project.write({
    'assay.yaml': settings.replace('people.yaml}', 'people.yaml, baseline: baselines/people.json}'),
  })
  project.commit('a baseline')
  await project.json(0, 'run', 'count')
  const anchoring = ['--of', 'data/people.csv', '--because', 'read by hand']
  const { file } = await project.json(0, 'data', 'anchor', 'baselines/people.json', ...anchoring)
  project.commit('an anchor')
  assert.deepEqual(statuses(await project.json(0, 'run', 'count')), { count: 'ran' })
  const anchored = await project.json(0, 'verify', 'count.txt')
  assert.equal(
    findingsOf(anchored, 'data-verdict').every(({ because }) => because.includes('the anchor')),
    true,
  )
  assert.deepEqual(statuses(await project.json(0, 'run', 'count')), { count: 'cached' })

  rmSync(join(project.root, file))
  project.commit('no anchor')
  // The statement from before the anchor is about the same bytes, and honest: it counts, and says nothing of an anchor.
  const claims = async (): Promise<boolean> => {
    const verdict = await project.json(0, 'verify', 'count.txt')
    return findingsOf(verdict, 'data-verdict').some(({ because }) => because.includes('the anchor'))
  }
  assert.equal(await claims(), false)
  assert.deepEqual(statuses(await project.json(0, 'run', 'count')), { count: 'cached' })
  assert.equal(await claims(), false)
})
