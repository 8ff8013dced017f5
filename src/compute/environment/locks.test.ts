import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { isDomainError } from '../../core/index.ts'
import type { LockChoice } from './lock.ts'
import { mainPackages, parseLock } from './locks.ts'
import type { MarkerEnvironment } from './marker.ts'
import { applicableRequirements } from './select-wheel.ts'
import { lockTexts } from './testing.exec.ts'
import { adaptersFor, usualName } from './usual-name.ts'

const linux: MarkerEnvironment = {
  os_name: 'posix',
  sys_platform: 'linux',
  platform_machine: 'x86_64',
  platform_python_implementation: 'CPython',
  platform_release: '6.1',
  platform_system: 'Linux',
  platform_version: '#1',
  python_version: '3.11',
  python_full_version: '3.11.7',
  implementation_name: 'cpython',
  implementation_version: '3.11.7',
  extra: '',
}
const windows = { ...linux, os_name: 'nt', sys_platform: 'win32', platform_system: 'Windows' }
const folder = join(import.meta.dirname, '../../../test/vectors/locks')
const vector = (name: string): Buffer => readFileSync(join(folder, name))

type Asked = Readonly<{ name?: string; choice?: Partial<LockChoice>; environment?: MarkerEnvironment }>

function chosen(bytes: string | Uint8Array, name: string, { choice = {}, environment = linux }: Asked = {}): string[] {
  const lock = parseLock(name, Buffer.from(bytes), { choice: { ...mainPackages, ...choice } })
  return applicableRequirements(lock, environment, name)
    .map((one) => `${one.name} ${one.version}`)
    .toSorted()
}

const main = ['jinja2 3.1.6', 'markupsafe 3.0.2', 'six 1.17.0']
const formats = ['requirements.lock', 'pylock.toml', 'uv.lock', 'poetry.lock', 'Pipfile.lock']

for (const name of formats) {
  test(`${name}: what the tool itself wrote gives the same packages as every other format`, () => {
    assert.deepEqual(chosen(vector(name), name), main)
    assert.deepEqual(chosen(vector(name), name, { environment: windows }), ['colorama 0.4.6', ...main])
  })
}

test('the digests of a package are the same in every format that lists them all', () => {
  const digests = formats.map((name) => {
    const six = parseLock(name, vector(name)).requirements.find((one) => one.name === 'six')
    return [...(six?.sha256 ?? [])].toSorted()
  })
  for (const other of digests) assert.deepEqual(other, digests[0])
})

test('extras and groups are asked for by name, and a name that the lock does not have is refused', () => {
  const extra = { choice: { extras: ['extra'] } }
  for (const name of ['uv.lock', 'poetry.lock']) {
    assert.deepEqual(chosen(vector(name), name, extra), ['attrs 25.3.0', ...main])
    assert.deepEqual(chosen(vector(name), name, { choice: { groups: ['dev'] } }), ['iniconfig 2.0.0', ...main])
  }
  assert.deepEqual(chosen(vector('Pipfile.lock'), 'Pipfile.lock', { choice: { groups: ['develop'] } }), [
    'iniconfig 2.0.0',
    ...main,
  ])
  for (const name of formats) {
    for (const choice of [{ extras: ['extre'] }, { groups: ['dve'] }]) {
      assert.throws(() => chosen(vector(name), name, { choice }), code('ERR_ENV_LOCK_INVALID'))
    }
  }
})

test('uv.lock: members are walked through and not installed; forks and extras in conflict choose their version', () => {
  const read = (asked: Asked) => chosen(vector('workspace.uv.lock'), 'uv.lock', asked)
  assert.deepEqual(read({}), ['babel 2.18.0', 'iniconfig 2.0.0', 'jinja2 3.1.6', 'markupsafe 3.0.4', 'six 1.17.0'])
  const newer = { ...linux, python_version: '3.13', python_full_version: '3.13.1' }
  assert.ok(read({ environment: newer }).includes('iniconfig 2.1.0'))
  assert.ok(read({ choice: { extras: ['cpu'] } }).includes('attrs 25.3.0'))
  assert.ok(read({ choice: { extras: ['gpu'] } }).includes('attrs 24.2.0'))
  assert.throws(() => read({ choice: { extras: ['cpu', 'gpu'] } }), code('ERR_ENV_LOCK_INVALID'))
})

