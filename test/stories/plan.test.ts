/** Goal: know what would run before it runs, and run just that. */
import assert from 'node:assert/strict'
import { existsSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { adopted, statuses } from '../support/adopted.ts'
import { words } from '../support/projects.ts'
import { type Document, scratch } from '../support/scratch.ts'

const fan: Readonly<Record<string, string>> = {
  'dvc.yaml': `stages:
  split:
    foreach: [a, b]
    do:
      cmd: cp data/\${item}.txt part/\${item}.txt
      deps:
        - data/\${item}.txt
      outs:
        - part/\${item}.txt
  grid:
    matrix:
      size: [1, 2]
      kind: [x]
    cmd: echo \${item.size}\${item.kind} > grid-\${item.size}.txt
    outs:
      - grid-\${item.size}.txt
  join:
    cmd: cat part/*.txt > joined.txt
    deps: [part/a.txt, part/b.txt]
    outs: [joined.txt]
`,
  'data/a.txt': 'a\n',
  'data/b.txt': 'b\n',
  '.gitignore': '/part\n/grid-*\n/joined.txt\n',
}

const names = (report: Document): readonly string[] => report.stages.map(({ name }: { name: string }) => name).sort()

test('a target is a stage, the stem of a group, or a path that a stage makes', async (context) => {
  const project = await adopted(context, fan)
  const planned = async (...targets: readonly string[]): Promise<readonly string[]> =>
    names(await project.json(0, 'run', '--dry-run', ...targets))
  assert.deepEqual(await planned('split@a'), ['split@a'])
  assert.deepEqual(await planned('split'), ['split@a', 'split@b'])
  assert.deepEqual(await planned('grid'), ['grid@1-x', 'grid@2-x'])
  assert.deepEqual(await planned('joined.txt'), ['join', 'split@a', 'split@b'])
  const unknown = await project.json(2, 'run', 'joinn')
  assert.equal(unknown.error.code, 'ERR_STAGE_UNKNOWN')
  assert.match(unknown.error.help, /join/)

  assert.deepEqual(statuses(await project.json(0, 'run', 'grid@2-x')), { 'grid@2-x': 'ran' })
  assert.equal(existsSync(join(project.root, 'joined.txt')), false)
  await project.json(0, 'run')
  assert.equal(project.read('joined.txt'), 'a\nb\n')
})

test('a dry run writes nothing, and says why each stage would run, below those that would run too', async (context) => {
  const project = await adopted(context, words)
  const report = await project.json(0, 'run', '--dry-run')
  assert.equal(report.status, 'succeeded')
  assert.match(report.stages[0].because, /has not run on these inputs yet/)
  assert.match(report.stages[1].because, /`sort` runs before it/)
  for (const path of ['out', 'model', 'assay.lock', '.assay/attestations'])
    assert.equal(existsSync(join(project.root, path)), false, path)
  assert.deepEqual(readdirSync(join(project.root, '.assay/runs')), [])

  await project.json(0, 'run')
  const lock = project.read('assay.lock')
  project.write({ 'data/words.txt': 'fig 9\n' })
  project.commit()
  const ahead = await project.json(0, 'run', '--dry-run')
  assert.match(ahead.stages[0].because, /`data\/words.txt` changed/)
  assert.match(ahead.stages[1].because, /`sort` runs before it/)
  assert.equal(project.read('assay.lock'), lock)
  assert.equal(readdirSync(join(project.root, '.assay/runs')).length, 1)
})

test('status --check tells a script whether something would run', async (context) => {
  const project = await adopted(context, words)
  await project.json(1, 'status', '--check')
  await project.json(0, 'status')
  await project.json(0, 'run')
  await project.json(0, 'status', '--check')
  project.write({ 'params.yaml': 'count:\n  field: 2\n' })
  const stale = await project.json(1, 'status', '--check')
  assert.deepEqual(
    stale.stages.map(({ name, status }: { name: string; status: string }) => [name, status]),
    [
      ['sort', 'up-to-date'],
      ['count', 'stale'],
    ],
  )
  assert.match(stale.stages[1].because, /command changed/)
})

test('--force runs again what is up to date, and equal bytes stay trusted all the way down', async (context) => {
  const project = await adopted(context, words)
  await project.json(0, 'run')
  const first = await project.json(0, 'run')
  const forced = await project.json(0, 'run', 'sort', '--force')
  assert.deepEqual(statuses(forced), { sort: 'ran' })
  assert.notEqual(forced.stages[0].attestation, first.stages[0].attestation)
  assert.equal((await project.json(0, 'verify', 'model/count.txt')).level, 1)
  assert.deepEqual(statuses(await project.json(0, 'run')), { sort: 'cached', count: 'cached' })
})

test('only the declared values of a params file count, not its other lines', async (context) => {
  const params = 'count:\n  field: 1\nother: 1\n'
  const project = await adopted(context, {
    ...words,
    'params.yaml': params,
    'src/count.sh': `cat params.yaml >/dev/null\n${words['src/count.sh']}`,
  })
  await project.json(0, 'run')
  project.write({ 'params.yaml': params.replace('other: 1', 'other: 2') })
  project.commit()
  assert.deepEqual(statuses(await project.json(0, 'run')), { sort: 'cached', count: 'cached' })
  project.write({ 'params.yaml': params.replace('field: 1', 'field: 2') })
  project.commit()
  assert.deepEqual(statuses(await project.json(0, 'run')), { sort: 'cached', count: 'ran' })
})

test('a frozen stage is never run, and what it does not make here is said so', async (context) => {
  const project = await adopted(context, {
    ...words,
    'dvc.yaml': words['dvc.yaml']?.replace('  sort:\n', '  sort:\n    frozen: true\n') ?? '',
    'out/sorted.txt': 'apple 2\npear 1\n',
  })
  const run = await project.json(0, 'run')
  assert.deepEqual(statuses(run), { sort: 'cached', count: 'ran' })
  const verdict = await project.json(0, 'verify', 'model/count.txt')
  assert.ok(
    verdict.findings.some(({ because }: { because: string }) => /not made here/i.test(because)),
    'a finding',
  )
  project.write({ 'assay.yaml': `${project.read('assay.yaml')}require: [approved-sources]\n` })
  project.commit('every input has a source')
  const refused = await project.json(1, 'run')
  assert.equal(refused.stages[1].code, 'ERR_SOURCE_UNKNOWN')
  await project.json(
    0,
    'data',
    'add',
    'sorted',
    'out/sorted.txt',
    '--classification',
    'public',
    '--owner',
    'Ada <ada@example.org>',
  )
  await project.json(0, 'data', 'approve', 'sorted', '--because', 'counted by hand')
  project.commit('approve it')
  assert.deepEqual(statuses(await project.json(0, 'run')), { sort: 'cached', count: 'ran' })
})

test('always_changed runs every time; a stage that makes nothing runs and is recorded', async (context) => {
  const project = await adopted(context, {
    'dvc.yaml': `stages:
  clock:
    cmd: echo tick > clock.txt
    always_changed: true
    outs: [clock.txt]
  hello:
    cmd: echo hello
  look:
    cmd: cat clock.txt
    deps: [clock.txt]
`,
    '.gitignore': '/clock.txt\n',
  })
  await project.json(0, 'run')
  const again = await project.json(0, 'run')
  assert.deepEqual(statuses(again), { clock: 'ran', hello: 'ran', look: 'cached' })
  const { stdout } = await project.assay('logs', '--stage', 'hello')
  assert.match(stdout, /hello/)
})

test('without a key there is a next step, and nothing has run', async (context) => {
  const project = scratch(context, { ...words, 'assay.yaml': 'assay: 1\nname: words\n' })
  project.commit()
  const refused = await project.json(2, 'run')
  assert.equal(refused.error.code, 'ERR_KEY_HOME')
  assert.match(refused.error.help, /assay init/)
  assert.equal(existsSync(join(project.root, 'out/sorted.txt')), false)
  assert.equal((await project.json(2, 'run', '--draft')).error.code, 'ERR_KEY_HOME')
})

test('status names what is refused, what waits for it, and what is frozen', async (context) => {
  const project = await adopted(context, {
    ...words,
    'dvc.yaml': `${words['dvc.yaml']}  old:\n    frozen: true\n    cmd: touch old.txt\n    outs: [old.txt]\n`,
    '.gitignore': '/out\n/model\n/data\n/old.txt\n',
  })
  rmSync(join(project.root, 'data/words.txt'))
  const status = await project.json(1, 'status', '--check')
  assert.deepEqual(
    status.refused.map(({ code }: { code: string }) => code),
    ['ERR_DATA_MISSING'],
  )
  assert.deepEqual(
    status.stages.map(({ name, status: word }: { name: string; status: string }) => [name, word]),
    [
      ['old', 'up-to-date'],
      ['count', 'blocked'],
    ],
  )
  const run = await project.json(1, 'run')
  assert.equal(run.error.code, 'ERR_DATA_MISSING')
})

test('data that DVC tracks and that is not here is fetched by name', async (context) => {
  const project = await adopted(context, {
    'dvc.yaml': 'stages:\n  t:\n    cmd: wc -l < data/big.csv > n.txt\n    deps: [data/big.csv]\n    outs: [n.txt]\n',
    'data/big.csv': '1,2\n',
    'data/big.csv.dvc': 'outs:\n- md5: 3ecfad755fa825f7a17c5526ec44e651\n  size: 4\n  hash: md5\n  path: big.csv\n',
    'data/.gitignore': '/big.csv\n',
    '.gitignore': '/n.txt\n',
  })
  assert.equal((await project.json(0, 'run')).level, 1)
  rmSync(join(project.root, 'data/big.csv'))
  const refused = await project.json(1, 'run')
  assert.deepEqual(
    [refused.error.code, refused.error.help],
    ['ERR_DATA_MISSING', 'get it first: dvc pull data/big.csv.dvc'],
  )
})
