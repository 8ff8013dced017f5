/** Goal: a stage in JavaScript runs with the packages that npm locked, and nothing else, and its evidence names each. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { tarGzOf } from '../../src/compute/environment/testing.archives.ts'
import { scratch } from '../support/scratch.ts'

const word = (version: string): Buffer =>
  tarGzOf([
    {
      name: 'package/package.json',
      content: JSON.stringify({ name: 'word', version, bin: 'cli.js', scripts: { install: 'exit 1' } }),
    },
    { name: 'package/index.js', content: `module.exports = 'word ${version}'\n` },
    { name: 'package/cli.js', content: "#!/usr/bin/env node\nconsole.log(require('./index.js'))\n" },
  ])

test('a stage runs with the packages of package-lock.json, offline, and says with which', async (context) => {
  let asked = 0
  const server = createServer((request, response) => {
    asked += 1
    response.end(word(/(\d\.\d\.\d)\.tgz$/.exec(request.url ?? '')?.[1] ?? ''))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  context.after(() => server.close())
  const { port } = server.address() as AddressInfo // a TCP server's address has this shape
  const entry = (version: string): Readonly<Record<string, string>> => ({
    version,
    resolved: `http://127.0.0.1:${port}/word/-/word-${version}.tgz`,
    integrity: `sha512-${createHash('sha512').update(word(version)).digest('base64')}`,
  })
  const lock = (version: string): string =>
    JSON.stringify({ lockfileVersion: 3, packages: { '': {}, 'node_modules/word': entry(version) } })
  const project = scratch(context, {
    'dvc.yaml': 'stages:\n  say: {cmd: word > out/said && node say.mjs, deps: [say.mjs], outs: [out/said]}\n',
    'say.mjs': "import { appendFileSync } from 'node:fs'\nimport word from 'word'\nappendFileSync('out/said', word)\n",
    'package-lock.json': lock('1.0.0'),
    'assay.yaml': `assay: 1\nenvironments:\n  web: {node: {lock: package-lock.json, interpreter: ${process.execPath}}}\ndefaults: {environment: web}\n`,
    '.gitignore': '/out\n',
  })
  project.commit()
  await project.json(0, 'init', '--yes')
  project.commit()
  await project.json(0, 'run')
  assert.equal(project.read('out/said'), 'word 1.0.0\nword 1.0.0')
  assert.equal((await project.json(0, 'verify')).properties.locked, true)
  const evidence = JSON.stringify(await project.json(0, 'attest', 'show', 'out/said'))
  assert.match(evidence, /environment\/node\/version/)
  assert.match(evidence, /word-1\.0\.0\.tgz/)
  assert.equal((await project.json(0, 'run')).stages[0].status, 'cached')
  assert.equal(asked, 1, 'fetched once')

  const [same] = (await project.json(0, 'env', 'verify', '--rebuild')).environments
  assert.equal(same.state, 'right')
  assert.equal(asked, 1, 'from the store')
  project.write({ 'package-lock.json': lock('2.0.0'), 'npm-shrinkwrap.json': lock('1.0.0') })
  assert.deepEqual((await project.json(0, 'env', 'diff', 'npm-shrinkwrap.json', 'web')).changes, [
    { name: 'word', change: 'version', before: '1.0.0', after: '2.0.0' },
  ])
  const ready = await project.json(0, 'env', 'lock')
  assert.deepEqual([ready.source, ready.environment, ready.packages], ['package-lock.json', 'web', 1])
  project.commit()
  await project.json(0, 'run')
  assert.equal(project.read('out/said'), 'word 2.0.0\nword 2.0.0')

  project.write({ 'package-lock.json': lock('2.0.0').replace(/sha512-[^"]*/, 'sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk=') })
  project.commit()
  const refused = await project.json(1, 'run')
  assert.equal(refused.error.code, 'ERR_ENV_HASH_MISSING')
})

test('a workspace is imported by its name, from the commit, and a change of it makes the stage run again', async (context) => {
  const packages = {
    '': { name: 'root', workspaces: ['packages/*'] },
    'packages/own': { name: '@lab/own', version: '1.0.0' },
    'node_modules/@lab/own': { resolved: 'packages/own', link: true },
  }
  const project = scratch(context, {
    'dvc.yaml': 'stages:\n  say: {cmd: node say.cjs, outs: [out/said]}\n',
    'say.cjs': "require('fs').writeFileSync('out/said', require('@lab/own'))\n",
    'packages/own/package.json': '{"name": "@lab/own", "version": "1.0.0", "main": "main.js"}\n',
    'packages/own/main.js': "module.exports = 'one'\n",
    'package-lock.json': JSON.stringify({ lockfileVersion: 3, packages }),
    'assay.yaml': `assay: 1\nenvironments:\n  web: {node: {lock: package-lock.json, interpreter: ${process.execPath}}}\ndefaults: {environment: web}\n`,
    '.gitignore': '/out\n',
  })
  project.commit()
  await project.json(0, 'init', '--yes')
  project.commit()
  await project.json(0, 'run')
  assert.equal(project.read('out/said'), 'one')
  assert.match(JSON.stringify(await project.json(0, 'attest', 'show', 'out/said')), /packages\/own\/main\.js/)
  project.write({ 'packages/own/main.js': "module.exports = 'two'\n" })
  project.commit()
  await project.json(0, 'run')
  assert.equal(project.read('out/said'), 'two')
})
