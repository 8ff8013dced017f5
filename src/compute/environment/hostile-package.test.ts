/** Tarballs of npm that lie, with the bytes that the lock pins. Threat: supply-chain compromise. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { existsSync, lstatSync, mkdtempSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, type TestContext, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { isDomainError } from '../../core/index.ts'
import { openStatCache } from '../../data/index.ts'
import type { Environment } from '../environment.ts'
import { inspectEnvironmentTree } from './inspect.ts'
import { prepareEnvironment } from './prepare.ts'
import type { NodeRequest } from './prepare-node.fs.ts'
import type { EnvironmentRequest } from './request.ts'
import { paxOf, type TarMember, tarGzOf, tarOf } from './testing.archives.ts'
import { requestFor, scratchFolder } from './testing.exec.ts'

const settings = (more: Readonly<Record<string, unknown>> = {}): TarMember => ({
  name: 'package/package.json',
  content: JSON.stringify({ name: 'tool', version: '1.0.0', ...more }),
})
const pax = (pair: string): TarMember => ({ name: 'PaxHeader', type: 'x', content: paxOf(pair) })
const longName = (name: string): TarMember => ({ name: '././@LongLink', type: 'L', content: `${name}\0` })
const code: TarMember = { name: 'package/index.js', content: 'module.exports = 1\n' }

/** The digest of the Node.js that runs this, 100 MB, and what it says of itself: asked once. */
const known = mkdtempSync(join(tmpdir(), 'assay-known-'))
const memory = openStatCache(known, Buffer.from('seal'))
after(() => {
  memory[Symbol.dispose]()
  rmSync(known, { recursive: true, force: true })
})

type Served = Readonly<{ archive?: Buffer; integrity?: string; entry?: Readonly<Record<string, unknown>> }>

/** An environment of one package, from a registry on loopback. */
async function install(
  context: TestContext,
  archive: Buffer,
  served: Served = {},
  given: Partial<EnvironmentRequest> = {},
): Promise<Environment> {
  return prepareEnvironment(await requestOf(context, archive, served, given))
}

async function requestOf(
  context: TestContext,
  archive: Buffer,
  { archive: answered = archive, integrity, entry = {} }: Served = {},
  given: Partial<EnvironmentRequest> = {},
): Promise<NodeRequest> {
  const server = createServer((_, response) => response.end(answered))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  context.after(() => server.close())
  const { port } = server.address() as AddressInfo // a TCP server's address has this shape
  const pinned = integrity ?? `sha512-${createHash('sha512').update(archive).digest('base64')}`
  const url = `http://127.0.0.1:${port}/tool-1.0.0.tgz`
  const packages = { 'node_modules/tool': { version: '1.0.0', resolved: url, integrity: pinned, ...entry } }
  const lockBytes = Buffer.from(JSON.stringify({ lockfileVersion: 3, packages }))
  const definition = { kind: 'node' as const, lock: 'package-lock.json', lockBytes, interpreter: process.execPath }
  return { ...requestFor(scratchFolder(context), definition, { memory, ...given }), definition }
}

function treeOf({ mounts }: Environment): string {
  return mounts.find(({ target }) => target === '/node_modules')?.source ?? ''
}

