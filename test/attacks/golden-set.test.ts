/**
 * Threat: data poisoning from the start. A poisoned table becomes the anchor, so that its poison is what honest data look like;
 * or a model is trained on the rows that people verified, so that it agrees with them.
 */
import assert from 'node:assert/strict'
import { cpSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { type Drawn, draw, opposite } from '../../src/data/poison/fixtures.ts'
import { adopted } from '../support/adopted.ts'
import type { Document, Scratch } from '../support/scratch.ts'

const path = 'data/t.csv'
const honest = draw(1000, 1)
const verified = draw(200, 7)

function csv(rows: readonly Drawn[]): string {
  const lines = rows.map(({ x, y, label }) => `${x.toFixed(5)},${y.toFixed(5)},${label},${x < 0 ? 'l' : 'r'}`)
  return `${['x,y,label,side', ...lines].join('\n')}\n`
}

const pipeline = (deps: string): string =>
  `stages:\n  count:\n    cmd: wc -l < ${path} > n.txt\n    deps: [${deps}]\n    outs: [n.txt]\n`

/** A project whose data has to agree with a golden set that nobody has approved yet. */
async function golden(context: TestContext, rows: readonly Drawn[], rules: string): Promise<Scratch> {
  const project = await adopted(context, {
    'dvc.yaml': pipeline(path),
    '.gitignore': '/n.txt\n',
    [path]: csv(rows),
    'golden/t.csv': csv(verified),
  })
  await project.json(0, 'data', 'add', 't-golden', 'golden/t.csv', '--kind', 'golden')
  const entry = `${path}: {label: label, golden: t-golden${rules}}`
  project.write({ 'assay.yaml': project.read('assay.yaml').replace(`${path}: {}`, entry) })
  return project
}

const anchoring = ['data', 'anchor', 'b.json', '--of', path, '--because', 'read by hand'] as const
const codeOf = (run: Document): unknown => run.stages[0].code

test('a poisoned table is no anchor beside a golden set; the honest one is, and the evidence says what it agrees with', async (context) => {
  const project = await golden(
    context,
    honest.map((row, index) => (index % 5 === 0 ? { ...row, label: opposite(row.label) } : row)),
    ', baseline: b.json',
  )
  await project.json(0, 'data', 'profile', path, '--label', 'label', '--out', 'b.json')
  // nobody has approved the golden set: it judges nothing
  assert.equal((await project.json(1, ...anchoring)).error.code, 'ERR_SOURCE_UNAPPROVED')
  await project.json(0, 'data', 'approve', 't-golden', '--because', 'labelled by two people')
  const refused = (await project.json(1, ...anchoring)).error
  assert.equal(refused.code, 'ERR_DATA_GOLDEN_DISAGREES')
  assert.match(
    refused.message,
    /golden\/agreement, labels that models (surely )?contradict: \d+ of \d+ of the golden set/,
  )

  // it would agree in a label that nobody poisoned
  await project.json(0, 'data', 'profile', path, '--label', 'side', '--out', 'side.json')
  const other = (await project.json(2, 'data', 'anchor', 'side.json', ...anchoring.slice(3))).error
  assert.match(other.message, /was made for the label `side`, and assay.yaml names `label`/)

  project.write({ [path]: csv(honest) })
  rmSync(join(project.root, 'b.json'))
  await project.json(0, 'data', 'profile', path, '--label', 'label', '--out', 'b.json')
  const signed = await project.json(0, ...anchoring)
  assert.deepEqual(
    signed.golden.compared.map((said: string) => said.split(':')[0]),
    ['golden/rows', 'golden/schema', 'golden/labels', 'golden/agreement'],
  )
  assert.equal(signed.golden.label, 'label')
  project.commit('an anchor that agrees')
  assert.equal((await project.json(0, 'run')).stages[0].status, 'ran')
  const { findings, trusted } = await project.json(0, 'verify', 'n.txt')
  assert.equal(trusted, true)
  const said = findings.find(({ check }: Document) => check === 'data-golden')
  assert.equal(said.because, 'its anchor agrees with the golden set `t-golden` in `label`')
  assert.equal(findings.filter(({ check }: Document) => check === 'data-golden').length, 1)

  // taken out of assay.yaml it is missed, and verify says so
  const named = project.read('assay.yaml')
  project.write({ 'assay.yaml': named.replace('golden: t-golden, ', '') })
  project.commit('held to no golden set')
  assert.equal((await project.json(0, 'run')).stages[0].status, 'ran')
  const missed = (await project.json(0, 'verify', 'n.txt')).findings.filter(
    ({ check, because }: Document) => check === 'data-golden' && /held to none/.test(because),
  )
  assert.equal(missed.length, 1)
  project.write({ 'assay.yaml': named })

  // other people verify other rows: the anchor has not been held against those
  project.write({ 'golden/t.csv': csv(draw(210, 8)) })
  await project.json(0, 'data', 'add', 't-golden', 'golden/t.csv', '--replace')
  await project.json(0, 'data', 'approve', 't-golden')
  project.commit('another golden set')
  const [check] = (await project.json(0, 'data', 'validate', path)).checks.filter(
    ({ name }: Document) => name === 'poison/anchor',
  )
  assert.deepEqual([check.verdict, check.observed], ['warn', 'unanchored'])
})

test('no stage reads a golden set, by whatever name, and rows of it that were copied are found', async (context) => {
  const project = await golden(context, honest, '')
  await project.json(0, 'data', 'approve', 't-golden')
  const rowsIn = async (rows: readonly Drawn[]): Promise<Document> => {
    project.write({ [path]: csv(rows) })
    const { stdout } = await project.assay('data', 'validate', path, '--json')
    return JSON.parse(stdout).checks.find(({ name }: Document) => name === 'golden/rows')
  }
  const relabelled = verified.slice(0, 30).map((row) => ({ ...row, label: opposite(row.label) }))
  const copied = await rowsIn([...honest, ...relabelled])
  assert.deepEqual([copied.verdict, copied.observed, copied.rows[0], copied.count], ['warn', '30 of 200', 1001, 30])
  assert.equal((await rowsIn([...honest, ...draw(30, 9)])).verdict, 'pass')
  // rows that the contributor doubles make no copy look like chance; alone they are none
  const doubled = await rowsIn([...honest, ...honest, ...verified, ...verified])
  assert.deepEqual([doubled.verdict, doubled.evaluated, doubled.observed], ['warn', true, '200 of 200'])
  assert.equal((await rowsIn([...honest, ...honest])).verdict, 'pass')

  const stamping = ['data', 'stamp', 's', path, '--rows', 'golden/t.csv', '--out', 'data/s.csv'] as const
  assert.equal((await project.json(1, ...stamping)).error.code, 'ERR_DATA_GOLDEN_USED')

  // of a folder one digest would be known, and none of its files
  const folder = await project.json(2, 'data', 'add', 'other-golden', 'golden', '--kind', 'golden')
  assert.equal(folder.error.code, 'ERR_SOURCES_INVALID')
  assert.match(folder.error.message, /a golden set must be one file/)

  const refusedWith = async (deps: string): Promise<void> => {
    project.write({ 'dvc.yaml': pipeline(deps) })
    project.commit(`read ${deps}`)
    assert.equal(codeOf(await project.json(1, 'run')), 'ERR_DATA_GOLDEN_USED', deps)
  }
  await refusedWith(`${path}, golden`)
  cpSync(join(project.root, 'golden/t.csv'), join(project.root, 'data/copy.csv'))
  await refusedWith('data')
  // a tracked copy that is no dep: every stage would see it
  await refusedWith(path)
  // taken out of the inventory it stays what was signed for, where it lies, whatever is in it by now
  rmSync(join(project.root, 'data/copy.csv'))
  project.write({ 'sources.yaml': 'inventory: 1\nsources: {}\n', 'golden/t.csv': `${csv(verified)}0.1,0.1,yes,r\n` })
  const settings = project.read('assay.yaml').replace(/ *golden\/t\.csv: .*\n/, '')
  project.write({ 'assay.yaml': settings.replace(', golden: t-golden', '') })
  await refusedWith(`${path}, golden/t.csv`)
})

test('a golden set that lies in a folder of data is not read with it, whatever is in it by now; without it the folder is', async (context) => {
  const project = await adopted(context, {
    'dvc.yaml': 'stages:\n  count:\n    cmd: ls data > n.txt\n    deps: [data]\n    outs: [n.txt]\n',
    '.gitignore': '/n.txt\n/data\n',
    [path]: csv(honest.slice(0, 100)),
  })
  project.write({ 'data/gold/t.csv': csv(verified) })
  await project.json(0, 'data', 'add', 't-golden', 'data/gold/t.csv', '--kind', 'golden')
  await project.json(0, 'data', 'approve', 't-golden')
  project.write({ 'data/gold/t.csv': `${csv(verified)}0.1,0.1,yes,r\n` })
  project.commit('one row more')
  assert.equal(codeOf(await project.json(1, 'run')), 'ERR_DATA_GOLDEN_USED')
  rmSync(join(project.root, 'data/gold'), { recursive: true })
  assert.equal((await project.json(0, 'run')).stages[0].status, 'ran')
})
