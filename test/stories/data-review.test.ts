/** A reviewer judges suspect rows: signed, remembered by content, never asked about again, and bad rows stop the run. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { adopted } from '../support/adopted.ts'
import { sitDown } from '../support/person.ts'
import { type Document, runAssay, type Scratch, scratchEnvironment } from '../support/scratch.ts'

/** Two clusters that a line tells apart; the last three rows contradict earlier ones. */
function table(rows: number, extra: readonly string[] = []): string {
  const honest = Array.from({ length: rows }, (_, index) => {
    const [side, label] = index % 2 === 0 ? [2, 'yes'] : [-2, 'no']
    return `${(side + Math.sin(index)).toFixed(4)},${(side / 2 + Math.cos(3 * index)).toFixed(4)},${label}`
  })
  const planted = honest
    .slice(0, 3)
    .map((row) => (row.endsWith('yes') ? row.replace('yes', 'no') : row.replace('no', 'yes')))
  return `${['x,z,label', ...honest, ...planted, ...extra].join('\n')}\n`
}

const planted = [201, 202, 203]

async function labelled(context: TestContext, more: readonly string[] = []): Promise<Scratch> {
  const project = await adopted(context, {
    'dvc.yaml': 'stages:\n  count:\n    cmd: wc -l < data/t.csv > n.txt\n    deps: [data/t.csv]\n    outs: [n.txt]\n',
    '.gitignore': '/n.txt\n',
    'data/t.csv': table(200),
  })
  if (more.length > 0) {
    await project.json(0, 'data', 'add', 't', 'data/t.csv', ...more)
    project.commit('a source')
    await project.json(0, 'data', 'approve', 't')
  }
  project.write({
    'assay.yaml': project
      .read('assay.yaml')
      .replace(/data\/t\.csv: \{/, 'data/t.csv: {label: label, ')
      .replace(', }', '}'),
  })
  project.commit('name the label')
  return project
}

const rowsOf = (listed: Document): readonly number[] => listed.suspects.flatMap(({ rows }: Document) => rows)
const checkOf = (report: Document, name: string): Document =>
  report.checks.find((check: Document) => check.name === name)

test('suspects are listed with reasons and values; what is judged is not asked again, in other versions neither', async (context) => {
  const project = await labelled(context)
  const listed = await project.json(0, 'data', 'review', 'data/t.csv')
  assert.deepEqual(rowsOf(listed).slice(0, 3).toSorted(), planted)
  assert.deepEqual(listed.columns, ['x', 'z', 'label'])
  assert.match(listed.suspects[0].reasons.at(-1).because, /agree in all else/)

  const judged = await project.json(0, 'data', 'review', 'data/t.csv', '--good', '201,202,203', '--because', 'seen')
  assert.deepEqual(judged.judged, { good: 3, bad: 0, excluded: 0 })
  const before = checkOf(
    await project.json(0, 'data', 'validate', 'data/t.csv', '--label', 'label'),
    'poison/contradiction',
  )
  const after = checkOf(await project.json(0, 'data', 'validate', 'data/t.csv'), 'poison/contradiction')
  assert.deepEqual([before.count, after.count, after.rows], [3, 0, []])

  project.write({ 'data/t.csv': table(200).replace('x,z,label\n', 'x,z,label\n2.5,1.5,yes\n') })
  const again = await project.json(0, 'data', 'review', 'data/t.csv')
  assert.deepEqual(
    rowsOf(again).filter((row) => row >= 202),
    [],
  )
})

test('rows that were judged bad stop the run while they are there; verify shows who judged', async (context) => {
  const project = await labelled(context)
  const listed = await project.json(0, 'data', 'review', 'data/t.csv')
  const verdicts = ['bad', 'excluded']
  const rows = listed.suspects.slice(0, 2)
  const suspects = listed.suspects.map((row: Document, index: number) => ({ ...row, verdict: verdicts[index] }))
  project.write({ '../judged.json': JSON.stringify({ ...listed, suspects }) })
  await project.json(0, 'run')
  await project.json(0, 'data', 'review', 'data/t.csv', '--from', '../judged.json')
  project.commit('judged')
  const refused = await project.json(1, 'run')
  assert.equal(refused.stages[0].code, 'ERR_DATA_VALIDATION_FAILED')
  assert.match(refused.stages[0].because, /review\/bad-rows/)
  // a row that cannot be one is refused before the table is looked at, which cannot be read
  project.write({ 'data/broken.parquet': 'PAR1 no table' })
  const asked = (exit: number, row: string) => project.json(exit, 'data', 'review', 'data/broken.parquet', '--bad', row)
  assert.equal((await asked(2, '1O')).error.code, 'ERR_USAGE')
  assert.equal((await asked(1, '10')).error.code, 'ERR_DATA_UNREADABLE')
  rmSync(join(project.root, 'data/broken.parquet'))

  const [bad] = rowsOf({ suspects: rows.slice(0, 1) })
  const lines = project.read('data/t.csv').split('\n')
  project.write({ 'data/t.csv': lines.filter((_, index) => index !== bad).join('\n') })
  project.commit('taken out')
  await project.json(0, 'run')
  const verdict = await project.json(0, 'verify', 'n.txt')
  const shown = verdict.findings.filter(({ check }: Document) => check === 'data-review')
  assert.deepEqual(
    shown.map(({ code }: Document) => code),
    ['OK'],
  )
  assert.match(shown[0].because, /1 bad, 1 excluded/)
  const report = await project.json(0, 'data', 'validate', 'data/t.csv')
  assert.deepEqual(
    [checkOf(report, 'review/bad-rows').verdict, checkOf(report, 'review/excluded-rows').count],
    ['pass', 1],
  )

  // in another spelling it is bad as well
  project.write({
    'data/t.csv': lines.map((line, index) => (index === bad ? line.replace(',', '0,') : line)).join('\n'),
  })
  const respelt = await project.json(1, 'data', 'validate', 'data/t.csv')
  assert.deepEqual(checkOf(respelt, 'review/bad-rows').rows, [bad])

  // columns come, go and change: what is known by its columns is found, and what is not is never passed over
  const write = (each: (line: string, index: number) => string): void =>
    project.write({ 'data/t.csv': lines.map((line, index) => (line === '' ? '' : each(line, index))).join('\n') })
  write((line, index) => `${index === 0 ? 'batch' : index % 7},${line}`)
  const wider = await project.json(1, 'data', 'validate', 'data/t.csv')
  assert.deepEqual(checkOf(wider, 'review/bad-rows').rows, [bad])
  write((line, index) => (index === 0 ? line : line.replace(/,(-?[\d.]+),/, ',$1 m,')))
  const judge = ['data', 'review', 'data/t.csv', '--good', '1']
  const { error } = await project.json(2, ...judge)
  assert.match(error.message, /2 decisions, 1 of them bad.*`z` was text number, is text string/)
  assert.match(error.help, /--replace/)
  project.commit('a column of another type')
  const left = await project.json(1, 'run')
  assert.match(left.stages[0].because, /review\/other-columns/)
  await project.json(0, ...judge, '--replace')
  const replaced = await project.json(0, 'data', 'validate', 'data/t.csv')
  assert.equal(checkOf(replaced, 'review/other-columns'), undefined)
})

test('a review that is taken away takes the evidence that relied on it along', async (context) => {
  const project = await labelled(context)
  const { file } = await project.json(0, 'data', 'review', 'data/t.csv', '--good', '201')
  project.commit('judged')
  await project.json(0, 'run')
  rmSync(join(project.root, file))
  project.commit('forgotten')
  const verdict = await project.json(1, 'verify', 'n.txt')
  assert.deepEqual(
    verdict.findings.filter(({ check }: Document) => check === 'data-review').map(({ code }: Document) => code),
    ['ERR_EVIDENCE_MISSING'],
  )
})

test('at a terminal one row after the other is asked about', async (context) => {
  const project = await labelled(context)
  const person = sitDown(context, project, '$assay data review data/t.csv')
  await person.until(/1 of \d+[\s\S]*poison\/label-flip[\s\S]*label: (yes|no)[\s\S]*\[g\/b\/e\/s\/q\]/)
  person.type('b\r')
  await person.until(/2 of \d+[\s\S]*\[g\/b\/e\/s\/q\]/)
  person.type('q\r')
  assert.equal(await person.left, 0, person.shown())
  assert.match(person.shown(), /judged in data\/t\.csv: 1 bad; \d+ suspects left/)
  const report = await project.json(1, 'data', 'validate', 'data/t.csv')
  assert.equal(checkOf(report, 'review/bad-rows').count, 1)
})

test('of restricted data no value is listed, hashes are keyed, and nothing judged bad passes where the key is not', async (context) => {
  const project = await labelled(context, ['--classification', 'restricted'])
  const listed = await project.json(0, 'data', 'review', 't')
  assert.deepEqual(rowsOf(listed).slice(0, 3).toSorted(), planted)
  assert.ok(listed.suspects.every((suspect: Document) => suspect.values === undefined))
  await project.json(0, 'data', 'review', 't', '--bad', '201')
  project.commit('judged')
  const [name = ''] = readdirSync(join(project.root, 'attestations')).filter((each) => each.includes('review'))
  const { dsseEnvelope } = JSON.parse(readFileSync(join(project.root, 'attestations', name), 'utf8'))
  const { hash, keyId, rows, columns } = JSON.parse(Buffer.from(dsseEnvelope.payload, 'base64').toString()).predicate
  assert.deepEqual(
    columns.map(({ name: column, type }: Document) => `${column}: ${type}`),
    ['x: text number', 'z: text number', 'label: text string'],
  )
  assert.deepEqual(
    [hash, keyId.length, rows[0].hash],
    ['hmac', 64, listed.suspects.find((each: Document) => each.rows.includes(201)).hash],
  )

  const found = await project.json(1, 'run')
  assert.match(found.stages[0].because, /review\/bad-rows/)
  const key = join(
    project.keys,
    'assay/projects',
    /^project: (\S+)/m.exec(project.read('trust.yaml'))?.[1] ?? '',
    'rows.key',
  )
  rmSync(key)
  const blind = await project.json(1, 'run')
  assert.match(blind.stages[0].because, /review\/unread/)
})

test('judgements that name no row of the data, contradict each other or have another shape are wrong input', async (context) => {
  const project = await labelled(context)
  project.write({ '../odd.json': '{"rows": [{"row": 1, "verdict": "fine"}]}' })
  project.write({ '../unjudged.json': JSON.stringify(await project.json(0, 'data', 'review', 'data/t.csv')) })
  const wrong: readonly (readonly string[])[] = [
    ['--good', '999'],
    ['--good', '1,x'],
    ['--good', '1', '--bad', '1'],
    ['--because', 'nothing'],
    ['--from', '../odd.json'],
    ['--from', '../none.json'],
    ['--from', '../unjudged.json'],
    ['--from', '../odd.json', '--good', '1'],
  ]
  for (const args of wrong) {
    const { error } = await project.json(2, 'data', 'review', 'data/t.csv', ...args)
    assert.equal(error.code, 'ERR_USAGE', args.join(' '))
  }
  const piped = await runAssay(
    ['data', 'review', 'data/t.csv'],
    project.root,
    scratchEnvironment(project.keys),
    'g\ng\n',
  )
  assert.equal(piped.code, 0)
  assert.equal(readdirSync(join(project.root)).includes('attestations'), false)
})
