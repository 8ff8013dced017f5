/** Goal: a package that has no wheel is built once, where it can do no harm, and the evidence says from what. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { sourceOf } from '../../src/compute/environment/testing.archives.ts'
import { wheelsIn } from '../../src/compute/environment/testing.exec.ts'
import { type OfflineProject, offline } from '../support/offline.ts'
import { cloneOf } from '../support/remotes.ts'
import { type Document, runAssay, scratch, scratchEnvironment } from '../support/scratch.ts'

const stage: Readonly<Record<string, string>> = {
  'dvc.yaml': 'stages:\n  say: {cmd: python3 say.py, deps: [say.py], outs: [out/said]}\n',
  'say.py': "import tool\nopen('out/said', 'w').write(tool.word)\n",
  '.gitignore': '/out\n',
}
const settings = (more: string): string =>
  `assay: 1\nenvironments:\n  locked: {python: {lock: requirements.lock${more}}}\ndefaults: {environment: locked}\n`

/** A project whose lock pins one source distribution; assay.yaml says `more` of it. */
async function withSource(context: TestContext, bytes: Buffer, more: string, lock = ''): Promise<OfflineProject> {
  const project = offline(context, stage)
  mkdirSync(project.wheels, { recursive: true })
  writeFileSync(join(project.wheels, 'tool-1.0.tar.gz'), bytes)
  const hex = createHash('sha256').update(bytes).digest('hex')
  project.write({ 'requirements.lock': `tool==1.0 --hash=sha256:${hex}\n${lock}` })
  project.commit()
  await project.json(0, 'init', '--yes')
  project.write({ 'assay.yaml': settings(more) })
  project.commit()
  return project
}

const right = 'return write_wheel(folder, "word = \'built\'\\n")'
const plain = sourceOf({ project: 'tool', backend: right })

test('a source distribution is refused until assay.yaml names it, then built once, and evidence says from what', async (context) => {
  const project = await withSource(context, plain, '')
  const refused = await project.json(1, 'run')
  assert.equal(refused.error.code, 'ERR_ENV_SOURCE_DIST')
  assert.match(refused.error.help, /sdists: \[tool\], buildLock: /)

  project.write({ 'assay.yaml': settings(', sdists: [Tool]') })
  project.commit()
  await project.json(0, 'run')
  assert.equal(project.read('out/said'), 'built')
  assert.equal((await project.json(0, 'verify')).properties.locked, true)
  assert.equal((await project.json(0, 'run')).stages[0].status, 'cached')
  const evidence = await project.json(0, 'attest', 'show', 'out/said')
  const text = JSON.stringify(evidence)
  assert.match(
    text,
    /tool-1\.0\.tar\.gz sha256:[0-9a-f]{64} built by own in sha256:[0-9a-f]{64}, without network, to tool-1\.0-py3-none-any\.whl sha256:[0-9a-f]{64}/,
  )
  const [again] = (await project.json(0, 'env', 'verify', '--rebuild')).environments
  assert.match(again.because, /the same when built again/)

  const builtFrom = ({ findings }: Document): Document =>
    findings.filter((one: Document) => one.check === 'built-from-source')
  assert.match(
    builtFrom(await project.json(0, 'verify'))[0].because,
    /was built from `tool-1\.0\.tar\.gz` in a sandbox/,
  )
  assert.equal((await project.json(0, 'attest', 'export', 'out/said', '--out', 'evidence')).builds, 2)
  const [name = ''] = readdirSync(join(project.root, 'evidence')).filter((each) => each.includes('.build'))
  const build = readFileSync(join(project.root, 'evidence', name))
  await project.json(0, 'verify', 'out/said', '--evidence', 'evidence')
  rmSync(join(project.root, 'evidence', name))
  const withheld = await project.json(1, 'verify', 'out/said', '--evidence', 'evidence')
  assert.equal(builtFrom(withheld)[0].code, 'ERR_EVIDENCE_MISSING')
  const hex = createHash('sha256').update(build).digest('hex')
  rmSync(join(project.root, `.assay/attestations/${hex}.sigstore.json`))
  assert.equal((await project.json(1, 'verify')).trusted, false)
  await project.json(0, 'run', '--force')
  await project.json(0, 'verify')
  await project.json(0, 'reproduce', 'out/said')
  assert.equal((await project.json(0, 'verify')).properties.reproduced, true)
})

