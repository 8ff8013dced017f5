import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { describeLimits } from '../isolation/limits.ts'
import { describeProbe } from '../isolation/probing.ts'
import { describeStages } from '../isolation/stages.ts'
import { driverOf, identities } from '../isolation/support.ts'
import { describeEngine } from './engine-stages.ts'
import { isHere } from './support.ts'

if (isHere('gvisor')) {
  describeStages('gvisor')
  describeEngine('gvisor')
  describeLimits('gvisor')
  // each of a kernel that is the stage's own
  describeProbe('gvisor', {
    escape: ['unshare_user', 'clone3_user_namespace', 'press_sysrq'],
    leak: ['command_line_of_kernel'],
    surface: ['call clone3', 'socket netlink', 'devices beyond the plain ones'],
  })
  const { drive } = driverOf('gvisor')
  for (const identity of identities)
    describe(`what only the kernel of a stage has, as ${identity}`, () => {
      test('a fifo in a folder that its owner closed, or that a daemon makes again and again, is in no out', async (context) => {
        const outs = ['out/x']
        const again = 'while :; do mkfifo out/x/f; rm out/x/f; done'
        const [honest, closed, daemon] = await drive(identity, context, [
          { commands: ['mkdir -p out/x/d; echo a > out/x/d/a'], outs },
          { commands: ['mkdir -p out/x/d; mkfifo out/x/d/f; chmod 0 out/x/d'], outs },
          { commands: [`mkdir -p out/x; echo a > out/x/a; (sh -c '${again}' >/dev/null 2>&1 &); sleep 0.3`], outs },
        ])
        assert.deepEqual(honest?.outs, { 'out/x': { 'd/a': 'a\n' } })
        assert.deepEqual(closed?.outs, {})
        assert.match(closed?.faults[0]?.because ?? '', /socket, fifo or device|permissions forbid/)
        assert.ok(daemon?.end.kind === 'exited' && daemon.end.code === 0)
        assert.ok(daemon.faults.length > 0 || !JSON.stringify(daemon.outs).includes('"f"'))
      })
    })
}
