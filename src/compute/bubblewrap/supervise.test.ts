import assert from 'node:assert/strict'
import { statfsSync } from 'node:fs'
import { test } from 'node:test'
import { plainEngine } from './box-engine.ts'
import { supervise } from './supervise.fs.ts'

test('while a sandbox is being set up, what lies in /tmp of the machine is not taken for what the stage wrote', () => {
  const limits = { cpus: 1, memoryBytes: 2 ** 40, timeMs: 60_000, processes: 10, outputBytes: 2 ** 40 }
  const { blocks, bfree, bsize } = statfsSync('/tmp')
  assert.ok((blocks - bfree) * bsize > 0, 'the machine has written something')
  // this process has the root that a sandbox has before it has its own
  const watch = supervise({
    limits,
    group: undefined,
    firstPid: process.pid,
    scratch: [],
    shell: '/usr/bin/dash',
    engine: plainEngine,
    stop: () => undefined,
  })
  try {
    assert.deepEqual(watch.written(), { bytes: 0 })
  } finally {
    watch.close()
  }
})
