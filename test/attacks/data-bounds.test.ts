/**
 * Threat: data poisoning, by whoever may edit assay.yaml: bounds that let drift and poison through. What is loosened is said
 * by every verdict that was reached under it; what is tightened refuses more; other bounds ask for another verdict.
 */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { type Drawn, draw } from '../../src/data/poison/fixtures.ts'
import { adopted } from '../support/adopted.ts'
import type { Document, Scratch } from '../support/scratch.ts'

const path = 'data/t.csv'

function csv(rows: readonly Drawn[]): string {
  const lines = rows.map(({ x, y, label }) => `${x.toFixed(5)},${y.toFixed(5)},${label}`)
  return `${['x,y,label', ...lines].join('\n')}\n`
}

/** Holds the data to these bounds, commits, runs: what became of the stage. */
async function runUnder(project: Scratch, exit: number, bounds: string): Promise<Document> {
  const entry = `${path}: {label: label, baseline: b.json${bounds === '' ? '' : `, ${bounds}`}}`
  project.write({ 'assay.yaml': project.read('assay.yaml').replace(/data\/t\.csv: \{.*\}/, entry) })
  project.commit(`bounds: ${bounds}`)
  return (await project.json(exit, 'run')).stages[0]
}

/** Verdicts and statements of stages, the newest first. */
function statements({ root }: Scratch, type: string): readonly Document[] {
  const folder = join(root, '.assay/attestations')
  return readdirSync(folder)
    .map((name) => JSON.parse(readFileSync(join(folder, name), 'utf8')).dsseEnvelope.payload)
    .map((payload) => JSON.parse(Buffer.from(payload, 'base64').toString()))
    .filter(({ predicateType }) => predicateType.includes(type))
    .toSorted((left, right) => (timeOf(left) < timeOf(right) ? 1 : -1))
}

function timeOf({ predicate }: Document): string {
  return predicate.assay?.finishedAt ?? predicate.runDetails.metadata.finishedOn
}

function definitionOf({ predicate }: Document): string {
  const all: Document[] = predicate.buildDefinition.resolvedDependencies
  return all.find(({ name }) => name === 'assay.yaml').digest.sha256
}

function failedOf(checks: readonly Document[]): readonly string[] {
  return checks.flatMap(({ name, verdict }) => (verdict === 'fail' ? [name] : []))
}

