import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isDomainError } from '../../core/index.ts'
import { readCondaWanted } from './conda-wanted.ts'
import { type ReadWanted, requirementsWanted, type Wanted } from './wanted.ts'
import { condaPipWanted, pipfileWanted, pyprojectWanted, versionsIn } from './wanted-project.ts'

type Files = Readonly<Record<string, string>>
type Choice = Readonly<{ extras?: readonly string[]; groups?: readonly string[] }>

const pipOf = (question: ReadWanted): Wanted => condaPipWanted(question, readCondaWanted(question))

function read(files: Files, choice: Choice = {}): Wanted {
  const [path = ''] = Object.keys(files)
  const readers = { 'pyproject.toml': pyprojectWanted, Pipfile: pipfileWanted, 'environment.yml': pipOf }
  const reader = Object.entries(readers).find(([name]) => name === path)?.[1] ?? requirementsWanted
  return reader({ path, choice: { extras: [], groups: [], ...choice }, textOf: (asked) => files[asked] })
}

test('a requirements file: pins, ranges, extras, markers, comments, hashes, other files, indexes', () => {
  const wanted = read({
    'req/requirements.txt': `\ufeff# made by hand
-r ../base.txt
-c limits.txt
--index-url https://index.example.org/simple
numpy[x, y] >= 1.26, <3  # why
six==1.17.0 \\
    --hash=sha256:00 \\
    --hash=sha256:11
colorama ; sys_platform == "win32"
-e .
--pre
--trusted-host x
`,
    'base.txt': 'attrs (>=20)\n',
    'req/limits.txt': 'attrs<26\n',
  })
  assert.deepEqual(wanted.requirements, [
    'attrs>=20',
    'numpy[x, y]>= 1.26, <3',
    'six==1.17.0',
    'colorama ; sys_platform == "win32"',
  ])
  assert.deepEqual(wanted.constraints, ['attrs<26'])
  assert.deepEqual(wanted.indexes, ['https://index.example.org/simple'])
  assert.equal(wanted.preReleases, true)
  assert.equal(wanted.itself, true)
  assert.equal(wanted.notes.length, 2)
})

test('pyproject.toml: dependencies, extras, groups that include groups, a file of setuptools', () => {
  const text = `[project]
name = "x"
dependencies = ["six>=1"]
[project.optional-dependencies]
gpu = ["cupy ; python_version >= '3.9'"]
[dependency-groups]
dev = ["pytest", {include-group = "lint"}]
lint = ["ruff"]
`
  assert.deepEqual(read({ 'pyproject.toml': text }).requirements, ['six>=1'])
  assert.deepEqual(read({ 'pyproject.toml': text }, { extras: ['gpu'], groups: ['dev'] }).requirements, [
    'six>=1',
    "cupy ; python_version >= '3.9'",
    'pytest',
    'ruff',
  ])
  const dynamic = '[project]\nname = "x"\ndynamic = ["dependencies"]\n'
  const file = '[tool.setuptools.dynamic]\ndependencies = {file = ["reqs.txt"]}\n'
  assert.deepEqual(read({ 'pyproject.toml': dynamic + file, 'reqs.txt': 'six\n' }).requirements, ['six'])
  refused({ 'pyproject.toml': dynamic })
})

test('pyproject.toml of Poetry 1: its own ways to write versions', () => {
  const text = `[tool.poetry.dependencies]
python = "^3.9"
a = "^1.2.3"
b = "^0.2.3"
c = "~1.4"
d = {version = "*", extras = ["x"], markers = "sys_platform == 'linux'"}
e = {version = "1.0", optional = true}
f = "1.*"
[tool.poetry.group.dev.dependencies]
g = ">=1,<2"
[tool.poetry.extras]
more = ["e"]
`
  const main = ['a>=1.2.3,<2', 'b>=0.2.3,<0.3', 'c>=1.4,<1.5', "d[x] ; sys_platform == 'linux'"]
  assert.deepEqual(read({ 'pyproject.toml': text }).requirements, [...main, 'f==1.*'])
  assert.deepEqual(read({ 'pyproject.toml': text }, { extras: ['more'], groups: ['dev'] }).requirements, [
    ...main,
    'e==1.0',
    'f==1.*',
    'g>=1,<2',
  ])
})

