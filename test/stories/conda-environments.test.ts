/** Goal: a stage runs in what conda locked, without conda, and its evidence names each package. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type TestContext, test } from 'node:test'
import { condaOf, placeholder } from '../../src/compute/environment/testing.archives.ts'
import { runAssay, scratch, scratchEnvironment } from '../support/scratch.ts'

const platform = process.arch === 'arm64' ? 'linux-aarch64' : 'linux-64'

test('a stage runs with the packages of a conda-lock.yml or an explicit list, at the place that they are linked for', async (context) => {
  const bytes = condaOf({
    name: 'word',
    files: [
      { path: 'bin/word', content: `#!/bin/sh\ncat ${placeholder}/share/word\n`, mode: 0o755, prefix: 'text' },
      { path: 'share/word', content: 'by conda' },
      { path: 'etc/conda/activate.d/word.sh', content: 'exit 1' },
    ],
  })
  const server = createServer((_, response) => response.end(bytes))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  context.after(() => server.close())
  const { port } = server.address() as AddressInfo // a TCP server's address has this shape
  const url = `http://127.0.0.1:${port}/channel/${platform}/word-1.0-0.conda`
  const sha256 = createHash('sha256').update(bytes).digest('hex')
  const md5 = createHash('md5').update(bytes).digest('hex')
  const settings = (lock: string): string =>
    `assay: 1\nenvironments:\n  lab: {conda: {lock: ${lock}}}\ndefaults: {environment: lab}\n`
  const project = scratch(context, {
    'dvc.yaml': 'stages:\n  say: {cmd: word > out/said && echo $CONDA_PREFIX, deps: [say.txt], outs: [out/said]}\n',
    'conda-lock.yml': `version: 1\nmetadata: {platforms: [${platform}]}\npackage:\n- name: word\n  version: '1.0'\n  manager: conda\n  platform: ${platform}\n  dependencies: {}\n  url: ${url}\n  hash: {md5: ${md5}, sha256: ${sha256}}\n  category: main\n  optional: false\n`,
    'explicit.txt': `# platform: ${platform}\n@EXPLICIT\n${url}#${sha256}\n`,
    'weak.txt': `@EXPLICIT\n${url}#${md5}\n`,
    'say.txt': 'x',
    'assay.yaml': settings('conda-lock.yml'),
    '.gitignore': '/out\n',
  })
  project.commit()
  await project.json(0, 'init', '--yes')
  project.commit()
  await project.json(0, 'run')
  assert.equal(project.read('out/said'), 'by conda')
  assert.equal((await project.json(0, 'verify')).properties.locked, true)
  assert.match(JSON.stringify(await project.json(0, 'attest', 'show', 'out/said')), /word-1\.0-0\.conda/)
  const [again] = (await project.json(0, 'env', 'verify', '--rebuild')).environments
  assert.equal(again.state, 'right')

  project.write({ 'assay.yaml': settings('explicit.txt') })
  project.commit()
  const [built] = (await project.json(0, 'env', 'build')).environments
  assert.equal(built.tree, again.tree, 'another lock of the same packages gives the same tree')
  assert.deepEqual(built.warnings, ['word: `etc/conda/activate.d/word.sh` is not run: nothing activates'])

  project.write({ 'assay.yaml': settings('weak.txt') })
  project.commit()
  const refused = await project.json(1, 'run')
  assert.equal(refused.error.code, 'ERR_ENV_HASH_MISSING')
  assert.match(refused.error.help, /conda list --explicit --sha256/)
})

const word = (version: string): Buffer =>
  condaOf({
    name: 'word',
    version,
    files: [{ path: 'bin/word', content: `#!/bin/sh\necho ${version}\n`, mode: 0o755 }],
  })

/** A channel of conda on loopback: real packages, and the list of them. */
async function channel(
  context: TestContext,
  versions: readonly string[],
): Promise<Readonly<{ address: string; had: Map<string, Buffer> }>> {
  const had = new Map(versions.map((version) => [`word-${version}-0.conda`, word(version)]))
  const list = (): string => {
    const records = [...had].map(([fileName, bytes]) => {
      const [name, version] = fileName.split('-')
      const sha256 = createHash('sha256').update(bytes).digest('hex')
      const record = { name, version, build: '0', build_number: 0, depends: ['__glibc >=2.17'], subdir: platform }
      return [fileName, { ...record, sha256, size: bytes.length }] as const
    })
    return JSON.stringify({ info: { subdir: platform }, packages: {}, 'packages.conda': Object.fromEntries(records) })
  }
  const server = createServer((request, response) => {
    const [, folder, fileName = ''] = /^\/lab\/([^/]+)\/([^/]+)$/.exec(request.url ?? '') ?? []
    const bytes = folder === platform ? had.get(fileName) : undefined
    if (fileName === 'repodata.json') return response.end(folder === platform ? list() : '{"info":{},"packages":{}}')
    if (bytes !== undefined) return response.end(bytes)
    response.statusCode = 404
    return response.end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  context.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return { address: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, had } // a TCP server's address has this shape
}

test('an environment.yml is locked in one step, run, kept at its versions, and mirrored without naming the mirror', async (context) => {
  const { address, had } = await channel(context, ['1.0', '1.5', '2.0'])
  const asks = (dependencies: string, where = `${address}/lab`): string =>
    `channels: [${where}]\ndependencies: [${dependencies}]\n`
  const project = scratch(context, {
    'dvc.yaml': 'stages:\n  say: {cmd: word > out/said, outs: [out/said]}\n',
    'environment.yml': asks('word<2, {pip: [six]}'),
    '.gitignore': '/out\n',
  })
  project.commit()
  await project.json(0, 'init', '--yes')
  const lock = `conda-${platform}.lock`
  const made = await project.json(0, 'env', 'lock', '--yes')
  assert.deepEqual([made.lock, made.packages, made.written], [lock, 1, [lock, 'assay.yaml']])
  assert.match(made.notes.join(), /NOT LOCKED, the part `pip:` of environment\.yml \(six\)/)
  assert.match(
    project.read(lock),
    new RegExp(`\n@EXPLICIT\n${address}/lab/${platform}/word-1\\.5-0\\.conda#[0-9a-f]{64}\n$`),
  )
  project.commit()
  await project.json(0, 'run')
  assert.equal(project.read('out/said'), '1.5\n')

  had.set('word-1.6-0.conda', word('1.6'))
  assert.deepEqual((await project.json(0, 'env', 'lock')).written, [], 'a version that is locked stays')
  await project.json(0, 'env', 'lock', '--upgrade')
  assert.match(project.read(lock), /word-1\.6-0/)

  const refusals = [
    [asks('word>=3'), 1, 'ERR_ENV_RESOLVE', /word >=3/],
    [asks('word', 'http://127.0.0.1:9/lab'), 4, 'ERR_ENV_FETCH', /127\.0\.0\.1:9/],
  ] as const
  for (const [text, exit, code, because] of refusals) {
    project.write({ 'environment.yml': text })
    const { error } = await project.json(exit, 'env', 'lock')
    assert.equal(error.code, code)
    assert.match(error.message, because)
  }

  project.write({ 'environment.yml': asks('lab::word=1.0', 'lab') })
  const environment = { ...scratchEnvironment(project.keys), CONDA_CHANNEL_ALIAS: address }
  const mirrored = await runAssay(['env', 'lock', '--out', 'mirrored.lock'], project.root, environment)
  assert.equal(mirrored.code, 0, mirrored.stderr)
  assert.match(project.read('mirrored.lock'), /\nhttps:\/\/conda\.anaconda\.org\/lab\/.*word-1\.0-0\.conda#/)
})