test('a package is unpacked as npm would: files, modes, commands, nothing run', async (context) => {
  const archive = tarGzOf([
    { name: 'pax_global_header', type: 'g', content: paxOf('comment=of git archive') },
    // bits of a capability that read as the end of a line, and hold no record
    { name: 'PaxHeader', type: 'x', content: paxOf('SCHILY.xattr.security.capability=\x01\0\0\x02\n\0\0\0') },
    { name: 'package/', type: '5', mode: 0o755 },
    settings({
      bin: { tool: './cli.js', sh: 'cli.js', gone: 'gone.js', '../../up': 'cli.js', node: 'cli.js' },
      scripts: { install: 'touch owned' },
    }),
    code,
    { name: 'PaxHeader', type: 'x', content: paxOf('size=20') }, // as node-tar writes it
    { name: 'package/cli.js', content: '#!/usr/bin/env node\n' },
    { name: '././@LongLink', type: 'L', content: 'package/test/node_modules/fixture/x.js\0' }, // as GNU tar writes it
    { name: 'package/test/node_modules/fix', content: '1' },
  ])
  const environment = await install(context, archive, { entry: { hasInstallScript: true } })
  const tree = treeOf(environment)
  assert.equal(readFileSync(join(tree, 'tool/index.js'), 'utf8'), code.content)
  assert.equal(lstatSync(join(tree, 'tool/cli.js')).mode & 0o777, 0o555)
  assert.equal(lstatSync(join(tree, 'tool/index.js')).mode & 0o777, 0o444)
  assert.equal(readlinkSync(join(tree, '.bin/tool')), '../tool/cli.js')
  assert.equal(existsSync(join(tree, '.bin/gone')), false)
  assert.equal(existsSync(join(tree, '.bin/node')), false)
  assert.deepEqual(environment.warnings, [
    'tool@1.0.0: the script `sh` shadows the command of the system',
    'tool@1.0.0: its command `node` is left out: stages run the one of `interpreter`',
    'tool: has an install script, which was not run',
  ])
  assert.deepEqual(
    environment.materials.map(({ name }) => name),
    ['package-lock.json', 'tool-1.0.0.tgz'],
  )
  assert.equal(environment.locked, true)
  assert.equal(await environment.isUnchanged?.(), true)
})

test('a package.json may begin with a byte order mark, as npm has it; a warning is under the seal of the tree', async (context) => {
  const { content, name } = settings({ bin: 'cli.js' })
  const marked = tarGzOf([
    { name, content: `\ufeff${content}` },
    { name: 'package/cli.js', content: '' },
  ])
  const seals = new Map<string, string>()
  const sealedTrees = {
    fact: (key: string) => seals.get(key),
    recordFact: (key: string, to: string) => void seals.set(key, to),
  }
  const request = await requestOf(context, marked, { entry: { hasInstallScript: true } }, { sealedTrees })
  const tree = treeOf(await prepareEnvironment(request))
  assert.equal(readlinkSync(join(tree, '.bin/tool')), '../tool/cli.js')

  const manifest = join(tree, '../manifest.json')
  assert.deepEqual((await inspectEnvironmentTree(request)).because, 'every byte of 2 files')
  writeFileSync(manifest, readFileSync(manifest, 'utf8').replace(/"warnings":\[.*?\]/, '"warnings":[]'))
  assert.equal((await inspectEnvironmentTree(request)).state, 'changed')
})