test('pylock.toml: markers ask for extras and groups; the default groups are meant when none is named', () => {
  const text = `lock-version = "1.0"
created-by = "hand"
extras = ["gpu"]
dependency-groups = ["dev", "docs"]
default-groups = ["dev"]
${pylockPackage('a', 'marker = "\'gpu\' in extras"')}
${pylockPackage('b', 'marker = "\'dev\' in dependency_groups"')}
${pylockPackage('c', "marker = \"'docs' in dependency_groups and 'gpu' not in extras\"")}
`
  assert.deepEqual(chosen(text, 'pylock.train.toml'), ['b 1.0'])
  assert.deepEqual(chosen(text, 'pylock.toml', { choice: { extras: ['gpu'], groups: ['docs'] } }), ['a 1.0', 'b 1.0'])
  assert.deepEqual(chosen(text, 'pylock.toml', { choice: { groups: ['docs'] } }), ['b 1.0', 'c 1.0'])
})

const digest = 'a'.repeat(64)

function pylockPackage(name: string, more = '', hashes = `sha256 = "${digest}"`): string {
  return `[[packages]]
name = "${name}"
version = "1.0"
${more}
wheels = [{ url = "https://files.example.org/${name}-1.0-py3-none-any.whl", hashes = { ${hashes} } }]`
}

function pylockOf(...parts: readonly string[]): string {
  return ['lock-version = "1.0"', 'created-by = "hand"', ...parts].join('\n')
}

function uvOf(
  sourceOfA: string,
  more = `wheels = [{ url = "https://x.example.org/a-1.0-py3-none-any.whl", hash = "sha256:${digest}" }]`,
): string {
  return `version = 1
[[package]]
name = "root"
version = "0"
source = { virtual = "." }
dependencies = [{ name = "a" }]
[[package]]
name = "a"
version = "1.0"
source = { ${sourceOfA} }
${more}
`
}

function poetryOf(more: string, version = '2.1', python = '>=3.9'): string {
  return `[[package]]
name = "a"
version = "1.0"
optional = false
groups = ["main"]
${more}
[metadata]
lock-version = "${version}"
python-versions = "${python}"
`
}

function pipfileOf(one: object, meta: object = {}): string {
  return JSON.stringify({ _meta: { 'pipfile-spec': 6, ...meta }, default: { a: one }, develop: {} }, undefined, 2)
}

const poetryFiles = `files = [{file = "a-1.0-py3-none-any.whl", hash = "sha256:${digest}"}]`
const registry = 'registry = "https://pypi.org/simple"'
const hashed = { version: '==1.0', hashes: [`sha256:${digest}`] }

test('the honest twins of what is refused below are read', () => {
  assert.deepEqual(chosen(pylockOf(pylockPackage('a')), 'pylock.toml'), ['a 1.0'])
  assert.deepEqual(chosen(uvOf(registry), 'uv.lock'), ['a 1.0'])
  assert.deepEqual(chosen(poetryOf(poetryFiles), 'poetry.lock'), ['a 1.0'])
  assert.deepEqual(chosen(poetryOf(poetryFiles, '2.1', '^3.9 || >=3.8'.split(' || ')[0]), 'poetry.lock'), ['a 1.0'])
  assert.deepEqual(chosen(pipfileOf(hashed), 'Pipfile.lock'), ['a 1.0'])
})

