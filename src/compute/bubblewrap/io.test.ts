import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { describe, test } from 'node:test'
import { passedIo } from './hold-io.fs.ts'
import { watchIo } from './io.fs.ts'
import { treeOf } from './process-facts.fs.ts'
import { endAfter } from './run.ts'

const mib = 2 ** 20

/** Eight readers of 10 MiB, one after another, each gone before the next: what of it is counted, in MiB. */
async function counted(before: string, after: string): Promise<number> {
  const program = `
import os, signal
def read():
    with open('/dev/zero', 'rb', buffering=0) as file:
        for _ in range(10): file.read(1 << 20)
def step():
    os.write(1, b'.'); os.read(0, 1)
${before}
for _ in range(8):
    pid = os.fork()
    if pid == 0:
        read(); step(); os._exit(0)
    ${after}
    step()
`
  const child = spawn('python3', ['-c', program], { stdio: ['pipe', 'pipe', 'inherit'] })
  const io = watchIo()
  child.stdout.on('data', () => {
    io.look(treeOf(child.pid ?? 0))
    child.stdin.write('\n')
  })
  const [code] = await once(child, 'exit')
  assert.equal(code, 0)
  return (io.sum().ioReadBytes ?? 0) / mib
}

describe('what was seen of a process is counted once, whoever waits for it', { concurrency: true }, () => {
  const untilGone = `
    while os.path.exists('/proc/%d' % pid): pass`
  for (const [what, before, after, least] of [
    ['a parent that waits', '', 'os.waitpid(pid, 0)', 80],
    ['a parent that ignores the ends', 'signal.signal(signal.SIGCHLD, signal.SIG_IGN)', untilGone, 80],
    [
      'one that ignores them and reads itself',
      'signal.signal(signal.SIGCHLD, signal.SIG_IGN)',
      `${untilGone}\n    read()`,
      160,
    ],
  ] as const)
    test(what, async () => {
      const sum = await counted(before, after)
      assert.ok(sum >= least && sum < least + 8, `${sum} MiB`)
    })
})

test('a total that is seen to be passed only after the end is passed all the same', () => {
  const passed = { isLogFull: false, network: undefined }
  const end = { kind: 'exited', code: 0 } as const
  const after = (ioReadBytes: number) => endAfter(end, { ...passed, io: passedIo({ ioBytes: 100 }, { ioReadBytes }) })
  assert.deepEqual(after(101), { kind: 'limit', limit: 'io', because: 'it read and wrote more than 100 bytes' })
  assert.deepEqual(after(100), end)
})
