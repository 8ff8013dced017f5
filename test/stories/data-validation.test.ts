/** A user holds data to a contract: in a project or anywhere, and reads what is wrong and where. */
import assert from 'node:assert/strict'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { runAssay, scratch, scratchEnvironment } from '../support/scratch.ts'

const contract = `apiVersion: v3.1.0
kind: DataContract
id: people
version: 1.0.0
status: active
schema:
  - name: people
    properties:
      - {name: id, logicalType: integer, primaryKey: true}
      - {name: age, logicalType: integer, logicalTypeOptions: {minimum: 0, maximum: 120}}
`
const good = 'id,age\n1,30\n2,40\n'
const bad = 'id,age\n1,30\n2,400\n2,x\n'

test('data that keeps its contract passes, data that does not names its rows', async (context) => {
  const project = scratch(context, { 'people.yaml': contract, 'people.csv': good, 'bad.csv': bad })
  const passed = await project.json(0, 'data', 'validate', 'people.csv', '--contract', 'people.yaml')
  assert.equal(passed.verdict, 'pass')
  assert.equal(passed.dataset.rows, 2)
  assert.match(passed.dataset.digest, /^sha256:[0-9a-f]{64}$/)

  const failed = await project.json(1, 'data', 'validate', 'bad.csv', '--contract', 'people.yaml')
  assert.equal(failed.verdict, 'fail')
  const range = failed.checks.find(({ name }: { name: string }) => name === 'schema/range')
  assert.deepEqual([range.column, range.verdict, range.observed, range.rows], ['age', 'fail', 2, [2, 3]])

  const told = await project.assay('data', 'validate', 'bad.csv', '--contract', 'people.yaml')
  assert.match(told.stdout, /^FAILED {2}bad\.csv {2}3 rows/)
  assert.match(told.stdout, /NO {2}schema\/range {2}age .*\n {8}rows 2, 3/)
})

test('without a contract data is read whole, and the answer says that nothing was asked of it', async (context) => {
  const project = scratch(context, { 'people.csv': good })
  const report = await project.json(0, 'data', 'validate', 'people.csv')
  assert.equal(report.verdict, 'pass')
  assert.match(report.unseen[0], /no contract/)
})

test('a contract that is none, or of a version that is not known, is wrong input', async (context) => {
  const project = scratch(context, {
    'people.csv': good,
    'broken.yaml': contract.replace('logicalType: integer', 'logicaltype: integer'),
    'future.yaml': contract.replace('v3.1.0', 'v9.0.0'),
  })
  const broken = await project.json(2, 'data', 'validate', 'people.csv', '--contract', 'broken.yaml')
  assert.equal(broken.error.code, 'ERR_DATA_CONTRACT_MALFORMED')
  const future = await project.json(2, 'data', 'validate', 'people.csv', '--contract', 'future.yaml')
  assert.equal(future.error.code, 'ERR_DATA_CONTRACT_VERSION')
})

test('works where there is no project, on a file that only its owner may read', async (context) => {
  const folder = mkdtempSync(join(tmpdir(), 'assay-test-'))
  context.after(() => rmSync(folder, { recursive: true, force: true }))
  writeFileSync(join(folder, 'people.csv'), bad)
  writeFileSync(join(folder, 'people.yaml'), contract)
  chmodSync(join(folder, 'people.csv'), 0o600)
  const args = ['data', 'validate', 'people.csv', '--contract', 'people.yaml', '--json']
  const ran = await runAssay(args, folder, scratchEnvironment(join(folder, 'keys')))
  assert.equal(ran.code, 1, ran.stderr)
  assert.equal(JSON.parse(ran.stdout).dataset.rows, 3)
})

test('data verify reads every byte again and says which sources are not those that were approved', async (context) => {
  const project = scratch(context, {
    'dvc.yaml': 'stages:\n  s: {cmd: cat people.csv > out.txt, deps: [people.csv], outs: [out.txt]}\n',
    '.gitignore': '/out.txt\n',
    'people.csv': good,
  })
  project.commit('before assay')
  await project.json(0, 'init', '--yes', '--commit')
  await project.json(0, 'data', 'add', 'people', 'people.csv')
  const proposed = (await project.json(1, 'data', 'verify')).sources[0]
  assert.deepEqual([proposed.status, proposed.code], ['proposed', 'ERR_SOURCE_UNAPPROVED'])
  await project.json(0, 'data', 'approve', 'people', '--because', 'looked at')
  assert.equal((await project.json(0, 'data', 'verify')).verified, true)
  project.write({ 'people.csv': bad })
  const changed = await project.json(1, 'data', 'verify', 'people')
  const [source] = changed.sources
  assert.deepEqual([changed.verified, source.bytes, source.code], [false, 'others', 'ERR_SOURCE_CHANGED'])
  rmSync(join(project.root, 'people.csv'))
  assert.equal((await project.json(1, 'data', 'verify')).sources[0].code, 'ERR_DATA_MISSING')
  project.write({ 'people.csv': good })
  assert.deepEqual((await project.json(0, 'data', 'verify')).sources[0].code, undefined)
  await project.json(0, 'data', 'revoke', 'people', '--because', 'withdrawn')
  assert.equal((await project.json(1, 'data', 'verify')).sources[0].code, 'ERR_SOURCE_REVOKED')
  const told = await project.assay('data', 'verify')
  assert.match(told.stdout, /NO {2}people.*\(ERR_SOURCE_REVOKED\)\n/)
  assert.equal((await project.json(2, 'data', 'verify', 'nobody')).error.code, 'ERR_SOURCE_NOT_LISTED')
})