test('the statement of a build travels with what was made: a clone that pulled verifies', async (context) => {
  const project = await withSource(context, plain, ', sdists: [tool]')
  project.write({ 'assay.yaml': `${settings(', sdists: [tool]')}remotes: {team: {url: ../store}}\n` })
  project.commit()
  await project.json(0, 'run')
  project.commit('what the run made')
  await project.json(0, 'push')
  const clone = cloneOf(project)
  await clone.json(0, 'pull')
  const { findings } = await clone.json(0, 'verify', 'out/said')
  const built = findings.find(({ check }: Document) => check === 'built-from-source')
  assert.match(built.because, /was built from `tool-1\.0\.tar\.gz` in a sandbox/)
})

test('a build that gives other bytes each time is told by name', async (context) => {
  const moody = sourceOf({
    project: 'tool',
    backend: 'import time\nreturn write_wheel(folder, "word = \'%d\'\\n" % time.time_ns())',
  })
  const project = await withSource(context, moody, ', sdists: [tool]')
  await project.json(0, 'env', 'build')
  const [again] = (await project.json(1, 'env', 'verify', '--rebuild')).environments
  assert.match(again.because, /the source of `tool` gives another wheel: sha256:\w{64} before, sha256:\w{64} now/)
  assert.equal((await project.json(0, 'env', 'verify')).environments[0].state, 'right', 'what was built once is kept')
})

test('what a build needs comes from a lock of its own, and is named when it is not in it', async (context) => {
  const needing = (asks: readonly string[]): Buffer =>
    sourceOf({
      project: 'tool',
      requires: ['helper>=2; python_version >= "3"', 'never; sys_platform == "win32"'],
      asks,
      backend: 'import helper\nreturn write_wheel(folder, "word = \'%s\'\\n" % helper.word)',
    })
  const project = await withSource(context, needing([]), ', sdists: [tool], buildLock: requirements-build.lock')
  const helper = (version: string): string => {
    const files = [{ name: 'helper.py', content: `word = 'by ${version}'\n` }]
    const [named] = wheelsIn(project.wheels, [{ project: 'helper', version, files }])
    return `helper==${version} --hash=sha256:${named?.hex}\n`
  }
  project.write({ 'requirements-build.lock': helper('1.0') })
  project.commit()
  const refused = await project.json(1, 'run')
  assert.equal(refused.error.code, 'ERR_ENV_SOURCE_DIST')
  assert.match(refused.error.message, /needs `helper>=2[^`]*`, which `requirements-build\.lock` does not pin/)
  project.write({ 'requirements-build.lock': helper('2.0') })
  project.commit()
  await project.json(0, 'run')
  assert.equal(project.read('out/said'), 'by 2.0')
  const [shown] = (await project.json(0, 'env', 'show', 'locked')).environments
  assert.deepEqual(
    shown.packages.map(({ name }: Document) => name),
    ['tool'],
    'what built it is not there when a stage runs',
  )
})

test('a package without a wheel is locked by its name, and is not built to learn what it needs', async (context) => {
  const project = scratch(context, { ...stage, 'requirements.txt': 'tool\n' })
  const links = join(project.root, '../links')
  const owned = join(project.root, '../owned')
  mkdirSync(links)
  const bytes = sourceOf({ project: 'tool', backend: `open(${JSON.stringify(owned)}, "w").write("x")\n${right}` }, [
    { name: '~/PKG-INFO', content: 'Metadata-Version: 2.1\nName: tool\nVersion: 1.0\n' },
  ])
  writeFileSync(join(links, 'tool-1.0.tar.gz'), bytes)
  project.commit()
  await project.json(0, 'init', '--yes')
  const environment = { ...scratchEnvironment(project.keys), PIP_FIND_LINKS: links }
  const locked = async (...options: readonly string[]): Promise<Document> =>
    JSON.parse((await runAssay(['env', 'lock', '--json', ...options], project.root, environment)).stdout)
  const refused = await locked()
  assert.equal(refused.error.code, 'ERR_ENV_SOURCE_DIST')
  assert.match(refused.error.help, /env lock --sdist/)
  const done = await locked('--sdist', 'tool', '--yes')
  assert.equal(done.error, undefined, done.error?.message)
  assert.deepEqual(done.written, ['requirements.lock', 'assay.yaml'])
  assert.match(project.read('assay.yaml'), /\{lock: requirements\.lock, sdists: \[tool\]\}/)
  const hex = createHash('sha256').update(bytes).digest('hex')
  assert.ok(project.read('requirements.lock').includes(`--hash=sha256:${hex}`))
  assert.equal(existsSync(owned), false, 'nothing of it has run')
})
