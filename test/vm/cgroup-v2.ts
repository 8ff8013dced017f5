/**
 * Limits held by control groups of version 2, on a machine that has them: in a virtual one, by `scripts/cgroup-v2.sh`.
 *
 * Everything is as slow there as an interpreted processor is: no bound here is one of time but such that slowness widens.
 */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { Limits } from '../../src/compute/index.ts'
import { type Answer, driveOne, type Identity } from '../isolation/support.ts'

const identity = process.env['ASSAY_VM_IDENTITY'] === 'user' ? 'user' : ('root' satisfies Identity)
const mib = 2 ** 20
const hold = (size: number): string =>
  `python3 -c "b = bytearray(${size} << 20); b[::4096] = b'x' * len(b[::4096]); print('held')"`

async function held(context: TestContext, command: string, limits: Partial<Limits>): Promise<Answer> {
  const ask = { commands: [command], outs: ['out/a'], limits: { timeMs: 600_000, ...limits } }
  const answer = await driveOne(identity, context, ask)
  assert.equal(answer.resources.heldBy, 'cgroup-v2')
  return answer
}

const limitOf = ({ end }: Answer): string => (end.kind === 'limit' ? end.limit : end.kind)

test(`as ${identity}: memory`, async (context) => {
  const limits = { memoryBytes: 150 * mib }
  const hog = await held(context, hold(300), limits)
  assert.equal(limitOf(hog), 'memory')
  assert.ok((hog.resources.memoryPeakBytes ?? 0) <= limits.memoryBytes, 'never over it')
  assert.equal(limitOf(await held(context, hold(40), limits)), 'exited', 'the honest twin')
})

test(`as ${identity}: processes`, async (context) => {
  const sleepers = (count: number): string => `for i in $(seq ${count}); do sleep 2 & done; wait`
  assert.equal(limitOf(await held(context, sleepers(20), { processes: 10 })), 'processes')
  assert.equal(limitOf(await held(context, sleepers(4), { processes: 10 })), 'exited', 'the honest twin')
})

test(`as ${identity}: processors`, async (context) => {
  const busy = 'i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done'
  const { end, resources } = await held(context, busy, { cpus: 0.2 })
  assert.deepEqual(end, { kind: 'exited', code: 0 })
  assert.ok((resources.cpuMs ?? 0) < 0.3 * resources.wallMs, `${resources.cpuMs} of ${resources.wallMs} ms`)
})

test(`as ${identity}: reading and writing disks`, async (context) => {
  const both = 'dd if=/dev/zero of=out/a bs=1M count=40 conv=fsync && dd if=out/a of=/dev/null bs=1M iflag=direct'
  const { end, resources } = await held(context, both, { ioBytesPerSecond: 4 * mib })
  assert.deepEqual(end, { kind: 'exited', code: 0 })
  assert.equal(resources.ioHeldBy, 'cgroup-v2')
  assert.ok(resources.wallMs > 18_000, `80 MiB at 4 a second: ${resources.wallMs} ms`)
})
