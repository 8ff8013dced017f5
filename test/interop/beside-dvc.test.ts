/**
 * Side by side with DVC in person: what assay leaves behind is what DVC would have left, and the other way round.
 *
 * The first run needs Python with venv and a package index.
 */
import assert from 'node:assert/strict'
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import fc from 'fast-check'
import type { Value } from '../../src/pipeline/define/index.ts'
import { mapText } from '../../src/pipeline/dvc/yaml-text.ts'
import { statuses } from '../support/adopted.ts'
import { runAssay, type Scratch, scratch, scratchEnvironment } from '../support/scratch.ts'
import { dvcPrograms, run } from './environments.ts'

const programs = dvcPrograms()

type Both = Scratch & Readonly<{ dvc(...args: readonly string[]): string }>

/** Everything at once: files, folders, nested, Unicode, executables, an empty folder, persist, no cache, foreach, params. */
const project: Readonly<Record<string, string>> = {
  'dvc.yaml': `stages:
  prep:
    cmd: sh src/prep.sh data/raw.txt
    deps: [./src/prep.sh, data/raw.txt, data/in]
    params: [prep.n, list, other.json: [lr], conf.toml: , values.py: [Train.rate]]
    outs:
      - out.txt
      - parts/
      - tool.sh
      - "größe 1.txt"
  count:
    cmd:
      - wc -l < out.txt > count.txt
      - echo '{"acc":0.5}' > metrics.json
    deps: [out.txt, parts/one, parts/sub dir]
    outs: [count.txt]
    metrics: [metrics.json: {cache: false}]
    plots: [curve.csv: {cache: false}]
  each:
    foreach: [1, 2.5, x]
    do:
      cmd: echo \${item} > each-\${item}.txt
      outs: ["each-\${item}.txt"]
`,
  'sub/dvc.yaml': `stages:
  deep:
    cmd: cat ../out.txt > here.txt && echo grow >> log.txt && mkdir -p none
    deps: [../out.txt, ../parts]
    params: [../params.yaml: ]
    outs: [here.txt, log.txt: {persist: true}, none]
  quoted:
    wdir: ..
    cmd: "echo 'a: b' \\"it's # a very long command line that goes on for more than eighty characters, and on\\" > sub/q.txt"
    outs: [sub/q.txt]
`,
  'src/prep.sh': `set -e
sort "$1" > out.txt
mkdir -p "parts/sub dir"
cp data/in/* parts/
echo x > "parts/sub dir/é.txt"
printf '#!/bin/sh\\necho hi\\n' > tool.sh
chmod 755 tool.sh
cp tool.sh parts/run.sh
echo big > "größe 1.txt"
`,
  'params.yaml': 'prep: {n: 1.0, big: 1.0e-05, none: null}\nlist: [1, 2.0, "three", [true, no]]\nflag: yes\n',
  'other.json': '{"lr": 0.10, "z": 1}\n',
  'conf.toml': '[a]\nb = 1e-7\nc = ["x"]\n',
  'values.py': 'class Train:\n    rate = 0.25\n    size: int = 4\n',
  'data/raw.txt': 'b 2\na 1\n',
  'data/in/one': 'one',
  'data/in/zwei ü': 'two',
}

/** A repository of DVC, adopted; `dvc add` has been run on its data. */
async function both(context: TestContext, files = project): Promise<Both> {
  const made = scratch(context, files)
  const env = { ...scratchEnvironment(made.keys), PATH: `${programs}:${process.env['PATH']}`, DVC_NO_ANALYTICS: '1' }
  const dvc = (...args: readonly string[]): string => run(join(programs, 'dvc'), args, { cwd: made.root, env })
  dvc('init', '--quiet')
  if (existsSync(join(made.root, 'data/raw.txt'))) dvc('add', '--quiet', 'data/raw.txt', 'data/in')
  made.commit('a repository of DVC')
  await made.json(0, 'init', '--yes', '--commit')
  writeFileSync(join(made.root, 'assay.yaml'), `${made.read('assay.yaml')}lock: [assay, dvc]\n`)
  made.commit('keep dvc.lock')
  return { ...made, dvc }
}

function withCurve(files: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return {
    ...files,
    'dvc.yaml': (files['dvc.yaml'] ?? '').replace(
      `      - echo '{"acc":0.5}'`,
      `      - printf 'x,y\\n1,2\\n' > curve.csv\n      - echo '{"acc":0.5}'`,
    ),
  }
}

const upToDate = /Data and pipelines are up to date/
const made = ['dvc.lock', 'sub/dvc.lock', '.gitignore', 'sub/.gitignore']

function bytesBelow(root: string): ReadonlyMap<string, string> {
  const files = readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => !/\/(\.git|\.dvc|\.assay)\//.test(path))
  return new Map(files.toSorted().map((path) => [path.slice(root.length), readFileSync(path, 'base64')]))
}

