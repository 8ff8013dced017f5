/** Goal: what a stage used is on record and can be looked at; what is not as it should be is told, and refused where that is asked for. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { adopted } from '../support/adopted.ts'
import type { Document, Scratch } from '../support/scratch.ts'

const burn = (seconds: number, more = 'pass'): string =>
  `import time\n${more}\nkeep = bytearray(80 << 20)\nfor i in range(0, len(keep), 4096): keep[i] = 1\nend = time.process_time() + ${seconds}\nwhile time.process_time() < end: pass\nopen('out/made', 'w').write('x')\n`

async function burning(context: TestContext, settings: string, seconds = 1.2): Promise<Scratch> {
  const project = await adopted(context, {
    'dvc.yaml': 'stages: {burn: {cmd: python3 src/burn.py, deps: [src/burn.py], outs: [out/made]}}\n',
    'src/burn.py': burn(seconds),
    '.gitignore': '/out\n',
  })
  project.write({ 'assay.yaml': `${project.read('assay.yaml')}${settings}` })
  project.commit()
  return project
}

const firstOf = async (project: Scratch, exit: number, ...words: readonly string[]): Promise<Document> =>
  (await project.json(exit, 'run', '--force', ...words)).stages[0]

test('processors, memory, processes and programs are looked at while a stage runs, and drawn', async (context) => {
  const project = await burning(context, '')
  // It rests at its end for longer than looks are apart, so that the last look sees all that it used.
  project.write({ 'src/burn.py': `${burn(1.2)}time.sleep(2.5)\n` })
  project.commit()
  assert.equal((await firstOf(project, 0)).status, 'ran')
  const [{ resources }] = (await project.json(0, 'show', '--resources')).stages
  const { cpuMs, memoryBytes, ioReadBytes, everyMs } = resources.profile
  assert.ok(ioReadBytes.at(-1) > 10_000 && resources.ioReadBytes >= ioReadBytes.at(-1), 'what it read is seen')
  assert.ok(resources.cpuMs >= 1200, `${resources.cpuMs}`)
  assert.ok(
    memoryBytes.some((bytes: number) => bytes > 80 * 2 ** 20),
    'the memory that it took is seen',
  )
  assert.ok(cpuMs.at(-1) >= 1200, cpuMs.join())
  assert.ok(
    cpuMs.every((value: number, index: number) => index === 0 || value >= cpuMs[index - 1]),
    cpuMs.join(),
  )
  assert.ok(everyMs <= 1000, 'at 1 Hz or finer')
  assert.ok(
    resources.programs.some((name: string) => name.startsWith('python')),
    resources.programs.join(),
  )
  const drawn = await project.assay('show', '--resources', '--report', '../used.html')
  assert.match(drawn.stdout, /burn\n +time [\s\S]*\n +processors +up to \d.*[▁-█]/)
  const page = readFileSync(join(project.root, '../used.html'), 'utf8')
  assert.match(page, /<h2>burn<\/h2>[\s\S]*<h3>processors<\/h3>[\s\S]*<h3>reading<\/h3>/)
  assert.match(drawn.stdout, /memory .*[▁-█]/)
})

test('a stage is held to what it is expected to use, from its first run on', async (context) => {
  const project = await burning(
    context,
    'stages: {burn: {expect: {memory: ..1GiB, cpu: 1s..20s, programs: [PYTHON]}}}\n',
  )
  const { resources } = await (async () => {
    assert.equal((await firstOf(project, 1)).code, 'ERR_STAGE_UNEXPECTED', 'the program has another name')
    project.write({ 'assay.yaml': project.read('assay.yaml').replace(', programs: [PYTHON]', '') })
    project.commit()
    assert.equal((await firstOf(project, 0)).status, 'ran', 'the honest twin')
    return (await project.json(0, 'show', '--resources')).stages[0]
  })()
  const python = resources.programs.find((name: string) => name.startsWith('python'))
  project.write({
    'assay.yaml': project.read('assay.yaml').replace('cpu: 1s..20s', `cpu: 1s..20s, programs: [${python}]`),
  })
  project.commit()
  assert.equal((await firstOf(project, 0)).status, 'ran', 'the honest twin, programs too')
  project.write({ 'src/burn.py': burn(0.1, "import subprocess; subprocess.run(['sleep', '2'])") })
  project.commit()
  const refused = await firstOf(project, 1)
  assert.deepEqual([refused.status, refused.code], ['refused', 'ERR_STAGE_UNEXPECTED'])
  assert.match(refused.because, /processor time of .*1.* s\.\.20.* s is expected/)
  assert.match(refused.because, /started `sleep`/)
  const shown = await project.assay('show', '--stage', 'burn', '--resources')
  assert.match(
    shown.stdout,
    /programs +.*sleep/,
    'what a refused stage used is shown, though there is no evidence of it',
  )
})

test('a run that is unlike its earlier runs is told in words, and refused where usual ones are required', async (context) => {
  const project = await burning(context, 'require: [usual-resources]\n', 0.1)
  project.write({ 'src/burn.py': burn(0.1, 'time.sleep(1.5)') }) // as long as what is started later, which is to be seen
  project.commit()
  const first = await project.assay('run')
  assert.match(first.stderr, /nobody knows whether `burn` ran as usual: there are fewer than 5 runs/)
  for (const _ of [1, 2, 3, 4]) assert.equal((await firstOf(project, 0)).status, 'ran')
  const planned = async (...words: readonly string[]): Promise<string> =>
    (await project.json(0, 'run', '--dry-run', ...words)).stages[0].because
  assert.match(await planned(), /nobody compared it when it ran/, 'the fifth had four to compare it with')
  const padded = `import subprocess; subprocess.run(['sleep', '1.5']) # ${'-'.repeat(10_000)}` // code is no data
  project.write({ 'src/burn.py': burn(0.1, padded) })
  project.commit()
  assert.equal((await firstOf(project, 0, '--draft', '--accept-unusual')).status, 'ran', 'a draft teaches nothing')
  const refused = await firstOf(project, 1, '--rehash')
  assert.deepEqual(
    [refused.status, refused.code],
    ['refused', 'ERR_STAGE_UNUSUAL'],
    'what is read anew is compared too',
  )
  assert.match(refused.because, /started `sleep`, never seen before/)
  const accepted = await firstOf(project, 0, '--accept-unusual')
  assert.equal(accepted.status, 'ran')
  const [{ resources }] = (await project.json(0, 'show', '--resources')).stages
  assert.deepEqual(resources.unusual, ['started `sleep`, never seen before'])
  const verified = await project.assay('verify', 'out/made')
  assert.match(verified.stdout, /usual +was unlike its earlier runs: started `sleep`, never seen before/)
  assert.match(await planned(), /it last ran unlike its earlier runs/, 'what was let through once is not kept')
  assert.equal(await planned('--accept-unusual'), 'up to date', 'the honest twin')
  assert.equal((await firstOf(project, 0)).status, 'ran', 'what was accepted is known from then on')
})

test('a stage of a few milliseconds is as expected: its shell is known, and what is not seen is not held against it', async (context) => {
  const project = await adopted(context, {
    'dvc.yaml': 'stages: {short: {cmd: "true > made", outs: [made]}}\n',
    '.gitignore': '/made\n',
  })
  project.write({ 'assay.yaml': `${project.read('assay.yaml')}stages: {short: {expect: {programs: [cp]}}}\n` })
  project.commit()
  for (const _ of [1, 2]) assert.equal((await firstOf(project, 0)).status, 'ran')
  const [{ resources }] = (await project.json(0, 'show', '--resources')).stages
  assert.match(resources.programs.join(), /^(dash|bash|busybox)$/)
})

test('programs are seen in a short stage too, and one that the stage brought itself is called by its path', async (context) => {
  const project = await adopted(context, {
    'dvc.yaml':
      'stages: {short: {cmd: "cp /usr/bin/sleep /tmp/python3 && /tmp/python3 0.15 && true > made", outs: [made]}}\n',
    '.gitignore': '/made\n',
  })
  project.write({ 'assay.yaml': `${project.read('assay.yaml')}stages: {short: {expect: {programs: [python3, cp]}}}\n` })
  project.commit()
  const refused = await firstOf(project, 1)
  assert.equal(refused.code, 'ERR_STAGE_UNEXPECTED')
  assert.match(refused.because, /^it started `\/tmp\/python3`$/)
  const unknown = await firstOf(project, 1, '--unsafe-no-sandbox')
  assert.match(
    unknown.because,
    /nobody saw which programs ran, since it ran without a sandbox, and only python3, cp may/,
  )
  project.write({ 'assay.yaml': project.read('assay.yaml').replace('[python3, cp]', '[/tmp/python3, cp]') })
  project.commit()
  assert.equal((await firstOf(project, 0)).status, 'ran', 'the honest twin')
})