const refusals: readonly (readonly [what: string, name: string, text: string, code: string])[] = [
  [
    'a version that is not known',
    'pylock.toml',
    pylockOf().replace('1.0', '2.0').concat('\npackages = []'),
    'ERR_ENV_LOCK_INVALID',
  ],
  ['no hash', 'pylock.toml', pylockOf(pylockPackage('a', '', 'md5 = "00"')), 'ERR_ENV_HASH_MISSING'],
  ['half a hash', 'pylock.toml', pylockOf(pylockPackage('a', '', 'sha256 = "aa"')), 'ERR_ENV_HASH_MISSING'],
  [
    'version control',
    'pylock.toml',
    pylockOf(
      '[[packages]]\nname = "a"\n[packages.vcs]\ntype = "git"\nurl = "https://x.example.org/a"\ncommit-id = "00"',
    ),
    'ERR_ENV_LOCK_INVALID',
  ],
  [
    'a folder',
    'pylock.toml',
    pylockOf('[[packages]]\nname = "a"\ndirectory = { path = "../a" }'),
    'ERR_ENV_LOCK_INVALID',
  ],
  [
    'two kinds of place',
    'pylock.toml',
    pylockOf(pylockPackage('a', 'directory = { path = "a" }')),
    'ERR_ENV_LOCK_INVALID',
  ],
  ['one project twice', 'pylock.toml', pylockOf(pylockPackage('a'), pylockPackage('A')), 'ERR_ENV_LOCK_INVALID'],
  ['another Python', 'pylock.toml', pylockOf('requires-python = ">=3.12"', pylockPackage('a')), 'ERR_ENV_INTERPRETER'],
  [
    'another platform',
    'pylock.toml',
    pylockOf('environments = ["sys_platform == \'win32\'"]', pylockPackage('a')),
    'ERR_ENV_INTERPRETER',
  ],
  [
    'credentials',
    'pylock.toml',
    pylockOf(pylockPackage('a').replace('https://', 'https://ada:secret@')),
    'ERR_ENV_LOCK_INVALID',
  ],
  ['no TOML', 'pylock.toml', 'lock-version = ', 'ERR_ENV_LOCK_INVALID'],
  [
    'a version that is not known',
    'uv.lock',
    uvOf(registry).replace('version = 1', 'version = 2'),
    'ERR_ENV_LOCK_INVALID',
  ],
  [
    'no hash',
    'uv.lock',
    uvOf(registry, 'wheels = [{ url = "https://x.example.org/a-1.0-py3-none-any.whl" }]'),
    'ERR_ENV_HASH_MISSING',
  ],
  ['git', 'uv.lock', uvOf('git = "https://x.example.org/a?rev=main#0000"', ''), 'ERR_ENV_LOCK_INVALID'],
  ['a folder outside', 'uv.lock', uvOf('editable = "../a"', ''), 'ERR_ENV_LOCK_INVALID'],
  [
    'a dependency that is not there',
    'uv.lock',
    uvOf(registry).replace('{ name = "a" }', '{ name = "b" }'),
    'ERR_ENV_LOCK_INVALID',
  ],
  ['no project', 'uv.lock', uvOf(registry).replace('virtual = "."', registry), 'ERR_ENV_LOCK_INVALID'],
  ['Poetry 1', 'poetry.lock', poetryOf(poetryFiles, '2.0'), 'ERR_ENV_LOCK_INVALID'],
  ['a version that is not known', 'poetry.lock', poetryOf(poetryFiles, '3.0'), 'ERR_ENV_LOCK_INVALID'],
  ['no hash', 'poetry.lock', poetryOf('files = []'), 'ERR_ENV_HASH_MISSING'],
  [
    'git',
    'poetry.lock',
    poetryOf(
      `${poetryFiles}\n[package.source]\ntype = "git"\nurl = "https://x.example.org/a"\nresolved_reference = "00"`,
    ),
    'ERR_ENV_LOCK_INVALID',
  ],
  ['another Python', 'poetry.lock', poetryOf(poetryFiles, '2.1', '~3.10'), 'ERR_ENV_INTERPRETER'],
  ['alternatives of Pythons', 'poetry.lock', poetryOf(poetryFiles, '2.1', '^3.9 || ^2.7'), 'ERR_ENV_LOCK_INVALID'],
  ['a version that is not known', 'Pipfile.lock', pipfileOf(hashed, { 'pipfile-spec': 7 }), 'ERR_ENV_LOCK_INVALID'],
  ['no hash', 'Pipfile.lock', pipfileOf({ version: '==1.0' }), 'ERR_ENV_HASH_MISSING'],
  ['no pin', 'Pipfile.lock', pipfileOf({ ...hashed, version: '*' }), 'ERR_ENV_UNPINNED'],
  ['git', 'Pipfile.lock', pipfileOf({ git: 'https://x.example.org/a', ref: '00' }), 'ERR_ENV_LOCK_INVALID'],
  [
    'another Python',
    'Pipfile.lock',
    pipfileOf(hashed, { requires: { python_version: '3.12' } }),
    'ERR_ENV_INTERPRETER',
  ],
  ['a key twice', 'Pipfile.lock', pipfileOf(hashed).replace('"develop"', '"default"'), 'ERR_ENV_LOCK_INVALID'],
  [
    'variables in an index',
    'Pipfile.lock',
    pipfileOf(hashed, { sources: [{ url: 'https://$' + '{USER}@x.example.org/simple' }] }),
    'ERR_ENV_LOCK_INVALID',
  ],
]

