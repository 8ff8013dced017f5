import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { findEngineProgram, versionOf } from './engine-program.exec.ts'

const unavailable = { code: 'ERR_ENGINE_UNAVAILABLE' }

test('what is named as the program of an engine is one, and says its version', async (context) => {
  const folder = mkdtempSync(join(tmpdir(), 'assay-test-'))
  context.after(() => rmSync(folder, { recursive: true }))
  const program = (name: string, script: string): string => {
    writeFileSync(join(folder, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 })
    return join(folder, name)
  }
  const wanted = { engine: 'gvisor', help: 'x' } as const
  const find = (named: string): string => findEngineProgram({ ...wanted, name: 'runsc', named }).path
  const ask = (path: string, timeoutMs?: number): Promise<string> =>
    versionOf({ ...wanted, path, says: /^runsc version (\S+)/, ...(timeoutMs === undefined ? {} : { timeoutMs }) })
  const honest = program('honest', 'echo runsc version 1.2')
  assert.equal(await ask(find(honest)), '1.2')

  mkdirSync(join(folder, 'inner'), { mode: 0o755 })
  for (const path of [join(folder, 'inner'), join(folder, 'absent')]) assert.throws(() => find(path), unavailable, path)
  await assert.rejects(ask(program('other', 'echo hello')), unavailable)
  await assert.rejects(ask(program('failing', 'exit 3')), unavailable)
  await assert.rejects(ask(program('hanging', 'exec sleep 600'), 300), unavailable)
})
