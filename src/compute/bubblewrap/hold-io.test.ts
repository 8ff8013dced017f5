import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { holdIo } from './hold-io.fs.ts'
import { watchIo } from './io.fs.ts'
import { processState } from './process-facts.fs.ts'

test('one that is ahead of its rate is stopped; a process that nobody looked at, or that has the number of one, is not', async (context) => {
  const started = (words: string) => {
    const child = spawn('sh', ['-c', words], { stdio: ['pipe', 'ignore', 'ignore'] })
    context.after(() => void child.kill('SIGKILL'))
    return { child, pid: child.pid ?? 0 }
  }
  const { child, pid } = started('while true; do head -c 100000 /dev/zero; done')
  const { pid: other } = started('read forever')
  const io = watchIo()
  const hold = holdIo({ ioBytesPerSecond: 1 }, 'none', io)
  while (processState(pid)?.state !== 'T') {
    assert.equal(
      hold?.look([pid], () => [pid, other], true),
      undefined,
    )
    await setImmediate()
  }
  assert.ok(io.isSame(pid) && !io.isSame(other))
  assert.notEqual(processState(other)?.state, 'T')
  child.kill('SIGKILL')
  await once(child, 'exit')
  assert.ok(!io.isSame(pid), 'it has ended')
})
