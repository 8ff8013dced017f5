/**
 * The two processes between a stage and the hosts on its list. Neither holds a key, a secret or the project.
 *
 * `proxy <socket>`: decides; outside of the sandbox; listens on a socket file, reads its list from stdin, tells each
 * connection as a line of JSON on stdout. `front <socket>`: in the sandbox's network alone, where it stands for the
 * proxy at 127.0.0.1; it hands every byte on and decides nothing.
 */
import { lookup } from 'node:dns/promises'
import { connect, createServer } from 'node:net'
import { text } from 'node:stream/consumers'
import { parseSubnets } from './addresses.http.ts'
import { type AllowedHost, parseAllowedHost } from './destination.ts'
import type { EgressLimits } from './limits.ts'
import { openProxy } from './proxy.http.ts'
import type { EgressEvent } from './record.ts'

type Asked = Readonly<{ allowed: readonly string[]; permitted: readonly string[]; limits: EgressLimits }>

/** Where the stage finds it. */
const port = 3128
const tellEveryMs = 250
/** LIMIT: how long its connections may take to end. */
const closeMs = 30_000

const [mode, socket = ''] = process.argv.slice(2)
if (mode === 'proxy') await proxy()
else if (mode === 'front') front()
else process.exitCode = 2

async function proxy(): Promise<void> {
  const { allowed, permitted, limits } = JSON.parse(await text(process.stdin)) as Asked // our own text
  const hosts = allowed.map(parseAllowedHost)
  if (hosts.includes(undefined)) throw new Error('a host of the list is none')
  const tell = (event: EgressEvent): void => void process.stdout.write(`${JSON.stringify(event)}\n`)
  const { server, traffic, close } = openProxy({
    allowed: hosts as AllowedHost[], // none is undefined: see above
    permitted: parseSubnets(permitted),
    limits,
    resolve: (host) => lookup(host, { all: true, verbatim: true }),
    onEvent: tell,
    now: () => new Date(),
  })
  let told = 0
  const tellTraffic = (): void => {
    const now = traffic()
    if (now.sentBytes + now.receivedBytes === told) return
    told = now.sentBytes + now.receivedBytes
    tell({ kind: 'traffic', ...now })
  }
  setInterval(tellTraffic, tellEveryMs)
  // INVARIANT: 0 says that every connection was told to its end; whoever reads any other code knows that one may be missing
  process.once('SIGTERM', () => {
    setTimeout(() => process.exit(1), closeMs)
    void close().then(() => {
      tellTraffic()
      process.stdout.write('', () => process.exit(0)) // what is queued goes with a process that does not wait for it
    })
  })
  server.listen(socket, () => process.stdout.write('{"kind":"ready"}\n'))
}

function front(): void {
  const server = createServer({ allowHalfOpen: true }, (near) => {
    const far = connect({ path: socket, allowHalfOpen: true })
    near.on('error', () => far.destroy())
    far.on('error', () => near.destroy())
    near.pipe(far)
    far.pipe(near)
  })
  server.listen(port, '127.0.0.1', () => process.stdout.write('{"kind":"ready"}\n'))
}
