import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { treeOf } from './process-facts.fs.ts'
import { rememberNames, writtenIn } from './written.fs.ts'

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

test('THREAT a folder with its time set back: what was made in it since is counted', async (context) => {
  const folder = mkdtempSync(join(tmpdir(), 'assay-test-'))
  context.after(() => rmSync(folder, { recursive: true }))
  writeFileSync(join(folder, 'a'), '')
  await sleep(100)
  const names = rememberNames([folder])
  const written = (): number => writtenIn([folder], undefined, names).bytes
  const nothingNew = names(Buffer.from(`${folder}/`))
  assert.equal(names(Buffer.from(`${folder}/`)), nothingNew, 'the honest twin: it is not listed again')
  writeFileSync(join(folder, 'a'), Buffer.alloc(1 << 20, 1))
  assert.ok(written() >= 1 << 20, 'the same names, and more in them')
  writeFileSync(join(folder, 'b'), Buffer.alloc(1 << 20, 1))
  utimesSync(folder, 0, 0)
  assert.ok(written() >= 2 << 20)
  rmSync(join(folder, 'a'))
  assert.ok(written() < 2 << 20)
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