for (const [what, name, text, wanted] of refusals) {
  test(`${name} with ${what} is refused`, () => {
    assert.throws(() => chosen(text, name), code(wanted))
  })
}

test('what cannot be proven is refused only where it applies, and the refusal names the line', () => {
  const elsewhere = pylockOf(
    pylockPackage('a'),
    pylockPackage('b', 'marker = "sys_platform == \'win32\'"', 'md5 = "00"'),
  )
  assert.deepEqual(chosen(elsewhere, 'pylock.toml'), ['a 1.0'])
  assert.throws(
    () => chosen(elsewhere, 'pylock.toml', { environment: windows }),
    (error) => {
      return isDomainError(error, 'ERR_ENV_HASH_MISSING') && error.message.startsWith('pylock.toml:8: `b` ')
    },
  )
})

const python312 = { ...linux, python_version: '3.12', python_full_version: '3.12.1' }
const folderRefused = 'ERR_ENV_LOCK_INVALID'
/** Locks that pip, uv and Poetry keep for their own tests. A folder has no digest; Poetry 1 says no groups. */
const published: Readonly<Record<string, readonly string[] | string>> = {
  'pylock.certifi-with-upload_time.toml': ['certifi 2026.6.17'],
  'pylock.certifi-without-upload_time.toml': ['certifi 2026.6.17'],
  'pylock.directory.toml': folderRefused,
  'pylock.invalid.toml': 'ERR_ENV_LOCK_INVALID',
  'pylock.invalidhash.toml': ['simple 2.0'],
  'pylock.mixed.toml': folderRefused,
  'pylock.oldpython.toml': 'ERR_ENV_INTERPRETER',
  'pylock.onearchive.toml': ['simple2 3.0'],
  'pylock.onesdist.toml': ['simple 2.0'],
  'pylock.onewheel.toml': ['simplewheel 2.0'],
  'pylock.prerelease-archive.toml': ['pkg-prerelease 1.0a1'],
  'pylock.prerelease-wheel.toml': ['pkg-prerelease 1.0a1'],
  'pylock.toml': ['simple 2.0', 'simple2 3.0', 'simplewheel 2.0'],
  'built-by-uv.uv.lock': ['anyio 4.6.2.post1', 'idna 3.15', 'sniffio 1.3.1'],
  'old_lock.poetry.lock': 'ERR_ENV_LOCK_INVALID',
}

test('locks that pip, uv and Poetry keep for their own tests are read, or refused by their own cause', () => {
  const files = readdirSync(join(folder, 'published')).filter((name) => !name.endsWith('.json'))
  assert.deepEqual(files.toSorted(), Object.keys(published).toSorted())
  const count = { accepted: 0, refused: 0 }
  for (const [file, expected] of Object.entries(published)) {
    const name = /(uv|poetry)\.lock$/.exec(file)?.[0] ?? file
    const read = (): readonly string[] => chosen(vector(`published/${file}`), name, { environment: python312 })
    if (typeof expected === 'string') assert.throws(read, code(expected), file)
    else assert.deepEqual(read(), expected, file)
    count[typeof expected === 'string' ? 'refused' : 'accepted'] += 1
  }
  assert.deepEqual(count, { accepted: 10, refused: 5 })
})

test('of a file with the wrong digest in its lock only that digest would be taken', () => {
  const digestIn = (file: string): readonly string[] =>
    parseLock('pylock.toml', vector(`published/${file}`)).requirements.flatMap(({ sha256 }) => [...sha256])
  const [right, wrong] = [digestIn('pylock.onesdist.toml'), digestIn('pylock.invalidhash.toml')]
  assert.equal(right.length + wrong.length, 2)
  assert.notDeepEqual(wrong, right)
})

