import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isDomainError, sha256Of } from '../../core/index.ts'
import { describeSystem, diffSystems, parseSystem, printSystem, type SystemRecord } from './layer.ts'
import { isCoreLibrary, parseLibraryCache } from './library-cache.ts'
import { filesToRead, foldersToRead, localFolders, observeSystem } from './observe.fs.ts'
import { installedPackages } from './package-status.ts'

const digest = sha256Of('files')
const record: SystemRecord = {
  version: 1,
  architecture: 'x64',
  distribution: 'Debian GNU/Linux 12 (bookworm)',
  libc: 'glibc 2.36',
  interpreter: { 'python/version': '3.11.2' },
  packages: [{ name: 'bash:amd64', version: '5.2', digest }],
  files: { '/bin/sh': digest },
}

test('lists what is installed, with the last word on each package; what was removed is not there', () => {
  const stanza = (name: string, status: string, version: string): string =>
    `Package: ${name}\nStatus: install ok ${status}\nArchitecture: amd64\nMulti-Arch: same\nVersion: ${version}\nDescription: x\n Version: 9\n`
  const status = [
    stanza('bash', 'installed', '5.2'),
    stanza('gone', 'config-files', '1'),
    stanza('zip', 'installed', '3'),
  ]
  assert.deepEqual(installedPackages([status.join('\n'), stanza('bash', 'installed', '5.3')]), [
    { name: 'bash', architecture: 'amd64', version: '5.3' },
    { name: 'zip', architecture: 'amd64', version: '3' },
  ])
  const halfDone = ['unpacked', 'half-configured', 'half-installed', 'triggers-awaited', 'triggers-pending']
  assert.deepEqual(
    installedPackages(halfDone.map((state) => stanza(`p-${state}`, state, '1'))).map(({ name }) => name),
    halfDone.map((state) => `p-${state}`),
    'its files are on disk, set up or not',
  )
  assert.deepEqual(installedPackages([stanza('never', 'not-installed', ''), 'Package: nothing\nVersion: 1\n']), [])
  assert.deepEqual(installedPackages(['']), [])
})

/** Two entries of libc.so.6, for i386 and x86-64, and one whose offsets lie outside. */
function cacheOf(): Buffer {
  const strings = Buffer.from('libc.so.6\0/lib32/libc.so.6\0/lib/libc.so.6\0')
  const entries = Buffer.alloc(3 * 24)
  const start = 48 + entries.length
  for (const [index, [flags, name, path]] of [
    [0x0003, 0, 10],
    [0x0303, 0, 27],
    [0x0303, 9_999, 27],
  ].entries()) {
    entries.writeUInt32LE(flags ?? 0, index * 24)
    entries.writeUInt32LE(start + (name ?? 0), index * 24 + 4)
    entries.writeUInt32LE(start + (path ?? 0), index * 24 + 8)
  }
  const header = Buffer.alloc(48)
  header.write('glibc-ld.so.cache1.1', 'latin1')
  header.writeUInt32LE(3, 20)
  return Buffer.concat([header, entries, strings])
}

test("takes the library of this architecture from the linker's cache; a cut or foreign file gives nothing", () => {
  const cache = cacheOf()
  assert.deepEqual([...parseLibraryCache(cache, 'x64')], [['libc.so.6', '/lib/libc.so.6']])
  assert.deepEqual([...parseLibraryCache(cache, 'arm64')], [])
  for (let length = 0; length < cache.length; length += 1) parseLibraryCache(cache.subarray(0, length), 'x64')
  assert.equal(parseLibraryCache(Buffer.from('no cache'), 'x64').size, 0)
  assert.deepEqual(['libc.so.6', 'libm.so.6', 'libopenblas.so.0', 'libmkl_rt.so.2', 'libssl.so.3'].map(isCoreLibrary), [
    true,
    true,
    true,
    true,
    false,
  ])
})

test('reads each library that the linker takes from beside the packages; of those of packages the core alone', () => {
  const local = '/usr/local/lib/x86_64-linux-gnu/libssl.so.3'
  const read = filesToRead(
    new Map([
      ['libssl.so.3', local],
      ['libm.so.6', '/lib/x86_64-linux-gnu/libm.so.6'],
      ['libz.so.1', '/lib/x86_64-linux-gnu/libz.so.1'],
      ['libxml2.so.2', '/usr/lib64/libxml2.so.2'],
      ['libcuda.so.1', '/opt/driver/libcuda.so.1'],
    ]),
  )
  assert.deepEqual(
    read.filter((path) => /lib(?:ssl|m|z|xml2|cuda)\.so/.test(path)),
    ['/lib/x86_64-linux-gnu/libm.so.6', local],
  )
})

test('where no package is known, the folders of the system are read themselves', () => {
  assert.deepEqual(foldersToRead(installedPackages(['Package: bash\nStatus: install ok installed\n'])), localFolders)
  for (const told of [[], [''], ['\0damaged']])
    assert.ok(foldersToRead(installedPackages(told)).includes('/usr/bin'), JSON.stringify(told))
})

test('tells what moved, by the name of the package, and nothing when nothing did', () => {
  const moved = {
    ...record,
    packages: [
      { name: 'bash:amd64', version: '5.2', digest: sha256Of('other') },
      { name: 'zip:amd64', version: '3', digest },
    ],
    files: { ...record.files, '/usr/local/bin/sort': digest },
  }
  assert.deepEqual(diffSystems(record, moved), [
    {
      what: 'system package bash:amd64',
      before: `5.2 with the files ${digest}`,
      after: `5.2 with the files ${sha256Of('other')}`,
    },
    { what: 'system package zip:amd64', before: 'none', after: '3' },
    { what: 'system file /usr/local/bin/sort', before: 'none', after: digest },
  ])
  assert.deepEqual(diffSystems(record, record), [])
})

test('a record reads back as it was printed, whatever the order of its names; another shape is refused', () => {
  const turned = { ...record, files: { b: 'x', a: 'y' } }
  assert.deepEqual(printSystem(turned), printSystem({ ...turned, files: { a: 'y', b: 'x' } }))
  assert.deepEqual(parseSystem(printSystem(record)), record)
  assert.throws(
    () => parseSystem(Buffer.from('{"version":2}')),
    (error) => isDomainError(error, 'ERR_INPUT_MALFORMED'),
  )
})

test('sees the C library, the shell and the packages of this machine, and that nothing moved', async () => {
  const { layer, isUnchanged } = await observeSystem(undefined)
  assert.ok(isUnchanged())
  assert.match(layer.files['/bin/sh'] ?? '', /^sha256:/)
  assert.ok(Object.keys(layer.files).some((path) => /\/libc\.(so\.6|musl)/.test(path)))
  assert.match(describeSystem({ ...record, ...layer }), /, (glibc \d\.\d+|unknown libc), Python 3\.11\.2$/)
})
