/** Goal: what my project has locked is what its stages run with, whichever tool locked it. */
import assert from 'node:assert/strict'
import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { lockTexts, type WheelToWrite, wheelsIn } from '../../src/compute/environment/testing.exec.ts'
import { loseWheel, type OfflineProject, offline } from '../support/offline.ts'
import { type Document, runAssay, scratch, scratchEnvironment } from '../support/scratch.ts'

const stage: Readonly<Record<string, string>> = {
  'dvc.yaml': `stages:
  say: {cmd: python3 say.py, deps: [say.py], outs: [out/said]}
`,
  'say.py': "import tool\nopen('out/said', 'w').write(tool.word)\n",
  '.gitignore': '/out\n',
}
const toolWheel = (version: string): WheelToWrite => ({
  project: 'tool',
  version,
  files: [{ name: 'tool/__init__.py', content: `word = 'tool ${version}'\n` }],
})

test('a project with a lock of any tool is adopted with it, and its stages run with those packages; a fetch that nobody answers signs nothing', async (context) => {
  const projects: OfflineProject[] = []
  for (const name of ['uv.lock', 'poetry.lock', 'Pipfile.lock', 'pylock.toml']) {
    const project = offline(context, stage)
    const named = wheelsIn(project.wheels, [toolWheel('1.0')])
    project.write({ [name]: lockTexts[name]?.(named) ?? '' })
    project.commit()
    const adopted = await project.json(0, 'init', '--yes', '--commit')
    assert.deepEqual(adopted.locks, { chosen: name, passedOver: [] })
    await project.json(0, 'run')
    assert.equal(project.read('out/said'), 'tool 1.0')
    assert.equal((await project.json(0, 'verify')).properties.locked, true)
    projects.push(project)
  }

  const [project] = projects
  assert.ok(project !== undefined)
  loseWheel(project, 'tool-1.0-py3-none-any.whl')
  const signed = readdirSync(join(project.root, '.assay/attestations'))
  const closed = { ...scratchEnvironment(project.keys), PIP_INDEX_URL: 'http://127.0.0.1:9/simple' }
  const unreached = await runAssay(['reproduce', '--json'], project.root, closed)
  assert.deepEqual([unreached.code, JSON.parse(unreached.stdout).error.code], [4, 'ERR_ENV_FETCH'])
  assert.deepEqual(readdirSync(join(project.root, '.assay/attestations')), signed, 'who did not answer said nothing')
})

test('init says why it takes no lock: none with hashes, of an older tool, for another Python', async (context) => {
  const project = offline(context, {
    ...stage,
    'requirements.txt': 'tool==1.0\n',
    'uv.lock': 'version = 1\nrequires-python = ">=3.99"\n[[package]]\nname = "r"\nsource = { virtual = "." }\n',
    'poetry.lock': '[metadata]\nlock-version = "2.0"\npython-versions = "*"\n',
  })
  project.commit()
  const said = await project.json(0, 'init', '--yes')
  assert.equal(said.locks.chosen, null)
  assert.deepEqual(
    said.locks.passedOver.map(({ path }: Document) => path),
    ['requirements.txt', 'uv.lock', 'poetry.lock'],
  )
  const [plain, uv, poetry] = said.locks.passedOver
  assert.equal(plain.because, 'it pins no hashes')
  assert.match(uv.because, /made for Python >=3\.99/)
  assert.match(poetry.help, /poetry lock/)
  assert.match(project.read('assay.yaml'), /environment: host/)
})

