import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { treeOf } from './process-facts.fs.ts'
import { writtenIn } from './written.fs.ts'

test('counts blocks, at least one for each name, and stops at so many names', (context) => {
  const folder = mkdtempSync(join(tmpdir(), 'assay-test-'))
  context.after(() => rmSync(folder, { recursive: true }))
  assert.deepEqual(writtenIn([folder, join(folder, 'gone')]), { bytes: 0 })
  mkdirSync(join(folder, 'inner'))
  for (const name of ['a', 'b', 'inner/c']) writeFileSync(join(folder, name), '')
  assert.deepEqual(writtenIn([folder]), { bytes: 4 * 4096 })
  writeFileSync(join(folder, 'a'), Buffer.alloc(1 << 20, 1))
  assert.ok(writtenIn([folder]).bytes >= (1 << 20) + 3 * 4096)
  assert.equal(writtenIn([folder], 4).fault, undefined)
  assert.equal(writtenIn([folder], 3).fault, 'it wrote more than 3 files and folders')
})

async function started(context: TestContext, code: string): Promise<ChildProcess> {
  const child = spawn('/usr/bin/python3', ['-c', code], { stdio: ['pipe', 'pipe', 'inherit'], cwd: '/' })
  context.after(() => child.kill('SIGKILL'))
  await once(child.stdout ?? assert.fail(), 'data')
  return child
}

test('a folder that cannot be looked into, for whatever reason, is over the limit; one that is gone is not', async (context) => {
  // the kernel answers EINVAL for the network of a process that has ended
  const child = await started(
    context,
    'import os, sys\npid = os.fork()\nif pid == 0: os._exit(0)\nos.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)\nprint(pid, flush=True)\nsys.stdin.read()',
  )
  const zombie = treeOf(child.pid ?? 0)[1] ?? assert.fail()
  assert.match(writtenIn([`/proc/${zombie}/net`]).fault ?? '', /nobody can look into, E[A-Z]+$/)
  assert.equal(writtenIn(['/nowhere', '/proc/self/status']).fault, undefined, 'the honest twin')
})
