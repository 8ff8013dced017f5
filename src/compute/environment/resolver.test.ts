import assert from 'node:assert/strict'
import { tmpdir } from 'node:os'
import { test } from 'node:test'
import { isDomainError } from '../../core/index.ts'
import { startResolver } from './resolver.exec.ts'

const never = new AbortController().signal
const shell = (script: string, signal = never): ReturnType<typeof startResolver> =>
  startResolver('/bin/sh', ['-c', script], { cwd: tmpdir(), env: {}, signal })

test('what a resolver says at its end is handed on, whatever its code', async () => {
  assert.deepEqual(await shell('echo no >&2; exit 3'), { code: 3, text: 'no\n\n' })
  assert.deepEqual(await shell('exit 0'), { code: 0, text: '' })
})

test('a resolver that does not end by itself is told by code and with a next step', async () => {
  const refusals: readonly (readonly [() => ReturnType<typeof startResolver>, RegExp])[] = [
    [() => shell('while :; do echo 0123456789012345678901234567890123456789; done'), /said more than 1 MiB/],
    [() => shell('echo last >&2; kill -9 $$'), /was ended by SIGKILL: last$/],
    [() => startResolver('/nowhere/uv', [], { cwd: tmpdir(), env: {}, signal: never }), /does not start: ENOENT/],
  ]
  for (const [refused, because] of refusals) {
    await assert.rejects(
      refused(),
      (error) =>
        isDomainError(error, 'ERR_ENV_RESOLVE') && because.test(error.message) && /try again/.test(error.help ?? ''),
    )
  }
})

test('a resolver that was interrupted by its user is no fault of the lock', async () => {
  const controller = new AbortController()
  const running = shell('exec sleep 30', controller.signal)
  controller.abort()
  await assert.rejects(running, (error) => isDomainError(error, 'ERR_RUN_CANCELLED'))
})