test('a project without hashes is one command from locked: lock, build, verify, show, run, compare', async (context) => {
  const project = scratch(context, {
    ...stage,
    'say.py': "import six\nopen('out/said', 'w').write(six.__version__)\n",
    'requirements.txt': 'six<1.17\n-e .\n',
    'pyproject.toml': '[project]\nname = "x"\nversion = "0"\ndependencies = ["iniconfig==2.0.0"]\n',
  })
  project.commit()
  await project.json(0, 'init', '--yes', '--commit')
  const plain = await project.json(0, 'env', 'lock')
  assert.deepEqual([plain.source, plain.lock, plain.packages], ['requirements.txt', 'requirements.lock', 2])
  assert.deepEqual(plain.lines, [
    'environments:',
    '  locked: {python: {lock: requirements.lock}}',
    'defaults: {environment: locked}',
  ])
  const before = project.read('requirements.lock')
  assert.match(before, /^six==1\.16\.0 \\\n {4}--hash=sha256:[0-9a-f]{64}/m)
  const again = await project.json(0, 'env', 'lock', '--yes')
  assert.deepEqual(again.written, ['assay.yaml'])
  assert.equal(project.read('requirements.lock'), before, 'the same wishes give the same lock')
  project.commit()

  assert.equal((await project.json(1, 'env', 'verify')).environments[0].state, 'not built')
  const [built] = (await project.json(0, 'env', 'build')).environments
  const [shown] = (await project.json(0, 'env', 'show', 'locked')).environments
  assert.deepEqual([shown.digest, shown.tree, shown.state], [built.digest, built.tree, 'right'])
  assert.deepEqual(
    shown.packages.map(({ name, version }: Document) => `${name} ${version}`),
    ['iniconfig 2.0.0', 'six 1.16.0'],
  )
  await project.json(0, 'run')
  assert.equal(project.read('out/said'), '1.16.0')

  project.write({ 'requirements.txt': 'six==1.17.0\n' })
  await project.json(0, 'env', 'lock')
  const run = (await project.json(0, 'show')).runId
  assert.deepEqual((await project.json(0, 'env', 'diff', run, 'locked')).changes, [
    { name: 'iniconfig', change: 'removed', before: '2.0.0', after: '' },
    { name: 'six', change: 'version', before: '1.16.0', after: '1.17.0' },
  ])
  project.write({ 'old.requirements.txt': before })
  const locks = await project.json(0, 'env', 'diff', 'old.requirements.txt', 'requirements.lock')
  assert.deepEqual(
    locks.changes.map(({ name }: Document) => name),
    ['iniconfig', 'six'],
  )
  const elsewhere = join(project.keys, 'lock of yesterday')
  writeFileSync(elsewhere, before)
  project.write({ 'old.lock': before, 'notes.txt': 'six, the one of yesterday\n' })
  for (const path of ['old.lock', elsewhere])
    assert.deepEqual((await project.json(0, 'env', 'diff', path, 'requirements.lock')).changes, locks.changes)
  assert.equal((await project.json(0, 'env', 'diff', elsewhere, run)).changes.length, 0)
  assert.equal((await project.json(2, 'env', 'diff', 'notes.txt', 'locked')).error.code, 'ERR_ENV_UNSUPPORTED')
  assert.equal((await project.json(2, 'env', 'diff', 'nothing', 'locked')).error.code, 'ERR_RUN_UNKNOWN')
})

test('what cannot be locked is told by code: a source distribution alone, a contradiction, a build that would run', async (context) => {
  const project = scratch(context, {
    ...stage,
    'source.txt': 'docopt==0.6.2\n',
    'against.txt': 'six<1.16\nsix>1.16\n',
    'pyproject.toml': '[project]\nname = "x"\ndynamic = ["dependencies", "version"]\n',
    'setup.py': "open('owned', 'w').write('x')\n",
  })
  project.commit()
  await project.json(0, 'init', '--yes')
  const codeOf = async (from: string): Promise<string> =>
    (await project.json(1, 'env', 'lock', '--from', from)).error.code
  assert.equal(await codeOf('source.txt'), 'ERR_ENV_SOURCE_DIST')
  assert.equal(await codeOf('against.txt'), 'ERR_ENV_RESOLVE')
  assert.equal((await project.json(2, 'env', 'lock')).error.code, 'ERR_ENV_LOCK_INVALID')
  assert.throws(() => project.read('owned'))
})
