import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { openStatCache, type StatCache } from '../../data/index.ts'
import { askShim } from './shim.exec.ts'
import { scratchFolder } from './testing.exec.ts'

type Pyenv = Readonly<{
  root: string
  memory: StatCache
  write(path: string, text: string, mode?: number): void
  ask(environment?: Readonly<Record<string, string>>): Promise<string | undefined>
  /** How often pyenv itself was asked. */
  asked(): number
}>

/** What pyenv writes, and a pyenv that counts and answers with the version that `.python-version` or `version` names. */
function pyenv(context: TestContext): Pyenv {
  // Whoever answers anew is believed once what he read is settled: a later change could look the same.
  context.mock.timers.enable({ apis: ['Date'], now: Date.now() + 10_000 })
  const root = scratchFolder(context)
  const write = (path: string, text: string, mode = 0o644): void => {
    mkdirSync(join(root, path, '..'), { recursive: true })
    writeFileSync(join(root, path), text)
    chmodSync(join(root, path), mode)
  }
  const shim = `#!/usr/bin/env bash\nset -e\nprogram="\${0##*/}"\nexport PYENV_ROOT="${root}"\nexec "${root}/libexec/pyenv" exec "$program" "$@"\n`
  write('shims/python3', shim, 0o755)
  const own = `#!/bin/sh\necho asked >> ${root}/calls\nread -r version < ${root}/project/.python-version || read -r version < ${root}/version\necho ${root}/versions/$version/bin/python3\n`
  write('libexec/pyenv', own, 0o755)
  for (const version of ['3.11.7', '3.12.1']) write(`versions/${version}/bin/python3`, '', 0o755)
  write('version', '3.11.7\n')
  write('calls', '')
  mkdirSync(join(root, 'project'))
  const memory = openStatCache(join(root, 'memory'))
  return {
    root,
    memory,
    write,
    ask: (environment = {}) =>
      askShim(
        join(root, 'shims/python3'),
        { environment: { PATH: '/usr/bin:/bin', ...environment }, workingFolder: join(root, 'project') },
        memory,
      ),
    asked: () => readFileSync(join(root, 'calls'), 'utf8').split('\n').length - 1,
  }
}

test('what a shim of pyenv stands for is asked once, and again when anything changed that decides', async (context) => {
  const { root, write, ask, asked } = pyenv(context)
  const [older, newer] = ['3.11.7', '3.12.1'].map((version) => join(root, 'versions', version, 'bin/python3'))
  assert.equal(await ask(), older)
  assert.equal(await ask(), older)
  assert.equal(asked(), 1)

  const changes: readonly Readonly<{ what: string; change(): void; answer: string | undefined }>[] = [
    { what: 'the version of the user', change: () => write('version', '3.12.1\n'), answer: newer },
    { what: 'a version of the project', change: () => write('project/.python-version', '3.11.7\n'), answer: older },
    { what: 'pyenv itself', change: () => chmodSync(join(root, 'libexec/pyenv'), 0o750), answer: older },
    {
      what: 'a version that was installed',
      change: () => write('versions/3.13.0/bin/python3', '', 0o755),
      answer: older,
    },
    { what: 'a hook', change: () => write('pyenv.d/exec/own.bash', '\n'), answer: older },
    {
      what: 'the interpreter itself',
      change: () => write('versions/3.11.7/bin/python3', '#!/bin/false\n', 0o755),
      answer: older,
    },
  ]
  for (const { what, change, answer } of changes) {
    const before = asked()
    change()
    assert.equal(await ask(), answer, what)
    assert.equal(asked(), before + 1, what)
    assert.equal(await ask(), answer, what)
    assert.equal(asked(), before + 1, `${what}, remembered`)
  }
  const before = asked()
  await ask({ PYENV_VERSION: '3.12.1' })
  assert.equal(asked(), before + 1, 'a variable of the caller')
})

test('not remembered: an answer outside of its versions, one of what is still changing, and a script that pyenv did not write', async (context) => {
  const { root, write, ask, asked } = pyenv(context)
  const honest = readFileSync(join(root, 'libexec/pyenv'), 'utf8')
  write('libexec/pyenv', honest.replace(/^echo \S+\/versions.*$/m, 'echo /usr/bin/python3'), 0o755)
  assert.equal(await ask(), '/usr/bin/python3')
  assert.equal(await ask(), '/usr/bin/python3')
  assert.equal(asked(), 2)

  context.mock.timers.reset()
  write('libexec/pyenv', honest, 0o755)
  await ask()
  await ask()
  assert.equal(asked(), 4, 'written in this very second')

  context.mock.timers.enable({ apis: ['Date'], now: Date.now() + 10_000 })
  await ask()
  await ask()
  assert.equal(asked(), 5)
  const shim = readFileSync(join(root, 'shims/python3'), 'utf8')
  write('shims/python3', shim.replace('exec "', '"'), 0o755)
  await ask()
  await ask()
  assert.equal(asked(), 7)
})

test('a shim that fails stands for nothing, and what it said before is not said again', async (context) => {
  const { root, write, ask } = pyenv(context)
  assert.ok((await ask())?.endsWith('3.11.7/bin/python3'))
  renameSync(join(root, 'versions/3.11.7'), join(root, 'versions/gone'))
  write('libexec/pyenv', '#!/bin/sh\nexit 127\n', 0o755)
  assert.equal(await ask(), undefined)
})
