import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isDomainError } from '../../core/index.ts'
import { lockAdapters, parseLock } from './locks.ts'

const a = 'a'.repeat(64)
const b = 'B'.repeat(64)
const parse = (text: string) => parseLock('env/requirements.lock', Buffer.from(text))

test('reads what pip-compile, uv and a person write', () => {
  const lock = parse(
    [
      '\ufeff# made by hand',
      '--index-url https://index.example.org/simple',
      '--only-binary=:all:',
      `Six==1.17.0 --hash=sha256:${a}`,
      'numpy[extra-one, Two]==2.1.0 ; python_version >= "3.10" and sys_platform == \'linux\' \\',
      `    --hash=sha256:${a} \\`,
      `    --hash=sha256:${b}`,
      '    # via scikit-learn',
      `zope.interface (==5.0)  # why \\`,
      `  `,
    ]
      .join('\r\n')
      .replace('zope.interface (==5.0)  # why \\', `zope.interface (==5.0) --hash sha512:00 --hash sha256:${a} # why`),
  )
  assert.deepEqual(lock.indexes, ['https://index.example.org/simple'])
  assert.deepEqual(lock.options, ['--only-binary=:all:'])
  assert.deepEqual(
    lock.requirements.map(({ marker, ...rest }) => ({ ...rest, marked: marker !== undefined })),
    [
      { name: 'six', version: '1.17.0', extras: [], sha256: [`sha256:${a}`], line: 4, marked: false },
      {
        name: 'numpy',
        version: '2.1.0',
        extras: ['extra-one', 'two'],
        sha256: [`sha256:${a}`, `sha256:${b.toLowerCase()}`],
        line: 5,
        marked: true,
      },
      { name: 'zope-interface', version: '5.0', extras: [], sha256: [`sha256:${a}`], line: 9, marked: false },
    ],
  )
})

const hash = `--hash=sha256:${a}`
const refusals = [
  ['six==1.0', 'ERR_ENV_HASH_MISSING'],
  ['six==1.0 --hash=md5:d41d8cd98f00b204e9800998ecf8427e', 'ERR_ENV_HASH_MISSING'],
  ['six==1.0 --hash=sha1:da39a3ee5e6b4b0d3255bfef95601890afd80709', 'ERR_ENV_HASH_MISSING'],
  [`six==1.0 --hash=sha256:${'a'.repeat(63)}`, 'ERR_ENV_LOCK_INVALID'],
  [`six ${hash}`, 'ERR_ENV_UNPINNED'],
  [`six>=1.0 ${hash}`, 'ERR_ENV_UNPINNED'],
  [`six~=1.0 ${hash}`, 'ERR_ENV_UNPINNED'],
  [`six==1.* ${hash}`, 'ERR_ENV_UNPINNED'],
  [`six==1.0,<2 ${hash}`, 'ERR_ENV_UNPINNED'],
  [`six==one ${hash}`, 'ERR_ENV_LOCK_INVALID'],
  ['-e .', 'ERR_ENV_LOCK_INVALID'],
  ['--editable=./x', 'ERR_ENV_LOCK_INVALID'],
  ['-r other.txt', 'ERR_ENV_LOCK_INVALID'],
  ['-c constraints.txt', 'ERR_ENV_LOCK_INVALID'],
  ['--no-binary :all:', 'ERR_ENV_LOCK_INVALID'],
  ['--trusted-host index.example.org', 'ERR_ENV_LOCK_INVALID'],
  ['--surprise', 'ERR_ENV_LOCK_INVALID'],
  [`six==1.0 ${hash} --global-option=x`, 'ERR_ENV_LOCK_INVALID'],
  [`git+https://example.org/six.git@abc ${hash}`, 'ERR_ENV_LOCK_INVALID'],
  [`six @ git+https://example.org/six.git ${hash}`, 'ERR_ENV_LOCK_INVALID'],
  [`six @ https://example.org/six-1.0-py3-none-any.whl ${hash}`, 'ERR_ENV_LOCK_INVALID'],
  [`https://example.org/six-1.0-py3-none-any.whl ${hash}`, 'ERR_ENV_LOCK_INVALID'],
  [`./six-1.0-py3-none-any.whl ${hash}`, 'ERR_ENV_LOCK_INVALID'],
  [`six==1.0 ; python_version => "3" ${hash}`, 'ERR_ENV_LOCK_INVALID'],
  ['--index-url https://user:secret@index.example.org/simple', 'ERR_ENV_LOCK_INVALID'],
  ['--index-url https://$' + '{TOKEN}@index.example.org/simple', 'ERR_ENV_LOCK_INVALID'],
  ['--index-url file:///etc', 'ERR_ENV_LOCK_INVALID'],
  ['<<<<<<< HEAD', 'ERR_ENV_LOCK_INVALID'],
] as const
for (const [line, code] of refusals) {
  test(`refuses \`${line.slice(0, 60)}\` with ${code}, by file and line`, () => {
    const good = `iniconfig==2.0.0 ${hash}\n\n`
    assert.throws(
      () => parse(`${good}${line}\n`),
      (error) => isDomainError(error, code) && error.message.startsWith('env/requirements.lock:3: '),
    )
    assert.equal(parse(good).requirements.length, 1)
  })
}

test('never shows a credential of an index', () => {
  assert.throws(
    () => parse('--index-url https://user:hunter2@index.example.org/simple'),
    (error) => error instanceof Error && !error.message.includes('hunter2'),
  )
})

test('refuses bytes that are not UTF-8', () => {
  assert.throws(
    () => parseLock('requirements.txt', Buffer.from([0xff, 0xfe, 0x41])),
    (error) => isDomainError(error, 'ERR_ENV_LOCK_INVALID'),
  )
})

test('chooses the adapter by the name of the file, and refuses what none knows', () => {
  for (const name of ['requirements.lock', 'requirements.txt', 'requirements-dev.txt', 'dev-requirements.lock']) {
    assert.ok(
      lockAdapters.some((adapter) => adapter.matches(name)),
      name,
    )
  }
  for (const name of ['pdm.lock', 'conda-lock.yml', 'pylock.a.b.toml', 'notes.txt']) {
    assert.throws(
      () => parseLock(`x/${name}`, Buffer.from('')),
      (error) => isDomainError(error, 'ERR_ENV_UNSUPPORTED'),
    )
  }
})

/** In a reader that looks at a run again from each of its places, these take hours. */
test('a megabyte of blanks in a line is read in one pass', () => {
  const blanks = ' '.repeat(1024 * 1024)
  const lock = parse(`six${blanks}==1.17.0${blanks}--hash=sha256:${a}${blanks}# why\n`)
  assert.deepEqual(
    lock.requirements.map(({ name, version }) => [name, version]),
    [['six', '1.17.0']],
  )
  assert.throws(() => parse(`six${blanks}x\n`), { code: 'ERR_ENV_LOCK_INVALID' })
})