test('after assay run DVC finds nothing to do, and its locks are byte for byte those that it writes itself', async (context) => {
  const ours = await both(context, withCurve(project))
  await ours.json(0, 'run')
  assert.match(ours.dvc('status'), upToDate)
  assert.doesNotMatch(ours.dvc('repro', '-P'), /Running stage/)

  const theirs = await both(context, withCurve(project))
  theirs.dvc('repro', '--quiet', '-P')
  for (const path of made) assert.equal(ours.read(path), theirs.read(path), path)

  // And the other way round: nothing of it is evidence, the same bytes come out, and the locks stay.
  const before = made.map((path) => theirs.read(path))
  assert.equal((await theirs.json(1, 'verify', 'out.txt')).trusted, false)
  theirs.commit('what DVC made')
  const report = await theirs.json(0, 'run')
  assert.deepEqual(new Set(Object.values(statuses(report))), new Set(['ran']))
  assert.deepEqual(
    made
      .filter((_, index) => theirs.read(made[index] ?? '') !== before[index])
      .filter((path) => path !== 'sub/dvc.lock'),
    [],
  )
  assert.match(theirs.dvc('status'), upToDate)
  assert.equal((await theirs.json(0, 'verify', 'out.txt')).trusted, true)
})

test('what assay made is pushed, lost and pulled again by DVC, and still verifies', async (context) => {
  const ours = await both(context, withCurve(project))
  ours.dvc('remote', 'add', '--quiet', '--default', 'box', join(ours.keys, 'remote'))
  mkdirSync(ours.keys, { recursive: true })
  ours.commit('a remote')
  await ours.json(0, 'run')
  ours.commit('what the run made')
  const before = bytesBelow(ours.root)
  ours.dvc('push')
  assert.match(ours.dvc('status', '--cloud'), /in sync/)
  for (const path of [
    '.dvc/cache',
    'out.txt',
    'parts',
    'tool.sh',
    'count.txt',
    'sub/here.txt',
    'data/in',
    'data/raw.txt',
  ])
    rmSync(join(ours.root, path), { recursive: true })
  ours.dvc('pull')
  assert.deepEqual(bytesBelow(ours.root), before)
  assert.match(ours.dvc('status'), upToDate)
  assert.equal((await ours.json(0, 'verify', 'out.txt')).trusted, true)
  assert.deepEqual(new Set(Object.values(statuses(await ours.json(0, 'run')))), new Set(['cached']))

  // A clone elsewhere: the data comes from DVC's remote to its cache, and from there to assay.
  rmSync(join(ours.root, 'data/raw.txt'))
  rmSync(join(ours.root, 'data/in'), { recursive: true })
  assert.equal((await ours.json(0, 'run', '--force')).level, 1)
  assert.equal(ours.read('data/in/zwei ü'), 'two')
  assert.match(ours.dvc('status'), upToDate)
})

test('a shared cache, and a worktree with a cache of its own setting, are where DVC looks', async (context) => {
  const ours = await both(context, withCurve(project))
  ours.dvc('cache', 'dir', '--local', '../shared')
  ours.dvc('config', '--local', 'cache.shared', 'group')
  renameSync(join(ours.root, '.dvc/cache'), join(ours.root, '../shared'))
  await ours.json(0, 'run')
  assert.equal(existsSync(join(ours.root, '.dvc/cache')), false)
  assert.equal(existsSync(join(ours.root, '../shared/files/md5')), true)
  ours.commit('what the run made')
  rmSync(join(ours.root, 'out.txt'))
  rmSync(join(ours.root, 'parts'), { recursive: true })
  ours.dvc('checkout', 'out.txt', 'parts')
  assert.equal(ours.read('out.txt'), 'a 1\nb 2\n')

  // The worktree has none of the data: DVC would check it out from the shared cache, and assay takes it from there.
  const tree = join(ours.root, '../tree')
  ours.git('worktree', 'add', '--quiet', tree)
  cpSync(join(ours.root, '.dvc/config.local'), join(tree, '.dvc/config.local'))
  const status = await runAssay(['status', '--json'], tree, scratchEnvironment(ours.keys))
  assert.equal(status.code, 0, status.stdout)
  rmSync(join(tree, '.dvc/config.local'))
  const without = await runAssay(['status', '--json'], tree, scratchEnvironment(ours.keys))
  assert.match(without.stdout, /ERR_DATA_MISSING/)
})

