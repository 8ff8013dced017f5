/** Goal: a run that has nothing to do answers at once, and never when anything that it looked at has changed. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { chmodSync, existsSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { adopted } from '../support/adopted.ts'
import { words } from '../support/projects.ts'
import { answersOf, isLookedAt, quiet } from '../support/quick-answers.ts'
import { assayProgram, runAssay, scratchEnvironment } from '../support/scratch.ts'

test('nothing changed: the answer is that of the last look, without a new run', async (context) => {
  const project = await quiet(context)
  const runs = readdirSync(join(project.root, '.assay/runs')).length
  const plain = await project.assay('run')
  const json = await project.json(0, 'run')
  assert.deepEqual(
    json.stages.map(({ name, status }: Record<string, string>) => [name, status]),
    [
      ['sort', 'cached'],
      ['count', 'cached'],
    ],
  )
  assert.match(plain.stdout, /^succeeded {2}2 cached/)
  assert.equal(
    readdirSync(join(project.root, '.assay/runs')).length,
    runs + 2,
    'each of the two command lines has an answer of its own, and there is one place',
  )
})

test('what changed is looked at: data, code, parameters', { concurrency: 3 }, async (context) => {
  await Promise.all(
    ['a byte of the data, its time restored', 'code that a stage can see', 'a parameter'].map((what) =>
      context.test(what, (each) => isLookedAt(each, what)),
    ),
  )
})

test('another question is not answered with it: other words, another environment, --rehash', async (context) => {
  const project = await quiet(context)
  const { runId } = await project.json(0, 'run')
  assert.notEqual((await project.json(0, 'run', 'sort')).runId, runId)
  assert.notEqual((await project.json(0, 'run', '--rehash')).runId, runId)
  const more = { ...scratchEnvironment(project.keys), THREADS: '2' }
  const other = JSON.parse((await runAssay(['run', '--json'], project.root, more)).stdout)
  assert.notEqual(other.runId, runId)
})

/** Paths in calls that name a file. Source: strace(1), `-y` off. */
const namesFile = /^\d+ +(?:open|openat|stat|lstat|newfstatat|statx|access|faccessat2?|readlink|readlinkat)\((.*)$/
/** The machine's own: what loads Node, and what no project can change. */
const ofTheMachine =
  /^(.*\/unshare$|\/usr\/share(\/|$))|^\/(proc|sys|dev|lib|lib64|usr\/lib|etc\/(ld\.so|ssl\/openssl\.cnf|localtime|nsswitch|passwd|group))|^\/usr\/share\/zoneinfo/

test('complete: every file that a run opens or looks at, as the kernel saw it, is in the answer', async (context) => {
  const project = await quiet(context)
  rmSync(answersOf(project), { recursive: true })
  const trace = join(project.keys, 'trace')
  execFileSync('strace', ['-f', '-qq', '-s', '4096', '-e', 'trace=file', '-o', trace, assayProgram, 'run', '--json'], {
    cwd: project.root,
    env: scratchEnvironment(project.keys),
    stdio: 'ignore',
  })
  const [name = ''] = readdirSync(answersOf(project))
  const kept = JSON.parse(readFileSync(join(answersOf(project), name), 'utf8'))
  const known = new Set(Object.keys(kept.looks).map((key) => key.slice(key.indexOf(' ') + 1)))
  const tool = realpathSync(join(import.meta.dirname, '../..'))
  const unknown = new Set<string>()
  for (const line of readFileSync(trace, 'utf8').split('\n')) {
    const path = /"((?:[^"\\]|\\.)*)"/.exec(namesFile.exec(line)?.[1] ?? '')?.[1]
    if (path === undefined || path === '' || !path.startsWith('/')) continue
    const own = path.startsWith(`${tool}/`) || path.startsWith(join(project.keys, '.cache')) || ofTheMachine.test(path)
    // whether the folder of compiled code lies in a checkout is asked at each start, before any answer is
    const ofTheStart = project.keys.startsWith(path.replace(/\/?(\.git|\.dvc|assay\.yaml|dvc\.yaml)$/, ''))
    const bookkeeping =
      /\/\.assay\/(run\.lock|objects\/holds|tmp|runs|boxes|cache)|^\/(var\/)?tmp(\/assay-[0-9a-f]{32}(\/owner)?)?$/.test(
        path,
      )
    // a folder on the way to something that is in the answer: realpath asks each
    const onTheWay = [...known].some((each) => each.startsWith(`${path}/`))
    if (!(own || ofTheStart || bookkeeping || onTheWay || known.has(path))) unknown.add(path)
  }
  assert.deepEqual([...unknown], [])
})

test('an answer that others could have written, or that is none, is not read', async (context) => {
  const project = await quiet(context)
  const [name = ''] = readdirSync(answersOf(project))
  const file = join(answersOf(project), name)
  const kept = JSON.parse(readFileSync(file, 'utf8'))
  const lie = { ...kept, answer: { stdout: '{"runId":"a lie"}', stderr: '' } }
  writeFileSync(file, JSON.stringify(lie))
  assert.equal((await project.json(0, 'run')).runId, 'a lie', 'the honest twin: it is read from here')
  chmodSync(file, 0o622)
  assert.notEqual((await project.json(0, 'run')).runId, 'a lie')
  for (const text of [
    '',
    '{',
    'null',
    '[]',
    '{"assay":1}',
    '{"assay":1,"looks":null}',
    JSON.stringify({ ...lie, atMs: 0 }),
  ]) {
    rmSync(file, { force: true })
    writeFileSync(file, text, { mode: 0o600 })
    assert.notEqual((await project.json(0, 'run')).runId, 'a lie', text)
  }
})

test('a checkout brings no answer: with a home inside it none is kept', async (context) => {
  const project = await adopted(context, words)
  const environment = { ...scratchEnvironment(project.keys), XDG_CACHE_HOME: join(project.root, 'cache') }
  for (const _ of [1, 2]) await runAssay(['run', '--json'], project.root, environment)
  assert.equal(existsSync(join(project.root, 'cache')), false)
})
