/** Goal: when two runs came to something else, the first cause that I am told is the true one. */
import assert from 'node:assert/strict'
import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statfsSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { wheelsIn } from '../../src/compute/environment/testing.exec.ts'
import { offline } from '../support/offline.ts'
import { type Document, runAssay, type Scratch, scratch, scratchEnvironment } from '../support/scratch.ts'

type Files = Readonly<Record<string, string>>

/** One thing is changed between two runs; what is said first has to be that. */
type Case = Readonly<{ name: string; change: Files; first: RegExp }>

/** What `assay diff` says, first line of the causes, of a run of the project as it is, and one with the change. */
async function firstCauses(project: Scratch, cases: readonly Case[]): Promise<readonly string[]> {
  const { runId } = await project.json(0, 'run')
  const wrong: string[] = []
  for (const { name, change, first } of cases) {
    const before = Object.fromEntries(Object.keys(change).map((path) => [path, project.read(path)]))
    project.write(change)
    project.commit(name)
    const changed = await project.json(0, 'run')
    const { causes } = await project.json(0, 'diff', runId, changed.runId)
    const [told] = causes
    if (told === undefined || !first.test(told.what)) wrong.push(`${name}: ${JSON.stringify(causes.slice(0, 3))}`)
    project.write(before)
  }
  return wrong
}

const plain: Files = {
  'dvc.yaml': `stages:
  mix:
    cmd: sh src/mix.sh \${mix.weight}
    deps: [src/mix.sh, data/rows.txt]
    params: [mix.weight]
    outs: [out/mix.txt]
  after:
    cmd: wc out/mix.txt > out/after.txt; cat out/mix.txt >> out/after.txt
    deps: [out/mix.txt]
    outs: [out/after.txt]
  tool:
    cmd: python3 src/say.py
    deps: [src/say.py]
    outs: [out/tool.txt]
`,
  'params.yaml': 'mix: {weight: 1}\n',
  'src/mix.sh': '. src/lib.sh\n(cat data/rows.txt; say "$1 $ASSAY_SEED $MODE") > out/mix.txt\n',
  'src/lib.sh': 'say() { echo "$@"; }\n',
  'src/say.py': "import tool\nopen('out/tool.txt', 'w').write(tool.word)\n",
  'data/rows.txt': 'pear 1\napple 2\n',
  '.gitignore': '/out\n',
  'assay.yaml': `assay: 1
name: causes
data: {data/rows.txt: }
environments: {tools: {python: {lock: requirements.lock}}}
stages:
  mix: {seed: 1, env: {MODE: plain}}
  tool: {environment: tools}
`,
}

test('the changed seed, parameter, line, byte, variable and patch version are named first', async (context) => {
  const project = offline(context, plain)
  const [old, patched] = ['1.0.0', '1.0.1'].map((version) => {
    const files = [{ name: 'tool/__init__.py', content: `word = '${version}'\n` }]
    const [wheel] = wheelsIn(project.wheels, [{ project: 'tool', version, files }])
    return `tool==${version} --hash=sha256:${wheel?.hex}\n`
  })
  project.write({ 'requirements.lock': old ?? '' })
  project.commit('before assay')
  await project.json(0, 'init', '--yes', '--commit')
  const swapped = (path: string, from: string, to: string): Files => {
    assert.ok(project.read(path).includes(from))
    return { [path]: project.read(path).replace(from, to) }
  }
  assert.deepEqual(
    await firstCauses(project, [
      { name: 'another seed', change: swapped('assay.yaml', 'seed: 1', 'seed: 2'), first: /^seed$/ },
      {
        name: 'a parameter',
        change: { 'params.yaml': 'mix: {weight: 2}\n' },
        first: /^parameter params.yaml:mix.weight$/,
      },
      { name: 'a line of code', change: swapped('src/lib.sh', 'echo', 'echo .'), first: /^code src\/lib.sh$/ },
      { name: 'a byte of data', change: { 'data/rows.txt': 'pear 1\naqple 2\n' }, first: /^input data\/rows.txt$/ },
      { name: 'a variable', change: swapped('assay.yaml', 'MODE: plain', 'MODE: bold'), first: /^variable MODE$/ },
      { name: 'a patch version', change: { 'requirements.lock': patched ?? '' }, first: /^package tool$/ },
    ]),
    [],
  )

  // What was tampered with is not what runs: it is built anew, and comes to the same.
  const module = fileBelow(join(project.root, '.assay/environments'), 'site-packages/tool/__init__.py')
  chmodSync(module, 0o644)
  writeFileSync(module, "word = 'tampered'\n")
  project.commit('a run')
  assert.equal((await project.json(0, 'reproduce', '--stage', 'tool')).verdict, 'identical')

  const told = await project.assay('diff')
  assert.match(told.stdout, /likeliest cause first:\n(.*\n)? +tool +package tool +1\.0\.0 -> 1\.0\.1 +another version/)
})