test('a Pipfile, and the pip part of a conda environment', () => {
  const pipfile =
    '[[source]]\nurl = "https://i.example.org/simple"\nname = "i"\n[packages]\nsix = "*"\na = {version = "==1", extras = ["x"]}\n[dev-packages]\nb = ">1"\n[requires]\npython_version = "3.11"\n'
  const wanted = read({ Pipfile: pipfile }, { groups: ['dev-packages'] })
  assert.deepEqual(wanted.requirements, ['six', 'a[x]==1', 'b>1'])
  assert.deepEqual(wanted.indexes, ['https://i.example.org/simple'])
  const conda = 'dependencies:\n  - python=3.11\n  - pip\n  - pip: [six==1.17.0, -r more.txt]\n'
  const both = read({ 'environment.yml': conda, 'more.txt': 'attrs\n' })
  assert.deepEqual(both.requirements, ['six==1.17.0', 'attrs'])
  assert.match(both.notes[0] ?? '', /asks for `python=3\.11`/)
})

test('the project itself may be asked for with extras', () => {
  const { itself, itsExtras, requirements } = read({ 'requirements.txt': '-e .[Big_Data, x]\nsix\n' })
  assert.deepEqual([itself, itsExtras, requirements], [true, ['big-data', 'x'], ['six']])
  assert.deepEqual(read({ 'requirements.txt': '.\n' }).itsExtras, [])
})

test('groups of PDM and uv, and the project itself in a Pipfile', () => {
  const project = '[project]\nname = "x"\ndependencies = ["a"]\n'
  const pdm = `${project}[tool.pdm.dev-dependencies]\ntest = ["b"]\n`
  assert.deepEqual(read({ 'pyproject.toml': pdm }, { groups: ['test'] }).requirements, ['a', 'b'])
  assert.deepEqual(read({ 'pyproject.toml': pdm }).requirements, ['a'])
  const uv = `${project}[tool.uv]\ndev-dependencies = ["c"]\n`
  assert.deepEqual(read({ 'pyproject.toml': uv }, { groups: ['dev'] }).requirements, ['a', 'c'])
  const own = '[packages]\nx = {path = ".", editable = true}\nsix = "*"\n'
  assert.deepEqual(read({ Pipfile: own }).requirements, ['six'])
})

test('what is refused says what would work', () => {
  const project = '[project]\nname = "x"\ndependencies = ["a"]\n'
  const helps: readonly (readonly [files: Files, help: RegExp])[] = [
    [{ Pipfile: '[packages]\na = {git = "https://x.example.org/a"}\n' }, /build a wheel of it once/],
    [{ 'pyproject.toml': `${project}[tool.uv.sources]\na = {path = "../a"}\n` }, /build a wheel of it once/],
    [{ 'pyproject.toml': `${project}[tool.uv.sources]\na = {index = "own"}\n` }, /uv lock/],
    [{ 'pyproject.toml': '[dependency-groups]\ntrain = ["a"]\n' }, /--from pyproject\.toml --group train/],
    [{ 'requirements.txt': 'numpy=1.26.4=py312_0\n' }, /pip writes `numpy==1\.26\.4`/],
    [{ 'requirements.txt': 'six @ https://x.example.org/six.whl\n' }, /build a wheel of it once/],
  ]
  for (const [files, help] of helps) {
    assert.throws(
      () => read(files),
      (error) => isDomainError(error, 'ERR_ENV_LOCK_INVALID') && help.test(error.help ?? ''),
    )
  }
})

