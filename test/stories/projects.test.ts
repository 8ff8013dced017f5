/** Goal: the project that I have runs as it is, whatever shape it has. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { adopted, statuses } from '../support/adopted.ts'
import { words } from '../support/projects.ts'
import { runAssay, scratch, scratchEnvironment } from '../support/scratch.ts'

test('params come from YAML, JSON, TOML and Python files', async (context) => {
  const project = await adopted(context, {
    'dvc.yaml': `stages:
  show:
    cmd: cat params.yaml p.json p.toml p.py > all.txt
    params:
      - a.b
      - p.json: [c]
      - p.toml: [d.e]
      - p.py: [F, Net.width]
    outs: [all.txt]
`,
    'params.yaml': 'a: {b: 1, x: 1}\n',
    'p.json': '{"c": [1, 2], "x": 1}\n',
    'p.toml': 'x = 1\n[d]\ne = "s"\n',
    'p.py': 'F = 0.5\nX = 1\nclass Net:\n    width = 8\n',
    '.gitignore': '/all.txt\n',
  })
  await project.json(0, 'run')
  project.write({
    'params.yaml': 'a: {b: 1, x: 2}\n',
    'p.json': '{"c": [1, 2], "x": 2}\n',
    'p.toml': 'x = 2\n[d]\ne = "s"\n',
    'p.py': 'F = 0.5\nX = 2\nclass Net:\n    width = 8\n',
  })
  project.commit()
  assert.deepEqual(statuses(await project.json(0, 'run')), { show: 'cached' })
  for (const [path, from, to, name] of [
    ['params.yaml', 'b: 1', 'b: 3', 'a.b'],
    ['p.json', '[1, 2]', '[1, 3]', 'c'],
    ['p.toml', '"s"', '"t"', 'd.e'],
    ['p.py', 'width = 8', 'width = 9', 'Net.width'],
  ] as const) {
    const before = project.read(path)
    project.write({ [path]: before.replace(from, to) })
    const stale = await project.json(1, 'status', '--check')
    assert.equal(stale.stages[0].because, `parameters changed: ${name}`)
    project.write({ [path]: before })
  }
})

test('folders go in and come out; a dep may lie inside an out folder, or above outs', async (context) => {
  const project = await adopted(context, {
    'dvc.yaml': `stages:
  split:
    cmd: mkdir -p parts/deep && cp raw/a.txt parts/a.txt && cp raw/b.txt parts/deep/b.txt && ln parts/a.txt parts/c.txt 2>/dev/null || cp parts/a.txt parts/c.txt
    deps: [raw]
    outs: [parts]
  one:
    cmd: cat parts/deep/b.txt > made/one.txt; ls parts > made/seen.txt
    deps: [parts/deep/b.txt]
    outs: [made/one.txt, made/seen.txt]
  two:
    cmd: cp -r made two
    deps: [made]
    outs: [two]
`,
    'raw/a.txt': 'a\n',
    'raw/b.txt': 'b\n',
    'assay.yaml': 'assay: 1\nname: folders\ndata:\n  raw: {}\n',
    '.gitignore': '/parts\n/made\n/two\n',
  })
  const run = await project.json(1, 'run')
  assert.equal(run.stages[0].code, 'ERR_OUT_REFUSED', 'a hard link in an out is refused')
  project.write({ 'dvc.yaml': project.read('dvc.yaml').replace(/ && ln .*\n/, '\n') })
  project.commit()
  assert.equal((await project.json(0, 'run')).level, 1)
  assert.equal(project.read('made/one.txt'), 'b\n')
  assert.equal(project.read('made/seen.txt'), 'deep\n', 'what the stage did not declare is not there')
  assert.equal(project.read('two/one.txt'), 'b\n')
  assert.deepEqual(statuses(await project.json(0, 'run')), { split: 'cached', one: 'cached', two: 'cached' })

  assert.equal((await project.json(0, 'verify', 'parts')).trusted, true)
  assert.equal((await project.json(0, 'verify', 'parts/deep/b.txt')).trusted, true)
  assert.equal((await project.json(1, 'verify', 'parts/deep/no.txt')).trusted, false)
  project.write({ 'parts/deep/b.txt': 'forged\n' })
  assert.equal((await project.json(1, 'verify', 'parts/deep/b.txt')).trusted, false)
  rmSync(join(project.root, 'parts'), { recursive: true })
  await project.json(0, 'run')
  assert.equal(project.read('parts/deep/b.txt'), 'b\n')
})

test('several dvc.yaml files make one pipeline; a stage has its own folder, several commands, and outs that git tracks', async (context) => {
  const project = await adopted(context, {
    'dvc.yaml': `stages:
  train:
    wdir: sub
    cmd:
      - sh code.sh > step.txt
      - cp step.txt model.txt && echo '{"n":1}' > ../metrics.json
    deps: [code.sh, ../a/made.txt]
    outs: [model.txt, step.txt]
    metrics:
      - ../metrics.json: {cache: false}
`,
    'a/dvc.yaml': 'stages:\n  first:\n    cmd: cp in.txt made.txt\n    deps: [in.txt]\n    outs: [made.txt]\n',
    'a/in.txt': 'in\n',
    'sub/code.sh': 'pwd; cat ../a/made.txt\n',
    'metrics.json': '{"n": 0}\n',
    '.gitignore': '/sub/*.txt\n/a/made.txt\n',
  })
  const run = await project.json(0, 'run')
  assert.deepEqual([run.level, statuses(run)], [1, { 'a/dvc.yaml:first': 'ran', train: 'ran' }])
  assert.equal(project.read('sub/model.txt'), '/project/sub\nin\n')
  assert.equal(project.read('metrics.json'), '{"n":1}\n')
  assert.deepEqual(statuses(await project.json(0, 'run')), { 'a/dvc.yaml:first': 'cached', train: 'cached' })
  assert.equal((await project.json(0, 'verify', 'metrics.json')).trusted, true)
  const failing = project
    .read('dvc.yaml')
    .replace('sh code.sh', 'false; sh code.sh')
    .replace('cp step', 'false && cp step')
  project.write({ 'dvc.yaml': failing })
  assert.equal((await project.json(3, 'run')).stages[1].code, 'ERR_STAGE_FAILED')
})

test('a project may be a folder of a larger repository; from a folder below, targets and artifacts are found as they are named', async (context) => {
  const files = Object.fromEntries(Object.entries(words).map(([path, text]) => [`teams/ml/${path}`, text]))
  const project = scratch(context, { ...files, 'other/notes.txt': 'x\n' })
  project.commit()
  const within = (folder: string, ...args: readonly string[]) =>
    runAssay([...args, '--json'], join(project.root, folder), scratchEnvironment(project.keys))
  const inside = (...args: readonly string[]) => within('teams/ml', ...args)
  assert.equal((await inside('init', '--yes', '--commit')).code, 0)
  assert.equal((await within('teams/ml/src', 'run', 'sort')).code, 0)
  const made = ['out/sorted.txt', 'model/count.txt'].map((path) => existsSync(join(project.root, 'teams/ml', path)))
  assert.deepEqual(made, [true, false])
  const run = await inside('run')
  assert.equal(run.code, 0, run.stdout)
  assert.equal(JSON.parse(run.stdout).level, 1)
  project.write({ 'other/notes.txt': 'changed\n' })
  const again = JSON.parse((await inside('run')).stdout)
  assert.deepEqual(statuses(again), { sort: 'cached', count: 'cached' })
  assert.equal((await within('teams/ml/src', 'verify', '../model/count.txt')).code, 0)
  assert.equal((await within('', 'verify', 'teams/ml/model/count.txt')).code, 0)
})

test('without a commit, or without git, it runs at level 0 and says why', async (context) => {
  const project = scratch(context, words)
  await project.json(0, 'init', '--yes')
  project.write({
    'dvc.yaml': project.read('dvc.yaml').replace('deps: [src/sort.sh,', 'deps: [src/sort.sh, src/lib.sh,'),
  })
  const unborn = await project.json(0, 'run')
  assert.deepEqual([unborn.level, unborn.status], [0, 'succeeded'])
  assert.deepEqual(statuses(await project.json(0, 'run')), { sort: 'cached', count: 'cached' })
  assert.equal((await project.json(1, 'verify', 'model/count.txt')).level, 0)

  rmSync(join(project.root, '.git'), { recursive: true })
  const bare = await project.assay('run', '--force')
  assert.equal(bare.code, 0, bare.stderr)
  assert.match(bare.stderr, /level 0: there is no commit/)
})

test('an ordinary user runs and verifies with a home of their own', async (context) => {
  if (process.getuid?.() !== 0) return context.skip('the other stories already run as one')
  const project = scratch(context, words)
  project.commit()
  mkdirSync(project.keys)
  const other = (...args: readonly string[]): string => {
    const ids = ['--reuid', '65534', '--regid', '65534', '--clear-groups']
    const tool = join(import.meta.dirname, '../../bin/assay')
    const environment = { ...scratchEnvironment(project.keys), PATH: '/usr/local/bin:/usr/bin:/bin' }
    return execFileSync('setpriv', [...ids, tool, ...args], {
      cwd: project.root,
      env: environment,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    })
  }
  execFileSync('chown', ['-R', '65534:65534', project.root, project.keys])
  other('init', '--yes', '--commit')
  const run = JSON.parse(other('run', '--json'))
  assert.deepEqual([run.status, run.level], ['succeeded', 1])
  assert.equal(JSON.parse(other('verify', 'model/count.txt', '--json')).properties.isolated, true)
  assert.deepEqual(statuses(JSON.parse(other('run', '--json'))), { sort: 'cached', count: 'cached' })
  assert.equal(readFileSync(join(project.root, 'model/count.txt'), 'utf8').includes('1'), true)
})
