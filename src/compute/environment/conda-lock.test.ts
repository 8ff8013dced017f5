/** What a lock of conda may say. Threat: supply-chain compromise. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { Ajv } from 'ajv'
import { isDomainError } from '../../core/index.ts'
import { parseCondaLock } from './conda-lock.ts'

const hex = 'fe51de6107f9edc7aa4f786a70f4a883943bc9d39b3bb7307c04c41410990726'
const url = (file: string, subdir = 'linux-64'): string => `https://conda.anaconda.org/conda-forge/${subdir}/${file}`
const list = (...lines: readonly string[]): string => ['# platform: linux-64', '@EXPLICIT', ...lines, ''].join('\n')
const entry = (more: Readonly<Record<string, unknown>> = {}): string =>
  JSON.stringify({
    ...{ name: 'zlib', version: '1.3', manager: 'conda', platform: 'linux-64', dependencies: {}, category: 'main' },
    ...{ url: url('zlib-1.3-h1_0.conda'), hash: { md5: 'd7c89558ba9fa0495403155b64376d81', sha256: hex } },
    ...more,
  })
const yaml = (...entries: readonly string[]): string =>
  ['version: 1', 'metadata: {platforms: [linux-64]}', 'package:', ...entries.map((one) => `- ${one}`), ''].join('\n')

function read(
  text: string,
  groups: readonly string[] = [],
  path = text.includes('@EXPLICIT') ? 'c.lock' : 'conda-lock.yml',
) {
  return parseCondaLock(Buffer.from(text), path, { choice: { extras: [], groups }, platform: 'linux-64' })
}
const names = (text: string, groups: readonly string[] = []): readonly string[] =>
  read(text, groups).map(({ name, version, build }) => `${name} ${version} ${build}`)

test('reads an explicit list: both kinds of package, both ways to write a SHA-256, names with dashes', () => {
  const text = list(
    `${url('ca-certificates-2024.2.2-hbcca054_0.conda')}#${hex}`,
    '# a comment',
    `${url('tzdata-2024a-h0c530f3_0.tar.bz2', 'noarch')}#sha256:${hex}`,
  )
  assert.deepEqual(names(text), ['ca-certificates 2024.2.2 hbcca054_0', 'tzdata 2024a h0c530f3_0'])
})

test('reads conda-lock.yml: this platform alone, and the categories that are asked for', () => {
  const text = yaml(
    entry(),
    entry({ platform: 'osx-64' }),
    entry({ name: 'pytest', version: 8, url: url('pytest-8-h0_0.conda', 'noarch'), category: 'dev' }),
  )
  assert.deepEqual(names(text), ['zlib 1.3 h1_0'])
  assert.deepEqual(names(text, ['dev']), ['zlib 1.3 h1_0', 'pytest 8 h0_0'])
})

const schema = JSON.parse(
  readFileSync(join(import.meta.dirname, '../../../test/vectors/locks/published/conda-lock-v1.schema.json'), 'utf8'),
)

test('a lock that is valid by the schema of conda-lock is read; one without a place or a hash is refused by both', () => {
  const isValid = new Ajv({ strict: false, validateFormats: false }).compile(schema)
  const metadata = { content_hash: { 'linux-64': hex }, channels: [], platforms: ['linux-64'], sources: ['a.yml'] }
  const lockOf = (left?: string) => {
    const one = Object.entries({ ...JSON.parse(entry()), optional: false }).filter(([name]) => name !== left)
    return { version: 1, metadata, package: [Object.fromEntries(one)] }
  }
  assert.equal(isValid(lockOf()), true, JSON.stringify(isValid.errors))
  assert.deepEqual(names(JSON.stringify(lockOf())), ['zlib 1.3 h1_0'])
  for (const left of ['url', 'hash']) {
    assert.equal(isValid(lockOf(left)), false, left)
    assert.throws(() => names(JSON.stringify(lockOf(left))), left)
  }
})

const package_ = url('zlib-1.3-h1_0.conda')
const refusals: readonly (readonly [name: string, text: string, code: string, because: RegExp])[] = [
  [
    'MD5 alone in a list',
    list(`${package_}#d7c89558ba9fa0495403155b64376d81`),
    'ERR_ENV_HASH_MISSING',
    /^c\.lock:3: `zlib` has no SHA-256/,
  ],
  ['no digest in a list', list(package_), 'ERR_ENV_HASH_MISSING', /has no SHA-256/],
  [
    'MD5 alone in a YAML',
    yaml(entry({ hash: { md5: 'd7c89558ba9fa0495403155b64376d81' } })),
    'ERR_ENV_HASH_MISSING',
    /has no SHA-256/,
  ],
  ['a package of pip', yaml(entry(), entry({ name: 'x', manager: 'pip' })), 'ERR_ENV_UNSUPPORTED', /comes by pip/],
  ['another platform', list(`${url('zlib-1.3-h1_0.conda', 'osx-64')}#${hex}`), 'ERR_ENV_PLATFORM', /made for osx-64/],
  ['a list of another platform', list().replace('linux-64', 'win-64'), 'ERR_ENV_PLATFORM', /made for win-64/],
  [
    'a YAML of other platforms',
    yaml(entry({ platform: 'win-64' })),
    'ERR_ENV_PLATFORM',
    /made for win-64, this is linux-64/,
  ],
  [
    'a file of this machine',
    list(`file:///tmp/linux-64/zlib-1.3-h1_0.conda#${hex}`),
    'ERR_ENV_LOCK_INVALID',
    /not the address/,
  ],
  ['credentials', list(`https://u:p@host/linux-64/zlib-1.3-h1_0.conda#${hex}`), 'ERR_ENV_LOCK_INVALID', /credentials/],
  [
    'a token',
    list(`https://conda.anaconda.org/t/secret/c/linux-64/zlib-1.3-h1_0.conda#${hex}`),
    'ERR_ENV_LOCK_INVALID',
    /carries a token/,
  ],
  [
    'a token further in',
    list(`https://mirror.example/conda/t/secret/c/linux-64/zlib-1.3-h1_0.conda#${hex}`),
    'ERR_ENV_LOCK_INVALID',
    /carries a token/,
  ],
  ['a name that is none', list(`${url('zlib.conda')}#${hex}`), 'ERR_ENV_LOCK_INVALID', /not the name of a package/],
  [
    'two of one name',
    list(`${package_}#${hex}`, `${url('zlib-1.4-h1_0.conda')}#${hex}`),
    'ERR_ENV_LOCK_INVALID',
    /twice, first in line 3/,
  ],
  ['nothing in it', list(), 'ERR_ENV_LOCK_INVALID', /holds no package/],
  ['another version', yaml(entry()).replace('version: 1', 'version: 2'), 'ERR_ENV_LOCK_INVALID', /the version 2/],
  ['a key twice', `${yaml(entry())}version: 1\n`, 'ERR_ENV_LOCK_INVALID', /the key `version` stands twice/],
  ['an alias', 'version: 1\npackage: [&a {name: x}, *a]\n', 'ERR_ENV_LOCK_INVALID', /alias/],
  ['no lock in it', 'dependencies: [numpy]\n', 'ERR_ENV_LOCK_INVALID', /`version`/],
]

for (const [name, text, code, because] of refusals) {
  test(`refuses a lock of conda with ${name}`, () => {
    assert.throws(
      () => read(text),
      (error) => isDomainError(error) && error.code === code && because.test(error.message),
    )
  })
}

test('refuses a list without its mark, and a category that the lock does not have', () => {
  const isRefused = (error: unknown): boolean => isDomainError(error, 'ERR_ENV_LOCK_INVALID')
  assert.throws(() => read('numpy=1.26\n', [], 'spec.txt'), isRefused)
  assert.throws(() => read(yaml(entry()), ['docs']), isRefused)
})

test('reads a list of 16 MiB, and a map of 100,000 keys, once', () => {
  const lines = Array.from({ length: 80_000 }, (_, index) => `${url(`p${index}-1-0.conda`)}#${hex}`)
  assert.equal(read(list(...lines)).length, 80_000)
  const keys = Array.from({ length: 100_000 }, (_, index) => `k${index}: 1`).join('\n')
  assert.throws(
    () => read(keys),
    (error) => isDomainError(error, 'ERR_ENV_LOCK_INVALID'),
  )
})
