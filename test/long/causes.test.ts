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
import { firstCauses, mixed, swapped, type Told, wrongOf } from '../support/causes.ts'
import { offline } from '../support/offline.ts'
import { type Document, runAssay, type Scratch, scratch, scratchEnvironment } from '../support/scratch.ts'

type Files = Readonly<Record<string, string>>

/** Every case that was shown; those that this machine cannot show are counted too. */
const shown: Told[] = []
const notShown: string[] = []

function show(name: string, told: string | undefined, first: string): void {
  shown.push({ name, first, told })
  assert.equal(told, first, name)
}

const plain: Files = {
  ...mixed,
  'dvc.yaml': `${mixed['dvc.yaml']}  tool:
    cmd: python3 src/say.py
    deps: [src/say.py]
    outs: [out/tool.txt]
`,
  'src/say.py': "import tool\nopen('out/tool.txt', 'w').write(tool.word)\n",
  'assay.yaml': `${mixed['assay.yaml']}  tool: {environment: tools}
environments: {tools: {python: {lock: requirements.lock}}}
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
  const told = await firstCauses(project, [
    { name: 'another seed', change: swapped(project, 'assay.yaml', 'seed: 1', 'seed: 2'), first: 'seed' },
    {
      name: 'a parameter',
      change: { 'params.yaml': 'mix: {weight: 2}\n' },
      first: 'parameter params.yaml:mix.weight',
    },
    { name: 'a line of code', change: swapped(project, 'src/lib.sh', 'echo', 'echo .'), first: 'code src/lib.sh' },
    { name: 'a byte of data', change: { 'data/rows.txt': 'pear 1\naqple 2\n' }, first: 'input data/rows.txt' },
    {
      name: 'a variable',
      change: swapped(project, 'assay.yaml', 'MODE: plain', 'MODE: bold'),
      first: 'variable MODE',
    },
    { name: 'a patch version', change: { 'requirements.lock': patched ?? '' }, first: 'package tool' },
  ])
  shown.push(...told)
  assert.deepEqual(wrongOf(told), [])

  // What was tampered with is not what runs: it is built anew, and comes to the same.
  const module = fileBelow(join(project.root, '.assay/environments'), 'site-packages/tool/__init__.py')
  chmodSync(module, 0o644)
  writeFileSync(module, "word = 'tampered'\n")
  project.commit('a run')
  assert.equal((await project.json(0, 'reproduce', '--stage', 'tool')).verdict, 'identical')

  const difference = await project.assay('diff')
  assert.match(
    difference.stdout,
    /likeliest cause first:\n(.*\n)? +tool +package tool +1\.0\.0 -> 1\.0\.1 +another version/,
  )
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
  const first = async (stage: string): Promise<string | undefined> => {
    const report = await project.json(1, 'reproduce', '--stage', stage)
    assert.equal(report.verdict, 'diverged')
    return report.causes[0]?.what
  }
  show('the clock', await first('clock'), 'wall-clock src/clock.sh:2')
  show('no seed', await first('draw'), 'unseeded-random src/draw.py:2')
  show('a random name', await first('name'), 'random-id in the command')
  const told = await project.assay('reproduce', '--stage', 'name')
  assert.match(told.stdout, /likeliest cause first:\n +name +random-id in the command +`uuid.uuid4` makes a name/)

  // In the sandbox the project has one path wherever it lies; without one the folder is what differs.
  assert.equal((await project.json(0, 'reproduce', '--stage', 'where')).verdict, 'identical')
  for (const _ of [1, 2]) await project.json(0, 'run', 'where', '--force', '--unsafe-no-sandbox')
  const { causes, unbelieved } = await project.json(0, 'diff')
  show('another folder', causes[0]?.what, 'folder')
  assert.deepEqual(unbelieved, ['where'])

  await onAnotherFileSystem(context, project, async (again) => {
    const report = await again('reproduce', runId, '--stage', 'list')
    assert.equal(report.verdict, 'diverged', '40 names in one order on two kinds of file system')
    show('the order of a folder', report.causes[0]?.what, 'listing-order src/list.py:3')
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
    return void notShown.push(`the order of a folder: no other file system at ${memory}`)
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
  show('the order of a header', header.causes[0]?.what, 'tensor-metadata src/header.py:5')

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
    if (told === undefined) notShown.push(`${to}: the same bytes on this machine`)
    else show(to, told.what, first)
  }
  const differing = shown.filter(({ name }) => cases.some(({ to }) => to === name)).length
  if (differing === 0) context.skip(`BLAS: 0 of ${cases.length} cases differ on this machine`)
})

test('of all cases that were shown the true cause was first, in nine at least', (context) => {
  const right = shown.length - wrongOf(shown).length
  context.diagnostic(
    `${right} of ${shown.length} first; ${notShown.length} not shown: ${notShown.join('; ') || 'none'}`,
  )
  assert.ok(right >= 9, `${right} of ${shown.length}`)
  assert.ok(right >= 0.9 * shown.length, `${right} of ${shown.length}`)
  assert.equal(shown.length + notShown.length, 14)
})

function fileBelow(folder: string, ending: string): string {
  const found = readdirSync(folder, { recursive: true, encoding: 'utf8' }).find((path) => path.endsWith(ending))
  assert.ok(found !== undefined)
  assert.ok(statSync(join(folder, found)).isFile())
  return join(folder, found)
}