const unsteady: Files = {
  'dvc.yaml': `stages:
  clock: {cmd: sh src/clock.sh, deps: [src/clock.sh], outs: [out/clock.txt]}
  draw: {cmd: python3 src/draw.py, deps: [src/draw.py], outs: [out/draw.json]}
  name:
    cmd: python3 -c "import uuid; open('out/name.txt', 'w').write(str(uuid.uuid4()))"
    outs: [out/name.txt]
  list: {cmd: python3 src/list.py, deps: [src/list.py, data/parts], outs: [out/list.txt]}
  where: {cmd: pwd > out/where.txt, outs: [out/where.txt]}
`,
  'src/clock.sh': 'echo begin > out/clock.txt\ndate +%s%N >> out/clock.txt\n',
  'src/draw.py': `import json, random
json.dump([random.random() for _ in range(3)], open('out/draw.json', 'w'))
`,
  'src/list.py': `import os
with open('out/list.txt', 'w') as out:
    for name in os.listdir('data/parts'):
        out.write(name + '\\n')
`,
  ...Object.fromEntries(Array.from({ length: 40 }, (_, part) => [`data/parts/part-${part}.csv`, `${part}\n`])),
  '.gitignore': '/out\n',
  'assay.yaml': 'assay: 1\nname: unsteady\ndata: {data/parts: }\n',
}

test('code that no run repeats is named by file and line, before all that is recorded', async (context) => {
  const project = scratch(context, unsteady)
  project.commit('before assay')
  await project.json(0, 'init', '--yes', '--commit')
  const { runId } = await project.json(0, 'run')
  project.commit('a run')
  const first = async (stage: string): Promise<unknown> => {
    const report = await project.json(1, 'reproduce', '--stage', stage)
    assert.equal(report.verdict, 'diverged')
    return report.causes[0]?.what
  }
  assert.equal(await first('clock'), 'wall-clock src/clock.sh:2')
  assert.equal(await first('draw'), 'unseeded-random src/draw.py:2')
  const told = await project.assay('reproduce', '--stage', 'name')
  assert.match(told.stdout, /likeliest cause first:\n +name +random-id in the command +`uuid.uuid4` makes a name/)

  // In the sandbox the project has one path wherever it lies; without one the folder is what differs.
  assert.equal((await project.json(0, 'reproduce', '--stage', 'where')).verdict, 'identical')
  for (const _ of [1, 2]) await project.json(0, 'run', 'where', '--force', '--unsafe-no-sandbox')
  const { causes, unbelieved } = await project.json(0, 'diff')
  assert.deepEqual([causes[0]?.what, unbelieved], ['folder', ['where']])

  await onAnotherFileSystem(context, project, async (again) => {
    const report = await again('reproduce', runId, '--stage', 'list')
    if (report.verdict === 'identical') context.diagnostic('both file systems list the folder in one order')
    else assert.equal(report.causes[0]?.what, 'listing-order src/list.py:3')
  })
})