test('bounds decide, are signed, ask for a new verdict, and none is loosened unsaid', async (context) => {
  const approved = draw(1000, 1)
  const newer = (by: number): readonly Drawn[] => draw(500, 2).map((row) => ({ ...row, y: row.y + by }))
  const project = await adopted(context, {
    'dvc.yaml': `stages:\n  count:\n    cmd: wc -l < ${path} > n.txt\n    deps: [${path}]\n    outs: [n.txt]\n`,
    '.gitignore': '/n.txt\n',
    [path]: csv(approved),
  })
  await project.json(0, 'data', 'profile', path, '--label', 'label', '--out', 'b.json')
  await project.json(0, 'data', 'anchor', 'b.json', '--of', path, '--because', 'read by hand')

  // what passes by assay's own bounds, a tightened one refuses; that it is tightened is no finding
  project.write({ [path]: csv([...approved, ...newer(0.6)]) })
  assert.equal((await runUnder(project, 0, '')).status, 'ran')
  const [before] = statements(project, 'slsa')
  const tight = 'thresholds: {drift/mean: 0.2, columns: {y: {drift/mean: 0.005}}}'
  assert.equal((await runUnder(project, 1, tight)).code, 'ERR_DATA_VALIDATION_FAILED')
  const [refused] = statements(project, 'test-result')
  assert.deepEqual(refused.predicate.failedTests, ['drift/mean y', 'drift/history y'])
  assert.ok(!refused.predicate.warnedTests.some((name: string) => name.startsWith('loosened/')))
  assert.deepEqual(
    refused.predicate.assay.bounds.map(({ column, value, own }: Document) => [column, value, own]),
    [
      [undefined, 0.2, 0.25],
      ['y', 0.005, 0.25],
    ],
  )

  // what assay's own bounds refuse, loosened ones let through, and say so
  project.write({ [path]: csv([...approved, ...newer(3)]) })
  assert.equal((await runUnder(project, 1, '')).code, 'ERR_DATA_VALIDATION_FAILED')
  const drift =
    'drift/psi: 10, drift/js: 1, drift/ks: 1, drift/mean: 10, drift/quantile: 10, drift/label-correlation: 1'
  const loose = `thresholds: {${drift}}, budgets: {drift/history: {times: 100}, poison/history: {share: 1}, poison/outliers: {rows: 1000, share: 1}}`
  assert.equal((await runUnder(project, 0, loose)).status, 'ran')
  const rowOf = ({ requirements }: Document): Document =>
    requirements.find(({ requirement }: Document) => requirement === 'validated inputs')
  const verified = await project.json(0, 'verify', 'n.txt')
  const { findings } = verified
  const said = findings.filter(({ check }: Document) => check === 'data-bounds')
  assert.equal(said.length, 10)
  assert.ok(said.some(({ because }: Document) => because === 'drift/mean is loosened: threshold 10, by itself 0.25'))
  assert.deepEqual(
    [rowOf(verified).held, rowOf(verified).because],
    [false, 'data/t.csv: a check is waived, or loosened'],
  )
  const [after] = statements(project, 'slsa')
  assert.notEqual(definitionOf(after), definitionOf(before))
  const shown = await project.json(0, 'data', 'validate', path)
  assert.ok(shown.checks.some(({ name }: Document) => name === 'loosened/drift/mean'))

  // the verdict under loosened bounds is none under others, nor where only what passed may start
  project.write({ 'assay.yaml': `${project.read('assay.yaml')}require: [passed-data]\n` })
  assert.equal((await runUnder(project, 1, loose)).code, 'ERR_DATA_NOT_PASSED')
  project.write({ 'assay.yaml': project.read('assay.yaml').replace('require: [passed-data]\n', '') })
  assert.equal((await runUnder(project, 1, '')).code, 'ERR_DATA_VALIDATION_FAILED')

  // a threshold of a column that there is not is no setting without effect
  assert.equal((await runUnder(project, 1, loose.replace('{', '{columns: {why: {drift/ks: 1}}, '))).status, 'refused')
  const [misspelt] = statements(project, 'test-result')
  assert.deepEqual(misspelt.predicate.failedTests, ['drift/ks why'])

  // a file that is made unreadable is compared with nothing: it fails, and its fault alone cannot be waived
  const unreadable = `${csv([...approved, ...newer(3)])}PK\u0005\u0006${'\0'.repeat(18)}`
  project.write({ [path]: unreadable })
  const waiving = ['--of', path, '--until', '2099-01-31', '--because', 'a slip of the exporter'] as const
  await project.json(0, 'data', 'waive', 'format/claims', ...waiving)
  assert.equal((await runUnder(project, 1, '')).code, 'ERR_DATA_VALIDATION_FAILED')
  const [blind] = statements(project, 'test-result')
  assert.deepEqual([blind.predicate.warnedTests, blind.predicate.failedTests], [['format/claims'], ['format/baseline']])

  // parts of a table are compared until a file beside them makes them files: then nothing is, and no verdict passes
  const parts = 'data/parts'
  project.write({ [`${parts}/0.csv`]: csv(approved.slice(0, 500)), [`${parts}/1.csv`]: csv(approved.slice(500)) })
  await project.json(0, 'data', 'profile', parts, '--out', 'p.json')
  project.write({
    'assay.yaml': project.read('assay.yaml').replace(`${path}:`, `${parts}: {baseline: p.json}\n  ${path}:`),
  })
  await project.json(0, 'data', 'anchor', 'p.json', '--of', parts, '--because', 'read by hand')
  const twin = await project.json(0, 'data', 'validate', parts)
  assert.deepEqual([twin.verdict, twin.checks.some(({ name }: Document) => name === 'drift/mean')], ['pass', true])
  project.write({ [`${parts}/README.md`]: 'two parts\n' })
  const { checks } = await project.json(1, 'data', 'validate', parts)
  assert.deepEqual(failedOf(checks), ['format/baseline'])
})
