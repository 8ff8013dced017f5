/** A contract looks into other tables: the gate finds them in the project, and a changed one asks for a fresh verdict. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { adopted, statuses } from '../support/adopted.ts'
import type { Document, Scratch } from '../support/scratch.ts'

const contract = `apiVersion: v3.1.0
kind: DataContract
id: orders
version: 1.0.0
status: active
schema:
  - name: orders
    properties:
      - {name: id, logicalType: integer}
      - {name: country, logicalType: string, relationships: [{to: countries.code}]}
    quality:
      - type: sql
        query: "SELECT count(*) FROM orders WHERE country NOT IN (SELECT code FROM countries WHERE open = 'yes')"
        mustBe: 0
  - name: countries
    properties:
      - {name: code, logicalType: string}
      - {name: open, logicalType: string}
`
const files: Readonly<Record<string, string>> = {
  'dvc.yaml':
    'stages:\n  count:\n    cmd: wc -l < data/orders.csv > n.txt\n    deps: [data/orders.csv]\n    outs: [n.txt]\n',
  '.gitignore': '/n.txt\n',
  'data/orders.csv': 'id,country\n1,DE\n2,FR\n',
  'reference/countries.csv': 'code,open\nDE,yes\nFR,yes\nIT,no\n',
  'contracts/orders.yaml': contract,
}

async function ordered(context: TestContext, more: Readonly<Record<string, string>> = {}): Promise<Scratch> {
  const project = await adopted(context, { ...files, ...more })
  hold(project, '')
  return project
}

function hold(project: Scratch, rest: string): void {
  const settings = project.read('assay.yaml').replace(/ {2}data\/orders\.csv: \{.*\}\n/, '')
  project.write({
    'assay.yaml': settings.replace(/^data:\n/m, `data:\n  data/orders.csv: {contract: contracts/orders.yaml}\n${rest}`),
  })
  project.commit('a contract')
}

function verdicts(project: Scratch): readonly Document[] {
  const folder = join(project.root, '.assay/attestations')
  return readdirSync(folder)
    .map((name) => JSON.parse(readFileSync(join(folder, name), 'utf8')).dsseEnvelope.payload)
    .map((payload) => JSON.parse(Buffer.from(payload, 'base64').toString()))
    .filter(({ predicateType }) => predicateType.includes('test-result'))
}

test('foreign keys and SQL rules over another table of the project are evaluated, and its digest is in the verdict', async (context) => {
  const project = await ordered(context)
  await project.json(0, 'run')
  const [verdict] = verdicts(project)
  const names = verdict.predicate.configuration.map(({ name, annotations }: Document) => `${annotations.role} ${name}`)
  assert.ok(names.includes('reference reference/countries.csv'))
  assert.deepEqual(verdict.predicate.failedTests, [])
  const { findings } = await project.json(0, 'verify', 'n.txt')
  assert.ok(findings.some(({ because }: Document) => because.includes('the table reference/countries.csv')))
  const report = await project.json(0, 'data', 'validate', 'data/orders.csv')
  assert.ok(report.checks.every(({ evaluated }: Document) => evaluated))
  assert.deepEqual(statuses(await project.json(0, 'run')), { count: 'cached' })
})

test('a reference table that changed asks for a fresh verdict', async (context) => {
  const project = await ordered(context)
  await project.json(0, 'run')
  project.write({ 'reference/countries.csv': 'code,open\nDE,yes\nFR,no\n' })
  project.commit('France closed')
  const refused = await project.json(1, 'run')
  assert.equal(refused.stages[0].code, 'ERR_DATA_VALIDATION_FAILED')
  assert.match(refused.stages[0].because, /failed its validation: quality/)

  project.write({ 'reference/countries.csv': 'code,open\nDE,yes\nFR,yes\nES,yes\n' })
  project.commit('and opened, with Spain')
  await project.json(0, 'run')
  await project.json(0, 'verify', 'n.txt')
})

test('a key that the other table does not have fails, with its row', async (context) => {
  const project = await ordered(context, { 'data/orders.csv': 'id,country\n1,DE\n2,XX\n' })
  assert.equal((await project.json(1, 'run')).stages[0].code, 'ERR_DATA_VALIDATION_FAILED')
  const report = await project.json(1, 'data', 'validate', 'data/orders.csv')
  const key = report.checks.find(({ column, verdict }: Document) => column === 'country' && verdict === 'fail')
  assert.deepEqual(key.rows, [2])
})

test('a table that is not in the project is not evaluated, and never passes', async (context) => {
  const project = await ordered(context)
  project.git('mv', 'reference/countries.csv', 'reference/lands.csv')
  project.commit('another name')
  assert.equal((await project.json(1, 'run')).stages[0].code, 'ERR_DATA_VALIDATION_FAILED')
  project.write({
    'contracts/orders.yaml': contract.replace(
      '- name: countries\n',
      '- name: countries\n    physicalName: reference/lands.csv\n',
    ),
  })
  project.commit('say where')
  await project.json(0, 'run')
})

test('a reference with a source has to be approved for its bytes', async (context) => {
  const project = await ordered(context)
  await project.json(0, 'data', 'add', 'countries', 'reference/countries.csv')
  project.commit('a source')
  assert.equal((await project.json(1, 'run')).stages[0].code, 'ERR_SOURCE_UNAPPROVED')
  await project.json(0, 'data', 'approve', 'countries')
  project.commit('approved')
  await project.json(0, 'run')
})

test('two tables of one name: the one beside the data, else the contract has to say which', async (context) => {
  const project = await ordered(context, { 'old/countries.csv': 'code,open\n' })
  const { stages } = await project.json(1, 'run')
  assert.equal(stages[0].code, 'ERR_USAGE')
  project.write({ 'data/countries.csv': 'code,open\nDE,yes\nFR,yes\n' })
  project.commit('beside')
  await project.json(0, 'run')
})
