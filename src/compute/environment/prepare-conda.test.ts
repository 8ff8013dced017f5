/**
 * Packages of conda, made here by the format's specification: how they are linked, and which are refused. Threat:
 * supply-chain compromise. No channel is asked: an index of this test's own stands for it, on loopback.
 */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, lstatSync, readFileSync, readlinkSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { isDomainError } from '../../core/index.ts'
import { runInBox } from '../bubblewrap/index.ts'
import type { Environment } from '../environment.ts'
import { withPrefix } from './conda-paths.ts'
import { prepareEnvironment } from './prepare.ts'
import { type CondaToWrite, condaOf, oldCondaOf, paxOf, placeholder, tarOf } from './testing.archives.ts'
import { requestFor, scratchFolder, treeOf } from './testing.exec.ts'

const platform = process.arch === 'arm64' ? 'linux-aarch64' : 'linux-64'
const nameOf = ({ name, version = '1.0', build = '0' }: CondaToWrite): string => `${name}-${version}-${build}`

type Served = Readonly<{ fileName: string; bytes: Buffer }>

/** An environment of these files, from a channel on loopback. */
async function install(context: TestContext, files: readonly Served[], query = ''): Promise<Environment> {
  const byName = new Map(files.map(({ fileName, bytes }) => [`/${platform}/${fileName}`, bytes]))
  const server = createServer((request, response) => response.end(byName.get(request.url?.replace(query, '') ?? '')))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  context.after(() => server.close())
  const { port } = server.address() as AddressInfo // a TCP server's address has this shape
  const lines = files.map(({ fileName, bytes }) => {
    const hex = createHash('sha256').update(bytes).digest('hex')
    return `http://127.0.0.1:${port}/${platform}/${fileName}${query}#${hex}`
  })
  const lockBytes = Buffer.from(['@EXPLICIT', ...lines].join('\n'))
  const definition = { kind: 'conda' as const, lock: 'conda-linux-64.lock', lockBytes }
  return prepareEnvironment(requestFor(scratchFolder(context), definition, { runInBox }))
}

const served = (one: CondaToWrite): Served => ({ fileName: `${nameOf(one)}.conda`, bytes: condaOf(one) })
const script = `#!${placeholder}/bin/python\n# ${placeholder}\n`
const binary = Buffer.concat([
  Buffer.from(`\0${placeholder}/lib:${placeholder}/share\0next\0`),
  Buffer.from(`no end ${placeholder}`),
])

const tool: CondaToWrite = {
  name: 'a-tool',
  files: [
    { path: 'bin/tool', content: script, mode: 0o755, prefix: 'text' },
    { path: 'lib/libtool.so.1', content: binary, prefix: 'binary' },
    { path: 'lib/libtool.so', link: 'libtool.so.1' },
    { path: 'share/plain', content: placeholder },
    { path: 'share/again', hardLink: 'share/plain', content: placeholder },
    { path: 'lib/python3.11/__pycache__/x.cpython-311.pyc', content: 'bytecode of somebody' },
    { path: 'bin/.a-tool-post-link.sh', content: 'touch /owned', mode: 0o755 },
  ],
}

test('a package is linked as conda links it: its place in text and binaries, links, modes; no script is run', async (context) => {
  const environment = await install(context, [served(tool)])
  const tree = treeOf(environment)
  assert.equal(readFileSync(join(tree, 'bin/tool'), 'utf8'), '#!/env/bin/python\n# /env\n')
  assert.equal(lstatSync(join(tree, 'bin/tool')).mode & 0o777, 0o555)
  const linked = readFileSync(join(tree, 'lib/libtool.so.1'))
  assert.equal(linked.length, binary.length, 'a binary keeps its length')
  assert.equal(linked.toString('latin1').replaceAll(/\0+/g, '|'), `|/env/lib:/env/share|next|no end ${placeholder}`)
  assert.equal(readlinkSync(join(tree, 'lib/libtool.so')), 'libtool.so.1')
  assert.equal(readFileSync(join(tree, 'share/plain'), 'utf8'), placeholder, 'what is not listed as built for it stays')
  assert.equal(readFileSync(join(tree, 'share/again'), 'utf8'), placeholder)
  assert.equal(existsSync(join(tree, 'lib/python3.11/__pycache__')), false)
  assert.equal(existsSync(join(tree, 'conda-meta/a-tool-1.0-0.json')), true)
  assert.deepEqual(environment.warnings, ['a-tool: `bin/.a-tool-post-link.sh` is not run'])
  assert.deepEqual(
    environment.packages.map(({ name, version }) => `${name} ${version}`),
    ['a-tool 1.0'],
  )
  assert.equal(await environment.isUnchanged?.(), true)
})

