/** Goal: update assay, or go back, and keep what was made: old evidence and state are understood, newer ones never misread. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { adopted } from '../support/adopted.ts'
import { words } from '../support/projects.ts'
import { runAssay, type Scratch, scratch, scratchEnvironment } from '../support/scratch.ts'

const artifacts = join(import.meta.dirname, '../artifacts')
const versions = readdirSync(artifacts).filter((name) => /^\d/.test(name))

/** What `assay --json` says in a project that a released version left. */
async function ask(project: Scratch, exit: number, ...args: readonly string[]) {
  const folder = join(project.root, 'project')
  const ran = await runAssay([...args, '--json'], folder, scratchEnvironment(project.keys))
  assert.equal(ran.code, exit, `assay ${args.join(' ')} exited ${ran.code}: ${ran.stdout}`)
  return JSON.parse(ran.stdout)
}

for (const version of versions) {
  const folder = join(artifacts, version)
  test(`evidence of ${version} verifies, and a forged artifact does not`, async (context) => {
    const project = scratch(context, { 'forged.txt': 'forged\n' })
    const evidence = ['--evidence', join(folder, 'count.assay.jsonl'), '--policy', join(folder, 'trust.yaml')]
    const verdict = await project.json(0, 'verify', join(folder, 'count.txt'), ...evidence)
    assert.deepEqual([verdict.trusted, verdict.level], [true, 1])
    assert.equal((await project.json(1, 'verify', 'forged.txt', ...evidence)).trusted, false)
  })

  test(`a project as ${version} left it is read, judged, run and collected`, async (context) => {
    const project = scratch(context, {})
    const archive = join(folder, 'project.tar.gz')
    execFileSync('tar', ['-xzf', archive, '--no-same-owner', '-C', project.root])
    const { report, stages } = await ask(project, 0, 'show')
    assert.equal((report?.stages ?? stages).length, 2)
    assert.equal((await ask(project, 0, 'verify')).trusted, true)
    assert.match((await ask(project, 0, 'logs', '--stage', 'sort')).logs[0].text, /sorted/)
    assert.deepEqual(
      (await ask(project, 0, 'status')).stages.map(({ name }: { name: string }) => name),
      ['sort', 'count'],
    )
    assert.equal(existsSync(join(project.root, 'project/.assay/format')), true, 'it is marked now')
    await ask(project, 0, 'gc', '--dry-run')
    const draft = await ask(project, 0, 'run', '--draft')
    assert.equal(draft.status, 'succeeded')
    assert.equal((await ask(project, 0, 'verify')).trusted, true, 'and its evidence is still believed')
  })
}

test('state of a newer assay is refused by every verb that would read it, and left as it is', async (context) => {
  const project = await adopted(context, words)
  await project.json(0, 'run')
  for (const mark of ['2\n', 'two\n', '']) {
    project.write({ '.assay/format': mark })
    for (const verb of ['run', 'status', 'verify', 'show', 'logs', 'gc', 'diff']) {
      const { error } = await project.json(2, verb)
      assert.equal(error.code, 'ERR_FORMAT_NEWER', verb)
      assert.match(error.help, /update assay/)
    }
    assert.equal(project.read('.assay/format'), mark)
  }
  project.write({ '.assay/format': '1\n' })
  await project.json(0, 'verify')
})

test('a lock, a run, and the files that a person writes, of a newer version are refused by code', async (context) => {
  const project = await adopted(context, words)
  const { runId } = await project.json(0, 'run')
  const lock = project.read('assay.lock')
  project.write({ 'assay.lock': lock.replace('assay: 1', 'assay: 2') })
  assert.equal((await project.json(2, 'run')).error.code, 'ERR_FORMAT_NEWER')
  project.write({ 'assay.lock': lock })
  const record = `.assay/runs/${runId}/run.json`
  project.write({ [record]: project.read(record).replace('"assay": 1', '"assay": 2') })
  assert.equal((await project.json(2, 'show')).error.code, 'ERR_FORMAT_NEWER')
  const settings = project.read('assay.yaml')
  project.write({ 'assay.yaml': settings.replace('assay: 1', 'assay: 2') })
  assert.equal((await project.json(2, 'status')).error.code, 'ERR_SETTINGS_INVALID')
  project.write({ 'assay.yaml': settings })
  const policy = project.read('trust.yaml')
  project.write({ 'trust.yaml': policy.replace('trust: 1', 'trust: 2') })
  assert.equal((await project.json(2, 'verify')).error.code, 'ERR_POLICY_MALFORMED')
})