/** The project copied to memory, where folders are listed in another order than on a disk; left out where there is none. */
async function onAnotherFileSystem(
  context: TestContext,
  project: Scratch,
  look: (again: (...args: readonly string[]) => Promise<Document>) => Promise<void>,
): Promise<void> {
  const memory = '/dev/shm'
  if (!existsSync(memory) || statfsSync(memory).type === statfsSync(tmpdir()).type)
    return context.diagnostic(`no other file system at ${memory}`)
  const folder = mkdtempSync(join(memory, 'assay-test-'))
  chmodSync(folder, 0o755)
  context.after(() => rmSync(folder, { recursive: true, force: true }))
  const root = join(folder, 'project')
  cpSync(project.root, root, { recursive: true })
  const environment = scratchEnvironment(project.keys)
  await runAssay(['key', 'use'], root, environment)
  await look(async (...args) => {
    const { stdout } = await runAssay([...args, '--json'], root, environment)
    return JSON.parse(stdout)
  })
}

const science: Files = {
  'dvc.yaml': `stages:
  fit: {cmd: python3 src/fit.py, deps: [src/fit.py], outs: [out/fit.safetensors]}
  header: {cmd: python3 src/header.py, deps: [src/header.py], outs: [out/header.safetensors]}
`,
  'src/fit.py': `import numpy as np
from safetensors.numpy import save_file
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression, Ridge

pixels, digits = load_digits(return_X_y=True)
parts = {
    'pca': PCA(16, svd_solver='full').fit(pixels).components_,
    'ridge': Ridge().fit(pixels, digits).coef_,
    'lbfgs': LogisticRegression(max_iter=15).fit(pixels / 16, digits).coef_,
}
save_file({name: np.ascontiguousarray(part) for name, part in parts.items()}, 'out/fit.safetensors')
`,
  'src/header.py': `import numpy as np
from safetensors.numpy import save_file

notes = {'a': '1', 'b': '2', 'c': '3', 'd': '4', 'e': '5', 'f': '6', 'g': '7', 'h': '8'}
save_file({'x': np.arange(4.0)}, 'out/header.safetensors', metadata=notes)
`,
  '.gitignore': '/out\n',
  'assay.yaml': `assay: 1
name: science
environments: {science: {python: {lock: requirements.lock}}}
defaults: {environment: science, limits: {cpus: 2}, env: {KIND: plain}}
`,
}

test('threads and kernels of BLAS are named where they matter, and the order of a header is said to be one', async (context) => {
  const project = scratch(context, science)
  copyFileSync(
    join(import.meta.dirname, '../../examples/digits/requirements.lock'),
    join(project.root, 'requirements.lock'),
  )
  project.commit('before assay')
  await project.json(0, 'init', '--yes', '--commit')
  const { runId } = await project.json(0, 'run')
  project.commit('a run')

  const header = await project.json(0, 'reproduce', '--stage', 'header')
  assert.equal(header.verdict, 'within-tolerance')
  assert.match(header.comparisons[0].detail, /tensors/)
  assert.equal(header.causes[0]?.what, 'tensor-metadata src/header.py:5')

  const settings = project.read('assay.yaml')
  const cases = [
    { from: 'cpus: 2', to: 'cpus: 1', first: 'threads' },
    { from: 'KIND: plain', to: 'OPENBLAS_CORETYPE: Prescott', first: 'variable OPENBLAS_CORETYPE' },
  ]
  for (const { from, to, first } of cases) {
    project.write({ 'assay.yaml': settings.replace(from, to) })
    project.commit(to)
    const changed = await project.json(0, 'run', 'fit')
    const { causes } = await project.json(0, 'diff', runId, changed.runId)
    const [told] = causes.filter(({ stage }: Document) => stage === 'fit')
    if (told === undefined) context.diagnostic(`${to}: the same bytes on this machine`)
    else assert.equal(told.what, first)
  }
})

function fileBelow(folder: string, ending: string): string {
  const found = readdirSync(folder, { recursive: true, encoding: 'utf8' }).find((path) => path.endsWith(ending))
  assert.ok(found !== undefined)
  assert.ok(statSync(join(folder, found)).isFile())
  return join(folder, found)
}
