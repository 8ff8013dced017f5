import assert from 'node:assert/strict'
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { type Egress, openEgress } from './egress.exec.ts'

const tools = { setpriv: '/usr/bin/setpriv', python: '/usr/bin/python3' }

function folderFor(context: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'assay-test-'))
  chmodSync(folder, 0o700)
  context.after(() => rmSync(folder, { recursive: true }))
  return folder
}

/** The one child of ours that was started with this socket. */
function proxyAt(socket: string): number {
  const children = readdirSync('/proc/self/task').flatMap((thread) =>
    readFileSync(`/proc/self/task/${thread}/children`, 'utf8').split(' ').filter(Boolean),
  )
  const [pid = assert.fail('there is no proxy')] = children.filter((each) =>
    readFileSync(`/proc/${each}/cmdline`, 'utf8').includes(`\0${socket}\0`),
  )
  return Number(pid)
}

test('what a stage connected to is known whole, or not taken for known', async (context) => {
  const open = async (): Promise<Readonly<{ egress: Egress; pid: number }>> => {
    const folder = folderFor(context)
    const egress = await openEgress({ allowed: ['example.org:443'], permitted: [], folder, tools })
    return { egress, pid: proxyAt(join(folder, 'egress')) }
  }
  const honest = await open()
  assert.deepEqual(await honest.egress.finish(), { connections: [], refused: [], more: 0 }, 'the honest twin')
  for (const signal of ['SIGKILL', 'SIGSTOP'] as const) {
    const attacked = await open()
    process.kill(attacked.pid, signal)
    await assert.rejects(attacked.egress.finish(), { code: 'ERR_STAGE_NETWORK_UNKNOWN' }, signal)
    await attacked.egress[Symbol.asyncDispose]()
  }
})
