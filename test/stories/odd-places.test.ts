/** Goal: a project runs and verifies wherever it lies and whoever calls, or is told in words why not. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { adopted, statuses } from '../support/adopted.ts'
import { words } from '../support/projects.ts'
import { runAssay, scratchEnvironment } from '../support/scratch.ts'

test('without HOME, with an odd time zone, locale and umask, it runs and verifies as ever', async (context) => {
  const project = await adopted(context, words)
  const environment = scratchEnvironment(project.keys)
  const odd: Readonly<Record<string, Record<string, string>>> = {
    'no HOME': Object.fromEntries(Object.entries(environment).filter(([name]) => name !== 'HOME')),
    'an empty HOME': { ...environment, HOME: '' },
    'a time zone far away': { ...environment, TZ: 'Pacific/Kiritimati', LC_ALL: 'tr_TR.UTF-8', LANG: 'ar_SA' },
    'nonsense for both': { ...environment, TZ: '../../etc/passwd', LC_ALL: '\u001b[31m' },
  }
  for (const [what, env] of Object.entries(odd)) {
    const ran = await runAssay(['run', '--json', ...(what === 'no HOME' ? ['--force'] : [])], project.root, env)
    assert.equal(ran.code, 0, `${what}: ${ran.stdout}${ran.stderr}`)
    assert.equal((await runAssay(['verify', 'model/count.txt'], project.root, env)).code, 0, what)
  }
  const tool = join(import.meta.dirname, '../../bin/assay')
  for (const mask of ['077', '000']) {
    const command = `umask ${mask}; exec "$0" run --force --json`
    execFileSync('sh', ['-c', command, tool], { cwd: project.root, env: environment, stdio: 'ignore' })
  }
  assert.equal((await project.json(0, 'verify', 'model/count.txt')).trusted, true)
})

test('without HOME and without a folder for keys the refusal says what to set', async (context) => {
  const project = await adopted(context, words)
  const { PATH = '' } = scratchEnvironment(project.keys)
  const ran = await runAssay(['run', '--json'], project.root, { PATH, HOME: join(project.keys, 'nobody') })
  assert.equal(ran.code, 2)
  assert.equal(JSON.parse(ran.stdout).error.code, 'ERR_KEY_HOME')
})

test('a path with spaces, quotes and a line end, and one of 3,000 bytes, are places like any other', async (context) => {
  const project = await adopted(context, words)
  const environment = scratchEnvironment(project.keys)
  const deep = join(project.keys, ...Array.from({ length: 15 }, () => 'd'.repeat(200)))
  for (const place of [join(project.keys, `a b'c"d\ne`), deep]) {
    mkdirSync(place, { recursive: true })
    cpSync(project.root, place, { recursive: true })
    assert.equal((await runAssay(['key', 'use'], place, environment)).code, 0)
    const ran = await runAssay(['run', '--json'], place, environment)
    assert.equal(ran.code, 0, ran.stdout + ran.stderr)
    const verified = await runAssay(['verify', 'model/count.txt'], place, environment)
    assert.equal(verified.code, 0)
    assert.ok(!verified.stdout.includes(place))
  }
})

test('without .assay, with the lock, nothing is believed and everything is made again; the keys are elsewhere', async (context) => {
  const project = await adopted(context, words)
  await project.json(0, 'run')
  const made = project.read('model/count.txt')
  rmSync(join(project.root, '.assay'), { recursive: true })
  assert.equal((await project.json(1, 'verify', 'model/count.txt')).trusted, false)
  assert.deepEqual(statuses(await project.json(0, 'run')), { sort: 'ran', count: 'ran' })
  assert.equal(project.read('model/count.txt'), made)
  assert.equal((await project.json(0, 'verify', 'model/count.txt')).trusted, true)
  assert.ok(existsSync(join(project.root, '.assay/.gitignore')), 'the store is never committed by accident')
  assert.equal(project.git('status', '--porcelain', '.assay'), '')
})

test('four runs at once: one works, the others are refused as busy, and nothing of theirs is left', async (context) => {
  const project = await adopted(context, { ...words, 'src/sort.sh': 'sleep 2; sort "$1" > "$2"\n' })
  const ran = await Promise.all(Array.from({ length: 4 }, () => project.assay('run', '--json')))
  assert.deepEqual(ran.map(({ code }) => code).toSorted(), [0, 4, 4, 4])
  for (const { stdout } of ran.filter(({ code }) => code === 4)) {
    assert.equal(JSON.parse(stdout).error.code, 'ERR_RUN_BUSY')
  }
  assert.deepEqual(readdirSync(join(project.root, '.assay/boxes')), [])
  assert.deepEqual(statuses(await project.json(0, 'run')), { sort: 'cached', count: 'cached' })
  assert.equal((await project.json(0, 'verify', 'model/count.txt')).trusted, true)
})
