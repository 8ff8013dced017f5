import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isOurs, nameOfProgram } from './programs.fs.ts'

test('what a stage is started by is none of its programs; the same, started by the stage, is', () => {
  for (const name of ['bwrap', 'prlimit', 'setpriv', 'unshare', 'env']) {
    assert.deepEqual(
      [1, 2, 3, undefined].map((number) => isOurs(name, () => number)),
      [true, true, false, false],
      name,
    )
  }
  assert.equal(
    isOurs(nameOfProgram('/usr/bin/python3.11'), () => 2),
    false,
  )
  assert.equal(
    isOurs(nameOfProgram('/tmp/prlimit'), () => 2),
    false,
    'one that the stage brought',
  )
  assert.equal(
    isOurs(nameOfProgram('/'), () => 1),
    true,
    'runc, whose file is in no folder',
  )
})

test('a program that is reached through /proc or /dev/fd keeps its whole path', () => {
  assert.deepEqual(['/proc/self/cwd/python3', '/dev/fd/3', '/usr/bin/python3'].map(nameOfProgram), [
    '/proc/self/cwd/python3',
    '/dev/fd/3',
    'python3',
  ])
})
