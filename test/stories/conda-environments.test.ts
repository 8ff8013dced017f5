/** Goal: a stage runs in what conda locked, without conda, and its evidence names each package. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { condaOf, placeholder } from '../../src/compute/environment/testing.archives.ts'
import { scratch } from '../support/scratch.ts'

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
    'environment.yml': 'dependencies: [numpy, python=3.12]\n',
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
  const unresolved = await project.json(2, 'env', 'lock', '--from', 'environment.yml')
  assert.match(unresolved.error.help, /conda-lock -f environment\.yml/)
})