const hostile: readonly (readonly [name: string, archive: Buffer, because: RegExp])[] = [
  [
    'that climbs out',
    tarGzOf([settings(), { name: 'package/../../../owned', content: 'x' }]),
    /a name that is not a name/,
  ],
  [
    'with an absolute name',
    tarGzOf([settings(), { name: '/etc/owned', content: 'x' }]),
    /outside of its folder|not a name/,
  ],
  ['with a link', tarGzOf([settings(), { name: 'package/l', type: '2', link: '/etc' }]), /has a link/],
  [
    'with a hard link',
    tarGzOf([settings(), { name: 'package/l', type: '1', link: 'package/package.json' }]),
    /has a link/,
  ],
  ['with a device', tarGzOf([settings(), { name: 'package/d', type: '3' }]), /has a device/],
  ['with a fifo', tarGzOf([settings(), { name: 'package/f', type: '6' }]), /has a device/],
  ['with a set-uid file', tarGzOf([settings(), { ...code, mode: 0o4755 }]), /set-uid/],
  ['with two files of one name', tarGzOf([settings(), code, code]), /brings `tool\/index\.js`, which .* brings too/],
  [
    'with a file that is a folder too',
    tarGzOf([settings(), code, { name: 'package/index.js/x', content: '' }]),
    /as a folder, which is a file/,
  ],
  ['with two package.json', tarGzOf([settings(), settings({ name: 'other' })]), /two or too large package\.json/],
  ['with another name in it', tarGzOf([settings({ name: 'other' })]), /says that it is `other@1\.0\.0`/],
  ['with another version in it', tarGzOf([settings({ version: '2.0.0' })]), /says that it is `tool@2\.0\.0`/],
  [
    'with a package.json of two readings',
    tarGzOf([{ name: 'package/package.json', content: '{"name":"other","name":"tool","version":"1.0.0"}' }]),
    /not plain JSON/,
  ],
  ['without package.json', tarGzOf([code]), /has no package\.json/],
  [
    'with control characters in a name',
    tarGzOf([settings(), { name: 'package/a\u001b[2J', content: '' }]),
    /does not print/,
  ],
  ['with a wrong checksum', tarGzOf([settings(), { ...code, checksum: 1 }]), /not a plain tar archive/],
  [
    'that ends too early',
    gzipSync(tarOf([settings(), { ...code, size: 100_000 }])),
    /not a plain tar archive|in the middle/,
  ],
  [
    'with a file behind the end of its archive',
    gzipSync(Buffer.concat([tarOf([settings(), code]), tarOf([{ ...code, name: 'package/hidden.js' }])])),
    /bytes behind the end/,
  ],
  [
    'with a header that gives all files another name',
    tarGzOf([settings(), { name: 'g', type: 'g', content: paxOf('path=package/other.js') }, code]),
    /a header for all of its entries that changes them/,
  ],
  [
    'with a folder that has bytes',
    tarGzOf([settings(), { name: 'package/x/', type: '5', content: 'x' }]),
    /link or folder that has bytes/,
  ],
  [
    'with a file of two sizes',
    tarGzOf([settings(), { name: 'x', type: 'x', content: paxOf('size=512') }, { ...code, content: 'x' }]),
    /two sizes of one file/,
  ],
  [
    'with two long names of one file',
    tarGzOf([settings(), longName('package/other.js'), longName('package/index.js'), code]),
    /two headers of one entry/,
  ],
  [
    'with two pax headers of one file',
    tarGzOf([settings(), pax('path=package/other.js'), pax('comment=x'), code]),
    /two headers of one entry/,
  ],
  [
    'with a long name of each kind for one file',
    tarGzOf([settings(), longName('package/index.js'), pax('path=package/other.js'), code]),
    /two headers of one entry/,
  ],
  [
    'with a record in the value of another',
    tarGzOf([settings(), pax(`comment=x\n${paxOf('path=package/other.js').trimEnd()}`), code]),
    /a header of an entry that is read in two ways/,
  ],
  [
    'with records that are none',
    tarGzOf([settings(), { name: 'x', type: 'x', content: 'path=package/other.js\n' }, code]),
    /a header of an entry that is read in two ways/,
  ],
  [
    'with a file behind one block of zeros',
    gzipSync(Buffer.concat([tarOf([settings()]).subarray(0, -512), tarOf([code])])),
    /an entry behind a block of zeros/,
  ],
  ['that is no gzip', Buffer.from('not gzip'), /does not decompress/],
  [
    'that is a bomb',
    tarGzOf([settings(), { name: 'package/zeros', content: Buffer.alloc(300 * 1024 * 1024) }]),
    /the limit for its size/,
  ],
]

for (const [name, archive, because] of hostile) {
  test(`refuses a package ${name}`, async (context) => {
    await assert.rejects(
      install(context, archive),
      (error) => isDomainError(error, 'ERR_ENV_PACKAGE_REFUSED') && because.test(error.message),
    )
  })
}

test('refuses bytes that the lock does not pin, whichever algorithm it states', async (context) => {
  const honest = tarGzOf([settings(), code])
  const other = tarGzOf([settings(), { ...code, content: 'evil\n' }])
  for (const algorithm of ['sha512', 'sha384', 'sha256']) {
    const integrity = `${algorithm}-${createHash(algorithm).update(honest).digest('base64')}`
    await install(context, honest, { integrity })
    await assert.rejects(install(context, honest, { integrity, archive: other }), (error) =>
      isDomainError(error, 'ERR_ENV_HASH_MISMATCH'),
    )
  }
})
