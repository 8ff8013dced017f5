/** Threat: supply-chain compromise. A dependency that its lock does not pin to its bytes is not installed. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { chmodSync, readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import {
  lockTexts,
  type WheelToWrite,
  wheelName,
  wheelOf,
  wheelsIn,
} from '../../src/compute/environment/testing.exec.ts'
import { processesNaming, until } from '../support/interrupt.ts'
import { type OfflineProject, offline } from '../support/offline.ts'
import { words } from '../support/projects.ts'
import { type Document, type Scratch, scratch } from '../support/scratch.ts'

/** six 1.17.0, py2.py3-none-any, from PyPI. */
const six = '4721f391ed90541fddacab5acf947aa0d3dc7d27b2e1e8eda2be8970586c3274'

async function runWith(project: Scratch, lock: string, exit: number): Promise<Document> {
  project.write({
    'requirements.lock': lock,
    'assay.yaml':
      'assay: 1\nname: words\nenvironments:\n  py: {python: {lock: requirements.lock}}\ndefaults: {environment: py}\n',
    'src/sort.sh': 'python3 -c "import six; print(six.__version__)"; sort "$1" > "$2"\n',
  })
  project.commit()
  return project.json(exit, 'run', 'sort')
}

/** setuptools 75.6.0, py3-none-any, from PyPI: it brings a `.pth` file with code in it. */
const setuptools = 'ce74b49e8f7110f9bf04883b730f4765b774ef3ef28f722cce7c273d253aaf7d'

test('names packages whose code runs before the stage does; a package without such code is not named', async (context) => {
  const project = scratch(context, words)
  project.commit()
  await project.json(0, 'init', '--yes', '--commit')
  const said = async (lock: string): Promise<string> => {
    await runWith(project, lock, 0)
    return (await project.assay('run', 'sort', '--force')).stderr
  }
  const plain = `six==1.17.0 --hash=sha256:${six}\n`
  assert.doesNotMatch(await said(plain), /\.pth/)
  assert.match(
    await said(`${plain}setuptools==75.6.0 --hash=sha256:${setuptools}\n`),
    /note: environment py: .*distutils-precedence\.pth/,
  )
})

test('refuses a requirement without a hash, with a wrong hash or without a pin; installs the locked one', async (context) => {
  const project = scratch(context, words)
  project.commit()
  await project.json(0, 'init', '--yes', '--commit')
  const wrong = createHash('sha256').update('other bytes').digest('hex')
  const codeOf = async (lock: string): Promise<string> => (await runWith(project, lock, 1)).stages[0].code

  assert.equal(await codeOf('six==1.17.0\n'), 'ERR_ENV_HASH_MISSING')
  assert.equal(await codeOf(`six>=1.17 --hash=sha256:${six}\n`), 'ERR_ENV_UNPINNED')
  assert.match(await codeOf(`six==1.17.0 --hash=sha256:${wrong}\n`), /^ERR_ENV_(HASH_MISMATCH|NO_WHEEL)$/)

  const good = await runWith(project, `six==1.17.0 --hash=sha256:${six}\n`, 0)
  assert.equal(good.stages[0].status, 'ran')
  const verdict = await project.json(0, 'verify', 'out/sorted.txt')
  assert.equal(verdict.properties.locked, true)
})

