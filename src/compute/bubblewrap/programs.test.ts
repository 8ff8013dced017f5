import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isOurs, nameOfProgram, nameOfStarted } from './programs.fs.ts'

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

test('of BusyBox the program is named that it was started as; any other file has its own name, whatever it is called by', () => {
  const named = (path: string, ...words: readonly string[]): string => nameOfStarted(path, () => words)
  assert.equal(named('/bin/busybox', 'sh', '-c', 'wget x'), 'sh')
  assert.equal(named('/bin/busybox', '-ash'), 'ash')
  assert.equal(named('/bin/busybox', '/usr/bin/wget', 'http://x'), 'wget')
  assert.equal(named('/bin/busybox', 'busybox', 'nc', '-l'), 'nc')
  assert.equal(named('/bin/busybox'), 'busybox', 'one whose words nobody could read')
  assert.equal(named('/usr/bin/python3.11', 'sh'), 'python3.11')
  assert.equal(named('/tmp/busybox', 'sh'), '/tmp/busybox', 'one that the stage brought')
})
