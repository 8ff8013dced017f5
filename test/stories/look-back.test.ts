/** Goal: look back at what ran: its logs, its record, and what is different from the time before. */
import assert from 'node:assert/strict'
import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { adopted, statuses } from '../support/adopted.ts'
import { words } from '../support/projects.ts'
import { type Document, scratch } from '../support/scratch.ts'

const changes = (difference: Document): readonly string[] =>
  difference.stages.flatMap(({ name, changes }: Document) => changes.map(({ what }: Document) => `${name}: ${what}`))

test('the log of a stage that was up to date is that of when it ran', async (context) => {
  const project = await adopted(context, words)
  await project.json(0, 'run')
  assert.deepEqual(statuses(await project.json(0, 'run')), { sort: 'cached', count: 'cached' })
  const [log] = (await project.json(0, 'logs', '--stage', 'sort')).logs
  assert.match(log.text, /sorted/)
  assert.deepEqual(
    (await project.json(0, 'logs')).logs.map(({ stage }: Document) => stage),
    ['sort', 'count'],
  )
  assert.equal((await project.json(2, 'logs', '--stage', 'none')).error.code, 'ERR_STAGE_UNKNOWN')

  const hex = log.digest.replace('sha256:', '')
  rmSync(join(project.root, '.assay/objects', hex.slice(0, 2), hex.slice(2)), { force: true })
  assert.equal((await project.json(1, 'logs', '--stage', 'sort')).error.code, 'ERR_LOG_MISSING')
})

test('what a throw-away key signed is shown, and marked as not believed', async (context) => {
  const project = await adopted(context, words)
  await project.json(0, 'run')
  assert.equal((await project.json(0, 'show', '--stage', 'sort')).believed, true)
  await project.json(0, 'run', '--draft', '--force')
  const shown = await project.json(0, 'show', '--stage', 'sort')
  assert.deepEqual([shown.believed, shown.draft, shown.stage], [false, true, 'sort'])
  assert.match((await project.assay('show', '--stage', 'sort')).stderr, /not believed/)

  const folder = join(project.root, '.assay/attestations')
  for (const name of readdirSync(folder)) rmSync(join(folder, name))
  assert.equal((await project.json(1, 'show', '--stage', 'sort')).error.code, 'ERR_EVIDENCE_MISSING')
})

test('status says that an out would be restored, changes nothing, and a check does not pass', async (context) => {
  const project = await adopted(context, words)
  await project.json(0, 'run')
  assert.match((await project.assay('status', '--check')).stdout, /up to date/)
  for (const spoil of [
    () => rmSync(join(project.root, 'out/sorted.txt')),
    () => project.write({ 'out/sorted.txt': 'other\n' }),
  ]) {
    spoil()
    const status = await project.json(1, 'status', '--check')
    assert.deepEqual(statuses(status), { sort: 'outs-differ', count: 'up-to-date' })
    assert.match(status.stages[0].because, /^would restore out\/sorted\.txt/)
    assert.match((await project.assay('run', '--dry-run')).stdout, /sort +would restore/)
    await project.json(0, 'run')
    await project.json(0, 'status', '--check')
  }
})

test('evidence that is lost is told apart from evidence that nobody believes', async (context) => {
  const project = await adopted(context, words)
  await project.json(0, 'run')
  const folder = join(project.root, '.assay/attestations')
  for (const name of readdirSync(folder)) rmSync(join(folder, name))
  const status = await project.json(0, 'status')
  assert.match(status.stages[0].because, /evidence is not here, or damaged/)

  await project.json(0, 'run', '--draft')
  const drafted = await project.json(0, 'status')
  assert.doesNotMatch(drafted.stages[0].because, /cannot be verified: it is not signed/)
  await project.json(0, 'run')
  await project.json(0, 'status', '--check')
})

test('before init a run says assay init, and names no file that does not exist', async (context) => {
  const project = scratch(context, words)
  project.commit()
  const before = await project.assay('run', '--draft')
  assert.match(before.stderr, /the project has no trust\.yaml/)
  assert.match(before.stderr, /next: .*assay init$/m)
  assert.doesNotMatch(before.stderr, /git add/)
  await project.json(0, 'init', '--yes')
  const after = await project.assay('run', '--draft')
  assert.match(after.stderr, /next: git add assay\.yaml/)
})

test('diff names the cause before the effect, and nothing where nothing differs', async (context) => {
  const project = await adopted(context, words)
  assert.equal((await project.json(2, 'diff')).error.code, 'ERR_RUN_UNKNOWN')
  const first = await project.json(0, 'run')
  await project.json(0, 'run')
  const same = await project.json(0, 'diff')
  assert.deepEqual([same.identical, same.stages], [true, []])

  project.write({ 'params.yaml': 'count:\n  field: 2\n' })
  project.commit()
  const last = await project.json(0, 'run')
  const difference = await project.json(0, 'diff')
  assert.equal(difference.identical, false)
  const found = changes(difference)
  assert.ok(
    found.every((change) => change.startsWith('count: ')),
    found.join(', '),
  )
  const parameter = found.indexOf('count: parameter params.yaml:count.field')
  const output = found.indexOf('count: output model/count.txt')
  assert.ok(parameter >= 0 && output > parameter, found.join(', '))

  const named = await project.json(0, 'diff', first.runId, last.runId)
  assert.deepEqual([named.left, named.right], [first.runId, last.runId])
  assert.deepEqual(named.stages, difference.stages)
  assert.equal((await project.json(2, 'diff', 'none', last.runId)).error.code, 'ERR_RUN_UNKNOWN')
})
