/** What the engines must do as bubblewrap does, beyond `isolation/stages.ts`: names, secrets, hosts on a list. */
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, type TestContext, test } from 'node:test'
import type { EngineName } from '../../src/core/index.ts'
import { type Ask, driverOf, identities } from '../isolation/support.ts'

export function describeEngine(engine: EngineName): void {
  const { drive, driveOne } = driverOf(engine)
  for (const identity of identities)
    describe(`the engine ${engine}, as ${identity}`, () => {
      test('a stage with a list of hosts reaches them by the proxy, and nothing else, on record', async (context) => {
        const port = await site(context)
        const network = { allowed: [`localhost:${port}`], permitted: ['127.0.0.0/8', '::1'] }
        const [honest, hostile] = await drive(identity, context, [
          { ...asking([`http://localhost:${port}/data`]), network },
          { ...asking(['http://example.org/', `http://localhost:${port}/data`]), network },
        ])
        assert.deepEqual(honest?.log.tail, ['hello'])
        assert.equal(honest?.network.deniedAttempts, 0)
        assert.deepEqual(
          honest?.network.connections?.map(({ host }) => host),
          ['localhost'],
        )
        assert.deepEqual(hostile?.log.tail, ['HTTPError', 'hello'])
        assert.equal(hostile?.network.deniedAttempts, 1)
        assert.match(hostile?.network.destinations.join(' ') ?? '', /example\.org/)
      })

      test('one that goes past the proxy is counted; without the attempt it is not', async (context) => {
        const direct = `python3 -c 'import socket
try: socket.create_connection(("203.0.113.9", 80), 1)
except OSError as fault: print(fault.errno)'`
        const network = { allowed: ['localhost:1'], permitted: ['127.0.0.0/8'] }
        const [attempt, honest] = await drive(identity, context, [
          { commands: [direct], network },
          { commands: ['true'], network },
        ])
        assert.deepEqual(attempt?.log.tail, ['101'])
        assert.deepEqual([attempt?.network.deniedAttempts, honest?.network.deniedAttempts], [1, 0])
      })

      test('a secret is a file in memory that only the stage reads; printed or written, it is found', async (context) => {
        const secrets = [{ name: 'label-service', value: 'a-secret-of-some-length' }]
        const file = '/run/secrets/label-service'
        const [honest, printed, written] = await drive(identity, context, [
          {
            commands: [`stat -c '%a %u' ${file}; wc -c < ${file}; (echo x > ${file}) 2>/dev/null || echo kept`],
            secrets,
          },
          { commands: [`base64 ${file}`], secrets },
          { commands: [`cp ${file} out/x; chmod 644 out/x`], outs: ['out/x'], secrets },
        ])
        assert.deepEqual(honest?.log.tail, ['400 1000', '23', 'kept'])
        assert.deepEqual(honest?.printedSecrets, [])
        assert.deepEqual(printed?.printedSecrets, [{ what: 'the secret label-service', granted: true }])
        assert.doesNotMatch(printed?.log.tail.join(''), /YS1zZWNyZXQ/)
        assert.deepEqual(written?.outs, {})
        assert.equal(written?.faults[0]?.leaks?.[0]?.what, 'the secret label-service')
      })

      test('names the programs that ran, and none of its own', async (context) => {
        const { resources } = await driveOne(identity, context, {
          commands: ["python3 -c 'import time; time.sleep(1.5)'"],
        })
        assert.match(resources.programs?.join(' ') ?? '', /python3/)
        assert.doesNotMatch(resources.programs?.join(' ') ?? '', /podman|conmon|runc|runsc|bwrap|unshare|setpriv/)
        assert.ok(resources.wallMs >= 1500 && (resources.memoryPeakBytes ?? 0) > 1 << 20)
      })

      test('thinks that it is an ordinary user without a power, and unpacks an archive of another', async (context) => {
        const { end, log, outs } = await driveOne(identity, context, {
          commands: [
            'id -u; grep -c "^Cap.*:[[:space:]]*0*$" /proc/self/status; tar -cf /tmp/a.tar --owner=77 --group=77 -C /usr/share/common-licenses MIT 2>/dev/null || tar -cf /tmp/a.tar --owner=77 --group=77 -C /etc hostname; mkdir out/a; tar -xf /tmp/a.tar -C out/a && ls out/a | wc -l',
          ],
          outs: ['out/a'],
        })
        assert.deepEqual(end, { kind: 'exited', code: 0 }, log.tail.join('\n'))
        assert.deepEqual(log.tail, ['1000', '5', '1'])
        assert.equal(Object.keys(outs['out/a'] ?? {}).length, 1)
      })

      test('a stage that is to be traced is refused, and has not run', async (context) => {
        await assert.rejects(
          driveOne(identity, context, { commands: ['true'], trace: true }, {}, { environment: { OWN: 'driver' } }),
          /ERR_ENGINE_UNSUPPORTED/,
        )
      })
    })
}

async function site(context: TestContext): Promise<number> {
  const server = createServer((_request, response) => response.end('hello'))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  context.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return (server.address() as AddressInfo).port
}

function asking(addresses: readonly string[]): Ask {
  const program = `import sys, urllib.request
for address in sys.argv[1:]:
    try: print(urllib.request.urlopen(address, timeout=20).read().decode())
    except OSError as fault: print(type(fault).__name__)
`
  const proxy = 'http://127.0.0.1:3128'
  return {
    files: { 'ask.py': program },
    commands: [`python3 ask.py ${addresses.join(' ')}`],
    variables: { http_proxy: proxy, https_proxy: proxy },
  }
}
