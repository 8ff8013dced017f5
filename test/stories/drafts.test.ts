/** Goal: try something fast, without it ever being taken for more than a trial. */
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { adopted, statuses } from '../support/adopted.ts'
import { sitDown } from '../support/person.ts'
import { words } from '../support/projects.ts'
import { runAssay, type Scratch, scratch, scratchEnvironment } from '../support/scratch.ts'

/** A project whose key is encrypted; nobody gives the passphrase afterwards. */
async function locked(project: Scratch): Promise<void> {
  project.commit()
  const environment = { ...scratchEnvironment(project.keys), ASSAY_KEY_PASSPHRASE: 'a long passphrase' }
  const made = await runAssay(['init', '--yes', '--commit'], project.root, environment)
  assert.equal(made.code, 0, made.stderr)
}

test('an encrypted key without its passphrase stops the run before its first stage', async (context) => {
  const project = scratch(context, words)
  await locked(project)
  const refused = await project.json(2, 'run')
  assert.equal(refused.error.code, 'ERR_KEY_LOCKED')
  assert.match(refused.error.help, /ASSAY_KEY_PASSPHRASE/)
  assert.equal(existsSync(join(project.root, 'out/sorted.txt')), false)

  const environment = { ...scratchEnvironment(project.keys), ASSAY_KEY_PASSPHRASE: 'a long passphrase' }
  const run = await runAssay(['run', '--json'], project.root, environment)
  assert.equal(run.code, 0, run.stdout)
  const verdict = await project.json(0, 'verify', 'model/count.txt')
  assert.equal(verdict.trusted, true, 'verifying needs no key')
})

test('at a terminal the passphrase is asked for, unseen, and a wrong one again; Ctrl-C asks no more', async (context) => {
  const project = scratch(context, words)
  await locked(project)
  const person = sitDown(
    context,
    project,
    '"$assay" run; echo "ended with $?"; "$assay" run --force; echo "left with $?"',
  )
  await person.until(/passphrase of your key: /)
  person.type('wrong\r')
  await person.until(/that was not it\r\npassphrase of your key: /)
  person.type('a long passphrase\r')
  await person.until(/ended with 0\r\n(.*\r\n)*passphrase of your key: /)
  person.type('\u0003')
  await person.until(/left with (130|4)\r\n/)
  assert.doesNotMatch(person.shown(), /wrong|a long/)
})

for (const option of ['--draft', '--unsafe-no-sandbox']) {
  test(`${option} never opens the key, has level 0, and is never reused`, async (context) => {
    const project = scratch(context, words)
    await locked(project)
    const draft = await project.json(0, 'run', option)
    assert.deepEqual([draft.level, statuses(draft)], [0, { sort: 'ran', count: 'ran' }])
    assert.equal(existsSync(join(project.root, 'assay.lock')), false, 'evidence that nobody believes is not pinned')
    assert.equal((await project.json(1, 'verify', 'model/count.txt')).level, 0)

    const environment = { ...scratchEnvironment(project.keys), ASSAY_KEY_PASSPHRASE: 'a long passphrase' }
    const run = await runAssay(['run', '--json'], project.root, environment)
    const report = JSON.parse(run.stdout)
    assert.deepEqual([report.level, statuses(report)], [1, { sort: 'ran', count: 'ran' }])
    assert.equal((await project.json(0, 'verify', 'model/count.txt')).level, 1)
    const reused = await project.json(0, 'run', '--draft')
    assert.deepEqual(statuses(reused), { sort: 'cached', count: 'cached' }, 'a draft may use what is proven')
  })
}

test('--set is recorded, counts as dirty, and is never reused by a run without it', async (context) => {
  const project = await adopted(context, words)
  await project.json(0, 'run')
  const proven = project.read('model/count.txt')
  const trial = await project.json(0, 'run', '--set', 'count.field=2')
  assert.deepEqual([trial.level, statuses(trial)], [0, { sort: 'cached', count: 'ran' }])
  assert.notEqual(project.read('model/count.txt'), proven)
  assert.equal((await project.json(1, 'verify', 'model/count.txt')).trusted, false)
  const { stdout } = await project.assay('show', '--stage', 'count')
  assert.match(stdout, /count\.field=2/)
  const back = await project.json(0, 'run')
  assert.deepEqual([back.level, statuses(back)], [1, { sort: 'cached', count: 'cached' }])
  assert.equal(project.read('model/count.txt'), proven)
  assert.equal((await project.json(0, 'verify', 'model/count.txt')).trusted, true)
})

test('--require-level stops a script at what was not reached', async (context) => {
  const project = await adopted(context, words)
  const short = await project.json(1, 'run', '--require-level', '2')
  assert.deepEqual([short.status, short.level, short.error.code], ['succeeded', 1, 'ERR_RUN_LEVEL'])
  await project.json(0, 'run', '--require-level', '1')
})

test('a run is judged by what it signed itself: better evidence of equal bytes lifts no draft and no dirty run', async (context) => {
  const project = await adopted(context, words)
  assert.equal((await project.json(0, 'run', '--require-level', '1')).level, 1)
  for (const option of ['--draft', '--unsafe-no-sandbox']) {
    const report = await project.json(1, 'run', option, '--force', '--require-level', '1')
    assert.deepEqual([report.level, report.error.code], [0, 'ERR_RUN_LEVEL'], option)
  }
  project.write({ 'src/count.sh': `${words['src/count.sh']}# edited\n` })
  const dirty = await project.json(1, 'run', '--require-level', '1')
  assert.deepEqual([dirty.level, statuses(dirty)], [0, { sort: 'cached', count: 'ran' }])

  project.commit()
  assert.equal((await project.json(0, 'run', '--require-level', '1')).level, 1)
})
