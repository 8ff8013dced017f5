/** Goal: whatever happens to a run, the next one finishes the job and nothing false is believed. */
import assert from 'node:assert/strict'
import { chmodSync, existsSync, linkSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { adopted, statuses } from '../support/adopted.ts'
import { backdate, finishes, placesOf, processesNaming, start, until } from '../support/interrupt.ts'
import { interruptAndFinish, interruptible } from '../support/interrupted-rounds.ts'
import { words } from '../support/projects.ts'
import type { Scratch } from '../support/scratch.ts'

/** A number of seconds that only the naps of one test sleep, so that they can be found among all processes. */
const napOf = (context: TestContext): string =>
  `31${[...context.name].reduce((sum, letter) => sum + letter.charCodeAt(0), 0)}`

const napping = (seconds: string): Readonly<Record<string, string>> => ({
  ...words,
  'src/sort.sh': `sort "$1" > "$2"\nif [ -e slow ]; then sleep ${seconds} & sleep ${seconds}; fi\n`,
  slow: 'slow\n',
})

/** The same without the nap. */
function awake(project: Scratch): void {
  rmSync(join(project.root, 'slow'))
  project.commit('no nap')
}

for (const [signal, exit] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const) {
  test(`${signal} ends the stage and its children, and exits ${exit}`, async (context) => {
    const nap = napOf(context)
    const project = await adopted(context, napping(nap))
    const { child, ended } = start(project, 'run')
    await until('the stage sleeps', () => processesNaming(nap).length >= 2)
    child.kill(signal)
    const { code } = await ended
    assert.equal(code, exit)
    assert.deepEqual(processesNaming(nap), [])
    assert.equal(existsSync(join(project.root, 'out/sorted.txt')), false)
    awake(project)
    await finishes(project)
  })
}

test('kill -9 in the middle of a stage leaves nothing alive, and the next run finishes', async (context) => {
  const nap = napOf(context)
  const project = await adopted(context, napping(nap))
  const { child, ended } = start(project, 'run')
  await until('the stage sleeps', () => processesNaming(nap).length >= 2)
  child.kill('SIGKILL')
  await ended
  await until('the stage is gone', () => processesNaming(nap).length === 0)
  awake(project)
  await finishes(project)
  assert.doesNotMatch(readFileSync('/proc/self/mountinfo', 'utf8'), new RegExp(project.root))
})

test('what a killed run of a deleted project left elsewhere is cleared by the next run, and by gc, of any other project', async (context) => {
  const nap = napOf(context)
  const other = await adopted(context, words)
  for (const verb of ['run', 'gc']) {
    const project = await adopted(context, napping(nap))
    const { child, ended } = start(project, 'run')
    await until('the stage sleeps', () => processesNaming(nap).length >= 2)
    const places = placesOf(project).filter((path) => path.startsWith('/var/tmp/') || path.startsWith('/tmp/'))
    const outside = 'a box, and what boxes share, lie outside of a project on the same file system'
    assert.ok(places.length === 2 || tmpdir() !== '/tmp', `${outside}: ${places.join(' ')}`)
    await other.json(0, verb)
    assert.deepEqual(places.filter(existsSync), places, 'it runs')
    child.kill('SIGKILL')
    await ended
    await until('the stage is gone', () => processesNaming(nap).length === 0)
    rmSync(project.root, { recursive: true })
    for (const place of places) backdate(place)
    await other.json(0, verb)
    assert.deepEqual(places.filter(existsSync), [], verb)
  }
})

test('killed, or stopped by Ctrl-C or SIGTERM, at random moments: the same command again gives the same, verified result', async (context) => {
  const nap = napOf(context)
  const project = await adopted(context, interruptible(nap))
  const seed = Date.now() % 1_000_000
  await interruptAndFinish(project, { rounds: 8, seed, signals: ['SIGKILL', 'SIGKILL', 'SIGINT', 'SIGTERM'], nap })
  assert.deepEqual(statuses(await project.json(0, 'run')), { sort: 'cached', count: 'cached' })
})

test('of two runs at once one is refused and the other succeeds; afterwards both may run', async (context) => {
  const project = await adopted(context, { ...words, 'src/sort.sh': 'sleep 1; sort "$1" > "$2"\n' })
  const ran = await Promise.all([start(project, 'run', '--json').ended, start(project, 'run', '--json').ended])
  assert.deepEqual(ran.map(({ code }) => code).sort(), [0, 4])
  const refused = ran.find(({ code }) => code === 4)
  assert.equal(JSON.parse(refused?.stdout ?? '').error.code, 'ERR_RUN_BUSY')
  await finishes(project)
})

test('a corrupt object is never served: restored where another copy proves it, made again where not', async (context) => {
  const project = await adopted(context, words)
  await project.json(0, 'run')
  const made = project.read('model/count.txt')
  const { digest } = (await project.json(0, 'verify', 'model/count.txt')).subject
  const object = join(project.root, '.assay/objects', digest.slice(7, 9), digest.slice(9))
  chmodSync(object, 0o600)
  writeFileSync(object, 'forged\n')
  rmSync(join(project.root, 'model/count.txt'))
  assert.deepEqual(statuses(await project.json(0, 'run')), { sort: 'cached', count: 'ran' })
  assert.equal(project.read('model/count.txt'), made)
  await finishes(project)
})

test('without its store, with lock and evidence, everything is made again and trusted', async (context) => {
  const project = await adopted(context, words)
  await project.json(0, 'run')
  rmSync(join(project.root, '.assay/objects'), { recursive: true })
  const verdict = await project.json(1, 'verify', 'model/count.txt')
  assert.match(JSON.stringify(verdict.findings), /log/)
  assert.deepEqual(statuses(await project.json(0, 'run')), { sort: 'ran', count: 'ran' })
  await finishes(project)
})

test('without its lock a project is still up to date: evidence is found by key', async (context) => {
  const project = await adopted(context, words)
  await project.json(0, 'run')
  const lock = project.read('assay.lock')
  project.commit('a run')
  rmSync(join(project.root, 'assay.lock'))
  assert.deepEqual(statuses(await project.json(0, 'run')), { sort: 'cached', count: 'cached' })
  assert.equal(project.read('assay.lock'), lock)
})

test('a lock that was truncated or merged badly is refused by name, and removing it is enough', async (context) => {
  const project = await adopted(context, words)
  await project.json(0, 'run')
  const lock = project.read('assay.lock')
  const conflicted = `<<<<<<< ours\n${lock}=======\n${lock}>>>>>>> theirs\n`
  for (const text of [lock.slice(0, lock.length - 40), conflicted, 'assay: two\n', '[]\n']) {
    project.write({ 'assay.lock': text })
    const refused = await project.json(2, 'run')
    assert.equal(refused.error.code, 'ERR_LOCK_MALFORMED', text.slice(0, 40))
    assert.match(refused.error.help, /delete it and run again/)
  }
  rmSync(join(project.root, 'assay.lock'))
  await finishes(project)
})

test('whatever lies in the place of an out is replaced or refused, and never followed', async (context) => {
  const project = await adopted(context, words)
  await project.json(0, 'run')
  const made = project.read('out/sorted.txt')
  const out = join(project.root, 'out/sorted.txt')
  const elsewhere = join(project.keys, 'elsewhere')
  writeFileSync(elsewhere, 'mine\n')
  const put: Readonly<Record<string, () => void>> = {
    'a link': () => symlinkSync(elsewhere, out),
    'a hard link': () => linkSync(elsewhere, out),
    'a folder': () => mkdirSync(join(out, 'deep'), { recursive: true }),
    nothing: () => undefined,
  }
  for (const [what, place] of Object.entries(put)) {
    rmSync(out, { recursive: true })
    place()
    assert.deepEqual(statuses(await project.json(0, 'run')), { sort: 'cached', count: 'cached' }, what)
    assert.equal(project.read('out/sorted.txt'), made, what)
    assert.equal(readFileSync(elsewhere, 'utf8'), 'mine\n', what)
  }
  rmSync(join(project.root, 'out'), { recursive: true })
  project.write({ out: 'a file where a folder belongs\n' })
  assert.equal((await project.json(1, 'run')).stages[0].code, 'ERR_PATH_UNSAFE')
  assert.equal(project.read('out'), 'a file where a folder belongs\n')
})

test('gc frees old versions and never what the lock or its evidence needs', async (context) => {
  const project = await adopted(context, words)
  await project.json(0, 'run')
  project.write({ 'data/words.txt': 'quince 7\n' })
  project.commit()
  await project.json(0, 'run')
  assert.equal((await project.json(0, 'gc', '--keep-runs', '1')).removed, 0, 'what is an hour old stays')
  backdate(join(project.root, '.assay/objects'))
  const ahead = await project.json(0, 'gc', '--keep-runs', '1', '--dry-run')
  const freed = await project.json(0, 'gc', '--keep-runs', '1')
  assert.ok(freed.removed > 0)
  assert.equal(freed.removed, ahead.removed)
  rmSync(join(project.root, 'out'), { recursive: true })
  rmSync(join(project.root, 'model'), { recursive: true })
  assert.deepEqual(statuses(await project.json(0, 'run')), { sort: 'cached', count: 'cached' })
  assert.equal((await project.json(0, 'verify', 'model/count.txt')).trusted, true)
})
