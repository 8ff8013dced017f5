/** What a package lock of npm may say. Threat: supply-chain compromise. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { isDomainError } from '../../core/index.ts'
import { parsePackageLock, parseWorkspaceLinks } from './package-lock.ts'

const integrity = `sha512-${createHash('sha512').update('a').digest('base64')}`
const right = { version: '1.0.0', resolved: 'https://registry.npmjs.org/a/-/a-1.0.0.tgz', integrity }
const platform = { os: 'linux', cpu: 'x64', libc: 'glibc' } as const

function parse(packages: unknown, { version = 3, groups = [] as readonly string[] } = {}): readonly string[] {
  const text = JSON.stringify({ lockfileVersion: version, packages }, null, 2)
  const choice = { extras: [], groups }
  return parsePackageLock(Buffer.from(text), 'package-lock.json', { choice, platform }).map(
    ({ path, name, version: pinned }) => `${path} ${name}@${pinned}`,
  )
}

test('installs what the project needs here: no dev, no other platform, aliases by their own name', () => {
  const packages = {
    '': { name: 'project' },
    'packages/own': { version: '1.0.0' },
    'node_modules/a': right,
    'node_modules/a/node_modules/@s/b': right,
    'node_modules/alias': { ...right, name: 'a' },
    'node_modules/dev': { ...right, dev: true },
    'node_modules/mac': { ...right, optional: true, os: ['darwin'] },
    'node_modules/any': { ...right, optional: true, os: ['!win32'], cpu: ['x64', 'arm64'], libc: ['glibc'] },
    'node_modules/musl': { ...right, optional: true, libc: ['musl'] },
    'node_modules/a/node_modules/inside': { version: '1.0.0', inBundle: true },
    'node_modules/left': { ...right, extraneous: true },
  }
  const installed = [
    'node_modules/a a@1.0.0',
    'node_modules/a/node_modules/@s/b @s/b@1.0.0',
    'node_modules/alias a@1.0.0',
    'node_modules/any any@1.0.0',
  ]
  assert.deepEqual(parse(packages), installed)
  assert.deepEqual(parse(packages, { version: 2, groups: ['dev'] }).length, installed.length + 1)
})

test('a workspace is a link to its folder of the project; any other link is refused', () => {
  const links = (folder: string, more: Readonly<Record<string, unknown>> = {}) => {
    const own = { [folder]: { version: '1.0.0', ...more }, 'node_modules/@own/a': { resolved: folder, link: true } }
    const text = JSON.stringify({ lockfileVersion: 3, packages: { ...own, 'node_modules/a': right } })
    return parseWorkspaceLinks(Buffer.from(text), 'package-lock.json', { extras: [], groups: [] })
  }
  assert.deepEqual(links('packages/a', { bin: { a: 'cli.js' } }), [
    { path: 'node_modules/@own/a', folder: 'packages/a', hasCommands: true },
  ])
  const packages = {
    'packages/a': {},
    'node_modules/own': { resolved: 'packages/a', link: true },
    'node_modules/a': right,
  }
  assert.deepEqual(parse(packages), ['node_modules/a a@1.0.0'], 'it is no package that is fetched')
  for (const folder of ['../a', '/etc', 'packages/../..', '.git', '.assay/x', 'node_modules/a', '', 'a//b']) {
    assert.throws(
      () => links(folder),
      (error) => isDomainError(error, 'ERR_ENV_LOCK_INVALID') && /is a link to/.test(error.message),
    )
  }
  const strange = { 'node_modules/own': { resolved: 'packages/gone', link: true } }
  const text = JSON.stringify({ lockfileVersion: 3, packages: strange })
  const ask = () => parseWorkspaceLinks(Buffer.from(text), 'package-lock.json', { extras: [], groups: [] })
  assert.throws(ask, (error) => isDomainError(error, 'ERR_ENV_LOCK_INVALID'))
})

const refusals: readonly (readonly [name: string, packages: unknown, code: string, because: RegExp])[] = [
  [
    'SHA-1 alone',
    { 'node_modules/a': { ...right, integrity: 'sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk=' } },
    'ERR_ENV_HASH_MISSING',
    /^package-lock\.json:4: `node_modules\/a` has no SHA-512, only sha1/,
  ],
  ['no integrity', { 'node_modules/a': { version: '1.0.0' } }, 'ERR_ENV_HASH_MISSING', /has no integrity/],
  [
    'a short SHA-512',
    { 'node_modules/a': { ...right, integrity: 'sha512-AAAA' } },
    'ERR_ENV_LOCK_INVALID',
    /sha512 that is not one/,
  ],
  [
    'git',
    { 'node_modules/a': { ...right, resolved: 'git+ssh://git@host/a.git#abc' } },
    'ERR_ENV_LOCK_INVALID',
    /not from a registry/,
  ],
  [
    'a file',
    { 'node_modules/a': { ...right, resolved: 'file:../a.tgz' } },
    'ERR_ENV_LOCK_INVALID',
    /not from a registry/,
  ],
  [
    'credentials',
    { 'node_modules/a': { ...right, resolved: 'https://u:p@host/a.tgz' } },
    'ERR_ENV_LOCK_INVALID',
    /credentials/,
  ],
  ['a range', { 'node_modules/a': { ...right, version: '^1.0.0' } }, 'ERR_ENV_UNPINNED', /not pinned/],
  [
    'a place that climbs out',
    { 'node_modules/../../etc': right },
    'ERR_ENV_LOCK_INVALID',
    /not a place in node_modules/,
  ],
  ['a place in `.bin`', { 'node_modules/.bin': right }, 'ERR_ENV_LOCK_INVALID', /not a place in node_modules/],
  ['a place below a file', { 'node_modules/a/lib': right }, 'ERR_ENV_LOCK_INVALID', /not a place in node_modules/],
  [
    'a place in a workspace',
    { 'packages/own/node_modules/a': right },
    'ERR_ENV_LOCK_INVALID',
    /in a folder of the project/,
  ],
  [
    'another platform',
    { 'node_modules/a': { ...right, os: ['win32'] } },
    'ERR_ENV_NO_WHEEL',
    /other platforms than linux x64/,
  ],
  ['no packages', undefined, 'ERR_ENV_LOCK_INVALID', /the version 3/],
]

for (const [name, packages, code, because] of refusals) {
  test(`refuses a package lock with ${name}`, () => {
    assert.throws(
      () => parse(packages),
      (error) => isDomainError(error) && error.code === code && because.test(error.message),
    )
  })
}

test('refuses what is no lock of npm 7: version 1, two keys of one name, no JSON, a group that it does not have', () => {
  const choice = { extras: [], groups: [] as readonly string[] }
  const read = (text: string, groups = choice.groups): void => {
    parsePackageLock(Buffer.from(text), 'package-lock.json', { choice: { ...choice, groups }, platform })
  }
  const isRefused = (error: unknown): boolean => isDomainError(error, 'ERR_ENV_LOCK_INVALID')
  assert.throws(() => read('{"lockfileVersion": 1, "dependencies": {}}'), isRefused)
  assert.throws(
    () => read('{"lockfileVersion": 3, "packages": {"node_modules/a": {}, "node_modules/a": {}}}'),
    isRefused,
  )
  assert.throws(() => read('not json'), isRefused)
  assert.throws(() => read('{"lockfileVersion": 3, "packages": {}}', ['prod']), isRefused)
})

test('reads a lock of 16 MiB in which nothing repeats, once', () => {
  const packages = Object.fromEntries(Array.from({ length: 60_000 }, (_, index) => [`node_modules/p${index}`, right]))
  assert.equal(parse(packages).length, 60_000)
})