const hashes = { sha256: 'a'.repeat(64) }
const count = 50_000
const numbered = (text: (index: number) => string, separator = ''): string =>
  Array.from({ length: count }, (_, index) => text(index)).join(separator)

/** In a reader that looks through all packages for each, these take hours. */
test('Pipfile.lock and uv.lock: fifty thousand packages are read in one pass, each with its line', () => {
  const packages = Object.fromEntries(
    Array.from({ length: count }, (_, index) => [`p${index}`, { version: '==1', hashes: [`sha256:${hashes.sha256}`] }]),
  )
  const pipfile = JSON.stringify({ _meta: { 'pipfile-spec': 6 }, default: packages, develop: packages }, undefined, 1)
  const { requirements } = parseLock('Pipfile.lock', Buffer.from(pipfile))
  assert.equal(requirements.length, 2 * count)
  assert.equal(pipfile.split('\n')[(requirements.at(-1)?.line ?? 0) - 1], `  "p${count - 1}": {`)

  const file = `wheels = [{ path = "p-1-py3-none-any.whl", hash = "sha256:${hashes.sha256}" }]`
  const named = (index: number): string =>
    `[[package]]\nname = "p"\nversion = "${index}"\nsource = { registry = "r${index}" }\n${file}\n`
  const dependency = (index: number): string =>
    `{ name = "p", version = "${index}", source = { registry = "r${index}" }, marker = "sys_platform == 'aix'" }`
  const head = 'version = 1\n[[package]]\nname = "root"\nversion = "0"\nsource = { virtual = "." }\n'
  const last = `{ name = "P", source = { registry = "r${count - 1}" } }`
  const uv = `${head}dependencies = [${numbered(dependency, ', ')}, ${last}]\n${numbered(named)}`
  assert.deepEqual(chosen(uv, 'uv.lock'), [`p ${count - 1}`])
  assert.throws(() => chosen(`${head}dependencies = [{ name = "p" }]\n${numbered(named)}`, 'uv.lock'), /several times/)
})

test('a platform marker without a meaning is refused at its lock, on every machine', () => {
  const lock = (environments: string): string =>
    `lock-version = "1.0"\ncreated-by = "x"\nenvironments = [${environments}]\npackages = []\n`
  const right = `"sys_platform == 'linux'"`
  assert.deepEqual(chosen(lock(right), 'pylock.toml'), [])
  assert.throws(() => chosen(lock(`${right}, "python_version ~= 'x'"`), 'pylock.toml'), {
    code: 'ERR_ENV_LOCK_INVALID',
    message: /^pylock\.toml:1: the marker of `environments`/,
  })
})

function code(wanted: string): (error: unknown) => boolean {
  return (error) => {
    assert.ok(isDomainError(error), String(error))
    assert.equal(error.code, wanted, error.message)
    return true
  }
}

test('a lock of another name is known by its text; a text of no lock keeps its name', () => {
  const wheel = { project: 'tool', version: '1.0', fileName: 'tool-1.0-py3-none-any.whl', hex: '0'.repeat(64) }
  const texts: Readonly<Record<string, string>> = {
    ...Object.fromEntries(Object.entries(lockTexts).map(([name, textOf]) => [name, textOf([wheel])])),
    'package-lock.json': '{\n  "name": "x",\n  "lockfileVersion": 3\n}\n',
    'conda-lock.yml': 'version: 1\nmetadata:\n  channels: []\npackage:\n- name: x\n',
  }
  for (const [name, text] of Object.entries(texts)) {
    assert.equal(usualName('old/of yesterday', Buffer.from(text)), name)
    assert.equal(usualName('uv.lock', Buffer.from(text)), 'uv.lock', 'its own name comes first')
  }
  for (const name of Object.keys(lockTexts)) {
    const bytes = Buffer.from(texts[name] ?? '')
    const { requirements } = parseLock('old', bytes, { adapters: adaptersFor('old', bytes) })
    assert.deepEqual(
      requirements.map((one) => `${one.name} ${one.version}`),
      ['tool 1.0'],
      name,
    )
  }
  for (const text of ['', 'tool, of yesterday\n', '{"a": 1}', '[project]\nname = "x"\n'])
    assert.equal(usualName('notes.txt', Buffer.from(text)), 'notes.txt')
})