test('entries that DVC 2 wrote stay as long as they hold', async (context) => {
  const files = {
    'dvc.yaml':
      'stages:\n  up:\n    cmd: tr a-z A-Z < data/win.txt > up.txt\n    deps: [data/win.txt]\n    outs: [up.txt]\n',
    'data/win.txt': 'a\r\nb\r\n',
  }
  const ours = await both(context, files)
  // printf 'a\nb\n' | md5sum; printf 'A\nB\n' | md5sum: DVC 2 read both files so.
  const [dep, out] = ['dd8c6a395b5dd36c56d23275028f526c', 'd09f55e3d6d2265b7507cc6027071d0a']
  const lock = `schema: '2.0'
stages:
  up:
    cmd: tr a-z A-Z < data/win.txt > up.txt
    deps:
    - path: data/win.txt
      md5: ${dep}
      size: 6
    outs:
    - path: up.txt
      md5: ${out}
      size: 6
`
  ours.write({ 'dvc.lock': lock })
  ours.commit('a lock of DVC 2')
  await ours.json(0, 'run')
  assert.equal(ours.read('dvc.lock'), lock)
  ours.write({ 'data/win.txt': 'c\r\n' })
  ours.commit('other data')
  await ours.json(0, 'run')
  assert.match(ours.read('dvc.lock'), /hash: md5\n {6}md5: [0-9a-f]{32}\n {6}size: 3\n {4}outs:/)
  assert.match(ours.dvc('status'), upToDate)
})

test('DVC checks a changed object out with exit 0; assay refuses it', async (context) => {
  const ours = await both(context, withCurve(project))
  const object = join(ours.root, '.dvc/cache/files/md5/ed/b66c948eb81cc88b5eea45e93e3fe1')
  assert.equal(readFileSync(object, 'utf8'), 'b 2\na 1\n')
  chmodSync(object, 0o644)
  writeFileSync(object, 'b 2\na 9\n')
  chmodSync(object, 0o444)
  rmSync(join(ours.root, 'data/raw.txt'))
  assert.equal((await ours.json(1, 'run', 'prep')).error.code, 'ERR_DVC_CACHE_CORRUPT')
  ours.dvc('checkout', 'data/raw.txt')
  assert.equal(ours.read('data/raw.txt'), 'b 2\na 9\n')
  assert.equal((await ours.json(1, 'run', 'prep', '--require-level', '1')).error.code, 'ERR_RUN_LEVEL')
})

test('generated values are written as DVC writes them', () => {
  const text = fc.oneof(
    fc.string({ unit: 'grapheme', maxLength: 200 }),
    fc
      .array(fc.constantFrom('word', "it's", '"q"', 'a:', '#x', 'é', '\\', '--lr', '1e5', 'yes', '', 'x'.repeat(90)), {
        maxLength: 40,
      })
      .map((parts) => parts.join(' ')),
  )
  const { value } = fc.letrec<{ value: Value }>((tie) => ({
    value: fc.oneof(
      { depthSize: 'small' },
      fc.oneof(text, fc.bigInt(), fc.double({ noNaN: true }), fc.boolean(), fc.constant(null)),
      fc.array(tie('value'), { maxLength: 4 }),
      mapOf(tie('value')),
    ),
  }))
  // LIMIT: characters that end a line for YAML 1.1, and text that is no text, are left out: see yaml-scalar-text.ts.
  const values = fc.sample(mapOf(value), 3000).filter((one) => !/[\u0085\u2028\u2029]|\\u[d][89a-f]/.test(tagged(one)))
  const program = `import json, sys
from dvc.utils.serialize import dumps_yaml
def plain(v):
    if isinstance(v, list): return [plain(x) for x in v]
    if not isinstance(v, dict): return v
    if 'i' in v: return int(v['i'])
    if 'f' in v: return float(v['f'])
    return {k: plain(x) for k, x in v['m']}
json.dump([dumps_yaml(plain(json.loads(line))) for line in sys.stdin], sys.stdout)`
  const answered = run(join(programs, 'python'), ['-c', program], { input: values.map(tagged).join('\n') })
  const theirs = JSON.parse(answered) as string[]
  assert.ok(theirs.length > 2000)
  for (const [index, one] of values.entries())
    assert.equal(mapText(one as ReadonlyMap<string, Value>, 0), theirs[index])

  function mapOf(values: fc.Arbitrary<Value>): fc.Arbitrary<Value> {
    const key = fc.oneof(fc.stringMatching(/^[ a-zA-Z0-9.:#'-]{1,40}$/), fc.constant('k'.repeat(130)))
    return fc.array(fc.tuple(key, values), { maxLength: 5, minLength: 1 }).map((entries) => new Map(entries))
  }
})

/** One line of JSON in which integers and floats stay what they are. */
function tagged(value: Value): string {
  const tag = (one: Value): unknown => {
    if (typeof one === 'bigint') return { i: one.toString() }
    if (typeof one === 'number')
      return { f: Number.isFinite(one) ? (Object.is(one, -0) ? '-0.0' : String(one)) : one > 0 ? 'inf' : '-inf' }
    if (Array.isArray(one)) return one.map(tag)
    return one instanceof Map ? { m: [...one].map(([key, item]) => [key, tag(item as Value)]) } : one
  }
  return JSON.stringify(tag(value))
}
