import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { isDomainError } from '../../core/index.ts'
import type { Environment } from '../environment.ts'
import { prepareEnvironment } from './prepare.ts'
import { requestFor, scratchFolder } from './testing.exec.ts'

type Variables = Readonly<Record<string, string | undefined>>

function host(root: string, environment: Variables): Promise<Environment> {
  return prepareEnvironment(requestFor(root, { kind: 'host' }, { caller: { environment, workingFolder: root } }))
}

function fact(environment: Environment, name: string): string | undefined {
  return environment.facts.find((candidate) => candidate.name === name)?.value
}

test('records the system interpreter and packages; /usr needs no mount, and nothing is locked', async (context) => {
  const root = scratchFolder(context)
  const first = await host(root, { PATH: '/usr/bin:/bin' })
  const { mounts, locked, kind, path } = first
  assert.deepEqual({ mounts, locked, kind }, { mounts: [], locked: false, kind: 'host' })
  assert.ok(path.includes('/usr/bin'))
  assert.match(fact(first, 'python/version') ?? '', /^3\.\d+\.\d+$/)
  assert.match(fact(first, 'libc') ?? '', /^(glibc|musl) \d/)
  assert.match(fact(first, 'system/packages-digest') ?? '', /^sha256:/)
  assert.equal((await host(root, { PATH: '/usr/bin:/bin' })).digest, first.digest)
})

test('works where there is no Python at all', async (context) => {
  const environment = await host(scratchFolder(context), { PATH: '/nowhere' })
  assert.equal(fact(environment, 'python/version'), 'none')
  assert.deepEqual(environment.mounts, [])
  assert.deepEqual(environment.packages, [])
})

test('mounts a virtual environment, lists what is installed in it, and differs by it', async (context) => {
  const root = scratchFolder(context)
  const virtual = join(root, 'venv')
  execFileSync('/usr/bin/python3', ['-m', 'venv', '--without-pip', virtual])
  const caller = { PATH: `${virtual}/bin:/usr/bin:/bin`, HOME: root, VIRTUAL_ENV: virtual }
  const empty = await host(root, caller)
  assert.deepEqual(empty.mounts, [{ source: virtual, target: virtual }])
  assert.equal(empty.path[0], `${virtual}/bin`)
  assert.equal(empty.variables['VIRTUAL_ENV'], virtual)
  assert.deepEqual(empty.packages, [])
  const site = execFileSync(`${virtual}/bin/python`, ['-c', 'import site; print(site.getsitepackages()[0])'], {
    encoding: 'utf8',
  })
  mkdirSync(join(site.trim(), 'Thing-1.5.dist-info'))
  writeFileSync(join(site.trim(), 'dev.pth'), '/somewhere/else\n')
  const filled = await host(root, caller)
  assert.deepEqual(filled.packages, [{ name: 'Thing', version: '1.5' }])
  assert.deepEqual(filled.warnings, ['an installed package lies in `/somewhere/else`, which no stage sees'])
  assert.notEqual(filled.digest, empty.digest)
})

test('asks a shim once which interpreter it stands for, and passes a broken one over', async (context) => {
  const root = scratchFolder(context)
  const shims = join(root, 'shims')
  mkdirSync(shims)
  const shim = (text: string): void => {
    writeFileSync(join(shims, 'python3'), `#!/bin/sh\n${text}\n`)
    chmodSync(join(shims, 'python3'), 0o755)
  }
  const direct = await host(root, { PATH: '/usr/bin' })
  for (const text of ['exec /usr/bin/python3 "$@"', 'echo "command not found" >&2; exit 127']) {
    shim(text)
    const environment = await host(root, { PATH: `${shims}:/usr/bin` })
    assert.equal(environment.digest, direct.digest)
    assert.deepEqual(environment.mounts, [])
  }
})

test('never mounts a home: an interpreter whose folder is one is refused', async (context) => {
  const root = scratchFolder(context)
  mkdirSync(join(root, 'bin'))
  mkdirSync(join(root, '.local', 'bin'), { recursive: true })
  const copy = (path: string): void => void execFileSync('cp', ['/usr/bin/python3', path])
  copy(join(root, 'bin', 'python3'))
  copy(join(root, '.local', 'bin', 'python3'))
  for (const folder of [join(root, 'bin'), join(root, '.local', 'bin')]) {
    await assert.rejects(
      () => host(root, { PATH: folder, HOME: root }),
      (error) => isDomainError(error, 'ERR_ENV_INTERPRETER') && error.message.includes('holds a home'),
    )
  }
  assert.deepEqual((await host(root, { PATH: '/usr/bin', HOME: root })).mounts, [])
})

test('a virtual environment that is the project itself is refused', async (context) => {
  const root = scratchFolder(context)
  execFileSync('/usr/bin/python3', ['-m', 'venv', '--without-pip', root])
  await assert.rejects(
    () => host(root, { PATH: `${root}/bin` }),
    (error) => isDomainError(error, 'ERR_ENV_INTERPRETER') && error.message.includes('the project'),
  )
})
