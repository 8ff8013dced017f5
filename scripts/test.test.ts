import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'

/** Runs the runner over these files; its exit code and its last line. */
function runOver(
  files: Readonly<Record<string, string>>,
): Readonly<{ exit: number | null; last: string; text: string }> {
  const folder = mkdtempSync(join(tmpdir(), 'test-runner-'))
  try {
    for (const [name, code] of Object.entries(files)) writeFileSync(join(folder, name), code)
    const command = [join(import.meta.dirname, 'test.ts'), 'files', join(folder, '*.test.mjs')]
    // A runner below a runner: without this the inner one would report to the outer one.
    const { NODE_TEST_CONTEXT: _, ...environment } = process.env
    const outcome = spawnSync(process.execPath, command, { encoding: 'utf8', env: environment })
    return { exit: outcome.status, last: outcome.stdout.trimEnd().split('\n').at(-1) ?? '', text: outcome.stdout }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

const passing = `import { test, describe } from 'node:test'; describe('s', () => { test('a', () => {}); test('b', () => {}) })`

test('tests that pass end with their number and exit 0', () => {
  const { exit, last } = runOver({ 'a.test.mjs': passing })
  assert.deepEqual({ exit, last }, { exit: 0, last: '2 passed, 0 failed' })
})

test('one test that fails is counted once, beside those that pass', () => {
  const failing = `import { test, describe } from 'node:test'; describe('s', () => { test('c', () => { throw new Error('no') }) })`
  const { exit, last, text } = runOver({ 'a.test.mjs': passing, 'b.test.mjs': failing })
  assert.deepEqual({ exit, last }, { exit: 1, last: '2 passed, 1 failed' })
  assert.match(text, /FAILED .*b\.test\.mjs: c\n {2}Error: no/)
})

test('a file that dies before its first test is a failure and says why', () => {
  const { exit, last, text } = runOver({ 'a.test.mjs': `throw new Error('dead on arrival')` })
  assert.deepEqual({ exit, last }, { exit: 1, last: '0 passed, 1 failed' })
  assert.match(text, /dead on arrival/)
})

test('a file without a test is a failure', () => {
  const { exit, last } = runOver({ 'a.test.mjs': passing, 'b.test.mjs': '' })
  assert.deepEqual({ exit, last }, { exit: 1, last: '2 passed, 1 failed' })
})

test('a hook that fails is a failure', () => {
  const hook = `import { test, describe, before } from 'node:test'; describe('s', () => { before(() => { throw new Error('hook') }); test('a', () => {}) })`
  assert.equal(runOver({ 'a.test.mjs': hook }).exit, 1)
})

test('a pattern that matches no file is a failure', () => {
  const { exit, last } = runOver({})
  assert.deepEqual({ exit, last }, { exit: 1, last: '0 passed, 1 failed' })
})