test('the older kind of package gives the same tree, also with the lists of before 2017', async (context) => {
  if (!existsSync('/usr/bin/bzip2')) return context.skip('this machine has no bzip2')
  const old = (one: CondaToWrite): Served => ({
    fileName: `${nameOf(one)}.tar.bz2`,
    bytes: execFileSync('/usr/bin/bzip2', ['-c'], { input: oldCondaOf(one) }),
  })
  const lists = {
    'paths.json': undefined,
    files: tool.files.map(({ path }) => `${path}\n`).join(''),
    has_prefix: `${placeholder} text bin/tool\n${placeholder} binary "lib/libtool.so.1"\n`,
  }
  const treeFact = async (files: readonly Served[]): Promise<string | undefined> =>
    (await install(context, files)).facts.find(({ name }) => name === 'tree')?.value
  const expected = await treeFact([served(tool)])
  assert.equal(await treeFact([old(tool)]), expected)
  assert.equal(await treeFact([old({ ...tool, info: lists })]), expected)
  await assert.rejects(install(context, [{ ...old(tool), bytes: Buffer.from('not bzip2') }]), (error) =>
    isDomainError(error, 'ERR_ENV_PACKAGE_REFUSED'),
  )
})

test('a package for any Python goes where that Python looks, with its commands', async (context) => {
  const python: CondaToWrite = {
    name: 'python',
    version: '3.11.9',
    files: [{ path: 'bin/python3.11', content: '#!/bin/sh\nexec /usr/bin/python3 "$@"\n', mode: 0o755 }],
  }
  const any: CondaToWrite = {
    name: 'word',
    files: [
      { path: 'site-packages/word.py', content: 'def say():\n    print("word")\n' },
      { path: 'python-scripts/word-script', content: `#!${placeholder}/bin/python\n`, prefix: 'text', mode: 0o755 },
    ],
    entryPoints: ['word = word:say'],
  }
  const tree = treeOf(await install(context, [served(python), served(any)]))
  assert.equal(existsSync(join(tree, 'lib/python3.11/site-packages/word.py')), true)
  assert.equal(readFileSync(join(tree, 'bin/word-script'), 'utf8'), '#!/env/bin/python\n')
  assert.match(readFileSync(join(tree, 'bin/word'), 'utf8'), /^#!\/env\/bin\/python\n[\s\S]*from word import say/)
  if (existsSync('/usr/bin/python3')) {
    assert.equal(existsSync(join(tree, 'lib/python3.11/site-packages/__pycache__/word.cpython-311.pyc')), true)
  }
  await assert.rejects(install(context, [served(any)]), (error) => isDomainError(error, 'ERR_ENV_PACKAGE_REFUSED'))
})

test('what an address asks with is not told in evidence', async (context) => {
  const { materials } = await install(context, [served(tool)], '?token=secret')
  assert.match(materials[1]?.uri ?? '', /\/a-tool-1\.0-0\.conda$/)
})

test('hundreds of thousands of places in one binary are replaced, each string as long as before', () => {
  const from = '/opt/built'
  const strings = (place: string): Buffer =>
    Buffer.from(`${place}/x${'\0'.repeat(from.length - place.length + 1)}`.repeat(300_000))
  const file = { prefix: { placeholder: from, mode: 'binary' as const } }
  assert.ok(withPrefix(strings(from), file).equals(strings('/env')))
  assert.equal(
    withPrefix(Buffer.from(`a ${from} b ${from}`), { prefix: { ...file.prefix, mode: 'text' } }).toString(),
    'a /env b /env',
  )
})

const hostile: readonly (readonly [name: string, package_: CondaToWrite, because: RegExp])[] = [
  ['that climbs out', { name: 'x', files: [{ path: '../../owned', content: 'x' }] }, /a name that is not a name/],
  [
    'with an absolute name',
    { name: 'x', files: [{ path: '/etc/owned', content: 'x' }] },
    /a name that is not a name|not a name/,
  ],
  [
    'with a link out of the environment',
    { name: 'x', files: [{ path: 'l', link: '../../etc' }] },
    /leads out of the environment/,
  ],
  [
    'with a link to an absolute place',
    { name: 'x', files: [{ path: 'l', link: '/etc' }] },
    /leads out of the environment/,
  ],
  [
    'that writes through its own link',
    {
      name: 'x',
      files: [
        { path: 'l', link: 'lib' },
        { path: 'l/owned', content: 'x' },
      ],
    },
    /as a folder, which is a file/,
  ],
  [
    'with a hard link to what is not its own',
    { name: 'x', files: [{ path: 'h', hardLink: '/etc/passwd' }] },
    /a link to what is no file of it/,
  ],
  [
    'with other bytes than it lists',
    { name: 'x', files: [{ path: 'f', content: 'x', sha256: '0'.repeat(64) }] },
    /other bytes than it lists/,
  ],
  [
    'that lacks what it lists',
    {
      name: 'x',
      files: [],
      info: { 'paths.json': JSON.stringify({ paths_version: 1, paths: [{ _path: 'f', path_type: 'hardlink' }] }) },
    },
    /lists `f`, which it does not have/,
  ],
  [
    'that is another one',
    { name: 'x', files: [], info: { 'index.json': JSON.stringify({ name: 'y', version: '1.0', build: '0' }) } },
    /says that it is `y-1\.0-0`/,
  ],
  [
    'with two readings of its index',
    { name: 'x', files: [], info: { 'index.json': '{"name":"x","name":"y","version":"1.0","build":"0"}' } },
    /that is not one/,
  ],
  ['without lists', { name: 'x', files: [], info: { 'paths.json': undefined } }, /neither info\/paths\.json nor/],
  ['with an entry point that is code', { name: 'x', files: [], entryPoints: ['x = os:system("x")'] }, /not plain/],
  [
    'with a placeholder of one letter',
    {
      name: 'x',
      files: [],
      info: {
        'paths.json': JSON.stringify({
          paths_version: 1,
          paths: [{ _path: 'f', path_type: 'hardlink', prefix_placeholder: '/' }],
        }),
      },
    },
    /a place it was built for/,
  ],
  ['with a device', { name: 'x', files: [], more: [{ name: 'd', type: '3' }] }, /a device/],
  [
    'with a file behind the end of its archive',
    { name: 'x', files: [], behind: tarOf([{ name: 'f', content: 'x' }]) },
    /bytes behind the end/,
  ],
  [
    'with a link that has bytes',
    { name: 'x', files: [], more: [{ name: 'l', type: '2', link: 'f', content: 'x' }] },
    /has bytes/,
  ],
  [
    'with a header for all',
    { name: 'x', files: [], more: [{ name: 'g', type: 'g', content: paxOf('path=y') }] },
    /for all/,
  ],
  [
    'with a wrong checksum in its zip',
    { name: 'x', files: [{ path: 'f', content: 'x' }], crc: 1 },
    /has other bytes than|CRC|checksum/,
  ],
  ['with a set-uid file', { name: 'x', files: [{ path: 'f', content: 'x', mode: 0o4755 }] }, /set-uid/],
  [
    'with a bomb',
    { name: 'x', files: [{ path: 'f', content: Buffer.alloc(300 * 1024 * 1024) }] },
    /the limit for its size/,
  ],
]

for (const [name, package_, because] of hostile) {
  test(`refuses a package of conda ${name}`, async (context) => {
    await assert.rejects(
      install(context, [served(package_)]),
      (error) => isDomainError(error, 'ERR_ENV_PACKAGE_REFUSED') && because.test(error.message),
    )
  })
}

test('two packages may bring one path with equal bytes, and not with others', async (context) => {
  const one = (name: string, content: string): Served => served({ name, files: [{ path: 'lib/same', content }] })
  await install(context, [one('x', 'a'), one('y', 'a')])
  await assert.rejects(
    install(context, [one('x', 'a'), one('y', 'b')]),
    (error) => isDomainError(error, 'ERR_ENV_PACKAGE_REFUSED') && /with other bytes/.test(error.message),
  )
})
