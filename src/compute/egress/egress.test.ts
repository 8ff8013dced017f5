import assert from 'node:assert/strict'
import { once } from 'node:events'
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { connect as connectTls } from 'node:tls'
import { type Egress, openEgress } from './egress.exec.ts'
import { egressLimitsOf } from './limits.ts'

const tools = { setpriv: '/usr/bin/setpriv', python: '/usr/bin/python3' }

function folderFor(context: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'assay-test-'))
  chmodSync(folder, 0o700)
  context.after(() => rmSync(folder, { recursive: true }))
  return folder
}

const beside = { tools, limits: egressLimitsOf({}), onLimit: () => assert.fail('no limit is passed') }

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
  const open = async (drainMs?: number): Promise<Readonly<{ egress: Egress; pid: number }>> => {
    const folder = folderFor(context)
    const patience = drainMs === undefined ? {} : { drainMs }
    const egress = await openEgress({ allowed: ['example.org:443'], permitted: [], folder, ...beside, ...patience })
    return { egress, pid: proxyAt(join(folder, 'egress')) }
  }
  const honest = await open()
  assert.deepEqual(await honest.egress.finish(), { connections: [], refused: [], more: 0 }, 'the honest twin')
  for (const signal of ['SIGKILL', 'SIGSTOP'] as const) {
    const attacked = await open(1000)
    process.kill(attacked.pid, signal)
    await assert.rejects(attacked.egress.finish(), { code: 'ERR_STAGE_NETWORK_UNKNOWN' }, signal)
    await attacked.egress[Symbol.asyncDispose]()
  }
})

/** The first bytes that a TLS client says to `localhost`. */
async function helloTo(port: number, server: ReturnType<typeof createServer>): Promise<Buffer> {
  const heard = once(server, 'connection').then(([socket]: Socket[]) => socket && once(socket, 'data'))
  const client = connectTls({ port, host: '127.0.0.1', servername: 'localhost' }).on('error', () => undefined)
  const [hello] = ((await heard) ?? []) as Buffer[]
  client.destroy()
  return hello ?? assert.fail('TLS said nothing')
}

test('what is told at the end is told whole, however much it is and however late it is read', async (context) => {
  const server = createServer((socket) => socket.on('error', () => undefined).resume())
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  context.after(() => server.close())
  const { port } = server.address() as AddressInfo
  const hello = await helloTo(port, server)
  const folder = folderFor(context)
  const allowed = [`localhost:${port}`]
  await using egress = await openEgress({ allowed, permitted: ['127.0.0.1'], folder, ...beside })
  const count = 600
  let reached = 0
  const faults: Error[] = []
  const awaitReached = async (wanted: number): Promise<void> => {
    for (let waited = 0; reached < wanted; waited += 1) {
      assert.deepEqual([faults, waited < 6000], [[], true], `${reached} of ${wanted} tunnels`)
      await setTimeout(5)
    }
  }
  server.on('connection', (socket) =>
    socket.once('data', () => {
      reached += 1
    }),
  )
  for (let made = 0; made < count; made += 1) {
    const tunnel = connect(join(folder, 'egress')).on('error', (error) => faults.push(error))
    tunnel.write(`CONNECT localhost:${port} HTTP/1.1\r\n\r\n`)
    tunnel.once('data', () => tunnel.write(hello))
    // the queue of a socket holds some 500: a proxy that is slow to start would be asked for more, and some be refused
    await awaitReached(made - 200)
  }
  await awaitReached(count)
  const finished = egress.finish()
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 400) // nobody reads while the proxy tells
  const { connections, more } = await finished
  assert.equal(connections.length + more, count)
})