test('the versions of a lock of Poetry 1 are kept, but for a project that has several', () => {
  const one = (name: string, version: string): string => `[[package]]\nname = "${name}"\nversion = "${version}"\n`
  const text = `${one('A', '1.0')}${one('b', '1')}${one('b', '2')}[metadata]\nlock-version = "1.1"\n`
  assert.deepEqual(versionsIn({ path: 'poetry.lock', textOf: () => text }).constraints, ['a==1.0'])
})

function refused(files: Files, choice: Choice = {}): void {
  assert.throws(
    () => read(files, choice),
    (error) => isDomainError(error, 'ERR_ENV_LOCK_INVALID', 'ERR_DATA_MISSING'),
  )
}

/** Each would make the resolver fetch, read or build something that is no release of an index. */
const hostile: readonly string[] = [
  'six @ git+https://x.example.org/six',
  'six @ file:///etc/passwd',
  'git+https://x.example.org/six#egg=six',
  'https://x.example.org/six-1.0-py3-none-any.whl',
  './six-1.0-py3-none-any.whl',
  '../other',
  '/tmp/other',
  '-e ../other',
  '--editable=git+https://x.example.org/six',
  '-r /etc/passwd',
  '-r ../../outside.txt',
  '-r https://x.example.org/r.txt',
  '--index-url https://ada:secret@x.example.org/simple',
  '--index-url file:///tmp',
  'six ; os_system == "x"',
  'six==1 --config-settings=x',
  'six\u0000',
]
for (const line of hostile) {
  test(`a requirements file with \`${line}\` is refused; one without is read`, () => {
    refused({ 'requirements.txt': `attrs\n${line}\n` })
    assert.deepEqual(read({ 'requirements.txt': 'attrs\n' }).requirements, ['attrs'])
  })
}

test('files that include one another, sources elsewhere and places in a Pipfile are refused', () => {
  refused({ 'requirements.txt': '-r requirements.txt\n' })
  refused({ 'requirements.txt': '-r lost.txt\n' })
  refused({
    'pyproject.toml':
      '[project]\nname = "x"\ndependencies = ["a"]\n[tool.uv.sources]\na = {git = "https://x.example.org/a"}\n',
  })
  refused({ 'pyproject.toml': '[project]\nname = "x"\n' })
  refused({ 'pyproject.toml': '[tool.poetry.dependencies]\na = {git = "https://x.example.org/a"}\n' })
  refused({ Pipfile: '[packages]\na = {path = "../a"}\n' })
  refused({ Pipfile: '[packages]\na = "*"\n' }, { groups: ['none'] })
})

test('a line end within a requirement begins no line of its own', () => {
  const { requirements } = read({
    'pyproject.toml': `[project]\nname = "x"\ndependencies = ["numpy[a,\\nb]>=1.26,\\n<3 ; python_version\\n>= '3.9'", "six\\n"]\n`,
  })
  assert.deepEqual(requirements, ["numpy[a, b]>=1.26, <3 ; python_version >= '3.9'", 'six'])
  for (const hostile of ["six ; python_version >= '3'\\n--index-url https://evil.example.org", 'six\\n-e ./evil']) {
    const text = `[project]\nname = "x"\ndependencies = ["${hostile}"]\n`
    assert.throws(() => read({ 'pyproject.toml': text }), { code: 'ERR_ENV_LOCK_INVALID' })
  }
})

/** In a reader that looks at a run again from each of its places, these take hours. */
test('a megabyte of blanks in a line is read in one pass', () => {
  const blanks = ' '.repeat(1024 * 1024)
  assert.deepEqual(read({ 'requirements.txt': `six${blanks}>=1${blanks}# why\n` }).requirements, ['six>=1'])
  assert.throws(() => read({ 'requirements.txt': `six${blanks}x\n` }), { code: 'ERR_ENV_LOCK_INVALID' })
  const poetry = `[tool.poetry.dependencies]\npython = "*"\nsix = ">=1${blanks}<2"\n`
  assert.deepEqual(read({ 'pyproject.toml': poetry }).requirements, ['six>=1,<2'])
})