test('an environment whose file was altered between two stages signs nothing of it; the next run builds it anew', async (context) => {
  const project = scratch(context, words)
  project.commit()
  await project.json(0, 'init', '--yes', '--commit')
  project.write({
    'requirements.lock': `six==1.17.0 --hash=sha256:${six}\n`,
    'assay.yaml':
      'assay: 1\nname: words\nenvironments:\n  py: {python: {lock: requirements.lock}}\ndefaults: {environment: py}\n',
    'src/sort.sh': 'sort "$1" > "$2"; sleep 3.1415\n',
    'src/count.sh': 'python3 -c "import six; print(six.__version__)" > "$3"\n',
  })
  project.commit()
  await project.json(0, 'run')
  assert.equal(project.read('model/count.txt'), '1.17.0\n')

  const environments = join(project.root, '.assay/environments')
  const found = readdirSync(environments, { recursive: true, encoding: 'utf8' }).find((path) =>
    path.endsWith('/six.py'),
  )
  const file = join(environments, found ?? assert.fail('six.py is not where it was installed'))
  const honest = readFileSync(file)
  const { atime, mtime } = statSync(file)
  const running = project.json(1, 'run', '--force')
  await until('the first stage sleeps', () => processesNaming('3.1415').length > 0)
  chmodSync(file, 0o644)
  writeFileSync(file, Buffer.from(honest.toString().replace('1.17.0', '6.66.6')))
  chmodSync(file, 0o444)
  utimesSync(file, atime, mtime)
  const report = await running
  assert.deepEqual(
    report.stages.map(({ status, code }: Document) => [status, code]),
    [
      ['refused', 'ERR_ENV_CHANGED'],
      ['skipped', 'ERR_STAGE_UPSTREAM'],
    ],
  )
  await project.json(0, 'run', '--force')
  assert.equal(project.read('model/count.txt'), '1.17.0\n')
  const { properties, requirements } = await project.json(0, 'verify', 'model/count.txt')
  const own = requirements.find(({ requirement }: Document) => requirement === 'own statements')
  assert.deepEqual([properties.locked, own.held], [true, true], own.because)
})

const tool: WheelToWrite = { project: 'tool', files: [{ name: 'tool.py', content: "word = 'honest'\n" }] }

/** One stage that says what its package says, in an environment of this lock. */
function saying(lock: string): Readonly<Record<string, string>> {
  return {
    'dvc.yaml': 'stages:\n  say: {cmd: python3 say.py, deps: [say.py], outs: [out/said]}\n',
    'say.py': "import tool\nopen('out/said', 'w').write(tool.word)\n",
    'assay.yaml': `assay: 1\nname: x\nenvironments:\n  py: {python: {lock: ${lock}}}\ndefaults: {environment: py}\n`,
    '.gitignore': '/out\n',
  }
}

async function adoptedWith(project: OfflineProject, lock: string, wheels: readonly WheelToWrite[]): Promise<void> {
  project.write({ [lock]: lockTexts[lock]?.(wheelsIn(project.wheels, wheels)) ?? '' })
  project.commit()
  await project.json(0, 'init', '--yes', '--commit')
}

for (const lock of ['uv.lock', 'Pipfile.lock']) {
  test(`${lock}: a poisoned wheel with the right name is not installed; the locked one is`, async (context) => {
    const project = offline(context, saying(lock))
    await adoptedWith(project, lock, [tool])
    const poisoned = wheelOf({ ...tool, files: [{ name: 'tool.py', content: "word = 'poisoned'\n" }] })
    const file = join(project.wheels, wheelName(tool))
    const honest = readFileSync(file)
    writeFileSync(file, poisoned)
    const [stage] = (await project.json(1, 'run')).stages
    assert.equal(stage.code, 'ERR_ENV_HASH_MISMATCH')
    writeFileSync(file, honest)
    await project.json(0, 'run')
    assert.equal(project.read('out/said'), 'honest')
  })
}

const lies: Readonly<Record<string, readonly WheelToWrite[]>> = {
  'a RECORD that says other bytes': [
    { ...tool, record: (lines) => lines.map((line) => line.replace(/^(tool\.py,sha256=)./, '$1_')) },
  ],
  'a file that RECORD does not list': [
    { ...tool, record: (lines) => lines.filter((line) => !line.startsWith('tool.py')) },
  ],
  'two owners of one path': [
    tool,
    { project: 'other', files: [{ name: 'tool.py', content: "word = 'of another'\n" }] },
  ],
  'a zip whose headers differ': [
    { ...tool, files: [{ name: 'tool.py', content: "word = 'x'\n", local: { name: 'evil.py' } }] },
  ],
  'bytes behind the end of the zip': [{ ...tool, around: { after: Buffer.from('more') } }],
}

test('a locked wheel that lies is refused, though its hash is right; an honest one is installed', async (context) => {
  const project = offline(context, saying('uv.lock'))
  await adoptedWith(project, 'uv.lock', [])
  const commitLock = (wheels: readonly WheelToWrite[]): void => {
    project.write({ 'uv.lock': lockTexts['uv.lock']?.(wheelsIn(project.wheels, wheels)) ?? '' })
    project.commit()
  }
  for (const [what, wheels] of Object.entries(lies)) {
    commitLock(wheels)
    assert.equal((await project.json(1, 'env', 'build')).error.code, 'ERR_ENV_WHEEL_REFUSED', what)
  }
  assert.equal((await project.json(1, 'run')).stages[0].code, 'ERR_ENV_WHEEL_REFUSED')
  commitLock([tool])
  await project.json(0, 'run')
  assert.equal(project.read('out/said'), 'honest')
})

test('a typosquat that slips into a lock without a hash is refused; the package that was meant is installed', async (context) => {
  const project = offline(context, saying('Pipfile.lock'))
  await adoptedWith(project, 'Pipfile.lock', [tool])
  const honest = project.read('Pipfile.lock')
  wheelsIn(project.wheels, [{ project: 'too1', files: [{ name: 'tool.py', content: "word = 'squatted'\n" }] }])
  project.write({ 'Pipfile.lock': honest.replace('"default":{', '"default":{"too1":{"version":"==1.0"},') })
  project.commit()
  assert.equal((await project.json(1, 'run')).stages[0].code, 'ERR_ENV_HASH_MISSING')
  project.write({ 'Pipfile.lock': honest })
  project.commit()
  await project.json(0, 'run')
})

test('a lock that is changed after its review changes the environment, is named, and earns nothing until it is committed', async (context) => {
  const project = offline(context, saying('poetry.lock'))
  await adoptedWith(project, 'poetry.lock', [tool])
  const reviewed = project.read('poetry.lock')
  await project.json(0, 'run')
  const { runId } = await project.json(0, 'show')
  const newer = { ...tool, files: [{ name: 'tool.py', content: "word = 'swapped'\n" }] }
  project.write({ 'poetry.lock': lockTexts['poetry.lock']?.(wheelsIn(project.wheels, [newer])) ?? '' })
  const [change] = (await project.json(0, 'env', 'diff', runId, 'py')).changes
  assert.deepEqual([change.name, change.change], ['tool', 'files'], 'one version, other bytes')
  assert.equal((await project.json(0, 'run')).level, 0)
  assert.equal((await project.json(1, 'verify', 'out/said')).trusted, false)

  project.write({ 'poetry.lock': reviewed })
  await project.json(0, 'run')
  assert.equal(project.read('out/said'), 'honest')
  assert.equal((await project.json(0, 'verify', 'out/said')).trusted, true)
})

test('a built environment that comes with a checkout is not used, though its manifest fits; it is built anew', async (context) => {
  const project = offline(context, saying('uv.lock'))
  await adoptedWith(project, 'uv.lock', [tool])
  await project.json(0, 'env', 'build')
  assert.equal((await project.json(0, 'env', 'verify')).environments[0].state, 'right')

  const environments = join(project.root, '.assay/environments')
  const paths = readdirSync(environments, { recursive: true, encoding: 'utf8' })
  const file = join(environments, paths.find((path) => path.endsWith('/tool.py')) ?? assert.fail('no tool.py'))
  const manifest = join(
    environments,
    paths.find((path) => path.endsWith('manifest.json')) ?? assert.fail('no manifest'),
  )
  const poisoned = "word = 'poison'\n"
  const digestOf = (bytes: string | Buffer): string => createHash('sha256').update(bytes).digest('hex')
  const text = readFileSync(manifest, 'utf8').replace(digestOf(readFileSync(file)), digestOf(poisoned))
  chmodSync(file, 0o644)
  writeFileSync(file, poisoned)
  chmodSync(file, 0o444)
  writeFileSync(manifest, text)
  assert.equal((await project.json(1, 'env', 'verify')).environments[0].state, 'changed')
  await project.json(0, 'run', '--rehash')
  assert.equal(project.read('out/said'), 'honest')
  assert.equal((await project.json(0, 'env', 'verify', '--rebuild')).environments[0].state, 'right')
})
